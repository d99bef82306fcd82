"""The search: seeded, resumable, scored by what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from cutaway.core.errors import OptionError
from cutaway.featurevis import PRESETS, REGULARIZERS, moved_scores, search, unit, units, visualize
from cutaway.featurevis.colours import to_picture
from cutaway.featurevis.maco import draw, start
from cutaway.featurevis.search import SPACE, Trial, drawn, likeness
from cutaway.featurevis.transforms import DRAWS, TRANSFORMS
from cutaway.nets.model import Model

FEW = {"tries": 3, "size": 32, "steps": 4}


def test_trials_are_seeded_and_best_first(model: Model) -> None:
    first, again = (search(model, "3:1", **FEW) for _ in range(2))
    assert first == again
    assert [trial.score for trial in first] == sorted((trial.score for trial in first), reverse=True)
    assert {trial.index for trial in first} == {0, 1, 2}
    assert {trial.preset for trial in first} == {drawn(index) for index in range(3)}
    assert drawn(1, seed=0) != drawn(1, seed=1)


def test_draws_lie_in_the_space_and_leave_some_out() -> None:
    trials = [drawn(index) for index in range(200)]
    for name, (low, high) in SPACE.items():
        values = [
            trial.rate if name == "rate" else dict(trial.regularizers).get(name)  # type: ignore[arg-type]
            for trial in trials
        ]
        given = [value for value in values if value is not None]
        assert low * 0.94 < min(given) < max(given) < high * 1.06  # rounded to two figures
        middle = math.sqrt(low * high)
        assert 70 <= sum(value < middle for value in given) * 200 / len(given) <= 130  # even in logarithms
        assert len(given) == 200 if name == "rate" else 110 < len(given) < 170


def test_a_search_goes_on_where_it_was_broken_off(model: Model, tmp_path: Path) -> None:
    path, told = tmp_path / "runs" / "trials.jsonl", list[Trial]()
    whole = search(model, "3:1", **FEW, path=path, progress=told.append)
    assert len(told) == 3
    lines = path.read_text().splitlines()
    assert [json.loads(line)["index"] for line in lines] == [0, 1, 2]
    path.write_text("\n".join(lines[:2]) + "\n" + lines[2][:25])  # killed in the middle of a line
    told.clear()
    assert search(model, "3:1", **FEW, path=path, progress=told.append) == whole
    assert [trial.index for trial in told] == [2]
    told.clear()
    search(model, "3:2", **FEW, path=path, progress=told.append)
    assert len(told) == 3  # another question


def test_natural_pictures_are_like_photographs() -> None:
    natural = torch.stack([start(3, 64, torch.Generator().manual_seed(seed)) for seed in range(4)])
    pictures = to_picture(draw(natural, 64))
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert likeness(pictures) > -0.1
    assert likeness(noise) < -1
    assert likeness(torch.full((1, 3, 64, 64), 0.5)) < -3
    assert likeness(0.5 + 0.1 * (pictures - 0.5)) < -1.5  # hardly any contrast


def test_scores_in_motion_are_the_mean_over_transforms(model: Model) -> None:
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    still = moved_scores(model, units(["3:1", "1:2"]), pictures, transforms="none", draws=2)
    with torch.no_grad():
        first = model.module[:2](pictures.clone())
        expected = torch.stack([model.module[2:4](first[:1])[0, 1].mean(), first[1, 2].mean()])
    torch.testing.assert_close(still, expected)
    seen: list[torch.Tensor] = []

    def noted(shown: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
        if draws.std() > 0:  # not when the sizes are tried
            assert torch.equal(draws[0], draws[1])
            seen.append(draws[:1])
        return TRANSFORMS["standard"](shown, draws)

    moved = moved_scores(model, units(["3:1", "3:1"]), pictures, transforms=noted, draws=3)
    shown = [TRANSFORMS["standard"](pictures[:1], draws) for draws in seen]
    alone = [moved_scores(model, unit("3:1"), each, transforms="none", draws=1) for each in shown]
    assert seen[0].shape == (1, DRAWS)
    torch.testing.assert_close(moved[:1], torch.stack(alone).mean(dim=0))
    torch.testing.assert_close(moved, moved_scores(model, unit("3:1"), pictures, transforms=noted, draws=3))
    with pytest.raises(OptionError, match="2 pictures for an objective of 3; expected as many, or one objective"):
        moved_scores(model, units(["3:1", "3:2", "3:3"]), pictures)


def test_presets_work(model: Model) -> None:
    for name, preset in PRESETS.items():
        found = visualize(model, "3:1", size=32, steps=12, preset=name)
        assert found.scores[0] > found.history[0, 0]
        assert found.notes == ("",)
        assert all(regularizer in REGULARIZERS for regularizer, _ in preset.regularizers)  # type: ignore[misc]


def test_bad_input(model: Model) -> None:
    with pytest.raises(OptionError, match="tries is 0; expected at least 1"):
        search(model, "3:1", tries=0)
    with pytest.raises(OptionError, match="a search over a function of a trace cannot be written down"):
        search(model, unit("3:1") + (lambda seen: seen["1"].mean()))
