"""Edit: inside the block, and only there, units give what they are told to."""

from __future__ import annotations

import threading

import pytest
import torch
from networks import Tokens, Windows, of
from networks import seeded as made
from small_networks import SIZE, Convnet, Reused, TinyViT, pictures, seeded
from torch import Tensor, nn

from cutaway.core.errors import LayerError
from cutaway.core.types import Unit
from cutaway.nets import Model, Preprocess
from cutaway.trace import activations, edit, trace


def model(factory: type[nn.Module] = Convnet) -> Model:
    return Model(seeded(factory), Preprocess(size=SIZE))


def by_hand(change: Tensor) -> Tensor:
    """The logits of the convnet with its pooled maps changed, computed without any hook."""
    network = seeded(Convnet).eval()
    with torch.no_grad():
        return network.head(network.conv2(change).relu().mean(dim=(2, 3)))


def test_an_ablated_unit_is_as_if_its_map_were_zero() -> None:
    edited = model()
    maps = activations(edited, pictures(), ["pool"])["pool"].clone()
    maps[:, 2] = 0
    with torch.no_grad(), edit(edited, {"pool:2": 0.0}):
        assert torch.allclose(edited(pictures()), by_hand(maps), atol=1e-6)
    with torch.no_grad():
        assert not torch.allclose(edited(pictures()), by_hand(maps), atol=1e-6)


def test_numbers_tensors_functions_and_whole_layers() -> None:
    edited = model()
    maps = activations(edited, pictures(), ["pool"])["pool"]
    new = torch.rand(6, 6)
    expected = maps.clone()
    expected[:, 0], expected[:, 1], expected[:, 3] = new, maps[:, 1] * 2, 0.25
    changes = {"pool:0": new, Unit("pool", 1): lambda was: was * 2, "pool:3": 0.25}
    with torch.no_grad(), edit(edited, changes):
        assert torch.allclose(edited(pictures()), by_hand(expected), atol=1e-6)
    with torch.no_grad(), edit(edited, {"pool": lambda was: was.flip(1)}):
        assert torch.allclose(edited(pictures()), by_hand(maps.flip(1)), atol=1e-6)
    with torch.no_grad(), edit(edited, {"pool": 0.0}):
        assert torch.allclose(edited(pictures()), by_hand(torch.zeros_like(maps)), atol=1e-6)


def test_what_was_captured_before_is_not_changed() -> None:
    edited = model()
    kept = activations(edited, pictures(), ["pool"])["pool"]
    copy = kept.clone()
    with edit(edited, {"pool:0": 0.0}):
        edited(pictures())
    assert torch.equal(kept, copy)


def test_edits_are_seen_by_a_trace_and_by_gradients() -> None:
    edited = model()
    inputs = pictures().requires_grad_()
    with edit(edited, {"pool:1": 0.0, "conv1:4": lambda was: was + 1}):
        kept = trace(edited, inputs, ["conv1", "pool"])
    assert kept.logits is not None
    assert not kept["pool"][:, 1].any()
    slope = torch.autograd.grad(kept.logits.sum(), kept["conv1"], retain_graph=True)[0]
    assert not slope[:, 1].any()  # nothing passes the ablated unit: pooling and norm keep channels apart
    assert slope[:, 0].any()


def test_tokens_have_their_channels_last() -> None:
    edited = of(made(Tokens, 24, 24))
    with edit(edited, {"mlp.1:3": 0.0}):
        kept = activations(edited, torch.rand(2, 3, 24, 24), ["mlp.1"])["mlp.1"]
    assert not kept[:, :, 3].any()
    assert kept[:, 3].any()


def test_windows_have_their_channels_last() -> None:
    edited = of(made(Windows))
    with edit(edited, {"inside:5": 7.0}):
        kept = activations(edited, torch.rand(2, 3, 24, 24), ["inside", "back"])
    assert (kept["inside"][..., 5] == 7).all()
    assert (kept["back"][..., 5] == 7).all()
    assert not (kept["back"][..., 4] == 7).any()


def test_one_call_of_a_layer_that_is_called_twice() -> None:
    edited = model(Reused)
    with edit(edited, {"act#1:0": 3.0}):
        kept = activations(edited, pictures(), ["act#0", "act#1"])
    assert (kept["act#1"][:, 0] == 3).all()
    assert not (kept["act#0"][:, 0] == 3).all()
    for change in ("act:0", "act"):
        with pytest.raises(LayerError, match="is called 2 times in one pass"), edit(edited, {change: 0.0}):
            pass


def test_a_layer_that_answers_a_tuple_keeps_the_rest() -> None:
    edited = model(TinyViT)
    with edit(edited, {"blocks.0.self_attn:2": 0.0}):
        kept = activations(edited, pictures(), ["blocks.0.self_attn"])["blocks.0.self_attn"]
        assert edited(pictures()).isfinite().all()
    assert not kept[..., 2].any()


def test_a_bare_module_of_vectors() -> None:
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    inputs = torch.rand(3, 6)
    with torch.no_grad(), edit(net, {"1:2": 0.0}):
        hidden = net[0](inputs).relu()
        hidden[:, 2] = 0
        assert torch.allclose(net(inputs), nn.functional.linear(hidden, net[2].weight, net[2].bias))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("pol:3", 'no layer "pol" in Convnet .*; did you mean "pool"'),
        ("pool:6", 'no unit "pool:6"; expected a channel from 0 to 5 of pool'),
        ("nonsense", '"nonsense" is no unit; expected layer:channel'),
    ],
)
def test_units_that_there_are_not(change: str, message: str) -> None:
    edited = model()
    with pytest.raises(LayerError, match=message), edit(edited, {change: 0.0}):
        edited(pictures())
    assert not any(layer._forward_hooks for layer in edited.module.modules())


def test_other_threads_wait_until_the_block_is_left() -> None:
    edited = model()
    with torch.no_grad():
        plain = edited(pictures())
    seen: list[Tensor] = []
    started = threading.Event()

    def other() -> None:
        started.set()
        with torch.no_grad():
            seen.append(edited(pictures()))

    with edit(edited, {"pool": 0.0}):
        thread = threading.Thread(target=other)
        thread.start()
        started.wait()
        thread.join(timeout=0.2)
        assert seen == []
    thread.join()
    assert torch.equal(seen[0], plain)
