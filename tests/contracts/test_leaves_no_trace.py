"""Every public function leaves a network as it found it: after it answered, and after the network raised in the middle.

Hooks, modes, gradient flags, gradients, parameters, the inputs, and torch's own stream of random numbers. A new
function joins with one line in ACTIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_networks import SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import Tensor, nn

from cutaway import attribution, blocks, featurevis, trace
from cutaway.core.cache import hash_tensors
from cutaway.core.errors import ModelError
from cutaway.explain import explain
from cutaway.nets import Model, Preprocess

Action = Callable[[Model, Tensor], object]

LAYERS = {Convnet: "pool", Reused: "lift", TinyViT: "patch"}
"""A layer with a grid in each network, below the layer that may raise."""


def layer(model: Model) -> str:
    return LAYERS[type(model.module)]  # type: ignore[index]


def edited(model: Model, given: Tensor) -> Tensor:
    with trace.edit(model, {f"{layer(model)}:0": 0.0}):
        return model(given)


def with_gradients(model: Model, given: Tensor) -> Tensor:
    """A trace with gradients, and the gradient by the parameters' side left alone."""
    kept = trace.trace(model, given, [layer(model)], cut=layer(model))
    assert kept.logits is not None
    return torch.autograd.grad(kept.logits.sum(), kept[layer(model)])[0]


ACTIONS: dict[str, Action] = {
    "Model": lambda model, given: model(given),
    "predict": lambda model, given: model.predict(given[0]),
    "layers": lambda model, given: model.layers(),
    "activations": lambda model, given: trace.activations(model, given, [layer(model)]),
    "activations of all": lambda model, given: trace.activations(
        model, given, [name for info in model.layers() for name in info.names]
    ),
    "trace": with_gradients,
    "edit": edited,
    "graph": lambda model, given: trace.graph(model),
    "layouts": lambda model, given: trace.layouts(model),
    "receptive_field": lambda model, given: trace.receptive_field(model, layer(model)),
    "visualize": lambda model, given: featurevis.visualize(
        model, featurevis.unit(f"{layer(model)}:0"), size=16, steps=2, cache=False
    ),
    "activation_grid": lambda model, given: blocks.activation_grid(model, given[0], layer(model)),
    "semantic_dictionary": lambda model, given: blocks.semantic_dictionary(model, given[0], layer(model), 2),
    "channel_attribution": lambda model, given: blocks.channel_attribution(model, given[0], layer(model), 1),
    "ablate_each": lambda model, given: blocks.ablate_each(model, given[0], layer(model), [0, 1]),
    **{
        name: lambda model, given, method=method: method(model, given)  # type: ignore[misc]
        for name, method in attribution.METHODS.items()
    },
}
SHORT_OF_THE_END = {"activations"}
"""They compute nothing beyond the layer that they need, so what raises later does not stop them once it is known."""
NEEDS_RELU = {"guided_backprop", "deconvnet", "guided_grad_cam"}
"""They refuse a network without ReLUs, which leaves no trace either."""


class BlownError(Exception):
    """No error that any code expects."""


class Fuse(nn.Module):
    """Passes everything on until its time comes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes_left = -1

    def forward(self, x: Tensor) -> Tensor:
        self.passes_left -= 1
        if self.passes_left == 0:
            raise BlownError
        return x


def network(factory: type[nn.Module]) -> tuple[Model, Fuse]:
    """The network with a fuse in its middle, in training mode, some of it frozen, some gradients and hooks present."""
    module, fuse = seeded(factory), Fuse()
    if isinstance(module, Convnet):
        module.act2 = nn.Sequential(module.act2, fuse)
    elif isinstance(module, Reused):
        module.act = nn.Sequential(module.act, fuse)
    else:
        module.norm = nn.Sequential(module.norm, fuse)
    parts = list(module.modules())
    parts[2].eval()
    parameters = list(module.parameters())
    parameters[0].requires_grad_(False)
    parameters[1].grad = torch.ones_like(parameters[1])
    parts[1].register_forward_hook(lambda *_: None)
    return Model(module, Preprocess(size=SIZE, mean=(0.5,) * 3, std=(0.25,) * 3)), fuse


def state(module: nn.Module) -> dict[str, Any]:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "hooks": [[len(getattr(part, kind)) for kind in kinds] for part in module.modules()],
        "modes": [part.training for part in module.modules()],
        "flags": [value.requires_grad for value in module.parameters()],
        "gradients": [None if value.grad is None else float(value.grad.sum()) for value in module.parameters()],
        "numbers": hash_tensors(module.state_dict()),
        "random numbers": torch.get_rng_state().tolist(),
        "gradient mode": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    }


@pytest.mark.parametrize("factory", LAYERS)
@pytest.mark.parametrize("name", ACTIONS)
def test_after_an_answer(name: str, factory: type[nn.Module]) -> None:
    model, _ = network(factory)
    given = pictures(2)
    before, inputs = state(model.module), given.clone()
    if factory is TinyViT and name in NEEDS_RELU:
        with pytest.raises(ModelError):
            ACTIONS[name](model, given)
    else:
        ACTIONS[name](model, given)
    assert state(model.module) == before
    assert torch.equal(given, inputs)
    assert given.grad is None
    assert not given.requires_grad


@pytest.mark.parametrize("factory", LAYERS)
@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("passes", [1, 2])
def test_after_the_network_raised(name: str, factory: type[nn.Module], passes: int) -> None:
    model, fuse = network(factory)
    given = pictures(2)
    if passes == 2:
        model.layers()  # so that the pass that fails is another one than that of the table
        fuse.passes_left = 1
    else:
        fuse.passes_left = passes
    before, inputs = state(model.module), given.clone()
    if passes == 1 or name not in SHORT_OF_THE_END | {"layers"}:
        with pytest.raises(BlownError):
            ACTIONS[name](model, given)
    else:
        ACTIONS[name](model, given)
    assert state(model.module) == before
    assert torch.equal(given, inputs)


def test_explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))
    model, _ = network(Convnet)
    before = state(model.module)
    explain(model, pictures(1)[0], seed=0)
    assert state(model.module) == before
