"""Is `attribution` the same as captum's on the same networks? Norm of the difference as a share of the norm.

Both are given the same number of points per pass: at a kink of a network (a ReLU at 0, a tie in a max pooling) the last
bit of a sum decides on which side the gradient is taken, and torch sums in another order for another size of batch. In
SqueezeNet captum differs from itself by 6e-5 between batches of 8 and of 16; in double precision nothing differs. For
the same reason the numbers of steps are such that single precision holds the positions on the path exactly.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from _evidence import QUICK, ROOT, SHARED, report
from torch import Tensor, nn

import cutaway as cw
from cutaway import attribution
from cutaway.attribution import linear_rules

sys.path.insert(0, str(ROOT / "tests"))
import small_networks
from captum import attr as captum
from captum.attr._utils import lrp_rules

LIMIT = 1e-5
STEPS = 8 if QUICK else 32


def networks() -> dict[str, tuple[nn.Module, Tensor, str]]:
    """Name -> (network in evaluation mode, inputs as the network sees them, layer for the class activation map)."""
    found = {
        name: (small_networks.seeded(factory).eval(), small_networks.pictures(), layer)
        for name, factory, layer in (
            ("convnet, all in place", small_networks.Convnet, "pool"),
            ("tiny ViT", small_networks.TinyViT, "patch"),
            ("convnet of layers", Layers, "features.3"),
        )
    }
    generator = torch.Generator().manual_seed(0)
    squeezenet = cw.load(_with_weights("squeezenet1_1", "squeezenet1_1_imagenet"))
    resnet = cw.load(_with_weights("resnet20", "resnet20_cifar10"))
    found["squeezenet1_1"] = (squeezenet.module.eval(), _photographs(squeezenet, generator), "features.12")
    found["resnet20"] = (resnet.module.eval(), _normalised(resnet, (2, 3, 32, 32), generator), "layer2")
    cifar = cw.load("cifar10")
    found["cifar10 (shipped)"] = (cifar.module.eval(), _normalised(cifar, (2, 3, 32, 32), generator), "stage2")
    return found


def _with_weights(name: str, file: str) -> str:
    path = SHARED / "models" / f"{file}.safetensors"
    return f"{name}@{path}" if path.exists() else name


def _photographs(model: cw.Model, generator: torch.Generator) -> Tensor:
    files = sorted(Path(SHARED / "data" / "photos").glob("*.jpg"))[::300]
    if not files:
        return _normalised(model, (2, 3, 224, 224), generator)
    return model.preprocess.normalise(model.prepare([str(file) for file in files]))


def _normalised(model: cw.Model, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return model.preprocess.normalise(torch.rand(shape, generator=generator))


def pairs(
    name: str, network: nn.Module, inputs: Tensor, layer: str
) -> dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]]:
    """Method -> (ours, captum's), each as a function without arguments."""
    target = 3
    at_once = 4 * len(inputs)

    def copied(points: Tensor) -> Tensor:  # captum hands its own leaf to a first layer that works in place
        scores: Tensor = network(points.clone())
        return scores

    side = inputs.shape[-1]
    window, stride = (3, max(1, side // 4), max(1, side // 4)), (3, max(1, side // 4 - 1), max(1, side // 4 - 1))

    def integrated(
        rule: str, method: str, steps: int, factor: float = 1.0
    ) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
        def ours() -> Tensor:
            found = attribution.integrated_gradients(
                network, inputs, target, steps=steps, rule=rule, batch_size=at_once
            )
            return found.values

        def theirs() -> Tensor:
            found: Tensor = captum.IntegratedGradients(copied).attribute(
                inputs, target=target, n_steps=steps, method=method, internal_batch_size=at_once
            )
            return factor * found

        return ours, theirs

    def cam() -> Tensor:
        found = captum.LayerGradCam(copied, network.get_submodule(layer)).attribute(
            inputs, target=target, relu_attributions=True
        )
        return captum.LayerAttribution.interpolate(found, inputs.shape[-2:], "bilinear")[:, 0]

    found = {
        "gradient": (
            lambda: attribution.gradient(network, inputs, target).values,
            lambda: captum.Saliency(copied).attribute(inputs, target=target, abs=False),
        ),
        "input_x_gradient": (
            lambda: attribution.input_x_gradient(network, inputs, target).values,
            lambda: captum.InputXGradient(copied).attribute(inputs, target=target),
        ),
        "integrated_gradients, gauss-legendre": integrated("gauss-legendre", "gausslegendre", STEPS),
        "integrated_gradients, midpoint": integrated("midpoint", "riemann_middle", STEPS),
        # captum's weights add up to (steps - 1) / steps: its values fall short by that factor.
        "integrated_gradients, trapezoid": integrated("trapezoid", "riemann_trapezoid", STEPS + 1, (STEPS + 1) / STEPS),
        "grad_cam": (lambda: attribution.grad_cam(network, inputs, target, layer=layer).values, cam),
        "occlusion": (
            lambda: attribution.occlusion(network, inputs, target, window=window, stride=stride, baseline=0.0).values,
            lambda: captum.Occlusion(copied).attribute(
                inputs, target=target, sliding_window_shapes=window, strides=stride
            ),
        ),
    }
    if name in ("squeezenet1_1", "resnet20"):  # captum's need ReLUs that are modules, each called once, not in place
        found |= {
            "guided_backprop": (
                lambda: attribution.guided_backprop(network, inputs, target).values,
                lambda: captum.GuidedBackprop(network).attribute(inputs, target=target),
            ),
            "deconvnet": (
                lambda: attribution.deconvnet(network, inputs, target).values,
                lambda: captum.Deconvolution(network).attribute(inputs, target=target),
            ),
            "guided_grad_cam": (
                lambda: attribution.guided_grad_cam(network, inputs, target, layer=layer).values,
                lambda: captum.GuidedGradCam(network, network.get_submodule(layer)).attribute(
                    inputs, target=target, interpolate_mode="bilinear"
                ),
            ),
        }
    if name in ("squeezenet1_1", "convnet of layers"):  # captum has no rule for functional sums or reused modules
        found |= {f"lrp, {rule}": _relevance(network, inputs, target, rule) for rule in ("epsilon", "gamma", "z-plus")}
    return found


def _relevance(
    network: nn.Module, inputs: Tensor, target: int, rule: str
) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """The rule at all convolutions but the first, epsilon elsewhere: captum's rules take inputs to be positive."""
    theirs, ours = {
        "epsilon": (lambda: lrp_rules.EpsilonRule(1e-9), linear_rules.epsilon(1e-9)),
        "gamma": (lambda: lrp_rules.GammaRule(0.25, set_bias_to_zero=True), linear_rules.gamma(0.25, bias=False)),
        "z-plus": (lambda: lrp_rules.Alpha1_Beta0_Rule(set_bias_to_zero=True), linear_rules.z_plus(bias=False)),
    }[rule]

    def composite(kind: str, index: int) -> linear_rules.LinearRule:
        return ours if kind == "convolution" and index > 0 else linear_rules.epsilon(1e-9)

    def by_captum() -> Tensor:
        copied = copy.deepcopy(network)  # captum writes its rules into the modules
        for layer in [each for each in copied.modules() if isinstance(each, nn.Conv2d)][1:]:
            layer.rule = theirs()
        found: Tensor = captum.LRP(copied).attribute(inputs, target=target)
        return found

    return lambda: attribution.lrp(network, inputs, target, composite=composite).values, by_captum


class Layers(nn.Module):
    """A network of layers that captum has rules for (it has none for flattening)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )  # fmt: skip
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.features(x).flatten(1))
        return scores


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)  # captum's, that it asks for gradients of the inputs itself
    rows = []
    for name, (network, inputs, layer) in networks().items():
        for method, (ours, theirs) in pairs(name, network, inputs, layer).items():
            found, expected = ours(), theirs().detach()
            norm = float(expected.norm())
            apart = float((found - expected).norm()) / norm if norm > 0 else float("inf")
            rows.append({"network": name, "method": method, "difference / norm": apart, "equal": apart <= LIMIT})
            print(rows[-1], file=sys.stderr, flush=True)
    report(
        "captum_equality",
        f"Attribution equals captum's on the same networks: norm of the difference <= {LIMIT:g} of the norm",
        rows,
        passed=all(row["equal"] for row in rows),
        n=len(rows),
    )


if __name__ == "__main__":
    main()
