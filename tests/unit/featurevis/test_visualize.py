"""visualize: objectives rise, nothing leaks, the same seed gives the same bits, and bad input is told so."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cutaway.core.errors import LayerError, OptionError
from cutaway.featurevis import (
    PARAMETERIZATIONS,
    Objective,
    Parameterization,
    activation_match,
    alignment,
    batch,
    class_score,
    copies,
    deepdream,
    direction,
    diversity,
    interpolation,
    neuron,
    unit,
    units,
    visualize,
)
from cutaway.featurevis import octaves as loop
from cutaway.nets.model import Model
from cutaway.nets.preprocess import Preprocess

SIDE = 32
GIVEN = torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(7))
OBJECTIVES = {
    "unit": unit("3:1"),
    "neuron": neuron("3:1", 2, 3),
    "direction": direction("3", torch.linspace(-1, 1, 8)),
    "class": class_score("dog"),
    "deepdream": deepdream("1"),
    "diversity": copies(unit("3:1"), 3) - diversity("1"),
    "interpolation": interpolation(unit("3:1"), unit("3:2"), 3),
    "caricature": activation_match("1", GIVEN),
    "inversion": activation_match("1", GIVEN, "inversion"),
    "function": lambda seen: seen["3"].square().mean(),
    "sum": unit("3:1") - 0.2 * unit("1:2") + class_score(0),
}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_three_steps_raise_every_objective(model: Model, name: str, precision: str) -> None:
    few = {"size": SIDE, "transforms": "none", "precision": precision, "cache": False}
    found = visualize(model, OBJECTIVES[name], steps=3, **few)
    assert (found.scores > found.history[:, 0]).all()
    assert not any(found.notes)
    assert found.pictures.shape[1:] == (3, SIDE, SIDE)
    assert found.pictures.dtype == torch.float32
    assert 0 <= found.pictures.min() <= found.pictures.max() <= 1


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("compare", [diversity, alignment])
def test_three_steps_move_pictures_together_or_apart(
    model: Model, compare: Callable[[str], Objective], sign: float
) -> None:
    start = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    wanted = copies(sign * compare("1"), 3)
    found = visualize(model, wanted, size=SIDE, steps=3, transforms="none", start=start, cache=False)
    assert found.scores.sum() > found.history[:, 0].sum()


@pytest.mark.parametrize("parameterization", sorted(PARAMETERIZATIONS))
def test_the_picture_excites_its_unit_beyond_any_noise(parameterization: str) -> None:
    stripes = stripe_model()
    found = visualize(stripes, "1:0", size=SIDE, steps=48, parameterization=parameterization)
    assert found.scores[0] > 3 * stripes.module(torch.rand(100, 3, SIDE, SIDE)).max()


def test_the_planted_pattern_is_found() -> None:
    """A unit that answers to upright stripes, one in 8 pixels, gets a picture of about those."""
    found = visualize(stripe_model(), "1:0", size=SIDE, steps=48, parameterization="pixel", transforms="jitter")
    waves = torch.fft.rfft2(found.pictures[0].mean(dim=0))
    waves[0, 0] = 0
    down, right = divmod(int(waves.abs().argmax()), waves.shape[1])
    assert down == 0
    assert abs(right - SIDE // 8) <= 1


def stripe_model(period: int = 8) -> Model:
    layer = nn.Conv2d(3, 1, 9, bias=False)
    wave = torch.cos(2 * torch.pi * torch.arange(-4, 5) / period)
    layer.weight.data = (wave - wave.mean()).expand(1, 3, 9, 9).clone()
    return Model(nn.Sequential(layer, nn.ReLU(), nn.AdaptiveAvgPool2d(1)), Preprocess(SIDE), name="stripes")


def test_scores_are_those_of_the_pictures(model: Model) -> None:
    found = visualize(model, units(["3:1", "1:2"]), size=40, steps=4)
    with torch.no_grad():
        first = model.module[:2](found.pictures.clone())
        expected = torch.stack([model.module[2:4](first[:1])[0, 1].mean(), first[1, 2].mean()])
    torch.testing.assert_close(found.scores, expected)


def test_one_seed_one_picture_bit_for_bit(model: Model) -> None:
    first, again, other = (visualize(model, "3:1", size=SIDE, steps=5, seed=s, cache=False) for s in (0, 0, 1))
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(first.history, again.history)
    assert not torch.equal(first.pictures, other.pictures)


def test_global_randomness_is_left_alone(model: Model) -> None:
    before = torch.get_rng_state()
    visualize(model, "3:1", size=SIDE, steps=2, cache=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_picture_does_not_depend_on_its_batch(model: Model) -> None:
    names = [f"3:{channel}" for channel in range(5)]
    common = {"size": SIDE, "steps": 6, "precision": "float32", "cache": False}
    together = visualize(model, units(names), **common)
    in_parts = visualize(model, units(names), batch_size=2, **common)
    alone = visualize(model, names[3], **common)
    torch.testing.assert_close(together.pictures, in_parts.pictures, atol=1e-4, rtol=0)
    torch.testing.assert_close(together.pictures[3:4], alone.pictures, atol=1e-4, rtol=0)


def test_the_cache_keeps_each_picture_by_itself(model: Model, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = loop.grow

    def counted(model: Model, objectives: list[object], *rest: object) -> object:
        made.append(len(objectives))
        return real(model, objectives, *rest)

    monkeypatch.setattr(importlib.import_module("cutaway.featurevis.visualize"), "grow", counted)
    first = visualize(model, units(["3:1", "3:2"]), size=SIDE, steps=3)
    second = visualize(model, units(["3:2", "3:3", "3:1"]), size=SIDE, steps=3)
    assert made == [2, 1]
    assert torch.equal(second.pictures[[2, 0]], first.pictures)
    assert torch.equal(second.history[[2, 0]], first.history)
    assert len(list(cache.rglob("*.safetensors"))) == 3


@pytest.mark.parametrize(
    "change",
    [{"steps": 4}, {"size": 33}, {"seed": 1}, {"transforms": "none"}, {"regularizers": ["contrast"]},
     {"parameterization": "pixel"}],
)  # fmt: skip
def test_other_settings_are_another_question(model: Model, cache: Path, change: dict[str, object]) -> None:
    visualize(model, "3:1", size=SIDE, steps=3)
    visualize(model, "3:1", **{"size": SIDE, "steps": 3, **change})
    assert len(list(cache.rglob("*.safetensors"))) == 2


def test_other_weights_are_another_question(model: Model, cache: Path) -> None:
    visualize(model, "3:1", size=SIDE, steps=2)
    with torch.no_grad():
        next(model.module.parameters()).add_(0.1)
    visualize(model, "3:1", size=SIDE, steps=2)
    assert len(list(cache.rglob("*.safetensors"))) == 2


def test_a_damaged_entry_is_made_again(model: Model, cache: Path) -> None:
    first = visualize(model, "3:1", size=SIDE, steps=2)
    (kept,) = cache.rglob("*.safetensors")
    kept.write_bytes(b"not this")
    assert torch.equal(visualize(model, "3:1", size=SIDE, steps=2).pictures, first.pictures)


def test_functions_are_not_cached(model: Model, cache: Path) -> None:
    visualize(model, lambda seen: seen["3"].mean(), size=SIDE, steps=2)
    visualize(model, "3:1", size=SIDE, steps=2, transforms=lambda pictures, draws: pictures)
    assert not list(cache.rglob("*.safetensors"))


def test_silent_units_are_woken(module: nn.Sequential) -> None:
    """Every unit is inactive for pictures near grey, in two ReLUs one after the other."""
    with torch.no_grad():
        for layer, grey in ((module[0], 0.5), (module[2], 0.0)):
            weight = layer.weight.sum(dim=(2, 3))
            layer.bias.copy_(-grey * weight.sum(dim=1) - 0.05 * weight.abs().sum(dim=1))
    model = Model(module, Preprocess(SIDE), name="asleep")
    with torch.no_grad():
        assert model.module[:4](torch.full((1, 3, SIDE, SIDE), 0.5)).max() == 0
    found = visualize(model, units(["1:0", "1:2", "3:5"]), size=SIDE, steps=24)
    assert (found.scores > 0).all()
    assert found.notes == ("", "", "")


def test_dead_objectives_give_a_note_and_no_nan(model: Model) -> None:
    dead = batch([0.0 * unit("3:1"), lambda seen: torch.tensor(3.0), unit("3:2")])
    found = visualize(model, dead, size=SIDE, steps=3)
    assert found.pictures.isfinite().all()
    assert "no gradient reached this picture" in found.notes[0]
    assert "no gradient reached this picture" in found.notes[1]
    assert found.notes[2] == ""


def test_dead_units_give_a_note(model: Model) -> None:
    """One that no picture excites, though gradients through its ReLU reach the picture."""
    with torch.no_grad():
        model.module[0].bias[2] = -1e6
    found = visualize(model, units(["1:2", "1:4"]), size=SIDE, steps=20)
    assert found.scores[0] == 0
    assert "was 0 in every step: what it is to excite seems to be dead" in found.notes[0]
    assert found.notes[1] == ""
    assert found.pictures.isfinite().all()


def test_broken_gradients_give_a_note_and_no_nan(model: Model) -> None:
    broken = visualize(model, lambda seen: (seen["3"] - seen["3"]).sum().sqrt(), size=SIDE, steps=3)
    assert broken.pictures.isfinite().all()
    assert "not finite" in broken.notes[0]


@pytest.mark.parametrize("size", [16, SIDE, 64])
@pytest.mark.parametrize("transforms", ["none", "standard"])
def test_networks_of_one_size_see_pictures_resized(tokens: Model, size: int, transforms: str) -> None:
    found = visualize(tokens, units(["block:3", "block:4"]), size=size, steps=12, transforms=transforms)
    assert found.pictures.shape == (2, 3, size, size)
    assert (found.scores > found.history[:, 0]).all()


def test_grey_networks_get_grey_pictures() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = visualize(Model(module, Preprocess(28, (0.5,), (0.5,))), "1:2", size=28, steps=3)
    assert found.pictures.shape == (1, 1, 28, 28)
    assert found.draw().shape == (28, 28, 3)


def test_bare_modules_and_training_mode_are_left_as_they_were(module: nn.Sequential) -> None:
    module.train()
    module[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.no_grad():
        found = visualize(module, "3:1", size=SIDE, steps=3, transforms="none", cache=False)
    assert found.scores[0] > found.history[0, 0]
    assert all(layer.training for layer in module.modules())
    assert not module[0].weight.requires_grad
    assert module[2].weight.requires_grad
    assert all(parameter.grad is None for parameter in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(not layer._forward_hooks and not layer._forward_pre_hooks for layer in module.modules())


def test_nothing_is_left_after_an_exception(model: Model) -> None:
    def fails(seen: object) -> Tensor:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        visualize(model, fails, size=SIDE, steps=3)
    assert all(not layer._forward_hooks and not layer._forward_pre_hooks for layer in model.module.modules())


def test_no_layer_beyond_the_deepest_is_computed(model: Model) -> None:
    model.layers()
    unit_reader = unit("1:0")
    visualize(model, unit_reader, size=SIDE, steps=1, cache=False)  # surveys the network once
    calls: list[int] = []
    handle = model.module[2].register_forward_hook(lambda *_: calls.append(1))
    visualize(model, unit_reader, size=SIDE, steps=4, cache=False)
    handle.remove()
    assert calls == []


def test_ways_of_ones_own(model: Model) -> None:
    half = Parameterization(
        start=lambda channels, size, generator: torch.randn(channels, 4, 4, generator=generator),
        render=lambda numbers, size: torch.nn.functional.interpolate(numbers, size).sigmoid(),
        rate=0.1,
    )
    found = visualize(
        model,
        "3:1",
        size=SIDE,
        steps=8,
        parameterization=half,
        transforms=["jitter", lambda pictures, draws: pictures.flip(3)],
        regularizers=[(lambda pictures: pictures.mean(dim=(1, 2, 3)), 0.1)],
    )
    assert found.scores[0] > found.history[0, 0]
    assert torch.equal(found.pictures[..., 0, 0], found.pictures[..., 7, 7])


def test_progress_counts_picture_steps(model: Model) -> None:
    told: list[tuple[int, int]] = []
    visualize(model, units(["3:0", "3:1", "3:2"]), size=SIDE, steps=2, batch_size=2, progress=lambda *p: told.append(p))
    assert told == [(2, 6), (4, 6), (5, 6), (6, 6)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "size is 8; expected 16 to 2,048; try 16"),
        ({"size": 5000}, "size is 5000; expected 16 to 2,048; try 2048"),
        ({"steps": 0}, "steps is 0; expected 1 to"),
        ({"batch_size": 0}, "batch_size is 0; expected at least 1"),
        (
            {"parameterization": "furier"},
            'no parameterization "furier"; expected one of fourier, pixel',
        ),
        ({"transforms": "standart"}, 'no transform "standart"; expected one of .*; did you mean "standard"'),
        ({"transforms": ["none", "wild"]}, 'no transform "wild"'),
        (
            {"regularizers": ["blurr"]},
            'no regularizer "blurr"; expected one of .*; did you mean "blur"',
        ),
        ({"regularizers": [("clip_norm", 1.5)]}, "a regularizer's weight is 1.5; expected 0 to 1.0; try 1.0"),
        (
            {"regularizers": ["blur"], "parameterization": "cppn"},
            'parameterization "cppn" and regularizers that change',
        ),
        ({"octaves": 2, "parameterization": "cppn"}, 'parameterization "cppn" and octaves.*; try "fourier"'),
        ({"octaves": 9}, "octaves is 9; expected 1 to 4; try 4"),
        ({"tolerance": -1}, "tolerance is -1; expected 0 to 1"),
        ({"preset": "inception"}, 'no preset "inception"; expected one of .*; did you mean "inceptionism"'),
        ({"near": "1"}, 'near keeps pictures near their start; expected start too; try start="photo.jpg"'),
        ({"start": GIVEN, "parameterization": "cppn"}, 'parameterization "cppn" cannot start from a picture'),
        ({"start": [GIVEN, GIVEN]}, "2 pictures to start from for 1 to be made; expected one, or as many"),
        ({"precision": "int8"}, 'no precision "int8"; expected one of auto, float32, bfloat16'),
    ],
)
def test_bad_options(model: Model, options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        visualize(model, "3:1", **options)


def test_what_does_not_fit_is_said_before_any_work(model: Model) -> None:
    with pytest.raises(LayerError, match='no layer "one" in small'):
        visualize(model, "3:1", near="one", start=GIVEN, progress=lambda *_: pytest.fail("worked already"))
    with pytest.raises(LayerError, match='no unit "3:99" in small; expected a channel from 0 to 7 of 3'):
        visualize(model, units(["3:1", "3:99"]), progress=lambda *_: pytest.fail("worked already"))
