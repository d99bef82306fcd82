"""Names of units in the workbench: from the captions of a store, and from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_store import made_model

from cutaway.core.errors import StoreError
from cutaway.store import Store, sweep
from cutaway.web.jobs import Job
from cutaway.web.names import captioned, find_names, found_names

COUNT = 60


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of pictures that are red or blue, and say so."""
    place = tmp_path_factory.mktemp("told")
    lines: list[dict[str, Any]] = []
    draw = np.random.default_rng(0)
    for number in range(COUNT):
        red = number % 2 == 0
        noise = draw.integers(0, 60, (15, 18, 3), dtype=np.uint8)
        noise[..., 0 if red else 2] += 190
        Image.fromarray(noise).save(place / f"{number}.png")
        lines.append({"image": f"{number}.png", "captions": ["a red apple" if red else "a blue sky"]})
    (place / "told.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return sweep(made_model(), f"jsonl:{place / 'told.jsonl'}", place / "store", ["act2"])


def test_units_get_the_words_of_the_pictures_that_they_fire_on(told: Store) -> None:
    assert len(captioned(told)) == COUNT
    assert found_names(told, "act2") == {}
    done = find_names(told, "act2", Job("name", "title"))
    names = found_names(told, "act2")
    assert done == {"layer": "act2", "named": len(names)}
    assert names
    words = {word for name in names.values() for word in name["text"].split()}
    assert words & {"red", "apple", "blue", "sky"}


def test_without_captions_it_says_what_is_missing(told: Store, tmp_path: Path) -> None:
    Image.new("RGB", (15, 18)).save(tmp_path / "0.png")
    bare = sweep(made_model(), f"folder:{tmp_path}", tmp_path / "store", ["act2"])
    with pytest.raises(
        StoreError, match="0 pictures of the store have captions; expected at least 30; try cutaway name"
    ):
        find_names(bare, "act2", Job("name", "title"))
