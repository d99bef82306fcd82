"""Feature visualization: pictures of what the parts of a network look for.

    visualize(model, unit("features.12:31")).save("out")

Olah, Mordvintsev and Schubert 2017, "Feature Visualization".
"""

from cutaway.featurevis.dreams import accentuate, dream
from cutaway.featurevis.edits import Edit
from cutaway.featurevis.motion import moved_scores
from cutaway.featurevis.objectives import (
    Objective,
    activation_match,
    alignment,
    batch,
    class_score,
    copies,
    deepdream,
    direction,
    directions,
    diversity,
    interpolation,
    neuron,
    unit,
    units,
)
from cutaway.featurevis.parameterizations import PARAMETERIZATIONS, Parameterization
from cutaway.featurevis.presets import PRESETS, Preset
from cutaway.featurevis.regularizers import REGULARIZERS
from cutaway.featurevis.search import Trial, search
from cutaway.featurevis.terms import Term
from cutaway.featurevis.transforms import TRANSFORMS
from cutaway.featurevis.visualization import Visualization
from cutaway.featurevis.visualize import visualize

__all__ = [
    "PARAMETERIZATIONS",
    "PRESETS",
    "REGULARIZERS",
    "TRANSFORMS",
    "Edit",
    "Objective",
    "Parameterization",
    "Preset",
    "Term",
    "Trial",
    "Visualization",
    "accentuate",
    "activation_match",
    "alignment",
    "batch",
    "class_score",
    "copies",
    "deepdream",
    "direction",
    "directions",
    "diversity",
    "dream",
    "interpolation",
    "moved_scores",
    "neuron",
    "search",
    "unit",
    "units",
    "visualize",
]
