"""Feature visualization: pictures of what the parts of a network look for.

    visualize(model, unit("features.12:31")).save("out")

Olah, Mordvintsev and Schubert 2017, "Feature Visualization".
"""

from cutaway.featurevis.objectives import (
    Objective,
    Term,
    batch,
    class_score,
    deepdream,
    direction,
    directions,
    neuron,
    unit,
    units,
)
from cutaway.featurevis.parameterizations import PARAMETERIZATIONS, Parameterization
from cutaway.featurevis.regularizers import REGULARIZERS
from cutaway.featurevis.transforms import TRANSFORMS
from cutaway.featurevis.visualization import Visualization
from cutaway.featurevis.visualize import visualize

__all__ = [
    "PARAMETERIZATIONS",
    "REGULARIZERS",
    "TRANSFORMS",
    "Objective",
    "Parameterization",
    "Term",
    "Visualization",
    "batch",
    "class_score",
    "deepdream",
    "direction",
    "directions",
    "neuron",
    "unit",
    "units",
    "visualize",
]
