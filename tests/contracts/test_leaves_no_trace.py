"""Every public function leaves a network as it found it: after it answered, and after the network raised in the middle.

Hooks, modes, gradient flags, gradients, parameters, the inputs, and torch's own stream of random numbers. The public
functions of featurevis, attribution and blocks are found by their `__all__`: an attribution method is called as every
method is, an objective is visualized, and what fits neither has a line of its own in OWN. A public function that
nothing here calls fails the suite.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
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

DEEPER = {Convnet: "conv2", Reused: "conv#0", TinyViT: "blocks.0"}
"""A layer with a grid that the one above feeds."""

QUICK: dict[str, dict[str, Any]] = {
    "smoothgrad": {"samples": 3},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"window": 6, "stride": 6},
    "prediction_difference": {"window": 6, "stride": 6, "samples": 2},
    "ascent": {"steps": 2},
}
"""Options that make a method quick; a method that is not here is called with none."""

REFUSED = {"guided_backprop", "deconvnet", "guided_grad_cam"}
"""Methods that refuse a network without ReLUs, as the transformer is; refusing leaves no trace either."""


def layer(model: Model) -> str:
    return LAYERS[type(model.module)]  # type: ignore[index]  # only these three networks are made here


def deeper(model: Model) -> str:
    return DEEPER[type(model.module)]  # type: ignore[index]  # only these three networks are made here


def edited(model: Model, given: Tensor) -> Tensor:
    with trace.edit(model, {f"{layer(model)}:0": 0.0}):
        return model(given)


def with_gradients(model: Model, given: Tensor) -> Tensor:
    """A trace with gradients, and the gradient by the parameters' side left alone."""
    kept = trace.trace(model, given, [layer(model)], cut=layer(model))
    assert kept.logits is not None
    return torch.autograd.grad(kept.logits.sum(), kept[layer(model)])[0]


def drawn(model: Model, objective: Any) -> object:
    return featurevis.visualize(model, objective, size=16, steps=2, cache=False)


def two_directions(model: Model) -> Tensor:
    return torch.eye(trace.layout(model, layer(model)).channels)[:2]


OBJECTIVES: dict[str, Callable[[Model], Any]] = {
    "unit": lambda model: featurevis.unit(f"{layer(model)}:0"),
    "units": lambda model: featurevis.units([f"{layer(model)}:0", f"{layer(model)}:1"]),
    "neuron": lambda model: featurevis.neuron(f"{layer(model)}:0", 0, 1),
    "direction": lambda model: featurevis.direction(layer(model), two_directions(model)[0]),
    "directions": lambda model: featurevis.directions(layer(model), two_directions(model)),
    "class_score": lambda model: featurevis.class_score(1),
    "deepdream": lambda model: featurevis.deepdream(layer(model)),
    "copies": lambda model: featurevis.copies(f"{layer(model)}:0", 2),
    "diversity": lambda model: featurevis.copies(f"{layer(model)}:0", 2) + featurevis.diversity(layer(model)),
    "alignment": lambda model: featurevis.copies(f"{layer(model)}:0", 2) + featurevis.alignment(layer(model)),
    "interpolation": lambda model: featurevis.interpolation(f"{layer(model)}:0", f"{layer(model)}:1", 3),
    "activation_match": lambda model: featurevis.activation_match(layer(model), pictures(1)[0]),
    "batch": lambda model: featurevis.batch([f"{layer(model)}:0", lambda seen: seen[layer(model)].mean()]),
}
"""How each objective is made; a new one joins with one line."""

