"""Pictures that cannot be read and labels that show nothing: named, left out, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cutaway.construct import labelling, rle
from cutaway.construct.annotators import Observation
from cutaway.construct.data import Label
from cutaway.construct.growing import train
from cutaway.construct.labelling import Rule
from cutaway.construct.observing import observe, split_of
from cutaway.construct.project import open_project
from cutaway.core.errors import CutawayError, ProjectError
from cutaway.data.dataset import Sample


def write_pictures(folder: Path, count: int) -> None:
    draw = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(draw.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(folder / f"{index}.png")


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_added(project: Path) -> None:
    before = len(open_project(project).manifest)
    write_pictures(project / "data" / "more" / "flower", 3)
    (project / "data" / "more" / "flower" / "1.png").write_bytes(b"\x89PNG but no more than that")
    found = observe(open_project(project), "folder:data/more", split="train")
    assert (found.added, found.known) == (2, 0)
    assert len(found.unreadable) == 1
    assert "1.png" in found.unreadable[0]
    assert len(open_project(project).manifest) == before + 2
    again = observe(open_project(project), "folder:data/more", split="train")
    assert (again.added, again.known) == (0, 2)


def test_near_copies_land_in_one_split() -> None:
    for seed in range(20):
        picture = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed))
        picture = torch.nn.functional.interpolate(picture[None], size=(48, 48))[0]
        assert split_of(picture) == split_of((picture * 0.9 + 0.02).clamp(0, 1))


def test_an_empty_mask_says_that_the_part_does_not_show_and_a_rule_that_finds_nothing_is_an_error() -> None:
    observation = Observation("ab" * 32, Sample("one", torch.full((3, 16, 16), 0.5)), [])
    with pytest.raises(ProjectError, match="the rule red show disk in none of 1 pictures; expected some"):
        labelling.by_rule([observation], "disk", Rule(colours=("red",)))
    empty = rle.encode(np.zeros((16, 16), dtype=bool))
    assert rle.area(empty) == 0
    assert not rle.decode(empty).any()


def test_a_node_whose_masks_are_all_empty_is_not_trained_and_keeps_its_network(project: Path) -> None:
    opened = open_project(project)
    weights = (opened.net("round_petals") / "weights.safetensors").read_bytes()
    nothing = rle.encode(np.zeros((32, 32), dtype=bool))
    labelling.write(opened, "round_petals", [Label(entry.sha256, nothing, "hand") for entry in opened.manifest])
    with pytest.raises(CutawayError, match=r"0 of \d+ pictures of train show the part; expected some, not all"):
        train(open_project(project), "round_petals")
    assert (opened.net("round_petals") / "weights.safetensors").read_bytes() == weights
