"""Taps: functions on the outputs of layers, gone when the block is left."""

from __future__ import annotations

import pytest
import torch
from small_networks import Reused, pictures, seeded
from torch import Tensor

from cutaway.core.errors import LayerError
from cutaway.trace.taps import taps


def test_calls_are_counted_anew_in_every_pass() -> None:
    network = seeded(Reused).eval()
    seen: list[tuple[str, Tensor]] = []
    with taps(network, {f"conv#{call}": lambda output, call=call: seen.append((str(call), output)) for call in (0, 1)}):
        network(pictures())
        network(pictures())
    assert [call for call, _ in seen] == ["0", "1", "0", "1"]
    assert torch.equal(seen[0][1], seen[2][1])
    assert not torch.equal(seen[0][1], seen[1][1])


def test_what_a_tap_returns_flows_on() -> None:
    network = seeded(Reused).eval()
    with torch.no_grad(), taps(network, {"lift": torch.zeros_like}):
        scores, pooled = network(pictures())
    with torch.no_grad():
        assert torch.allclose(scores, network.head(pooled))
        assert not torch.allclose(scores, network(pictures())[0])


def test_no_hook_is_left_also_where_a_layer_is_unknown() -> None:
    network = seeded(Reused)
    with (
        pytest.raises(LayerError, match=r'no layer "convv" in Reused; .* did you mean "conv"'),
        taps(network, {"lift": torch.zeros_like, "convv": torch.zeros_like}),
    ):
        pass
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())
