"""The recipes, by name; each is one file that reads from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from cutaway.core.errors import choose
from cutaway.training.recipe import Recipe

RECIPES: Mapping[str, str] = {
    "partworld": "cutaway.training.recipes.partworld",
    "cifar10": "cutaway.training.recipes.cifar10",
    "airbench": "cutaway.training.recipes.airbench",
    "adversarial": "cutaway.training.recipes.adversarial",
    "clear": "cutaway.training.recipes.clear",
    "clear-noise": "cutaway.training.recipes.clear_noise",
    "bias-free": "cutaway.training.recipes.bias_free",
    "conjunction-disjunction": "cutaway.training.recipes.conjunction_disjunction",
    "directional": "cutaway.training.recipes.directional",
    "gumbel": "cutaway.training.recipes.gumbel",
    "two-layers": "cutaway.training.recipes.two_layers",
    "shallow": "cutaway.training.recipes.shallow",
    "buckets": "cutaway.training.recipes.buckets",
    "positive": "cutaway.training.recipes.positive",
    "bagnet": "cutaway.training.recipes.bagnet",
    "bcos": "cutaway.training.recipes.bcos",
    "protopnet": "cutaway.training.recipes.protopnet",
    "deformable-prototypes": "cutaway.training.recipes.deformable_prototypes",
}
"""Name -> module with a `RECIPE`; a module is imported when its recipe is asked for."""


def recipe(name: str) -> Recipe:
    """The recipe of that name; an OptionError that lists all where there is none."""
    found: Recipe = import_module(RECIPES[choose(name, RECIPES, "recipe")]).RECIPE
    return found
