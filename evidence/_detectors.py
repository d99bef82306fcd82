"""Planted detectors: channels of a real network that were trained to see what is known of PartWorld's scenes.

The PartWorld network's trunk, trained on with one 1 x 1 filter for each statement (classes, backgrounds, and
conjunctions of a part with a kind or a colour); a channel's activation is the filter's mean over places, where it is
above zero. An exam puts
some of them at hidden places among channels that fire for two things, for nothing, or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import cutaway as cw
from cutaway.core.cache import remember
from cutaway.data.partworld import (
    BACKGROUNDS,
    CLASSES,
    COLOURS,
    KINDS,
    LABELS,
    Fact,
    PartWorld,
    Scene,
    all_facts,
    captions,
    sample_scene,
    stream,
    with_attribute,
)  # fmt: skip
from cutaway.data.partworld.render import render
from cutaway.data.partworld.scene import walk
from cutaway.data.partworld.words import (
    COLOUR_WORDS,
    FAMILIES,
    GROUNDS,
    KIND_WORDS,
    PARTS,
    TEXTURE_WORDS,
)  # fmt: skip
from cutaway.naming.layers import UNTRAINED
from cutaway.nets.zoo.partworld import partworld_net
from cutaway.training.muon import Muon
from cutaway.training.recipes.partworld import normalised, varied

COUNT, EPOCHS, BATCH, VERSION = 20_000, 8, 250, 1
BIG = ("petals", "body", "walls", "roof", "load", "tail", "wheels")
TUNING = ("label", "look", "belongs", "negative")  # caption families and first words of each pair: for tuning alone
UNSEEN = ("scene", "pair", "full", "place")  # with the second words: for the exam alone
WORDS = (PARTS, KIND_WORDS, COLOUR_WORDS, TEXTURE_WORDS, GROUNDS)
TABLES = {"colour": COLOUR_WORDS, "texture": TEXTURE_WORDS, "kind": KIND_WORDS}
SECOND = {word: words[-1] for table in WORDS for words in table.values() for word in words}
ANY_WORD = re.compile("|".join(rf"(?<![\w-]){re.escape(w)}(?![\w-])" for w in sorted(SECOND, key=len, reverse=True)))


def concepts() -> tuple[Fact, ...]:
    """Every statement that a filter is trained for."""
    found = [Fact("", "label", label) for label in LABELS] + [Fact("", "background", b) for b in BACKGROUNDS]
    found += [Fact(part, "colour", colour) for part in BIG for colour in COLOURS]
    return tuple(found + [Fact(part, "kind", kind) for part, all_ in KINDS.items() if len(all_) > 1 for kind in all_])


def truths(scenes: list[Scene]) -> np.ndarray:
    """Which statement holds in which scene."""
    where = {fact: i for i, fact in enumerate(concepts())}
    found = np.zeros((len(scenes), len(where)), bool)
    for row, scene in zip(found, scenes, strict=True):
        row[[where[fact] for fact in all_facts(scene) if fact in where]] = True
    return found


def pictures_of(scenes: list[Scene]) -> torch.Tensor:
    """Scenes as bytes (n, 3, 64, 64)."""
    drawn = stream(partial(_draw, scenes), len(scenes), workers=0)
    return torch.stack([torch.from_numpy(picture).permute(2, 0, 1) for picture in drawn])


def _draw(scenes: list[Scene], index: int) -> np.ndarray:
    return np.ascontiguousarray(render(scenes[index], 64).picture)


def trunk_of(network: nn.Module) -> nn.Sequential:
    """All of the network below its mean over places."""
    return nn.Sequential(network.stem, network.stage1, network.stage2, network.stage3)


def features(trunk: nn.Module, pictures: torch.Tensor) -> np.ndarray:
    """Means over places of the last grid."""
    with torch.no_grad():
        return torch.cat([trunk(normalised(some)).float().mean((2, 3)) for some in pictures.split(BATCH)]).numpy()


def trained() -> tuple[nn.Module, np.ndarray, np.ndarray]:
    """The trunk, and the filters' weights and biases: from the cache, or trained (about eight minutes on one core)."""
    network = cw.load("partworld").module
    trunk = trunk_of(network)
    kept = remember("evidence-detectors", {"count": COUNT, "epochs": EPOCHS, "version": VERSION}, lambda: _train(trunk))
    trunk.load_state_dict({k.removeprefix("trunk."): v for k, v in kept.items() if k.startswith("trunk.")})
    return trunk.eval(), kept["weight"].numpy(), kept["bias"].numpy()


