"""See, name, build and construct image classifiers: every part labelled.

import cutaway as cw

model = cw.load("cifar10")
explanation = cw.explain(model, "photo.jpg")
explanation.save("out")
"""

from importlib.metadata import version as _version

__version__ = _version("cutaway")

from cutaway.core.errors import CutawayError
from cutaway.data.pictures import read_image
from cutaway.explain import Explanation, explain
from cutaway.nets import LayerInfo, Model, Prediction, Preprocess, load
from cutaway.trace import activations, edit

__all__ = [
    "CutawayError",
    "Explanation",
    "LayerInfo",
    "Model",
    "Prediction",
    "Preprocess",
    "activations",
    "edit",
    "explain",
    "load",
    "read_image",
]
