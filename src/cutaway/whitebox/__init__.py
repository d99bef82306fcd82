"""White-box layers: parts of networks whose gradients and decisions can be read as they are."""

from cutaway.whitebox.bcos import BcosConv2d
from cutaway.whitebox.deformable import DeformablePrototypeLayer
from cutaway.whitebox.gradients import weights_held
from cutaway.whitebox.groups import GroupMean, Scale, SoftMaxPool
from cutaway.whitebox.gumbel import GumbelConv2d
from cutaway.whitebox.perspective import PerspectiveConv2d
from cutaway.whitebox.positive import PositiveConv2d
from cutaway.whitebox.prototypes import PrototypeLayer
from cutaway.whitebox.scales import ScaleConv2d
from cutaway.whitebox.views import MaxOverViews, flips, quarter_turns, shifts

__all__ = [
    "BcosConv2d",
    "DeformablePrototypeLayer",
    "GroupMean",
    "GumbelConv2d",
    "MaxOverViews",
    "PerspectiveConv2d",
    "PositiveConv2d",
    "PrototypeLayer",
    "Scale",
    "ScaleConv2d",
    "SoftMaxPool",
    "flips",
    "quarter_turns",
    "shifts",
    "weights_held",
]
