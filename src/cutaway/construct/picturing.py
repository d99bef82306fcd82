"""The tree and its growth as pictures: SVG texts, with a cut-out of what each node means where one is given."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from cutaway.construct.materials import Material
from cutaway.construct.ontology import Node, Ontology
from cutaway.report.drawing import Raster, png, resize
from cutaway.report.selfcontained import data_uri

TILE, GAP, STEP = 92, 34, 190  # pixels: a node's picture, the room between two, from one level to the next
INK, SOFT, LINE, PAPER, ACCENT = "#14181f", "#5b6270", "#b9b4a6", "#fbfaf6", "#b84d06"
FONT = "font-family='Georgia, serif'"
SWEEPS = 6


@dataclass(frozen=True)
class Spot:
    """Where a node stands: the middle of its picture."""

    x: float
    y: float


def tree(ontology: Ontology, pictures: Mapping[str, Raster] | None = None) -> str:
    """The tree as SVG, classes on top, each node joined to what it is made of; the same ontology gives the same text.

    pictures: a square raster for each node; those without one are drawn as an empty tile.
    """
    rows = _rows(ontology)
    widest = max((len(row) for row in rows), default=1)
    width, height = 48.0 + widest * (TILE + GAP), TILE + 76.0 + (len(rows) - 1) * STEP
    spots = _spots(rows, width)
    lines = [line for name in spots for line in _links(ontology[name], spots)]
    nodes = [_node(ontology[name], spot, (pictures or {}).get(name)) for name, spot in spots.items()]
    return _svg(width, height, f"a tree of {len(spots)} nodes", [*lines, *nodes])


def _rows(ontology: Ontology) -> list[list[str]]:
    """Nodes by level, the highest first; each row ordered so that links cross little (Sugiyama et al. 1981)."""
    shown = [node.id for node in ontology.active() if node.kind != "attribute"]
    top = max((ontology.level(name) for name in shown), default=0)
    rows = [[name for name in shown if ontology.level(name) == level] for level in range(top, -1, -1)]
    for sweep in range(SWEEPS):
        order = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for index in order:
            place = {name: at / max(len(row), 1) for row in rows for at, name in enumerate(row)}
            rows[index].sort(key=lambda name: (_middle(ontology, name, place, sweep % 2 == 0), name))
    return rows


def _middle(ontology: Ontology, name: str, place: Mapping[str, float], upwards: bool) -> float:
    near = ontology.parents(name) if upwards else ontology[name].children
    found = [place[other] for other in near if other in place]
    return sum(found) / len(found) if found else place[name]


def _spots(rows: Sequence[Sequence[str]], width: float) -> dict[str, Spot]:
    spots = {}
    for depth, row in enumerate(rows):
        pace = (width - 48) / max(len(row), 1)
        for at, name in enumerate(row):
            spots[name] = Spot(24 + pace * (at + 0.5), 28 + TILE / 2 + depth * STEP)
    return spots


def _links(node: Node, spots: Mapping[str, Spot]) -> list[str]:
    """Smooth lines from a node to its children; what may stand for each other (any_of) is dashed."""
    start, drawn = spots[node.id], []
    for child in node.children:
        if child in spots:
            end, dash = spots[child], " stroke-dasharray='5 5'" if child in node.any_of else ""
            y0, y1 = start.y + TILE / 2 + 26, end.y - TILE / 2 - 5
            half = (y0 + y1) / 2
            path = f"M{start.x:.1f} {y0:.1f}C{start.x:.1f} {half:.1f} {end.x:.1f} {half:.1f} {end.x:.1f} {y1:.1f}"
            drawn.append(f"<path d='{path}' fill='none' stroke='{LINE}' stroke-width='1.6'{dash}/>")
    return drawn


def _node(node: Node, spot: Spot, picture: Raster | None) -> str:
    left, top = spot.x - TILE / 2, spot.y - TILE / 2
    words = html.escape(node.id.replace("_", " "))
    name = f"clip-{node.id}"
    frame = f"x='{left:.1f}' y='{top:.1f}' width='{TILE}' height='{TILE}' rx='10'"
    shown = ""
    if picture is not None:
        source = data_uri(png(resize(picture, 2 * TILE, 2 * TILE)))
        place = f"x='{left:.1f}' y='{top:.1f}' width='{TILE}' height='{TILE}'"
        shown = (
            f"<clipPath id='{name}'><rect {frame}/></clipPath><image {place} clip-path='url(#{name})' href='{source}'/>"
        )
    edge = ACCENT if node.kind == "class" else SOFT if node.status == "trained" else LINE
    dash = "" if node.status == "trained" else " stroke-dasharray='4 4'"
    weight = "bold" if node.kind == "class" else "normal"
    return (
        f"<g><title>{words} ({node.status})</title><rect {frame} fill='#ece9e0'/>{shown}"
        f"<rect {frame} fill='none' stroke='{edge}' stroke-width='2'{dash}/>"
        f"<text x='{spot.x:.1f}' y='{top + TILE + 19:.1f}' text-anchor='middle' {FONT} font-size='15' "
        f"font-weight='{weight}' fill='{INK}'>{words}</text></g>"
    )


def growth(counts: Mapping[str, Sequence[int]], width: int = 720, height: int = 300) -> str:
    """How many nodes there were after each picture, one line for each ontology, as SVG."""
    most = max((max(line) for line in counts.values() if len(line)), default=1)
    longest = max((len(line) for line in counts.values()), default=1)
    left, right, top, bottom = 52, width - 170, 22, height - 44
    drawn = []
    for level in _ticks(most):
        y = _up(level, most, top, bottom)
        drawn.append(f"<line x1='{left}' y1='{y:.1f}' x2='{right}' y2='{y:.1f}' stroke='#e4e1d8'/>")
        drawn.append(_text(left - 9.0, y + 4.5, str(level), "end"))
    labels: list[float] = []
    for (name, line), colour in zip(counts.items(), (ACCENT, "#2b6a8c", "#5b7f2b", "#7a4f8f"), strict=False):
        places = [
            f"{left + (right - left) * at / max(longest - 1, 1):.1f} {_up(count, most, top, bottom):.1f}"
            for at, count in enumerate(line)
        ]
        y = _up(line[-1], most, top, bottom) + 4.5
        while any(abs(y - other) < 17 for other in labels):
            y += 1
        labels.append(y)
        drawn.append(
            f"<polyline points='{', '.join(places)}' fill='none' stroke='{colour}' stroke-width='2.2'/>"
            f"<text x='{right + 9}' y='{y:.1f}' {FONT} font-size='14' fill='{colour}'>{html.escape(name)}</text>"
        )
    drawn.append(_text((left + right) / 2, height - 12.0, "pictures seen", "middle"))
    drawn += [_text(x, bottom + 18.0, said, "middle") for x, said in ((float(left), "1"), (float(right), str(longest)))]
    return _svg(float(width), float(height), "nodes after each picture", drawn)


def _text(x: float, y: float, says: str, anchor: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {FONT} font-size='13' fill='{SOFT}'>{says}</text>"


def _up(count: int, most: int, top: int, bottom: int) -> float:
    return bottom - (bottom - top) * count / max(most, 1)


def _ticks(most: int) -> range:
    step = next(each for each in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**6) if most / each <= 5)
    return range(0, most + 1, step)


def _svg(width: float, height: float, says: str, parts: Sequence[str]) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}' "
        f"height='{height:.0f}' role='img' aria-label='{html.escape(says)}'>"
        f"<rect width='100%' height='100%' fill='{PAPER}'/>{''.join(parts)}</svg>\n"
    )


def cut_outs(stuff: Material, nodes: Sequence[str], split: str = "train") -> dict[str, Raster]:
    """For each node the picture that shows most of it: a part alone is seen in colour, all around it paler."""
    where = stuff.of(split)
    found = {}
    for node in nodes:
        if node in stuff.masks and bool(stuff.masks[node][where].any()):
            areas = stuff.masks[node][where].flatten(1).sum(dim=1)
            at = int(where[int(torch.argsort(areas, descending=True, stable=True)[len(areas) // 50])])
            found[node] = cut_out(stuff.pictures[at], stuff.masks[node][at])
    return found


def cut_out(picture: UInt8[Tensor, "3 size size"], mask: Bool[Tensor, "size size"], room: float = 0.18) -> Raster:
    """The square about a mask, what lies outside of it paler."""
    size = mask.shape[-1]
    rows, columns = np.nonzero(mask.numpy())
    reach = int(max(np.ptp(rows), np.ptp(columns)) * (1 + 2 * room)) + 2
    side = min(max(reach, size // 5), size)
    top = int(np.clip((rows.min() + rows.max()) / 2 - side / 2, 0, size - side))
    left = int(np.clip((columns.min() + columns.max()) / 2 - side / 2, 0, size - side))
    rgb = picture.permute(1, 2, 0).numpy().astype(np.float32)
    grey = 0.45 * rgb.mean(axis=2, keepdims=True) + 0.55 * 250
    shown = np.where(mask.numpy()[..., None], rgb, 0.25 * rgb + 0.75 * grey)
    raster: Raster = shown[top : top + side, left : left + side].round().astype(np.uint8)
    return raster
