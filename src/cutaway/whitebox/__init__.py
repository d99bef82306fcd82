"""White-box layers: parts of networks whose gradients and decisions can be read as they are."""

from cutaway.whitebox.bcos import BcosConv2d
from cutaway.whitebox.contrast import Contrast
from cutaway.whitebox.deformable import DeformablePrototypeLayer
from cutaway.whitebox.directions import DirectionalPool2d
from cutaway.whitebox.divisive import DivisiveNorm2d
from cutaway.whitebox.gates import AnswerGate, SharedGate, SoftGate
from cutaway.whitebox.gradients import weighs, weights_held
from cutaway.whitebox.groups import GroupMean, Scale, SoftMaxPool, Somewhere
from cutaway.whitebox.gumbel import GumbelConv2d
from cutaway.whitebox.homogeneous import Homogeneous
from cutaway.whitebox.matched import MatchConv2d
from cutaway.whitebox.perspective import PerspectiveConv2d
from cutaway.whitebox.positive import PositiveConv2d
from cutaway.whitebox.prototypes import PrototypeLayer
from cutaway.whitebox.scales import ScaleConv2d
from cutaway.whitebox.views import MaxOverViews, flips, quarter_turns, shifts

__all__ = [
    "AnswerGate",
    "BcosConv2d",
    "Contrast",
    "DeformablePrototypeLayer",
    "DirectionalPool2d",
    "DivisiveNorm2d",
    "GroupMean",
    "GumbelConv2d",
    "Homogeneous",
    "MatchConv2d",
    "MaxOverViews",
    "PerspectiveConv2d",
    "PositiveConv2d",
    "PrototypeLayer",
    "Scale",
    "ScaleConv2d",
    "SharedGate",
    "SoftGate",
    "SoftMaxPool",
    "Somewhere",
    "flips",
    "quarter_turns",
    "shifts",
    "weighs",
    "weights_held",
]
