"""The store: a sweep of a model over a data set, and the questions that it answers at once."""

from cutaway.store.engines import ENGINES
from cutaway.store.instances import COLUMNS
from cutaway.store.layers import default_layers
from cutaway.store.matrix import Matrix
from cutaway.store.pictures import Picture, changed, picture_of
from cutaway.store.plan import LayerPlan, Plan
from cutaway.store.projection import Projection
from cutaway.store.store import Store, Subset, Top
from cutaway.store.subsets import inside_lasso
from cutaway.store.sweep import sweep

__all__ = [
    "COLUMNS",
    "ENGINES",
    "LayerPlan",
    "Matrix",
    "Picture",
    "Plan",
    "Projection",
    "Store",
    "Subset",
    "Top",
    "changed",
    "default_layers",
    "inside_lasso",
    "picture_of",
    "sweep",
]
