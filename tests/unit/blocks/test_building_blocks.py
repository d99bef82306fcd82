"""The pipeline: one page that holds every block and asks for nothing else."""

from __future__ import annotations

import json
import re

import pytest
import torch
from torch import nn

from cutaway.blocks import building_blocks, layer_before
from cutaway.core.errors import DataError, LayerError
from cutaway.nets import Model, Preprocess
from cutaway.report.blocks_page import render_blocks


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        patch.setenv("CUTAWAY_CACHE", "/nonexistent/cache")
        torch.manual_seed(0)
        features = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU()
        )
        module = nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))
        model = Model(module, Preprocess(size=32), ["ant", "bee", "cat", "dog", "<i>elk"], name="small")
        picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
        probing = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(2))
        return building_blocks(model, picture, "bee", "<i>elk", groups=3, probing=probing, steps=1, name="a & b.png")


def test_the_page_holds_every_block_and_asks_for_nothing(found):
    page = found.html()
    for part in ("words", "grid", "where", "channels", "groups", "atlas"):
        assert f'id="{part}"' in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "default-src 'none'" in page
    assert "a &amp; b.png" in page
    assert "&lt;i&gt;elk" in page
    assert "<i>elk" not in page


def test_its_numbers_are_the_blocks(found):
    data = json.loads(re.search(r'id="blocks">(.*?)</script>', found.html(), re.DOTALL)[1])
    assert data["grid"] == list(found.dictionary.grid) == [8, 8]
    assert len(data["words"]) == 64
    assert data["influence"]["source"] == found.places.source == "0.1"
    assert max(map(abs, data["influence"]["values"])) == 100
    assert len(data["influence"]["through"]) == 64
    assert all(len(row) == 16 * 16 for row in data["influence"]["through"])
    strongest = found.places.strongest(1)[0]
    assert abs(data["influence"]["values"][strongest[0] * 8 + strongest[1]]) == 100


def test_it_is_saved_as_a_page_and_a_picture_of_each_block(found, tmp_path):
    page = found.save(tmp_path / "out")
    assert page.read_text(encoding="utf-8") == found.html()
    assert {path.stem for path in page.parent.glob("*.png")} == set(found.sheets)
    assert found.draw().shape[2] == 3
    assert "building blocks of a & b.png" in found.caption


def test_without_a_probing_set_there_is_no_atlas(model, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))
    found = building_blocks(model, picture, steps=1, groups=2)
    assert found.atlas is None
    assert "activation_atlas" not in found.sheets
    assert 'id="atlas"' not in found.html()


def test_a_missing_picture_is_named(found, monkeypatch):
    monkeypatch.setattr("cutaway.blocks.page.render_blocks", lambda data, album: render_blocks(data, {}))
    with pytest.raises(DataError, match=r'the page names the picture "[a-z]+.*", which is not among the 0 given'):
        found.html()


def test_a_network_without_places(tmp_path):
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4)), Preprocess(size=8), name="flat")
    with pytest.raises(LayerError, match="flat has no layer with a grid of places; expected one"):
        building_blocks(model, torch.rand(3, 8, 8))


def test_the_layer_before_is_the_last_finer_one(model, picture):
    assert layer_before(model, picture, "0.3") == "0.1"
    assert layer_before(model, picture, "0.0") is None
