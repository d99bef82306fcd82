"""Segments: a picture cut into pieces, by colour, by a promptable model, or as somebody has drawn them; one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from torch import Tensor

from cutaway.construct import rle
from cutaway.core.errors import MissingExtraError, ProjectError
from cutaway.core.types import Picture
from cutaway.data.dataset import Sample

LEAST = 0.004
"""Pieces below this share of the picture are left out."""


@dataclass(frozen=True)
class Segment:
    """One piece of one picture: its mask and who cut it ("slic", "felzenszwalb", "sam", "mask-file", "hand")."""

    picture: str
    mask: rle.RLE
    source: str

    def pixels(self) -> Bool[np.ndarray, "height width"]:
        """The mask as an array."""
        return rle.decode(self.mask)


Segmenter = Callable[[Sample, str], list[Segment]]
"""Cuts a sample into segments; the text is the picture's hash."""


def slic(sample: Sample, picture: str, pieces: int = 60, alike: float = 0.09) -> list[Segment]:
    """Superpixels (Achanta et al. 2012), joined where neighbours differ by less than `alike` in Lab / 100."""
    from skimage.color import rgb2lab
    from skimage.segmentation import slic as cut

    rgb = _rgb(sample.picture)
    labels = cut(rgb, n_segments=pieces, compactness=8, start_label=0, channel_axis=-1)
    return _segments(_joined(labels, rgb2lab(rgb) / 100, alike), picture, "slic")


def felzenszwalb(sample: Sample, picture: str, scale: float = 80.0, sigma: float = 0.5) -> list[Segment]:
    """Pieces of even colour, of any size (Felzenszwalb and Huttenlocher 2004)."""
    from skimage.segmentation import felzenszwalb as cut

    rgb = _rgb(sample.picture)
    least = max(4, int(LEAST * rgb.shape[0] * rgb.shape[1]))
    return _segments(cut(rgb, scale=scale, sigma=sigma, min_size=least, channel_axis=-1), picture, "felzenszwalb")


def from_masks(sample: Sample, picture: str) -> list[Segment]:
    """The masks that came with the sample, each a segment; those that hold others are left out."""
    masks = {name: mask for name, mask in sample.masks.items() if mask.mean() >= LEAST}
    inner = [name for name in masks if not any(other.startswith(f"{name}/") for other in masks) and name != "whole"]
    return [Segment(picture, rle.encode(np.ascontiguousarray(masks[name])), "mask-file") for name in inner]


def sam(checkpoint: str | Path, points: int = 16, device: str = "cpu") -> Segmenter:
    """Segment Anything (Kirillov et al. 2023) with the user's own checkpoint, through transformers, asked at a grid."""
    try:
        from transformers import SamModel, SamProcessor
    except ImportError:
        raise MissingExtraError("the segmenter sam", "hub") from None
    try:
        model = SamModel.from_pretrained(str(checkpoint), local_files_only=True).to(device).eval()
        processor = SamProcessor.from_pretrained(str(checkpoint), local_files_only=True)
    except (OSError, ValueError) as fault:
        raise ProjectError(
            f"no SAM checkpoint in {checkpoint} ({str(fault).splitlines()[0][:80]}); expected a folder as "
            "save_pretrained writes it"
        ) from None
    return lambda sample, picture: _asked(model, processor, sample, picture, points, device)


def _asked(model: object, processor: object, sample: Sample, picture: str, points: int, device: str) -> list[Segment]:
    import torch

    rgb = (_rgb(sample.picture) * 255).round().astype(np.uint8)
    height, width = rgb.shape[:2]
    side = max(1, round(points**0.5))
    grid = [
        [[(column + 0.5) * width / side, (row + 0.5) * height / side]] for row in range(side) for column in range(side)
    ]
    given = processor(rgb, input_points=[grid], return_tensors="pt").to(device)  # type: ignore[operator]
    with torch.no_grad():
        answer = model(**given, multimask_output=False)  # type: ignore[operator]
    masks = processor.image_processor.post_process_masks(  # type: ignore[attr-defined]
        answer.pred_masks.cpu(), given["original_sizes"].cpu(), given["reshaped_input_sizes"].cpu()
    )[0][:, 0]
    kept: list[np.ndarray] = []
    for mask in sorted(masks.numpy().astype(bool), key=lambda one: -one.mean()):
        fresh = all((mask & other).sum() < 0.8 * (mask | other).sum() for other in kept)
        if mask.mean() >= LEAST and fresh:
            kept.append(mask)
    return [Segment(picture, rle.encode(mask), "sam") for mask in kept]


SEGMENTERS: Mapping[str, Segmenter] = {"slic": slic, "felzenszwalb": felzenszwalb, "mask-file": from_masks}
"""Segmenters by name; any function of the same signature works too."""


def _rgb(picture: Picture) -> np.ndarray:
    values: np.ndarray = _channels_last(picture).double().numpy()
    return values


def _channels_last(picture: Tensor) -> Tensor:
    return picture.permute(1, 2, 0) if picture.shape[0] == 3 else picture.expand(3, -1, -1).permute(1, 2, 0)


def _segments(labels: Int[np.ndarray, "height width"], picture: str, source: str) -> list[Segment]:
    least = LEAST * labels.size
    names, counts = np.unique(labels, return_counts=True)
    found = zip(names.tolist(), counts.tolist(), strict=True)
    return [Segment(picture, rle.encode(labels == label), source) for label, count in found if count >= least]


def _joined(labels: Int[np.ndarray, "height width"], lab: np.ndarray, alike: float) -> Int[np.ndarray, "height width"]:
    """Neighbouring pieces of nearly one colour as one; each joins the first that it is like, in order."""
    count = int(labels.max()) + 1
    sums = np.stack([np.bincount(labels.ravel(), lab[..., c].ravel(), count) for c in range(3)], axis=1)
    means = sums / np.maximum(np.bincount(labels.ravel(), minlength=count), 1)[:, None]
    root = list(range(count))

    def top(one: int) -> int:
        while root[one] != one:
            one = root[one]
        return one

    pairs = {
        tuple(sorted(pair))
        for first, second in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
        for pair in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
        if pair[0] != pair[1]
    }
    for one, other in sorted(pairs):
        if np.linalg.norm(means[one] - means[other]) < alike:
            a, b = top(one), top(other)
            root[max(a, b)] = min(a, b)
    tops = np.array([top(one) for one in range(count)])
    joined: np.ndarray = tops[labels]
    return joined
