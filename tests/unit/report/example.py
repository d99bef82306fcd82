"""A made-up explanation for the tests of the page: its form is real, its figures and maps are invented."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import skimage.data
import skimage.transform
from PIL import Image

from cutaway.report import palette
from cutaway.report.schema import (
    Ablation,
    Cell,
    Channel,
    Channels,
    Dictionary,
    ExplanationData,
    Grid,
    Map,
    ModelFacts,
    PictureFacts,
    Provenance,
    Sanity,
    Score,
)

LABELS = ["tabby, tabby cat", "Egyptian cat", "tiger cat", "lynx, catamount", "Persian cat"]
METHODS = [
    ("integrated_gradients", "Integrated gradients", True, 0.0082, 0.0079, True),
    ("grad_cam", "Grad-CAM", False, None, None, True),
    ("smoothgrad", "SmoothGrad", False, None, None, True),
    ("occlusion", "Occlusion", True, None, None, None),
    ("input_x_gradient", "Input × gradient", True, 0.614, 0.594, True),
    ("guided_backprop", "Guided backprop", False, None, None, False),
]


@dataclass
class Example:
    """An explanation and its pictures, as `render` takes them."""

    data: ExplanationData
    pictures: dict[str, bytes] = field(default_factory=dict)


def example(size: int = 224, maps: int = 6, grid: int = 13, versus: bool = True, sections: bool = True) -> Example:
    """A synthetic explanation: `size` pixels, the first `maps` methods, a square grid; without `sections` only maps."""
    rng = np.random.default_rng(0)
    pictures: dict[str, bytes] = {}
    photo = skimage.transform.resize(skimage.data.chelsea()[:, 75:375], (size, size), anti_aliasing=True)
    pictures["picture.png"] = png(photo)
    scores = [
        Score(index=281 + i, label=label, probability=p, logit=logit)
        for i, (label, p, logit) in enumerate(
            zip(LABELS, [0.611, 0.218, 0.12, 0.031, 0.006], [17.42, 16.39, 15.79, 14.44, 12.8], strict=True)
        )
    ]
    shown = scores if versus else scores[:1]
    return Example(
        ExplanationData(
            model=ModelFacts(
                name="squeezenet1_1",
                spec="squeezenet1_1@squeezenet1_1_imagenet.safetensors",
                note="",
                input=(3, size, size),
                parameters=1_235_496,
                classes=1000 if versus else 1,
                weights_hash="9f3c1d7a52be4e0180aa3b1c6f7d2e954c3b2a190817f6e5d4c3b2a190817f6e",
            ),
            picture=PictureFacts(source="chelsea.png", sha256="ab" * 32, size=(300, 451), image="picture.png"),
            predictions=shown,
            target=scores[0],
            versus=scores[1] if versus else None,
            margin=1.03 if versus else scores[0].logit,
            maps=[_map(*row, photo=photo, pictures=pictures, rng=rng) for row in METHODS[:maps]],
            channels=_channels(photo, pictures, grid, scores, rng) if sections else None,
            dictionary=_dictionary(pictures, grid, rng) if sections else None,
            grid=_grid(photo, pictures, grid) if sections else None,
            notes=["The maps of this fixture are invented."] if sections else ["There is no layer with a grid."],
            provenance=Provenance(
                cutaway="0.1.0",
                torch="2.13.0",
                python="3.11.9",
                device="cpu",
                seed=0,
                settings={"layer": "features.12", "steps": 128, "tolerance": 0.01, "precision": "auto"},
                command="cutaway explain chelsea.png --model squeezenet1_1 --weights weights.safetensors --seed 0",
            ),
        ),
        pictures,
    )


def png(values: np.ndarray) -> bytes:
    """The PNG of floats in [0, 1]."""
    buffer = io.BytesIO()
    Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _colour(values: np.ndarray, stops: tuple[str, ...], low: float) -> np.ndarray:
    """Values in [low, 1] through a ramp of colours."""
    table = np.array([[int(stop[i : i + 2], 16) / 255 for i in (1, 3, 5)] for stop in stops])
    at = np.linspace(low, 1, len(stops))
    return np.stack([np.interp(values, at, table[:, c]) for c in range(3)], axis=-1)


def _blob(size: int, y: float, x: float, r: float) -> np.ndarray:
    yy, xx = np.mgrid[:size, :size] / size
    return np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / (2 * r**2))


def _map(
    method: str,
    title: str,
    signed: bool,
    gap: float | None,
    relative: float | None,
    passed: bool | None,
    *,
    photo: np.ndarray,
    pictures: dict[str, bytes],
    rng: np.random.Generator,
) -> Map:
    size = photo.shape[0]
    edges = np.abs(np.gradient(photo.mean(-1))[0])
    field = _blob(size, 0.38, 0.5, 0.15) * (0.4 + 6 * edges) - 0.5 * _blob(size, 0.8, 0.2, 0.1) * signed
    field = field + 0.05 * rng.standard_normal(field.shape) * signed
    field = field / np.abs(field).max()
    heat = _colour(field, palette.DIVERGING if signed else palette.SEQUENTIAL, -1 if signed else 0)
    grey = np.repeat(photo.mean(-1, keepdims=True), 3, axis=-1) * 0.6 + 0.4
    alpha = np.sqrt(np.abs(field))[..., None]
    pictures[f"maps/{method}.png"] = png(heat)
    pictures[f"maps/{method}_overlay.png"] = png(grey * (1 - alpha) + heat * alpha)
    return Map(
        method=method,
        title=title,
        says="Each pixel's share of the score: orange pixels raised it, blue ones lowered it.",
        trust="With randomised weights the map changes altogether.",
        signed=signed,
        question=f"{LABELS[0]} rather than {LABELS[1]}",
        layer="features.12" if method == "grad_cam" else None,
        overlay=f"maps/{method}_overlay.png",
        heat=f"maps/{method}.png",
        completeness_gap=gap,
        relative_gap=relative,
        evaluations=96 if gap else 1,
        sanity=None if passed is None else Sanity(correlation=0.08 if passed else 0.83, threshold=0.5, passed=passed),
    )


def _texture(channel: int, size: int = 96) -> np.ndarray:
    """A stand-in for a visualization: coloured waves, different for each channel."""
    rng = np.random.default_rng(channel)
    yy, xx = np.mgrid[:size, :size] / size
    wave = sum(
        rng.normal() * np.sin(2 * np.pi * (fy * yy + fx * xx) + p)
        for fy, fx, p in zip(rng.uniform(-9, 9, 12), rng.uniform(-9, 9, 12), rng.uniform(0, 6, 12), strict=True)
    )
    tint = rng.uniform(0.2, 1, 3)
    return 0.5 + 0.12 * np.asarray(wave)[..., None] * tint + 0.1 * (tint - 0.5)


def _channels(
    photo: np.ndarray, pictures: dict[str, bytes], grid: int, scores: list[Score], rng: np.random.Generator
) -> Channels:
    margin = 1.03
    rows = [(31, 0.84, -1.21), (207, 0.52, -0.41), (88, 0.31, -0.36), (412, 0.22, 0.05)]
    against = [(149, -0.47, 0.39), (300, -0.21, 0.27), (9, -0.12, 0.02), (77, -0.05, 0.0)]

    def channel(number: int, attribution: float, change: float) -> Channel:
        size = photo.shape[0]
        y, x = rng.uniform(0.25, 0.75, 2)
        spot = _blob(size, y, x, 0.12)[..., None]
        pictures[f"units/{number}.png"] = png(_texture(number))
        pictures[f"units/{number}_fired.png"] = png(photo * (0.25 + 0.75 * spot))
        flipped = margin + change < 0
        return Channel(
            unit=f"features.12:{number}",
            attribution=attribution,
            mean_activation=abs(attribution) / 3,
            max_activation=abs(attribution) * 11,
            peak=(int(y * grid), int(x * grid)),
            visualization=f"units/{number}.png",
            fired=f"units/{number}_fired.png",
            ablation=Ablation(
                target_logit=17.42 + change,
                target_probability=min(0.99, max(0.01, 0.611 + change / 4)),
                margin=margin + change,
                change=change,
                prediction=scores[1] if flipped else scores[0],
            ),
        )

    return Channels(
        layer="features.12",
        total=512,
        grid=(grid, grid),
        arguing_for=[channel(*row) for row in rows],
        arguing_against=[channel(*row) for row in against],
        rank_correlation=0.86,
    )


def _dictionary(pictures: dict[str, bytes], grid: int, rng: np.random.Generator) -> Dictionary:
    pool = [31, 207, 88, 412, 149, 300, 9, 77, 501, 64, 23, 118]
    for number in pool:
        pictures.setdefault(f"units/{number}.png", png(_texture(number)))
    cells = []
    for row in range(grid):
        for column in range(grid):
            picked = rng.choice(pool, size=4, replace=False)
            near = float(np.exp(-(((row / grid - 0.4) ** 2 + (column / grid - 0.5) ** 2) / 0.08)))
            cells.append(
                Cell(
                    row=row,
                    column=column,
                    strength=near,
                    units=[f"features.12:{n}" for n in picked],
                    values=[round(9 * near * 0.8**k, 3) for k in range(4)],
                    icons=[f"units/{n}.png" if n != 118 else None for n in picked],
                )
            )
    return Dictionary(layer="features.12", grid=(grid, grid), cells=cells)


def _grid(photo: np.ndarray, pictures: dict[str, bytes], grid: int) -> Grid:
    grid, cell = min(grid, 7), 32  # as in real explanations: the drawing may be coarser than the layer
    canvas = np.ones((grid * cell, grid * cell, 3))
    for row in range(grid):
        for column in range(grid):
            near = np.exp(-(((row / grid - 0.4) ** 2 + (column / grid - 0.5) ** 2) / 0.08))
            side = max(6, int(cell * (0.3 + 0.7 * near)))
            tile = skimage.transform.resize(_texture(row * 7 + column * 3, 48), (side, side))
            y, x = row * cell + (cell - side) // 2, column * cell + (cell - side) // 2
            canvas[y : y + side, x : x + side] = tile
    pictures["grid.png"] = png(canvas)
    return Grid(layer="features.12", rows=grid, columns=grid, image="grid.png")
