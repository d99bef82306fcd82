"""SharedGate, Homogeneous and the network of both: a literal gate, Euler's theorem, one linear map for one picture."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from cutaway.core.errors import OptionError, WeightsError
from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.nets.zoo.clear_net import Value, clear_net, like
from cutaway.nets.zoo.smooth_convnet import smooth_convnet
from cutaway.whitebox import AnswerGate, Homogeneous, SharedGate, weights_held
from cutaway.whitebox.contrast import middle

ADVISERS = [partial(smooth_convnet, widths=(6, 6), whitening=3), partial(airbench_net, widths=(8,), whitening=4)]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slope(score: Tensor, inputs: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(score.sum(), inputs, retain_graph=True)
    return found


def trained_a_little(network: nn.Module) -> nn.Module:
    """Norms that know sizes other than one."""
    network.double()(3 * drawn(8, 3, 16, 16, seed=9) + 0.5)
    return network.eval()


def test_a_shared_gate_is_the_mean_of_the_open_shares_around_a_place() -> None:
    values, by = drawn(2, 3, 5, 4), drawn(2, 3, 5, 4, seed=1)
    found = SharedGate(3)(values, by)
    for n, c, y, x in [(0, 0, 0, 0), (1, 2, 2, 2), (0, 1, 4, 3), (1, 0, 0, 2)]:
        near = [
            0.5 * (1 + math.erf(float(by[n, c, up, left]) / math.sqrt(2)))
            for up in range(max(0, y - 1), min(5, y + 2))
            for left in range(max(0, x - 1), min(4, x + 2))
        ]
        assert float(found[n, c, y, x]) == pytest.approx(sum(near) / len(near) * float(values[n, c, y, x]))


@pytest.mark.parametrize("own", [0.0, 0.3, 1.0])
def test_a_place_keeps_its_own_share_of_its_gate(own: float) -> None:
    values, by = drawn(2, 3, 5, 4), drawn(2, 3, 5, 4, seed=1)
    alone, together = SharedGate()(values, by), SharedGate(3)(values, by)
    torch.testing.assert_close(SharedGate(3, own)(values, by), own * alone + (1 - own) * together)


def test_a_gate_of_one_place_is_gelu_where_both_streams_are_one() -> None:
    values = drawn(1, 2, 4, 4)
    torch.testing.assert_close(SharedGate()(values, values), nn.functional.gelu(values))
    torch.testing.assert_close(SharedGate(3)(values), SharedGate(3)(values, values))


def test_held_gates_are_constants() -> None:
    values, by = drawn(1, 2, 6, 6).requires_grad_(), drawn(1, 2, 6, 6, seed=1).requires_grad_()
    gate = SharedGate(5)
    with weights_held(gate):
        outputs = gate(values, by)
        assert torch.autograd.grad(outputs.sum(), by, allow_unused=True, retain_graph=True) == (None,)
        torch.testing.assert_close(slope(outputs, values) * values, outputs)
    assert float(slope(gate(values, by), by).abs().max()) > 0


@pytest.mark.parametrize("side", [0, -1, 2])
def test_gates_are_shared_by_an_odd_number_of_places(side: int) -> None:
    with pytest.raises(OptionError, match=f"side is {side}; expected an odd number of places; try side=5"):
        SharedGate(side)


@pytest.mark.parametrize("own", [-0.1, 1.1])
def test_an_own_share_is_a_share(own: float) -> None:
    with pytest.raises(OptionError, match=f"own is {own}; expected a share between 0 and 1; try own=0.5"):
        SharedGate(3, own)


def test_any_black_box_can_be_made_homogeneous() -> None:
    box = trained_a_little(smooth_convnet(4, (6, 8), 3))
    whole = Homogeneous(*box.children()).eval()
    pictures = drawn(3, 3, 16, 16, seed=2).requires_grad_()
    scores = whole(pictures)
    for target in range(4):
        adds_up = (slope(scores[:, target], pictures) * pictures).sum((1, 2, 3))
        torch.testing.assert_close(adds_up, scores[:, target])
    torch.testing.assert_close(whole(2.5 * pictures), 2.5 * scores)
    plain = box(pictures)
    gap = (slope(plain[:, 0], pictures) * pictures).sum((1, 2, 3)) - plain[:, 0]
    assert float(gap.detach().abs().max()) > 0.01 * float(plain.detach().abs().max())  # without it nothing adds up


def test_at_contrast_one_nothing_changes_and_an_even_field_has_no_score() -> None:
    box = trained_a_little(smooth_convnet(4, (6, 8), 3))
    whole = Homogeneous(*box.children()).eval()
    picture = drawn(1, 3, 16, 16)
    picture = picture / picture.square().mean().sqrt()
    torch.testing.assert_close(whole(picture), box(picture), atol=1e-9, rtol=1e-9)
    assert float(whole(torch.zeros(1, 3, 16, 16).double()).detach().abs().max()) < 1e-5


def test_for_one_picture_a_clear_network_is_a_linear_map() -> None:
    network = clear_net(4, (6, 8), 3)
    trained_a_little(network)
    assert network.answered is None
    picture, other = drawn(1, 3, 16, 16).requires_grad_(), drawn(1, 3, 16, 16, seed=1)
    with weights_held(network):
        scores = network(picture)
        maps = torch.cat([slope(scores[:, each], picture) for each in range(4)])
    torch.testing.assert_close((maps * picture).sum((1, 2, 3)), scores[0])

    gates, _ = network.gating(picture / picture.square().mean().sqrt())

    def told(values: Tensor) -> Tensor:  # through the gates of the first picture: the map is the same one
        return network.head(network.flatten(network.summed(values, gates)))  # type: ignore[no-any-return]

    against = middle(told(picture)) * told(other)  # and against the middle of its classes
    torch.testing.assert_close((maps * other).sum((1, 2, 3)), (told(other) - against.sum(1, keepdim=True))[0])


def test_its_plain_gradient_adds_up_too() -> None:
    network = trained_a_little(clear_net(4, (6, 8), 3))
    picture = drawn(2, 3, 16, 16).requires_grad_()
    scores = network(picture)
    torch.testing.assert_close((slope(scores[:, 1], picture) * picture).sum((1, 2, 3)), scores[:, 1])


def test_the_value_stream_begins_as_the_gating_stream_without_its_offsets() -> None:
    network = trained_a_little(clear_net(4, (6, 8), 3))
    network.values_like_gates()  # type: ignore[operator]
    stage = network.get_submodule("gates.stage1")
    conv, norm = stage.get_submodule("conv2"), stage.get_submodule("norm2")
    inputs = drawn(1, 6, 8, 8)
    given = network.get_submodule("values.layer2").get_submodule("conv")(inputs)
    zero = norm(conv(torch.zeros_like(inputs)))  # what the norm adds to nothing
    torch.testing.assert_close(given, norm(conv(inputs)) - zero)


def test_what_speaks_for_a_likely_class_opens_wider() -> None:
    values, above, answer = drawn(3, 6), drawn(4, 6, seed=1), drawn(3, 4, seed=2).softmax(1)
    found = AnswerGate(0.7)(values, answer, above)
    speaks = above - above.mean(0)
    spread = math.sqrt(float(speaks.square().mean()))
    for n, c in [(0, 0), (1, 3), (2, 5)]:
        said = sum(float(answer[n, k]) * float(speaks[k, c]) / spread for k in range(4))
        assert float(found[n, c]) == pytest.approx(2 / (1 + math.exp(-0.7 * said)) * float(values[n, c]))
    torch.testing.assert_close(AnswerGate(0.7)(values, torch.full_like(answer, 0.25), above), values)  # an open answer
    torch.testing.assert_close(AnswerGate(0.0)(values, answer, above), values)
    torch.testing.assert_close(AnswerGate(1.0)(values, answer, torch.ones_like(above)), values)  # all channels alike


def test_with_answers_held_gates_are_constants() -> None:
    values, above, answer = drawn(3, 6).requires_grad_(), drawn(4, 6, seed=1).requires_grad_(), drawn(3, 4, seed=2)
    answer = answer.requires_grad_().softmax(1)
    gate = AnswerGate()
    with weights_held(gate):
        outputs = gate(values, answer, above)
        assert torch.autograd.grad(outputs.sum(), [answer, above], allow_unused=True, retain_graph=True) == (None, None)
        torch.testing.assert_close(slope(outputs, values) * values, outputs)
    assert float(slope(gate(values, answer, above), answer).abs().max()) > 0


def test_an_answer_opens_by_no_less_than_nothing() -> None:
    with pytest.raises(OptionError, match=r"strength is -1\.0; expected a number of at least 0; try strength=1.0"):
        AnswerGate(-1.0)
    with pytest.raises(OptionError, match="advisers given: 1, but strength is 0: nobody listens"):
        clear_net(4, (6, 8), 3, advisers=[partial(smooth_convnet, widths=(6, 8))])


def test_with_answers_scores_still_add_up_and_follow_them() -> None:
    network = clear_net(4, (6, 8), 3, strength=2.0, advisers=ADVISERS)
    trained_a_little(network)
    picture = drawn(5, 3, 16, 16).requires_grad_()
    scores = network(picture)
    torch.testing.assert_close((slope(scores[:, 1], picture) * picture).sum((1, 2, 3)), scores[:, 1])
    with weights_held(network):
        held = network(picture)
        torch.testing.assert_close((slope(held[:, 1], picture) * picture).sum((1, 2, 3)), scores[:, 1])
    torch.testing.assert_close(network(3 * picture), 3 * scores)  # answers don't depend on contrast
    seen = picture / picture.square().mean((1, 2, 3), keepdim=True).sqrt()
    openings, last = network.gating(seen)
    summed = network.summed(picture, openings)
    answers = [last.softmax(1), *(each(seen).softmax(1) for each in network.advisers)]
    together = (answers[0] * answers[1] * answers[2]) ** (1 / 3)  # each counts as much
    assert network.answered is not None
    opened = network.answered(summed, together / together.sum(1, keepdim=True), network.head.weight)
    torch.testing.assert_close(network.contrast(network.head(opened.flatten(1))), scores)
    assert bool((network.scores(summed) - scores).abs().max() > 0.01 * scores.abs().max())


def test_a_head_may_count_places_each_in_its_own_way() -> None:
    network, whole = clear_net(4, (6, 8), 3, strength=1.0, places=2), clear_net(4, (6, 8), 3, strength=1.0)
    trained_a_little(network)
    head = network.head.weight.detach()
    rest = {key: value for key, value in network.state_dict().items() if key != "head.weight"}
    whole.double().eval().load_state_dict(rest | {"head.weight": head.unflatten(1, (8, 4)).sum(2)})
    picture = drawn(2, 3, 16, 16)
    with torch.no_grad():
        assert not torch.allclose(network(picture), whole(picture))
        network.head.weight.copy_(head.unflatten(1, (8, 4)).mean(2).repeat_interleave(4, 1))
        torch.testing.assert_close(network(picture), whole(picture))  # a mean over places
    picture.requires_grad_()
    with weights_held(network):
        scores = network(picture)
        torch.testing.assert_close((slope(scores[:, 1], picture) * picture).sum((1, 2, 3)), scores[:, 1])


def test_a_clear_network_is_told_by_its_weights() -> None:
    network = clear_net(4, (6, 8), 3, shared=3, strength=1.0, advisers=ADVISERS, places=2)
    again = like(network.state_dict(), 4, 1.0, 2, shared=3)
    again.load_state_dict(network.state_dict())
    assert isinstance(network.values[2], Value)
    with torch.no_grad():
        before = network.eval()(drawn(2, 3, 16, 16).float())
        torch.testing.assert_close(again.eval()(drawn(2, 3, 16, 16).float()), before)
        network.values_in_integers()
        after = network(drawn(2, 3, 16, 16).float())
    whole = network.values[2].conv.weight.detach()
    assert torch.equal(whole, whole.round())
    assert bool((whole.abs().amax((1, 2, 3)) == 127).all())
    torch.testing.assert_close(after, before, rtol=0, atol=0.02 * float(before.abs().max()))
    with pytest.raises(WeightsError, match='"box" has no gating stream; expected weights of a clear network'):
        like(smooth_convnet(4, (6, 8), 3).state_dict(), 4, 1.0, 2, name="box")


def test_a_stream_that_learns_nothing_keeps_its_norms() -> None:
    network = clear_net(4, (6, 8), 3, strength=1.0)
    network.gates.requires_grad_(False)
    network.train()
    before = {key: value.clone() for key, value in network.gates.state_dict().items()}
    network(5 + drawn(4, 3, 16, 16).float())
    assert network.values.training
    assert all(torch.equal(value, before[key]) for key, value in network.gates.state_dict().items())
    network.gates.requires_grad_(True)
    network.train()(5 + drawn(4, 3, 16, 16).float())
    assert not torch.equal(network.gates.state_dict()["stage1.norm1.running_mean"], before["stage1.norm1.running_mean"])
