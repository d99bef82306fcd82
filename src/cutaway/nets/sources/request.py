"""What is asked of a source, read from a spec: `torchvision:resnet50?weights=none&classes=10@mine.safetensors`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import torch

from cutaway.core.errors import MissingExtraError, ModelError, OptionError
from cutaway.nets.checkpoint import SUFFIXES

RANDOM_SEED = 0
RANDOM_NOTE = "Its weights are random (seed 0): it has learned nothing."


@dataclass(frozen=True)
class Request:
    """One model, as asked for.

    source: "torchvision", "timm", "hf", "file", or "" for one of our own; name: within the source.
    published: whether the source's own trained weights are wanted (weights=none, or a file, says no).
    classes: another number of classes than the network's own. file: weights to load afterwards.
    """

    spec: str
    source: str
    name: str
    published: bool = True
    classes: int | None = None
    file: Path | None = None

    @property
    def note(self) -> str:
        """What a reader should know of its weights."""
        return "" if self.published or self.file else RANDOM_NOTE


def parse(spec: str, weights: str | Path | None = None) -> Request:
    """A spec in its parts; an OptionError for options that there are not."""
    rest, at, file = spec.rpartition("@")
    if not at or not file.endswith(SUFFIXES):
        rest, file = spec, ""
    if weights is not None:
        if file:
            raise OptionError(f'"{spec}" names weights, and {weights} are given too; expected one of them')
        file = str(weights)
    rest, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key, value in options.items():
        if key not in ("weights", "classes"):
            raise OptionError(f'"{spec}" sets "{key}"; expected weights=none or classes=N')
        if key == "weights" and value != "none":
            raise OptionError(f'"{spec}" sets weights={value}; expected weights=none, or @file.safetensors at its end')
        if key == "classes" and not (value.isdigit() and int(value)):
            raise OptionError(f'"{spec}" sets classes={value}; expected a whole number of at least 1')
    source, name = _source(rest)
    return Request(
        spec=spec,
        source=source,
        name=name,
        published=not file and not options,
        classes=int(options["classes"]) if "classes" in options else None,
        file=Path(file).expanduser() if file else None,
    )


def _source(text: str) -> tuple[str, str]:
    before, colon, after = text.partition(":")
    if colon and before in ("torchvision", "timm", "hf"):
        return before, after
    path, _, factory = text.rpartition(":")
    if path.endswith(".py") or text.endswith(".py"):
        return "file", text if path.endswith(".py") else f"{factory}:"
    if colon:
        raise ModelError(
            f'no source of models "{before}" in "{text}"; expected torchvision:NAME, timm:NAME, hf:NAME, '
            "FILE.py:FACTORY, or one of our own names"
        )
    return "", text


@contextlib.contextmanager
def seeded() -> Iterator[None]:
    """Networks draw their first weights from torch's global stream: seeded inside, as it was outside."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        yield


def importing(what: str, build: Callable[[], Any]) -> Any:
    """The library that a source needs; a clear error where it is installed but broken."""
    try:
        return build()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in (what, "torchvision"):  # timm wants torchvision, too
            raise MissingExtraError(f"{what}:", "hub" if what == "transformers" else "zoo") from error
        raise broken(what, error) from error
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise broken(what, error) from error


def broken(what: str, error: BaseException) -> ModelError:
    """The error for an optional library that does not fit the torch that is installed."""
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    culprit = "torchvision" if "torchvision" in str(root) else what
    reason = str(root).strip().splitlines()[0]
    without = f" (or, for {what} alone, pip uninstall torchvision)" if culprit != what else ""
    return ModelError(
        f"{culprit} is installed but cannot be imported ({reason}); expected builds of torch {torch.__version__} and "
        f"{culprit} that belong together; try to install {culprit} from the index that torch came from{without}"
    )
