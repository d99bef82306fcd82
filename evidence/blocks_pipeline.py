"""`cutaway blocks` end to end on photographs, and the same code on every kind of network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _evidence import QUICK, ROOT, SHARED, report

WEIGHTS = SHARED / "models/squeezenet1_1_imagenet.safetensors"
SQUEEZENET = ["--model", "squeezenet1_1", "--weights", str(WEIGHTS)]
SQUEEZENET += ["--labels", str(SHARED / "data/imagenet_labels.json")]
PHOTOS = ["n02107142_Doberman", "n02123159_tiger_cat"]  # chosen before any was run
OTHERS = {
    "inception_v1": ["--size", "128"],
    "inception_v2": ["--size", "128"],
    "inception_v3": ["--size", "128"],
    "nets.py:resnet18": ["--size", "128"],
    "nets.py:convnext_atto": ["--size", "128"],
    "nets.py:vit_tiny_patch16_224": [],
}
NETS = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import torchvision_operators
torchvision_operators.declare()  # for builds of torchvision without its own
import timm

def resnet18(): return timm.create_model("resnet18")
def convnext_atto(): return timm.create_model("convnext_atto")
def vit_tiny_patch16_224(): return timm.create_model("vit_tiny_patch16_224")
"""
PARTS = ("words", "grid", "where", "channels", "groups")
CUTAWAY = str(Path(sys.executable).with_name("cutaway"))


def run(photo: str, model: list[str], steps: int, more: list[str] | None = None) -> dict[str, object]:
    """One page from an empty cache: what is on it, and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nets.py").write_text(NETS)
        image = SHARED / f"data/photos/{photo}.jpg"
        command = [
            CUTAWAY,
            "blocks",
            str(image),
            *(word.replace("nets.py", f"{folder}/nets.py") for word in model),
            "--steps",
            str(steps),
            "--out",
            folder,
            *(more or []),
        ]
        started = time.perf_counter()
        environment = {**os.environ, "CUTAWAY_CACHE": str(Path(folder) / "cache")}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        page = Path(folder) / "index.html"
        text = page.read_text(encoding="utf-8") if page.exists() else ""
    wanted = [*PARTS, *(["atlas"] if more else [])]
    missing = [part for part in wanted if f'id="{part}"' not in text]
    return {
        "network": model[1],
        "picture": photo,
        "visualization steps": steps,
        "exit": done.returncode,
        "blocks on the page": len(wanted) - len(missing),
        "of": len(wanted),
        "asks for nothing": bool(text) and not re.search(r'(?:src|href)="(?!data:|#)', text),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    atlas = ["--data", f"folder:{SHARED / 'data/photos'}", "--atlas", "100"]
    rows = [run(PHOTOS[0], SQUEEZENET, 16 if QUICK else 64, atlas)]
    rows += [] if QUICK else [run(photo, SQUEEZENET, 64) for photo in PHOTOS[1:]]
    chosen = list(OTHERS.items())[: 1 if QUICK else None]
    rows += [run(PHOTOS[0], ["--model", spec, *more], 4) for spec, more in chosen]
    good = [row["exit"] == 0 and row["blocks on the page"] == row["of"] and row["asks for nothing"] for row in rows]
    report(
        "blocks_pipeline",
        "cutaway blocks draws every building block of the article on one page, with the same code on every network "
        "(those without weights here are random)",
        rows,
        all(good),
        n=len(rows),
    )


main()
