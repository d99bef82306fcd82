"""Attribution: which parts of an input argued for a score. One signature for every method."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cutaway.attribution.attribution import Attribution
from cutaway.attribution.gradients import gradient, input_x_gradient, smoothgrad
from cutaway.attribution.scores import Forward

METHODS: Mapping[str, Callable[..., Attribution]] = {
    method.__name__: method for method in (gradient, input_x_gradient, smoothgrad)
}
"""Every method by its name: method(forward, inputs, target=None, *, versus=None, batch_size=None, **options)."""

__all__ = ["METHODS", "Attribution", "Forward", "gradient", "input_x_gradient", "smoothgrad"]
