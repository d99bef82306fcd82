"""ProtoPNet: a score is a weighted sum of likenesses to patches of training pictures (Chen et al. 2019).

    cutaway train protopnet

After the placing every prototype is a patch of a training picture, and the head alone learns. For birds, on a frozen
encoder, see docs/whitebox.md.
"""

from __future__ import annotations

from cutaway.nets.zoo.prototype_net import protopnet
from cutaway.training.prototypes import prototype_recipe

RECIPE = prototype_recipe("protopnet", __doc__.splitlines()[0], protopnet)
