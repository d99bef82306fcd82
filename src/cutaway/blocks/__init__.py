"""The building blocks of interpretability: a layer's channels, places and their meaning, as data that draws itself.

Olah, Satyanarayan, Johnson, Carter, Schubert, Ye and Mordvintsev 2018, "The Building Blocks of Interpretability".
"""

from cutaway.blocks.ablation import ablate_each
from cutaway.blocks.activation_grid import ActivationGrid, activation_grid
from cutaway.blocks.channel_attribution import ChannelAttribution, channel_attribution
from cutaway.blocks.default_layer import default_layer
from cutaway.blocks.icons import icons
from cutaway.blocks.semantic_dictionary import Entry, SemanticDictionary, semantic_dictionary

__all__ = [
    "ActivationGrid",
    "ChannelAttribution",
    "Entry",
    "SemanticDictionary",
    "ablate_each",
    "activation_grid",
    "channel_attribution",
    "default_layer",
    "icons",
    "semantic_dictionary",
]
