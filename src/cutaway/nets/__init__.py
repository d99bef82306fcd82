"""Networks: the Model with its preprocessing, and where models come from."""

from cutaway.nets.layers import LayerInfo
from cutaway.nets.load import load
from cutaway.nets.model import Model, Prediction, as_model
from cutaway.nets.preprocess import Preprocess

__all__ = ["LayerInfo", "Model", "Prediction", "Preprocess", "as_model", "load"]
