"""Attribution: which parts of an input argued for a score. One signature for every method."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cutaway.attribution.attribution import Attribution
from cutaway.attribution.cam import grad_cam, layer_cam
from cutaway.attribution.dynamic_linear import dynamic_linear
from cutaway.attribution.for_classes import for_classes
from cutaway.attribution.gradients import gradient, input_x_gradient, smoothgrad
from cutaway.attribution.integrated_gradients import integrated_gradients
from cutaway.attribution.lrp import lrp
from cutaway.attribution.modified_gradients import deconvnet, guided_backprop, guided_grad_cam
from cutaway.attribution.perturbation import occlusion
from cutaway.attribution.prediction_difference import prediction_difference
from cutaway.attribution.pullback import ascent, pullback
from cutaway.attribution.score_cam import score_cam
from cutaway.attribution.scores import Forward

METHODS: Mapping[str, Callable[..., Attribution]] = {
    "gradient": gradient,
    "input_x_gradient": input_x_gradient,
    "dynamic_linear": dynamic_linear,
    "integrated_gradients": integrated_gradients,
    "smoothgrad": smoothgrad,
    "guided_backprop": guided_backprop,
    "deconvnet": deconvnet,
    "pullback": pullback,
    "lrp": lrp,
    "grad_cam": grad_cam,
    "guided_grad_cam": guided_grad_cam,
    "layer_cam": layer_cam,
    "score_cam": score_cam,
    "occlusion": occlusion,
    "prediction_difference": prediction_difference,
}
"""Every method by its name: method(forward, inputs, target=None, *, versus=None, batch_size=None, **options)."""

__all__ = [
    "METHODS",
    "Attribution",
    "Forward",
    "ascent",
    "deconvnet",
    "dynamic_linear",
    "for_classes",
    "grad_cam",
    "gradient",
    "guided_backprop",
    "guided_grad_cam",
    "input_x_gradient",
    "integrated_gradients",
    "layer_cam",
    "lrp",
    "occlusion",
    "prediction_difference",
    "pullback",
    "score_cam",
    "smoothgrad",
]
