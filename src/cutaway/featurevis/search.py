"""Search: regularizers' weights drawn at random, to find those that work together."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from cutaway.core.cache import key
from cutaway.core.errors import OptionError
from cutaway.core.seeds import generator
from cutaway.core.types import Pictures, Unit
from cutaway.featurevis.colours import to_canvas
from cutaway.featurevis.fourier import waves
from cutaway.featurevis.motion import moved_scores
from cutaway.featurevis.objectives import Objective, as_objective
from cutaway.featurevis.presets import Preset
from cutaway.featurevis.spectrum import natural
from cutaway.featurevis.visualize import visualize
from cutaway.nets.model import Model, as_model

SPACE: Mapping[str, tuple[float, float]] = {
    "decay": (0.001, 0.1),
    "blur": (0.3, 1.2),
    "clip_norm": (0.01, 0.6),
    "clip_contribution": (0.01, 0.6),
    "rate": (0.5, 8.0),
}
"""Least and most of each; drawn evenly in their logarithms."""

LEFT_OUT = 0.3
"""How often a regularizer is left out of a trial: not all four have to work together."""

LEAST = 1e-3
"""Of the reference's score; nothing scores lower in a trial, however dead its pictures."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    activation: the mean logarithm of the scores in motion, each divided by that of a picture made with the defaults.
    likeness: the negative distance of the pictures' spectrum from that of photographs, in logarithms too.
    """

    index: int
    preset: Preset
    activation: float
    likeness: float

    @property
    def score(self) -> float:
        """High where pictures excite their units and have the contrast and fineness of photographs."""
        return self.activation + self.likeness


def search(
    model: Model | nn.Module,
    objective: Objective | str | Unit,
    *,
    tries: int = 24,
    size: int = 96,
    steps: int = 96,
    seed: int = 0,
    path: str | PathLike[str] | None = None,
    progress: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Random settings of Yosinski's four regularizers for pictures of single pixels, the best first.

    Each trial depends on the seed and its number alone. path: a file with a line for each finished trial; a search
    that was broken off, or is given more tries, goes on after the last one there. Yosinski et al. 2015 chose theirs by
    eye out of 300; here a score does, so that a person looks at the best few (`Trial.preset` can be given to
    `visualize`).
    """
    model, wanted = as_model(model), as_objective(objective)
    if tries < 1:
        raise OptionError(f"tries is {tries}; expected at least 1")
    plain = [[term.plain() for term in terms] for terms in wanted.pictures]
    if any(None in terms for terms in plain):
        raise OptionError("a search over a function of a trace cannot be written down; expected objectives of cutaway")
    question = key({"weights": model.weights_hash(), "objective": plain, "size": size, "steps": steps, "seed": seed})
    found = _kept(Path(path), question) if path else {}
    reference = moved_scores(model, wanted, visualize(model, wanted, size=size, steps=steps, seed=seed).pictures)
    for index in range(tries):
        if index not in found:
            found[index] = _tried(model, wanted, index, reference, size=size, steps=steps, seed=seed)
            if path:
                _append(Path(path), question, found[index])
            progress(found[index])
    return sorted((found[index] for index in range(tries)), key=lambda trial: -trial.score)


def drawn(index: int, seed: int = 0) -> Preset:
    """The settings of one trial."""
    draws = torch.rand(2, len(SPACE), generator=generator(seed, "search", index)).tolist()
    values = {
        name: low * (high / low) ** share for (name, (low, high)), share in zip(SPACE.items(), draws[0], strict=True)
    }
    chosen = [name for name, chance in zip(SPACE, draws[1], strict=True) if chance >= LEFT_OUT and name != "rate"]
    weights = tuple((name, float(f"{values[name]:.2g}")) for name in chosen)
    return Preset("pixel", "jitter", weights, rate=float(f"{values['rate']:.2g}"))


def likeness(pictures: Pictures) -> float:
    """The negative distance of the pictures' mean spectrum from that of photographs: root mean square of the logarithms
    of their ratios, over octaves of waves and all colours."""
    size, channels = pictures.shape[-1], pictures.shape[1]
    power = torch.fft.rfft2(to_canvas(pictures), norm="forward").abs().square().mean(dim=0)
    expected = natural(channels, size).square()
    distances: list[Tensor] = []
    for octave in range(int(math.log2(size)) - 1):
        ring = (waves(size) >= 2**octave) & (waves(size) < 2 ** (octave + 1))
        ratio = power[:, ring].mean(dim=1) / expected[:, ring].mean(dim=1)
        distances.append(ratio.clamp(min=1e-8).log() / 2)
    return -float(torch.stack(distances).square().mean().sqrt())


def _tried(
    model: Model, wanted: Objective, index: int, reference: Tensor, *, size: int, steps: int, seed: int
) -> Trial:
    preset = drawn(index, seed)
    pictures = visualize(
        model,
        wanted,
        size=size,
        steps=steps,
        parameterization=preset.parameterization,
        transforms=preset.transforms,
        regularizers=preset.regularizers,
        rate=preset.rate,
        seed=seed,
    ).pictures
    ratios = moved_scores(model, wanted, pictures) / reference.clamp(min=LEAST)
    return Trial(index, preset, float(ratios.clamp(min=LEAST).log().mean()), likeness(pictures))


def _append(path: Path, question: str, trial: Trial) -> None:
    """One line, whole or not at all where the process is killed: a broken last line is read as absent."""
    line = {
        "question": question,
        "index": trial.index,
        "regularizers": trial.preset.regularizers,
        "rate": trial.preset.rate,
        "score": trial.score,
        "activation": trial.activation,
        "likeness": trial.likeness,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _kept(path: Path, question: str) -> dict[int, Trial]:
    """The trials in a file that answer this question, by number."""
    found: dict[int, Trial] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if row.get("question") == question:
            weights = tuple((name, weight) for name, weight in row["regularizers"])
            preset = Preset("pixel", "jitter", weights, row["rate"])
            found[row["index"]] = Trial(row["index"], preset, row["activation"], row["likeness"])
    return found
