"""Capture: exactly what the layers gave, no layer beyond the last, also where later layers write over it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from small_networks import CLASSES, SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import Tensor, nn

from cutaway.core.errors import LayerError, OptionError
from cutaway.nets import Model, Preprocess
from cutaway.nets.outputs import first_tensor
from cutaway.trace import activations, trace

FACTORIES = [Convnet, Reused, TinyViT]
Factory = Callable[[], nn.Module]


def model(factory: Factory = Convnet) -> Model:
    return Model(seeded(factory), Preprocess(size=SIZE))  # type: ignore[arg-type]


def as_plain_hooks_see(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """The slow way: copies of every output, made as it leaves its layer."""
    seen: dict[str, list[Tensor]] = {}

    def hook(name: str) -> Callable[..., None]:
        def see(layer: nn.Module, given: object, output: object) -> None:
            found = first_tensor(output)
            assert found is not None
            seen.setdefault(name, []).append(found.detach().clone())

        return see

    handles = [layer.register_forward_hook(hook(name)) for name, layer in network.named_modules() if name]
    with torch.no_grad():
        network.eval()(inputs)
    for handle in handles:
        handle.remove()
    return {
        name if len(outputs) == 1 else f"{name}#{call}": output
        for name, outputs in seen.items()
        for call, output in enumerate(outputs)
    }


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("again", [False, True], ids=["first pass", "later pass"])
def test_every_layer_is_as_a_plain_hook_sees_it(factory: Factory, again: bool) -> None:
    captured = model(factory)
    names = [name for info in captured.layers() for name in info.names]
    if again:
        activations(captured, pictures(), names)
    found = activations(captured, pictures(), names)
    expected = as_plain_hooks_see(seeded(factory), pictures())  # type: ignore[arg-type]
    assert list(found) == names
    for name in names:
        assert torch.equal(found[name], expected[name]), name


@pytest.mark.parametrize("factory", FACTORIES)
def test_with_gradients_too(factory: Factory) -> None:
    captured = model(factory)
    names = [name for info in captured.layers() for name in info.names]
    inputs = pictures().requires_grad_()
    kept = trace(captured, inputs, names)
    assert kept.logits is not None
    expected = as_plain_hooks_see(seeded(factory), pictures())  # type: ignore[arg-type]
    for name in names:
        assert torch.allclose(kept[name], expected[name], atol=1e-6)
    slopes = torch.autograd.grad(kept.logits.sum(), [inputs, *kept.values()], allow_unused=True)
    plain = pictures().requires_grad_()
    (expected_slope,) = torch.autograd.grad(captured(plain).sum(), plain)
    assert torch.allclose(slopes[0], expected_slope, atol=1e-6)


def test_no_layer_beyond_the_last_is_computed() -> None:
    ran: list[str] = []
    captured = model()
    captured.layers()
    for name in ("conv1", "pool", "conv2", "head"):
        captured.module.get_submodule(name).register_forward_pre_hook(lambda *_, name=name: ran.append(name))
    activations(captured, pictures(), ["pool", "conv1"])
    assert ran == ["conv1", "pool"]


def test_a_layer_called_twice_is_captured_by_call() -> None:
    found = activations(model(Reused), pictures(), ["act#1", "conv#0"])
    assert list(found) == ["act#1", "conv#0"]
    assert torch.equal(found["act#1"].relu(), found["act#1"])
    with pytest.raises(LayerError, match=r'layer "act" of Reused is called 2 times in one pass'):
        activations(model(Reused), pictures(), ["act"])


def test_batches_change_nothing() -> None:
    captured = model()
    whole = activations(captured, pictures(5), ["pool", "head"])
    parts = activations(captured, pictures(5), ["pool", "head"], batch_size=2)
    for name in whole:
        assert torch.allclose(whole[name], parts[name], atol=1e-6)


def test_the_cut_is_a_leaf_and_nothing_below_it_is_differentiated() -> None:
    inputs = pictures().requires_grad_()
    kept = trace(model(), inputs, ["pool"], cut="pool")
    assert kept.logits is not None
    assert kept["pool"].is_leaf
    assert kept["pool"].requires_grad
    slope, below = torch.autograd.grad(kept.logits.sum(), [kept["pool"], inputs], allow_unused=True)
    assert slope is not None
    assert below is None
    with torch.no_grad():
        assert torch.allclose(kept.logits, model()(pictures()), atol=1e-6)


def test_a_bare_module_takes_inputs_of_any_shape() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, CLASSES))
    inputs = torch.rand(4, 6)
    kept = trace(net, inputs, ["0", "1"])
    assert kept.logits is not None
    assert torch.equal(kept["0"], net[0](inputs))
    assert torch.equal(kept["1"], net[0](inputs).relu())
    assert torch.equal(kept.logits, net(inputs))


def test_in_inference_mode() -> None:
    captured = model()
    expected = activations(captured, pictures(), ["norm"])["norm"]
    with torch.inference_mode():
        found = activations(captured, pictures(), ["norm"])["norm"]
    assert torch.equal(found, expected)


class Written(nn.Module):
    """What a layer gave is changed later by a function, through a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x[:, 1:3].mul_(0)
        return x.mean(dim=(2, 3))


def test_a_later_change_through_a_view_does_not_reach_what_was_kept() -> None:
    network = seeded(Written)
    found = activations(Model(network, Preprocess(size=SIZE)), pictures(), ["conv"])["conv"]
    with torch.no_grad():
        assert torch.allclose(found, network.conv(pictures()))
    assert found[:, 1:3].any()


class Picky(nn.Module):
    """Passes its second layer only for bright pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3)
        self.two = nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.one(x)
        return (self.two(maps) if x.mean() < 0.6 else maps).mean(dim=(2, 3))


def test_a_layer_that_these_inputs_do_not_pass() -> None:
    with pytest.raises(LayerError, match="the pass never reached two; expected layers that these inputs pass"):
        activations(Model(seeded(Picky), Preprocess(size=SIZE)), torch.ones(1, 3, SIZE, SIZE), ["two"])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(OptionError, match=r'layers is the text "pool"; .* try \["pool"\]'):
        activations(model(), pictures(), "pool")
    with pytest.raises(OptionError, match="batch_size is 0; expected at least 1"):
        activations(model(), pictures(), ["pool"], batch_size=0)
    with pytest.raises(LayerError, match=r'no layer "pol" in Convnet .*; did you mean "pool"'):
        activations(model(), pictures(), ["pol"])


def test_calls_from_several_threads_do_not_mix() -> None:
    captured = model()
    inputs = [pictures(2, seed) for seed in range(6)]
    expected = [activations(captured, each, ["conv1", "act2"]) for each in inputs]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(8):
            found = activations(captured, inputs[number], ["conv1", "act2"])
            if any(not torch.equal(found[name], expected[number][name]) for name in found):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert captured.module.training
