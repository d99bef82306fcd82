"""Draws squeezenet.jpg beside it: what the SqueezeNet units of the most certain names look for, with the names.

The photographs that those units fire on belong to others; what the units look for is drawn by `cutaway` from the
weights alone. The names are those that `python evidence/naming_real.py` found.
Run: python docs/images/naming/squeezenet.py
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import cutaway as cw
from cutaway.featurevis import units, visualize

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = ROOT.parent / "shared" / "models" / "squeezenet1_1_imagenet.safetensors"
SIDE, GAP, BELOW, COLUMNS = 176, 20, 52, 6
PAPER, INK, SOFT = "#fdfcf8", "#1c1c22", "#5c5c63"


def main() -> None:
    rows = json.loads((ROOT / "evidence" / "results" / "naming_real.json").read_text())["rows"]
    named = [row for row in rows if "name" in row]
    model = cw.load("squeezenet1_1", weights=WEIGHTS)
    drawn = visualize(model, units([row["network"] for row in named]), size=128).pictures
    lines = -(-len(named) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, lines * (SIDE + BELOW + GAP) + GAP), PAPER)
    pen, bold, small = ImageDraw.Draw(sheet), ImageFont.load_default(17), ImageFont.load_default(13)
    for number, (row, picture) in enumerate(zip(named, drawn, strict=True)):
        left = GAP + number % COLUMNS * (SIDE + GAP)
        top = GAP + number // COLUMNS * (SIDE + BELOW + GAP)
        raster = (picture.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
        sheet.paste(Image.fromarray(raster).resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, top))
        pen.text((left, top + SIDE + 6), row["name"], INK, bold)
        pen.text((left, top + SIDE + 28), f"{row['network']} · {row['correlation']:.2f}", SOFT, small)
    sheet.save(Path(__file__).with_name("squeezenet.jpg"), quality=86)


if __name__ == "__main__":
    main()
