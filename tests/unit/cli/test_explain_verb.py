"""`cutaway explain`: a page, a summary, JSON; and pictures of every kind are taken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import FACTORY
from PIL import Image

from cutaway.cli import main
from cutaway.cli.explain import printable, safe_name

LABELS = ["ant", "bee", "cat", "dog", "e\x1b[31mlk"]


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    where = tmp_path_factory.mktemp("explained")
    (where / "nets.py").write_text(FACTORY)
    (where / "labels.json").write_text(json.dumps(LABELS))
    return where


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Smooth, so that JPEG changes little."""
    y, x = np.mgrid[0:48, 0:64] / 64
    return (255 * np.stack([x, y, (x + y) / 2], axis=-1)).astype(np.uint8)


def run(folder: Path, image: Path, *more: str, factory: str = "small", capsys) -> tuple[str, str]:
    model = ["--model", f"{folder / 'nets.py'}:{factory}", "--labels", str(folder / "labels.json"), "--size", "32"]
    with pytest.raises(SystemExit) as left:
        main(["explain", str(image), *model, "--steps", "1", *more])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    return said.out, said.err


def test_it_writes_a_page_and_prints_a_summary(folder, pixels, capsys):
    image = folder / "photo.png"
    Image.fromarray(pixels).save(image)
    out, err = run(folder, image, "--target", "bee", "--versus", "dog", "--out", str(folder / "out"), capsys=capsys)
    page = folder / "out" / "index.html"
    assert out.startswith("photo.png, seen by ")
    assert f"open in a browser: {page}" in out
    assert err == ""
    lines = out.splitlines()
    assert lines[2].split()[0] == "bee"
    assert lines[2].endswith("explained")
    assert lines[3].split()[0] == "dog"
    assert lines[3].endswith("compared with")
    assert page.is_file()
    data = json.loads((page.parent / "explanation.json").read_text())
    assert data["provenance"]["command"].startswith("cutaway explain ")
    assert data["provenance"]["command"].endswith("--target bee --versus dog")
    assert "--out" not in data["provenance"]["command"]
    strongest = data["channels"]["arguing_for"][0]
    assert f"{-strongest['ablation']['change']:+7.2f} measured" in out


def test_json_is_all_that_is_printed_and_nothing_is_written(folder, pixels, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = tmp_path / "photo.png"
    Image.fromarray(pixels).save(image)
    out, _ = run(folder, image, "--json", capsys=capsys)
    assert json.loads(out)["schema"] == "cutaway.explanation/1"
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_what_is_printed_cannot_command_the_terminal(folder, pixels, capsys):
    image = folder / "ph\x1b[2Joto.png"
    Image.fromarray(pixels).save(image)
    out, _ = run(folder, image, "--target", "4", "--out", str(folder / "hostile"), capsys=capsys)
    assert "\x1b" not in out
    assert printable("a\x1b\nb") == "a��b"


@pytest.mark.parametrize("name", ["...jpg", "....png", ".png", "a b.png", "../x.png"])
def test_no_file_name_leads_out_of_its_folder(name):
    assert safe_name(Path(name)).strip("_-") != ""
    assert not set(safe_name(Path(name))) & set("./\\ ")


def odd_pictures(folder: Path, pixels: np.ndarray) -> dict[str, Path]:
    """One picture in every form, which must all give the same answer (CMYK and JPEG nearly so)."""
    image = Image.fromarray(pixels)
    files = {name: folder / f"{name}.png" for name in ("rgb", "alpha", "palette", "grey", "grey16", "transparent")}
    image.save(files["rgb"])
    image.convert("RGBA").save(files["alpha"])
    image.quantize(256).save(files["palette"])
    image.convert("L").save(files["grey"])
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(files["grey16"])
    Image.new("RGBA", image.size, (9, 9, 9, 0)).save(files["transparent"])
    files["cmyk"] = folder / "cmyk.jpg"
    image.convert("CMYK").save(files["cmyk"], quality=98)
    files["turned"] = folder / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter turn clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(files["turned"], exif=exif)
    return files


def test_pictures_of_every_kind_are_explained(folder, pixels, capsys):
    answers = {}
    for name, path in odd_pictures(folder, pixels).items():
        out, _ = run(folder, path, "--json", "--target", "0", factory="flat", capsys=capsys)
        data = json.loads(out)
        assert data["picture"]["size"] == [48, 64]
        answers[name] = data["target"]["logit"]
    exact = {name: pytest.approx(answers["rgb"], abs=1e-6) for name in ("alpha", "turned")}
    assert {name: answers[name] for name in exact} == exact
    assert answers["palette"] == pytest.approx(answers["rgb"], abs=0.02)
    assert answers["cmyk"] == pytest.approx(answers["rgb"], abs=0.02)
    assert answers["grey16"] == pytest.approx(answers["grey"], abs=1e-6)
    assert abs(answers["transparent"] - answers["rgb"]) > 0.01  # laid over white
