"""First order: what every logit gains, in the linear approximation, from what is added to a layer's output."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.autograd.forward_ad as forward_ad
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from cutaway.core.errors import ForwardError, ModelError
from cutaway.core.types import Logits, Pictures
from cutaway.nets.model import Model
from cutaway.trace import trace
from cutaway.trace.taps import taps

Added = Callable[[Tensor], Tensor]
"""From a layer's output to what is added to it, of the same shape."""


def first_order(model: Model, pictures: Pictures, layer: str, added: Added) -> Logits:
    """The derivative of all logits (batch, classes) along `added(output of the layer)`: one pass for all classes.

    Derivatives are carried forward beside the data, so the cost does not grow with the number of classes. A network
    with an operation that has no forward rule is differentiated backwards, class by class.
    """
    try:
        return _forwards(model, pictures, layer, added)
    except (NotImplementedError, ForwardError) as error:
        if not isinstance(error if isinstance(error, NotImplementedError) else error.__cause__, NotImplementedError):
            raise
        return _backwards(model, pictures, layer, added)


def _forwards(model: Model, pictures: Pictures, layer: str, added: Added) -> Logits:
    def carry(output: Tensor) -> Tensor:
        point = output.detach().clone().requires_grad_()  # requiring gradients keeps torch from fused shortcuts
        dual: Tensor = forward_ad.make_dual(point, added(output.detach()))
        return dual.clone()  # a later layer may work in place

    # Of the kernels for attention only the plain one has forward rules.
    with torch.inference_mode(False), torch.enable_grad(), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
        with _torch_scripting_in_peace(), model.in_use(), taps(model.module, {layer: carry}):
            logits = model(pictures)
        gained: Tensor | None = forward_ad.unpack_dual(logits).tangent
    found: Tensor = torch.zeros_like(logits) if gained is None else gained
    return found.detach()


@contextmanager
def _torch_scripting_in_peace() -> Iterator[None]:
    """Torch scripts some of its forward rules when they are first needed, and warns that scripting is deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        yield


def _backwards(model: Model, pictures: Pictures, layer: str, added: Added) -> Logits:
    with torch.inference_mode(False), torch.enable_grad():
        seen = trace(model, pictures, [layer], cut=layer)
        if seen.logits is None:
            raise ModelError("the network gave no scores; expected scores of shape (batch, classes)")
        if not seen.logits.requires_grad:
            return torch.zeros_like(seen.logits)
        change = added(seen[layer].detach())
        per_class = [_gained(score, seen[layer], change, len(pictures)) for score in seen.logits.unbind(1)]
    return torch.stack(per_class, dim=1)


def _gained(score: Tensor, at: Tensor, change: Tensor, batch: int) -> Tensor:
    gradient = torch.autograd.grad(score.sum(), at, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(score).detach() if gradient is None else (gradient * change).reshape(batch, -1).sum(1)
