"""Prototypes of four parts that may move, each in its own direction; no network decides on their offsets.

    cutaway train deformable-prototypes

After the placing every prototype is a patch of a training picture, and the head alone learns. For birds, on a frozen
encoder, see docs/whitebox.md.
"""

from __future__ import annotations

from cutaway.nets.zoo.prototype_net import deformable_prototypes
from cutaway.training.prototypes import prototype_recipe

RECIPE = prototype_recipe("deformable-prototypes", __doc__.splitlines()[0], deformable_prototypes)