OWN: dict[str, Action] = {
    "for_classes": lambda model, given: attribution.for_classes(attribution.lrp, model, given, [0, 1]),
    "integrated_gradients to a tolerance": lambda model, given: attribution.integrated_gradients(
        model, given, tolerance=0.1, max_steps=20
    ),
    "visualize": lambda model, given: drawn(model, f"{layer(model)}:1"),
    "accentuate": lambda model, given: featurevis.accentuate(
        model, given[0], f"{layer(model)}:1", size=16, steps=2, cache=False
    ),
    "dream": lambda model, given: featurevis.dream(
        model, given[0], layer(model), size=32, octaves=2, steps=1, cache=False
    ),
    "search": lambda model, given: featurevis.search(model, f"{layer(model)}:0", tries=2, size=16, steps=2),
    "moved_scores": lambda model, given: featurevis.moved_scores(
        model, f"{layer(model)}:0", F.interpolate(given, size=16), draws=2
    ),
    "ablate_each": lambda model, given: blocks.ablate_each(model, given[0], layer(model), [0, 1]),
    "activation_atlas": lambda model, given: blocks.activation_atlas(
        model, given, layer(model), cells=2, size=16, steps=2
    ),
    "visualize what is compared": lambda model, given: featurevis.visualize(
        model,
        featurevis.copies(featurevis.unit(f"{layer(model)}:0"), 2)
        - featurevis.diversity(layer(model))
        + featurevis.alignment(layer(model))
        + featurevis.activation_match(layer(model), given[0]),
        size=16,
        steps=2,
        cache=False,
        regularizers=["blur", "clip_contribution"],
        start=given,
        near=layer(model),
    ),
    "activation_grid": lambda model, given: blocks.activation_grid(
        model, given[0], layer(model), cells=2, size=16, steps=2
    ),
    "channel_attribution": lambda model, given: blocks.channel_attribution(
        model, given[0], layer(model), 1, visualize=0
    ),
    "default_layer": lambda model, given: blocks.default_layer(model, given[0]),
    "layer_before": lambda model, given: blocks.layer_before(model, given[0], deeper(model)),
    "building_blocks": lambda model, given: blocks.building_blocks(
        model, given[0], layer=deeper(model), source=layer(model), groups=2, steps=1
    ),
    "icons": lambda model, given: blocks.icons(model, layer(model), [0], size=16, steps=2),
    "neuron_groups": lambda model, given: blocks.neuron_groups(model, given, layer(model), 2, size=16, steps=2),
    "semantic_dictionary": lambda model, given: blocks.semantic_dictionary(
        model, given[0], layer(model), 2, visualize=1, steps=2
    ),
    "spatial_attribution": lambda model, given: blocks.spatial_attribution(
        model, given[0], deeper(model), 1, source=layer(model)
    ),
}
"""Functions of the three rooms that have a way of their own to be called."""

BELOW: dict[str, Action] = {
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
}
"""What the three rooms are built from."""


def public_functions(room: ModuleType) -> list[str]:
    return [name for name in room.__all__ if inspect.isfunction(getattr(room, name))]


def is_method(name: str) -> bool:
    """Whether it is called as every attribution method is."""
    return list(inspect.signature(getattr(attribution, name)).parameters)[:3] == ["forward", "inputs", "target"]


def method(name: str) -> Action:
    return lambda model, given: getattr(attribution, name)(model, given, 1, **QUICK.get(name, {}))


ACTIONS: dict[str, Action] = {
    **BELOW,
    **OWN,
    **{name: method(name) for name in public_functions(attribution) if is_method(name)},
    **{name: lambda model, given, make=make: drawn(model, make(model)) for name, make in OBJECTIVES.items()},
}


@pytest.mark.parametrize("room", [featurevis, attribution, blocks], ids=lambda room: room.__name__)
def test_no_public_function_is_forgotten(room: ModuleType) -> None:
    assert [name for name in public_functions(room) if name not in ACTIONS] == []


class BlownError(Exception):
    """No error that any code expects."""


class Fuse(nn.Module):
    """Passes everything on until its time comes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes_left = -1
        self.blown = False

    def forward(self, x: Tensor) -> Tensor:
        self.passes_left -= 1
        if self.passes_left == 0:
            self.blown = True
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


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn in an earlier test must be drawn again."""
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))


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
    if factory is TinyViT and name in REFUSED:
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
@pytest.mark.parametrize("passes", [1, 2, 4])
def test_after_the_network_raised(name: str, factory: type[nn.Module], passes: int) -> None:
    """In its first pass, or in a later one; a function that needs fewer passes answers."""
    model, fuse = network(factory)
    given = pictures(2)
    if passes > 1:
        model.layers()  # so that the pass that fails is another one than that of the table
    fuse.passes_left = max(1, passes - 1)
    before, inputs = state(model.module), given.clone()
    if passes == 1:
        with pytest.raises(BlownError):
            ACTIONS[name](model, given)
    else:
        try:
            ACTIONS[name](model, given)
        except BlownError:
            assert fuse.blown
        except ModelError:
            assert factory is TinyViT
            assert name in REFUSED
        else:
            assert not fuse.blown, "what the network raised was swallowed"
    assert state(model.module) == before
    assert torch.equal(given, inputs)


def test_explain() -> None:
    model, _ = network(Convnet)
    before = state(model.module)
    explain(model, pictures(1)[0], seed=0)
    assert state(model.module) == before
