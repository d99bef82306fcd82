"""Lets torchvision be imported beside a torch that its compiled operators do not fit (a CPU-only torch, say).

The operators (non-maximum suppression, ...) belong to detection; classifiers and transforms need none of them, but
torchvision registers shapes for two of them as it is imported, and fails where their schemas are unknown. Declaring the
schemas is enough. This is for tests and evidence alone: the library itself leaves torchvision as it finds it.
"""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: list[torch.library.Library] = []  # a library that is collected takes its schemas with it


def declare() -> None:
    """Declare the schemas unless torchvision's own operators load, or it is not installed."""
    found = importlib.util.find_spec("torchvision")
    if _library or found is None or found.origin is None or hasattr(torch.ops.torchvision, "nms"):
        return
    for compiled in Path(found.origin).parent.glob("_C*"):
        with contextlib.suppress(OSError):
            torch.ops.load_library(compiled)
            return
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _library.append(library)
