"""A cache on disk, addressed by content: the same question is computed once, over all runs and processes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file


def folder() -> Path:
    """Where the cache lies: $CUTAWAY_CACHE, else the user's cache folder."""
    given = os.environ.get("CUTAWAY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "cutaway"


def key(question: Mapping[str, object]) -> str:
    """The address of an answer: a hash of everything that it depends on, which must be plain data."""
    return hashlib.sha256(json.dumps(question, sort_keys=True, allow_nan=True).encode()).hexdigest()[:32]


def hash_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    """A hash of names, shapes, types and values, for instance of a network's weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        flat = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {flat.dtype} {tuple(flat.shape)};".encode())
        digest.update(flat.reshape(-1).view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return digest.hexdigest()[:32]


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the path, then rename: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    beside = Path(name)
    try:
        write(beside)
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def recall(room: str, question: Mapping[str, object]) -> dict[str, torch.Tensor] | None:
    """The tensors kept for the question, or None; a damaged entry counts as absent."""
    try:
        kept: dict[str, torch.Tensor] = load_file(_place(room, question))
        return kept
    except (OSError, safetensors.SafetensorError):
        return None


def known(room: str, question: Mapping[str, object]) -> bool:
    """Whether an answer to the question is kept, without reading it."""
    return _place(room, question).is_file()


def keep(room: str, question: Mapping[str, object], tensors: Mapping[str, torch.Tensor]) -> None:
    """Keep the tensors that answer the question; a disk that cannot be written costs only the memory of them."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with contextlib.suppress(OSError):
        write_atomically(_place(room, question), lambda beside: save_file(plain, beside))


def remember(
    room: str, question: Mapping[str, object], answer: Callable[[], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """The tensors that answer the question, from disk if they are there, else computed and kept."""
    found = recall(room, question)
    if found is None:
        found = {name: tensor.detach().cpu().contiguous() for name, tensor in answer().items()}
        keep(room, question, found)
    return found


def _place(room: str, question: Mapping[str, object]) -> Path:
    return folder() / room / f"{key(question)}.safetensors"
