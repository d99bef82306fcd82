"""What every attribution method promises, on networks that work in place, reuse modules, or read tokens."""

import inspect

import pytest
import torch
from small_networks import CLASSES, SIZE, Convnet, Reused, TinyViT, pictures, seeded

from cutaway import Model, Preprocess, attribution
from cutaway.attribution import METHODS, Attribution

NETWORKS = [Convnet, Reused, TinyViT]
QUICK = {
    "smoothgrad": {"samples": 3},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"window": 6, "stride": 6},
    "prediction_difference": {"window": 6, "stride": 6, "samples": 2},
}
ALONE = {"gradient", "input_x_gradient", "dynamic_linear", "integrated_gradients", "smoothgrad", "occlusion"}
"""Methods that need scores alone, so any callable will do."""

RELUS = {"guided_backprop", "deconvnet", "guided_grad_cam"}
"""Methods that change how gradients pass ReLUs, so that a transformer without any is an error."""

every_method = pytest.mark.parametrize("name", METHODS)
on_every_network = pytest.mark.parametrize(
    ("name", "factory"),
    [(name, factory) for name in METHODS for factory in NETWORKS if not (name in RELUS and factory is TinyViT)],
)


def call(name, forward, points, target=1, **options):
    return METHODS[name](forward, points, target, **QUICK.get(name, {}), **options)


def state(network):
    """All that a call must leave as it was."""
    modules = dict(network.named_modules())
    return {
        "modes": {each: module.training for each, module in modules.items()},
        "hooks": {each: [len(value) for key, value in vars(module).items() if key.endswith("_hooks")]
                  for each, module in modules.items()},
        "own": {each: sorted(vars(module)) for each, module in modules.items()},
        "flags": {each: (p.requires_grad, p.grad is None) for each, p in network.named_parameters()},
        "numbers": {each: tensor.clone() for each, tensor in network.state_dict().items()},
    }  # fmt: skip


def assert_same(before, after):
    for part in ("modes", "hooks", "own", "flags"):
        assert before[part] == after[part]
    for each, tensor in before["numbers"].items():
        assert torch.equal(tensor, after["numbers"][each])


@on_every_network
def test_values_have_the_shape_of_the_inputs_and_say_what_they_are(name, factory):
    found = call(name, seeded(factory), pictures(), torch.tensor([0, 2, 1]))
    assert isinstance(found, Attribution)
    assert found.method == name
    assert found.values.shape in {(3, 3, SIZE, SIZE), (3, SIZE, SIZE)}
    assert found.values.dtype == torch.float32
    assert not found.values.requires_grad
    assert found.values.isfinite().all()
    assert found.target.tolist() == [0, 2, 1]
    assert found.evaluations.shape == (3,)
    assert found.evaluations.min() >= 1


@on_every_network
@pytest.mark.parametrize("wrapped", [False, True])
def test_nothing_is_left_behind(name, factory, wrapped):
    network, points = seeded(factory), pictures()
    forward = Model(network, Preprocess(SIZE)) if wrapped else network
    before, kept = state(network), points.clone()
    call(name, forward, points)
    assert_same(before, state(network))
    assert torch.equal(points, kept)
    assert points.grad is None
    assert not points.requires_grad


@on_every_network
def test_nothing_is_left_behind_by_a_call_that_fails_in_the_middle(name, factory, monkeypatch):
    network, points = seeded(factory), pictures()
    call(name, network, points)  # what is remembered between calls is remembered now
    before, head = state(network), type(network.head)
    calls = iter(range(10**6))

    def failing(self, x, forward=head.forward):
        if next(calls) == 1:
            raise ArithmeticError("in the middle")
        return forward(self, x)

    monkeypatch.setattr(head, "forward", failing)
    with pytest.raises(ArithmeticError, match="in the middle"):
        call(name, network, points, batch_size=1)
    monkeypatch.undo()
    assert_same(before, state(network))


@on_every_network
def test_chunks_do_not_change_the_values(name, factory):
    network, points = seeded(factory), pictures(5)
    whole = call(name, network, points, None)
    for batch_size in (1, 2, 64):
        found = call(name, network, points, None, batch_size=batch_size)
        assert torch.allclose(found.values, whole.values, atol=1e-6)
        assert torch.equal(found.target, whole.target)
    assert torch.equal(call(name, network, points, None, batch_size=2).values,
                       call(name, network, points, None, batch_size=2).values)  # fmt: skip


@every_method
def test_batch_size_bounds_every_pass(name):
    network, sizes = seeded(Convnet), []
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    call(name, network, pictures(5), layer="act2", batch_size=2) if "layer" in options_of(name) else call(
        name, network, pictures(5), batch_size=2
    )
    assert max(sizes) <= 2


@every_method
def test_inputs_that_require_gradients_get_none(name):
    points = pictures().requires_grad_()
    found = call(name, seeded(Convnet), points)
    assert points.grad is None
    assert not found.values.requires_grad


@every_method
def test_frozen_parameters_do_not_matter(name):
    frozen = seeded(Convnet).requires_grad_(False)
    assert torch.equal(call(name, frozen, pictures()).values, call(name, seeded(Convnet), pictures()).values)


@every_method
def test_double_precision_is_kept(name):
    found = call(name, seeded(Convnet).double(), pictures().double())
    assert found.values.dtype == torch.float64


@every_method
def test_versus_swaps_sign_or_is_recorded(name):
    network = seeded(Convnet)
    found = call(name, network, pictures(), versus=torch.tensor([0, 2, 3]))
    assert found.versus.tolist() == [0, 2, 3]
    if name in ALONE:
        back = METHODS[name](network, pictures(), torch.tensor([0, 2, 3]), versus=1, **QUICK.get(name, {}))
        assert torch.allclose(found.values, -back.values, atol=1e-6)


@pytest.mark.parametrize("name", sorted(ALONE))
def test_any_callable_over_any_shape(name):
    options = {"window": 1, "stride": 1} if name == "occlusion" else QUICK.get(name, {})
    points = torch.rand(2, 7, generator=torch.Generator().manual_seed(0))
    found = METHODS[name](lambda x: x[:, :CLASSES] * 3, points, 2, **options)
    assert found.values.shape == points.shape
    assert found.values[:, 2].abs().min() > 0
    assert not found.values[:, 3:].any()


def options_of(name):
    return inspect.signature(METHODS[name]).parameters


@every_method
def test_every_method_has_the_one_signature(name):
    parameters = options_of(name)
    assert list(parameters)[:3] == ["forward", "inputs", "target"]
    assert parameters["target"].default is None
    assert {"versus", "batch_size"} <= set(parameters)
    assert all(each.kind is each.KEYWORD_ONLY for key, each in list(parameters.items())[3:])
    assert getattr(attribution, name) is METHODS[name]
    assert name in attribution.__all__
