"""Disjunction and conjunction of units: a soft maximum and a mean over groups of channels, and one learned scale."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from cutaway.core.errors import OptionError
from cutaway.whitebox.gradients import Weighing, at_least_one, positive

Units = Float[Tensor, "batch units *places"]
Pooled = Float[Tensor, "batch groups *places"]


class SoftMaxPool(Weighing):
    """One of each group's units must fire: y_k = sum over j of softmax(u / t)_j u_j, a differentiable disjunction.

    The units lie in `groups` consecutive groups along axis 1; `(batch, units, ...)` becomes `(batch, groups, ...)`.
    y_k never exceeds the group's maximum and tends to it as t -> 0; as t grows it tends to the mean; equal units give
    their value back. With `detach` the weights count as constants of the gradient: dy_k/du_j = softmax(u / t)_j, so
    y_k = <dy_k/du, u>, and a network that is homogeneous without this layer stays so.

    Raises OptionError for groups < 1, a temperature <= 0, and units that the groups do not divide.
    """

    def __init__(self, groups: int, temperature: float = 1.0, detach: bool = False) -> None:
        super().__init__()
        self.groups = at_least_one(groups, "groups")
        self.temperature = positive(temperature, "temperature")
        self.detach = detach

    def forward(self, units: Units) -> Pooled:
        grouped = _grouped(units, self.groups)
        weights = torch.softmax(grouped / positive(self.temperature, "temperature"), dim=2)
        return ((weights.detach() if self.detach else weights) * grouped).sum(2)

    def extra_repr(self) -> str:
        return f"groups={self.groups}, temperature={self.temperature}, detach={self.detach}"


class Somewhere(Weighing):
    """A unit must fire at one place at least: y_k = sum over places p of softmax(u_k / t)_p u_kp, a soft maximum.

    (batch, units, height, width) becomes (batch, units). As `SoftMaxPool` over places instead of units; with `detach`
    the gradient is spread over the places as the weights are. Raises OptionError for a temperature <= 0.
    """

    def __init__(self, temperature: float = 1.0, detach: bool = False) -> None:
        super().__init__()
        self.temperature, self.detach = positive(temperature, "temperature"), detach

    def forward(self, maps: Float[Tensor, "batch units height width"]) -> Float[Tensor, "batch units"]:
        places = maps.flatten(2)
        weights = torch.softmax(places / positive(self.temperature, "temperature"), dim=2)
        return ((weights.detach() if self.detach else weights) * places).sum(2)

    def extra_repr(self) -> str:
        return f"temperature={self.temperature}, detach={self.detach}"


class GroupMean(nn.Module):
    """All of each group's units should fire: y_k = the mean of its units, a linear conjunction.

    The units lie in `groups` consecutive groups along axis 1. Raises OptionError as `SoftMaxPool` does.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = at_least_one(groups, "groups")

    def forward(self, units: Units) -> Pooled:
        return _grouped(units, self.groups).mean(2)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Scale(nn.Module):
    """One learned scalar: y = s x. It sets how sure scores are, and changes neither their order nor any direction."""

    def __init__(self, value: float = 1.0) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(float(value)))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.value * inputs


def _grouped(units: Tensor, groups: int) -> Float[Tensor, "batch groups each *places"]:
    if units.ndim < 2 or units.shape[1] % groups:
        given = f"{units.shape[1]} units" if units.ndim > 1 else f"a tensor of shape {tuple(units.shape)}"
        raise OptionError(
            f"{given} in {groups} groups; expected (batch, units, ...) with units a multiple of {groups}; "
            f"try as many output channels of the layer before as a multiple of {groups}"
        )
    return rearrange(units, "batch (groups each) ... -> batch groups each ...", groups=groups)
