"""Explain one decision: `explain` asks attribution, blocks and feature visualization, and gives an Explanation.

`cutaway` binds the function to the name of this room: `cutaway.explain(...)` calls it, and what else is here is
reached by `from cutaway.explain import ...`.
"""

from cutaway.explain.build import explain
from cutaway.explain.explanation import Explanation, make_folder

__all__ = ["Explanation", "explain", "make_folder"]
