"""Data specs: one line of text that says which data set, where, and which part of it.

`scheme:place?option=value&option=value`, for instance `cifar10:../data?split=test` or `partworld:2000?seed=7`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from cutaway.core.errors import DataError, suggestion
from cutaway.data.dataset import Dataset


@dataclass(frozen=True)
class Spec:
    """A data spec taken apart; `options` keep their text."""

    scheme: str
    place: str
    options: Mapping[str, str]

    def folder(self) -> Path:
        """The place as a folder that is there, else a DataError."""
        path = Path(self.place).expanduser()
        if not path.is_dir():
            found = "a file" if path.exists() else "no such folder"
            raise DataError(f"{self.scheme}:{self.place}: {found}; expected a folder; check the path")
        return path

    def file(self) -> Path:
        """The place as a file that is there, else a DataError."""
        path = Path(self.place).expanduser()
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no such file"
            raise DataError(f"{self.scheme}:{self.place}: {found}; expected a file; check the path")
        return path


@dataclass(frozen=True)
class Format:
    """One kind of data set: how its spec looks, what it reads, its options (None = it checks them itself)."""

    example: str
    says: str
    options: Sequence[str] | None
    open: Callable[[Spec], Dataset]


def open_dataset(spec: str) -> Dataset:
    """The data set that a spec names; a DataError where the scheme, an option or the place is wrong."""
    parsed = parse_spec(spec)
    return FORMATS[parsed.scheme].open(parsed)


def parse_spec(spec: str) -> Spec:
    """Takes a spec apart and checks its scheme and the names of its options."""
    scheme, colon, rest = spec.partition(":")
    if scheme not in FORMATS or not colon:
        given = f'no data format "{scheme}"' if colon else f'"{spec}" names no data format'
        known = ", ".join(one.example for one in FORMATS.values())
        tip = suggestion(scheme, FORMATS) or f'; try "folder:{spec}"'
        raise DataError(f"{given}; expected one of {known}{tip}")
    place, _, query = rest.partition("?")
    if not place:
        raise DataError(f'"{spec}" says no place; expected {FORMATS[scheme].example}; put a path or a count there')
    options = dict(parse_qsl(query, keep_blank_values=True))
    known_options = FORMATS[scheme].options
    for name in options if known_options is not None else ():
        if name not in (known_options or ()):
            expected = ", ".join(known_options or ())
            raise DataError(
                f'{scheme} has no option "{name}"; expected {expected}{suggestion(name, known_options or ())}'
            )
    return Spec(scheme, place, options)


def _open_cifar10(spec: Spec) -> Dataset:
    from cutaway.data.cifar10 import open_cifar10

    return open_cifar10(spec.folder(), spec.options.get("split", "train"))


def _open_folder(spec: Spec) -> Dataset:
    from cutaway.data.folder import open_folder

    return open_folder(spec.folder(), spec.options.get("split"))


def _open_imagenet(spec: Spec) -> Dataset:
    from cutaway.data.imagenet import open_imagenet

    return open_imagenet(spec.folder(), spec.options.get("split", "val"))


def _open_jsonl(spec: Spec) -> Dataset:
    from cutaway.data.jsonl import open_jsonl

    return open_jsonl(spec.file(), spec.options.get("split"))


def _open_partworld(spec: Spec) -> Dataset:
    if not spec.place.isdigit() or int(spec.place) == 0:
        raise DataError(
            f'partworld:{spec.place} says no number of pictures; expected partworld:N; try "partworld:2000"'
        )
    from cutaway.data.partworld import open_partworld

    return open_partworld(int(spec.place), dict(spec.options))


FORMATS: Mapping[str, Format] = {
    "partworld": Format(
        "partworld:N?seed=7&bias=background:0.95",
        "N pictures of the procedural world, with masks, parts, attributes and captions",
        None,
        _open_partworld,
    ),
    "cifar10": Format(
        "cifar10:DIR?split=test", "CIFAR-10 as parquet, binary batches or class folders", ("split",), _open_cifar10
    ),
    "folder": Format(
        "folder:DIR?split=val", "one folder per class, or pictures without classes", ("split",), _open_folder
    ),
    "imagenet": Format("imagenet:DIR?split=val", "ImageNet as the competition lays it out", ("split",), _open_imagenet),
    "jsonl": Format(
        "jsonl:FILE?split=train",
        "one JSON object per line: image, and where known captions, label, mask, parts, split",
        ("split",),
        _open_jsonl,
    ),
}