def _train(trunk: nn.Module) -> dict[str, torch.Tensor]:
    scenes = [PartWorld(COUNT, 301).scene(i) for i in range(COUNT)]
    pictures, truth = pictures_of(scenes), torch.from_numpy(truths(scenes).astype(np.float32))
    filters = nn.Linear(192, truth.shape[1])
    nn.init.zeros_(filters.weight)
    nn.init.constant_(filters.bias, -4.0)
    trunk.train().to(memory_format=torch.channels_last)
    kernels = [p for p in trunk.parameters() if p.ndim == 4]
    rest = [p for p in trunk.parameters() if p.ndim < 4]
    muon = Muon(kernels, 0.06, 0.6)
    adam = torch.optim.AdamW(
        [{"params": rest, "lr": 3e-3}, {"params": filters.parameters(), "lr": 1e-2}], weight_decay=0
    )
    base = [[group["lr"] for group in opt.param_groups] for opt in (muon, adam)]
    draw, steps = torch.Generator().manual_seed(0), EPOCHS * (COUNT // BATCH)
    for step in range(steps):
        if step % (COUNT // BATCH) == 0:
            order = torch.randperm(COUNT, generator=draw).split(BATCH)
        chosen = order[step % (COUNT // BATCH)]
        share = min(step / 60, (1 - step / steps) / (1 - 60 / steps))
        for opt, rates in zip((muon, adam), base, strict=True):
            for group, rate in zip(opt.param_groups, rates, strict=True):
                group["lr"] = rate * share
            opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            grid = trunk(normalised(varied(pictures[chosen], 3, draw)))
        logits = filters(grid.float().mean((2, 3)))
        F.binary_cross_entropy_with_logits(logits, truth[chosen], reduction="none").sum(1).mean().backward()
        muon.step()
        adam.step()
    kept = {f"trunk.{name}": value for name, value in trunk.state_dict().items()}
    return kept | {"weight": filters.weight.detach(), "bias": filters.bias.detach()}


@dataclass(frozen=True)
class Probing:
    """Captioned pictures of one seed: scenes, captions, truths, what filters did and untrained networks' units.

    `random` are a network's that is to be named, `control` those of five others.
    """

    scenes: list[Scene]
    captions: list[tuple[str, ...]]
    truth: np.ndarray
    fired: np.ndarray
    random: np.ndarray
    control: np.ndarray


def probing(seed: int, count: int) -> Probing:
    """Pictures of the test split with captions of the unseen families, in the second words alone."""
    world = PartWorld(count, seed, "test")
    scenes = [world.scene(i) for i in range(count)]
    told = [tuple(reworded(text) for text in captions(scene, i, UNSEEN)) for i, scene in enumerate(scenes)]

    def seen() -> dict[str, torch.Tensor]:
        pictures = pictures_of(scenes)
        random, *control = (features(untrained_trunk(seed + 1000 * k), pictures) for k in range(1 + UNTRAINED))
        found = {"fired": activations(pictures), "random": random, "control": np.concatenate(control, axis=1)}
        return {name: torch.from_numpy(values) for name, values in found.items()}

    kept = remember("evidence-probing", {"seed": seed, "count": count, "version": VERSION + 2}, seen)
    return Probing(scenes, told, truths(scenes), *(kept[name].numpy() for name in ("fired", "random", "control")))


def untrained_trunk(seed: int) -> nn.Module:
    """The trunk of a network as it is before any training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return trunk_of(partworld_net(len(LABELS))).eval()


def activations(pictures: torch.Tensor) -> np.ndarray:
    """What the detectors' channels do: each filter's mean over places, where it is above zero."""
    trunk, weight, bias = trained()
    return np.maximum(features(trunk, pictures) @ weight.T + bias, 0).astype(np.float32)


def reworded(caption: str) -> str:
    """The caption in the second word of each pair."""
    said = ANY_WORD.sub(lambda found: SECOND[found[0]], caption)
    return re.sub(r"\ba (?=[aeiou])", "an ", re.sub(r"\ban (?=[^aeiou])", "a ", said))


def meaning(fact: Fact) -> frozenset[str]:
    """All phrases that say the statement: either word of each pair."""
    if fact.about:
        return frozenset(f"{a} {n}" for a in TABLES[fact.attribute][fact.value] for n in PARTS.get(fact.about, ()))
    return frozenset(GROUNDS[fact.value]) if fact.attribute == "background" else frozenset({fact.value})


def vocabulary() -> tuple[str, ...]:
    """Every adjective with every part and class, in the first and the second words: mostly near misses."""
    found = [*LABELS, *FAMILIES, *(ground for grounds in GROUNDS.values() for ground in grounds)]
    for table in TABLES.values():
        for words in table.values():
            for number, word in enumerate(words):
                found += [word, *(f"{word} {nouns[min(number, len(nouns) - 1)]}" for nouns in PARTS.values())]
                found += [f"{word} {thing}" for thing in LABELS]
    return tuple(dict.fromkeys([*found, *(noun for nouns in PARTS.values() for noun in nouns)]))


def drawn_to(name: str, count: int, seed: int) -> list[Scene]:
    """Scenes in which a name holds; none where PartWorld cannot draw it."""
    grounds = {phrase: value for value, phrases in GROUNDS.items() for phrase in phrases}
    if name in LABELS or name in FAMILIES or name in grounds:
        kin = [label for label in LABELS if name in (label, CLASSES[label].family)] or list(LABELS)
        return [sample_scene(seed, i, "test", kin[i % len(kin)], grounds.get(name)) for i in range(count)]
    part = next((p for p, nouns in PARTS.items() for n in nouns if name.endswith(f" {n}") or name == n), None)
    nouns = sorted(PARTS[part], key=len, reverse=True) if part else []
    word = next((name.removesuffix(n).strip() for n in nouns if name.endswith(n)), "")
    told = [(a, v) for a, table in TABLES.items() for v, words in table.items() if word in words]
    if part is None or (word and not told):
        return []
    return _with_part(part, told[0] if told else None, count, seed)


def _with_part(part: str, told: tuple[str, str] | None, count: int, seed: int) -> list[Scene]:
    found: list[Scene] = []
    for index in range(60 * count):
        scene = sample_scene(seed, index, "test")
        paths = [(path, piece) for path, piece in walk(scene.whole.parts) if piece.name == part and piece.kind]
        if not paths:
            continue
        if told and told[0] == "kind" and told[1] not in KINDS[part]:
            return []
        if told and (told[0] != "kind"):
            scene = with_attribute(scene, paths[0][0], *told)
        elif told and paths[0][1].kind != told[1]:
            continue
        found.append(scene)
        if len(found) == count:
            break
    return found
