"""Annotators: what they see in drawn forms and captions, and that what they propose can always be done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cutaway.construct import rle
from cutaway.construct.annotators import Captions, Observation, Offline, annotator, growth
from cutaway.construct.findings import lint
from cutaway.construct.looks import colour, form, look
from cutaway.construct.observing import coverage, grow, named
from cutaway.construct.ontology import Ontology
from cutaway.construct.operations import AT_MOST
from cutaway.construct.segments import SEGMENTERS, Segment, felzenszwalb, from_masks, slic
from cutaway.core.errors import OptionError
from cutaway.data.dataset import Sample
from cutaway.data.partworld import PartWorld

GRID = np.indices((48, 48)).astype(float)
Y, X = GRID[0] - 24, GRID[1] - 24


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        (X**2 + Y**2 < 120, "compact_form"),
        ((np.abs(X) < 2) & (np.abs(Y) < 18), "upright_straight_bar"),
        ((np.abs(Y) < 2) & (np.abs(X) < 18), "level_straight_bar"),
        ((np.abs(X - Y) < 3) & (np.abs(X + Y) < 30), "slanted_straight_bar"),
        ((np.abs(X - 5 * np.sin((Y + 18) / 36 * np.pi)) < 2) & (np.abs(Y) < 18), "upright_bowed_bar"),
        ((X**2 + Y**2 < 200) & (X**2 + Y**2 > 110), "ring"),
        (((X - 12) ** 2 + Y**2 < 40) | ((X + 12) ** 2 + Y**2 < 40), "paired_pieces"),
        ((np.abs(X) < 3) & (np.abs(Y) < 16) | (np.abs(Y) < 3) & (np.abs(X) < 16), "branched_form"),
        ((X / 8) ** 2 + (Y / 16) ** 2 < 1, "upright_oblong"),
    ],
)
def test_drawn_forms_are_named(mask: np.ndarray, name: str) -> None:
    assert form(mask) == name


def test_colours_and_textures_are_named() -> None:
    assert colour(np.array([0.9, 0.1, 0.1])) == "red"
    picture = np.zeros((3, 48, 48)) + np.array([0.2, 0.5, 0.2])[:, None, None]
    disk = X**2 + Y**2 < 200
    assert look(picture, disk) == look(picture, disk)
    assert (look(picture, disk).colour, look(picture, disk).texture) == ("green", "plain")
    striped = picture + 0.4 * ((X // 3) % 2 == 0)
    assert look(striped, disk).texture == "patterned"
    assert look(picture, np.zeros((48, 48), dtype=bool)).form == "speck"


@pytest.mark.parametrize("name", sorted(SEGMENTERS))
def test_segments_are_apart_and_large_enough(name: str) -> None:
    sample = PartWorld(4, seed=2)[1]
    segments = SEGMENTERS[name](sample, "ab")
    assert segments
    assert {segment.source for segment in segments} == {name}
    masks = np.stack([segment.pixels() for segment in segments])
    assert masks.mean(axis=(1, 2)).min() >= 0.004
    if name != "mask-file":
        assert masks.sum(axis=0).max() == 1
    assert segments == SEGMENTERS[name](sample, "ab")


def test_superpixels_join_to_the_pieces_of_a_flag() -> None:
    picture = torch.zeros(3, 48, 48)
    picture[0, :, :24], picture[2, :, 24:] = 0.8, 0.8
    for cut in (slic, felzenszwalb):
        areas = sorted(rle.area(segment.mask) for segment in cut(Sample("flag", picture), "ab"))
        assert sum(areas[-2:]) > 0.9 * 48 * 48


def test_masks_that_hold_others_are_left_out() -> None:
    sample = PartWorld(4, seed=2)[0]
    names = [name for name in sample.masks if any(other.startswith(f"{name}/") for other in sample.masks)]
    assert names
    assert len(from_masks(sample, "ab")) <= len(sample.masks) - len(names) - 1


@pytest.fixture(scope="module")
def seen() -> list[Observation]:
    world = PartWorld(60, seed=4)
    samples = [world[index] for index in range(60)]
    return [
        Observation(f"{number:064x}", sample, from_masks(sample, f"{number:064x}"), world.labels[sample.label or 0])
        for number, sample in enumerate(samples)
    ]


def test_the_offline_ontology_grows_slower_and_slower_and_lint_has_nothing_to_say(seen: list[Observation]) -> None:
    grown = grow(Ontology(), Offline(), seen[:45])
    assert growth(grown.counts[:15], 14) > growth(grown.counts, 15)
    assert lint(grown.ontology) == ()
    assert coverage(grown.ontology, seen[45:]) > 0.85
    assert grow(Ontology(), Offline(), seen[:45]) == grown


@pytest.mark.parametrize("make", [Offline, Captions])
def test_no_picture_proposes_more_than_eight(seen: list[Observation], make: type[Offline] | type[Captions]) -> None:
    one, tree = make(), Ontology()
    for observation in seen:
        assert len(one(observation, tree)) <= AT_MOST
        tree = grow(tree, lambda observation, tree, one=one: one(observation, tree), [observation]).ontology


def test_captions_give_parts_and_their_attributes() -> None:
    told = ("the finch has a long orange bill and round red wings", "a finch without legs")
    pictures = [Observation(f"{n:064x}", Sample(str(n), torch.zeros(3, 8, 8), captions=told), []) for n in range(5)]
    tree = grow(Ontology(), Captions(), pictures).ontology
    assert tree["bill"].kind == "part"
    assert tree["orange"].attaches_to == ("bill",)
    assert tree["wing"].kind == "part"
    assert "leg" not in tree  # what is denied is not there
    assert lint(tree) == ()


def test_names_can_be_changed_by_a_person(seen: list[Observation]) -> None:
    tree = grow(Ontology(), Offline(), seen[:30]).ontology
    old = next(node.id for node in tree if node.kind == "part")
    renamed = named(tree, {old: "petal"})
    assert renamed["petal"].evidence == tree[old].evidence
    assert renamed["petal"].aliases[-1] == old
    assert not any(old in (*node.children, *node.attaches_to) for node in renamed)


def test_a_users_own_annotator_works(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from cutaway.construct import Operation\n"
        "def make():\n    return lambda seen, tree: [] if 'petal' in tree else [Operation('add', 'petal')]\n"
    )
    picture = Observation("a", Sample("a", torch.zeros(3, 8, 8)), [Segment("a", rle.encode(np.eye(8) > 0), "hand")])
    assert [node.id for node in grow(Ontology(), annotator(f"{path}:make"), [picture, picture]).ontology] == ["petal"]
    with pytest.raises(OptionError, match='no annotator "offlin"; expected one of offline, captions, anthropic'):
        annotator("offlin")
