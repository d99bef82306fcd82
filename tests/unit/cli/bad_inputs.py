"""Everything that a user may get wrong in one explanation, and what the command line then says."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

FACTORY = """
import torch
from torch import nn

LABELS = ["ant", "bee", "cat", "dog", "dog"]


def small():
    torch.manual_seed(0)
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)
    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), *pooled)


def other():
    return nn.Sequential(nn.Conv2d(3, 9, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 5))


def flat():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))


def fixed_size():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5))


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(5, 3))

    def forward(self, pictures):
        return pictures.mean(dim=(2, 3)) @ self.weight.T


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = small()

    def forward(self, pictures):
        return self.inner(pictures) * float("nan")


def no_layers():
    return Bare()


def answers_nan():
    return Broken()
"""


@dataclass(frozen=True)
class BadInput:
    """A command line that cannot work, and a pattern of the one line that it has to print."""

    name: str
    arguments: list[str]
    says: str


def bad_inputs(folder: Path) -> list[BadInput]:
    """Every case, with its files made in the folder."""
    (folder / "nets.py").write_text(FACTORY)
    (folder / "labels.json").write_text(json.dumps(["ant", "bee", "cat", "dog", "dog"]))
    photo = folder / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)).save(photo)
    files = _pictures(folder) | _weights(folder)

    def small(image: Path | str = photo, *more: str, factory: str = "small") -> list[str]:
        spec = f"{folder / 'nets.py'}:{factory}"
        labels = str(folder / "labels.json")
        return ["explain", str(image), "--model", spec, "--labels", labels, "--size", "32", *more]

    return [
        BadInput("no such file", small(folder / "missing.jpg"), r"missing\.jpg: no such file; .*check the path"),
        BadInput("a folder", small(folder), r"a folder; expected a picture file"),
        BadInput("a text file named .jpg", small(files["text"]), r"text\.jpg is no picture that can be read; .*JPEG"),
        BadInput("a truncated JPEG", small(files["cut"]), r"cut\.jpg is damaged .*; expected a whole picture file"),
        BadInput("30,000 x 30,000 pixels", small(files["bomb"]), r"bomb\.png .*pixels; expected at most .*smaller"),
        BadInput("1 x 1 pixel", small(files["dot"]), r"dot\.png has 1 x 1 pixels; expected at least 8 x 8"),
        BadInput("unknown model", ["explain", str(photo), "--model", "squeezenet"], r'"squeezenet".*"squeezenet1_1"'),
        BadInput("unknown layer", small(photo, "--layer", "11"), r'no layer "11" in .*it has 5 layers'),
        BadInput("a layer without a grid", small(photo, "--layer", "4"), r'layer "4" .* only one place; expected'),
        BadInput("unknown label", small(photo, "--target", "bea"), r'no class "bea"; .*did you mean "bee"'),
        BadInput("ambiguous label", small(photo, "--target", "dog"), r'"dog" is the label of 2 classes \(3, 4\)'),
        BadInput("unknown class to compare with", small(photo, "--versus", "9"), r"no class 9; expected .* 0 to 4"),
        BadInput("compared with itself", small(photo, "--target", "ant", "--versus", "ant"), "versus is the target"),
        BadInput("weights of another network", small(photo, "--weights", str(files["other"])), "not fit Sequential"),
        BadInput("a pickle", small(photo, "--weights", str(files["pickle"])), r"pickle that holds more than tensors"),
        BadInput("a network that wants another size", small(photo, factory="fixed_size"), r"another --size"),
        BadInput("a network without layers", small(photo, factory="no_layers"), r"has no layers; expected a network"),
        BadInput("a network that answers NaN", small(photo, factory="answers_nan"), r"5 scores that are NaN"),
        BadInput("too few labels", ["explain", str(photo), "--model", f"{folder / 'nets.py'}:small", "--size", "32",
                                    "--labels", str(files["labels"])], r"5 scores but has 2 labels"),
        BadInput("a folder that cannot be written", small(photo, "--out", str(photo)), r"cannot write into"),
    ]  # fmt: skip


def _pictures(folder: Path) -> dict[str, Path]:
    files = {name: folder / f"{name}.jpg" for name in ("text", "cut")}
    files["text"].write_text("This is no picture.\n" * 50)
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(files["cut"])
    files["cut"].write_bytes(files["cut"].read_bytes()[:900])
    files["bomb"], files["dot"] = folder / "bomb.png", folder / "dot.png"
    files["bomb"].write_bytes(huge_png(30_000))
    Image.new("RGB", (1, 1)).save(files["dot"])
    return files


def _weights(folder: Path) -> dict[str, Path]:
    files = {"other": folder / "other.safetensors", "pickle": folder / "code.pt", "labels": folder / "two.txt"}
    save_file({"0.weight": torch.zeros(9, 3, 5, 5), "0.bias": torch.zeros(9)}, files["other"])
    torch.save(BadInput("", [], ""), files["pickle"])
    files["labels"].write_text("ant\nbee\n")
    return files


def huge_png(side: int) -> bytes:
    """A valid, all black PNG of one bit per pixel: a few kilobytes that claim side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
