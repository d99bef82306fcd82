"""The verbs name, consolidate and guide, from captioned files to their reports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from cutaway.cli import main
from cutaway.naming.files import read_activations, save_activations
from cutaway.training.guide import load_terms

NETWORK = """
import torch
from torch import nn

def make():
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[:3, :, 0, 0] = torch.eye(3)
        conv.bias.zero_()
    head = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        head.weight.zero_()
        head.weight[:, :3] = 9 * torch.eye(3)
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
"""
COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coloured squares, bright ("with a light") or not ("without a light"); the red ones are all bright."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "net.py").write_text(NETWORK)
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    draw = np.random.default_rng(0)
    lines = []
    for number in range(120):
        name, light = list(COLOURS)[number % 3], number % 3 == 0 or draw.random() < 0.5
        colour = np.array(COLOURS[name]) if light else np.array(COLOURS[name]) // 2
        picture = np.clip(colour + draw.integers(-9, 9, (8, 8, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
        told = [f"a {name} square {'with' if light else 'without'} a lamp"]
        lines.append(json.dumps({"image": f"{number}.png", "captions": told}))
    (folder / "captions.jsonl").write_text("\n".join(lines))
    return folder


def run(world: Path, *words: str) -> int:
    model = ["--model", f"{world / 'net.py'}:make", "--labels", str(world / "labels.txt"), "--size", "8"]
    with pytest.raises(SystemExit) as left:
        main([words[0], *model, "--captions", str(world / "captions.jsonl"), *words[1:]])
    return int(left.value.code or 0)


def test_units_are_named_and_put_together(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names, page = world / "names.json", world / "names.html"
    assert run(world, "name", "--layer", "1", "--out", str(names), "--page", str(page), "--control", "0") == 0
    rows = json.loads(names.read_text())
    assert [row["unit"] for row in rows] == ["1:0", "1:1", "1:2", "1:3"]
    assert ["red" in rows[0]["names"][0]["text"], rows[3]["abstained"]] == [True, True]
    assert rows[3]["reason"].startswith("dead")
    assert "data:image/jpeg;base64" in page.read_text()
    with pytest.raises(SystemExit) as left:
        main(["consolidate", str(names), "--out", str(world / "groups.json")])
    assert not left.value.code
    assert json.loads((world / "groups.json").read_text())["unnamed"] == ["1:3"]
    assert "units have a name" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "units"),
    [
        (["--heads", "2"], ["1:head 0", "1:head 1"]),
        (["--groups", "3"], ["1:group 0", "1:group 1", "1:group 2"]),
        (["--directions", "rows.safetensors"], ["1:direction 0"]),
    ],
)
def test_heads_groups_and_directions_are_units_too(words: list[str], units: list[str], world: Path) -> None:
    save_file({"rows": np.array([[1, 0, -1, 0]], np.float32)}, world / "rows.safetensors")
    given = [str(world / word) if word.endswith("safetensors") else word for word in words]
    out = ["--out", str(world / "parts.json"), "--activations", str(world / "parts.safetensors")]
    assert run(world, "name", "--layer", "1", *given, *out, "--control", "1") == 0
    assert [row["unit"] for row in json.loads((world / "parts.json").read_text())] == units
    assert read_activations(world / "parts.safetensors", units[::-1]).shape == (120, len(units))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--heads", "3"], "3 heads in 4 channels"),
        (["--heads", "2", "--groups", "2"], "expected one; leave the others out"),
        (["--directions", "net.py"], "holds no directions"),
        (["--captioner", "."], "--captioner without pictures"),
    ],
)
def test_what_cannot_be_named_says_why(
    words: list[str], message: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(world / word) if word == "net.py" else word for word in words]
    assert run(world, "name", "--layer", "1", *given, "--out", str(world / "none.json")) == 2
    assert message in capsys.readouterr().err


def test_without_captions_an_image_tower_is_asked_for(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["name", "--model", "cifar10", "--layer", "1", "--images", str(world)])
    assert "try --captions FILE, --captioner FOLDER, or --encoder hf:FOLDER" in capsys.readouterr().err


def test_redundant_units_are_told_where_activations_are_given(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"unit": f"1:{i}", "names": [{"text": "red", "score": 0.9, "p_value": 0.0}], "abstained": False, "reason": ""}
        for i in range(3)
    ]
    (tmp_path / "names.json").write_text(json.dumps(rows))
    fired = np.random.default_rng(0).normal(size=(50, 2))[:, [0, 1, 0]]
    save_activations(fired, [row["unit"] for row in rows], tmp_path / "fired.safetensors")
    words = ["--activations", str(tmp_path / "fired.safetensors"), "--out", str(tmp_path / "groups.json")]
    with pytest.raises(SystemExit) as left:
        main(["consolidate", str(tmp_path / "names.json"), *words])
    assert not left.value.code
    assert json.loads((tmp_path / "groups.json").read_text())["groups"][0]["redundant"] == ["1:2"]
    assert ", 1 redundant, " in capsys.readouterr().out


def test_a_guide_goes_with_the_network_into_other_verbs_and_grows(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = world / "first", world / "second"
    forbidden = ["--forbid", "red: a red square without a lamp"]
    assert run(world, "guide", "--layer", "1", *forbidden, "--out", str(first)) == 0
    given = ["--guide", str(first / "guide.safetensors")]
    more = ["--layer", "network.1", "--sentence", "a green square", "--out", str(second)]
    assert run(world, "guide", *given, *more) == 0
    terms = load_terms(second / "guide.safetensors")
    assert [(term.layers, term.says) for term in terms] == [
        (("1",), "veto: a red square without a lamp"),
        (("1",), "filter: a green square"),
    ]
    given = ["--guide", str(second / "guide.safetensors"), "--control", "0"]
    assert run(world, "name", *given, "--layer", "filters.1", "--out", str(world / "filters.json")) == 0
    [unit] = json.loads((world / "filters.json").read_text())
    assert "green" in unit["names"][0]["text"]
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["explain", str(world / "0.png"), "--model", "cifar10", "--guide", str(first / "guide.safetensors")])
    assert left.value.code == 2


def test_a_class_is_guided_and_its_side_effects_are_told(world: Path) -> None:
    forbidden = "red: a red square without a lamp"
    assert run(world, "guide", "--layer", "1", "--forbid", forbidden, "--out", str(world / "guide")) == 0
    report = json.loads((world / "guide" / "report.json").read_text())
    assert report["guide"] == "veto: a red square without a lamp"
    assert report["heard"][0]["said_by"] > 20
    assert report["side_effects"]["n"] == 120
    assert (world / "guide" / "guide.safetensors").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--forbid", "red"], 'expected "CLASS: TEXT"'),
        (["--forbid", "red: a red square without wheels"], "is said by 0 captioned picture(s)"),
        (["--sentence", "a", "--ignore", "b"], "give one of --sentence, --forbid, --ignore"),
        ([], "give one of --sentence, --forbid, --ignore"),
    ],
)
def test_what_cannot_guide_says_why(
    words: list[str], message: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(world, "guide", "--layer", "1", "--out", str(world / "none"), *words) == 2
    assert message in capsys.readouterr().err
