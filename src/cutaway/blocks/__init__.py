"""The building blocks of interpretability: a layer's channels, places and their meaning, as data that draws itself.

Olah, Satyanarayan, Johnson, Carter, Schubert, Ye and Mordvintsev 2018, "The Building Blocks of Interpretability".
"""

from cutaway.blocks.ablation import ablate_each
from cutaway.blocks.activation_atlas import ActivationAtlas, activation_atlas
from cutaway.blocks.activation_grid import ActivationGrid, activation_grid
from cutaway.blocks.building_blocks import BuildingBlocks, building_blocks
from cutaway.blocks.channel_attribution import ChannelAttribution, channel_attribution
from cutaway.blocks.default_layer import default_layer, layer_before
from cutaway.blocks.icons import icons
from cutaway.blocks.neuron_groups import NeuronGroups, neuron_groups
from cutaway.blocks.semantic_dictionary import Entry, SemanticDictionary, semantic_dictionary
from cutaway.blocks.spatial_attribution import SpatialAttribution, spatial_attribution

__all__ = [
    "ActivationAtlas",
    "ActivationGrid",
    "BuildingBlocks",
    "ChannelAttribution",
    "Entry",
    "NeuronGroups",
    "SemanticDictionary",
    "SpatialAttribution",
    "ablate_each",
    "activation_atlas",
    "activation_grid",
    "building_blocks",
    "channel_attribution",
    "default_layer",
    "icons",
    "layer_before",
    "neuron_groups",
    "semantic_dictionary",
    "spatial_attribution",
]
