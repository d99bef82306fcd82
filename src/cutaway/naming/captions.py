"""Captioned pictures: our JSON lines, COCO's annotations, Flickr's token file; and what is said of absent parts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cutaway.core.errors import DataError
from cutaway.core.types import Picture
from cutaway.data.jsonl import open_jsonl

COMMON = 0.5  # a part that at least this share of a class's pictures have is missed where it is missing


@dataclass(frozen=True)
class Captioned:
    """One picture's file, what is said of it, and its class where that is told.

    A picture that was drawn and lies in no file is in `picture`, and `image` is what it is called.
    """

    image: Path
    captions: tuple[str, ...]
    label: str | None = None
    picture: Picture | None = field(default=None, compare=False)

    @property
    def source(self) -> Path | Picture:
        """What `Model.prepare` takes."""
        return self.image if self.picture is None else self.picture


def read_captions(path: Path, images: Path | None = None) -> tuple[tuple[Captioned, ...], tuple[str, ...]]:
    """The captioned pictures of a file, and notes on what was left out (missing pictures, lines without words).

    `.jsonl` is ours, `.json` COCO's ("images" and "annotations"), anything else Flickr's ("name.jpg#0<tab>caption", or
    "name.jpg,caption"). Where lines of ours tell labels and parts, captions of what is absent are added (`negatives`).
    Pictures lie in `images`, or beside the file. Raises DataError where nothing usable is left.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: no such file; expected captions as .jsonl, COCO's .json or Flickr's .txt; check the path"
        )
    root = (images or path.parent).resolve()
    labels: dict[Path, str] = {}
    try:
        if path.suffix.lower() == ".jsonl":
            told, labels, notes = _jsonl(path, root)
        else:
            told, notes = (_coco if path.suffix.lower() == ".json" else _flickr)(path, root), []
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{path} is no UTF-8 text (byte {fault.start}); expected captions in UTF-8; save it as such"
        ) from None
    there = {
        image: [line.strip() for line in lines if line.strip()] for image, lines in told.items() if image.is_file()
    }
    missing = [image for image in told if image not in there]
    bare = [image for image, lines in there.items() if not lines]
    kept = tuple(Captioned(image, tuple(lines), labels.get(image)) for image, lines in there.items() if lines)
    notes += [f"{len(missing)} captioned picture(s) missing, such as {missing[0].name}"] if missing else []
    notes += [f"{len(bare)} picture(s) without a caption, such as {bare[0].name}"] if bare else []
    if not kept:
        raise DataError(
            f"{path} has no captioned picture that is there ({'; '.join(notes) or 'it is empty'}); "
            "expected captions of pictures beside it; try --images FOLDER"
        )
    return kept, tuple(notes)


def negatives(parts: Sequence[Sequence[str]], labels: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """For every picture what its class mostly has and it lacks, in sentences: "a deer without antlers".

    `parts` are the parts seen in each picture, `labels` what it shows.
    """
    if len(parts) != len(labels):
        raise DataError(f"parts of {len(parts)} pictures and {len(labels)} labels; expected as many; check the lists")
    pictures = Counter(labels)
    having: dict[str, Counter[str]] = defaultdict(Counter)
    for there, label in zip(parts, labels, strict=True):
        having[label].update(set(there))
    common = {
        label: [part for part, n in sorted(having[label].items()) if n >= COMMON * pictures[label]]
        for label in pictures
    }
    return tuple(
        tuple(f"a {label} without {part}" for part in common[label] if part not in there)
        for there, label in zip(parts, labels, strict=True)
    )


def _jsonl(path: Path, root: Path) -> tuple[dict[Path, list[str]], dict[Path, str], list[str]]:
    """Captions and labels of every picture, and a note on what was said of absent parts."""
    lines = open_jsonl(path).lines
    places = [line.image if root == path.parent.resolve() else root / line.key for line in lines]
    told: dict[Path, list[str]] = defaultdict(list)
    for place, line in zip(places, lines, strict=True):
        told[place] += line.captions
    parted = [(place, line) for place, line in zip(places, lines, strict=True) if line.label and line.parts]
    absent = negatives([tuple(line.parts) for _, line in parted], [line.label or "" for _, line in parted])
    for (place, _), sentences in zip(parted, absent, strict=True):
        told[place] += sentences if told[place] else ()
    count = sum(map(len, absent))
    notes = [f"{count} caption(s) of absent parts added"] if count else []
    return told, {place: line.label for place, line in zip(places, lines, strict=True) if line.label}, notes


def _coco(path: Path, root: Path) -> dict[Path, list[str]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files = {image["id"]: root / Path(image["file_name"]).name for image in data["images"]}
        told: dict[Path, list[str]] = {image: [] for image in files.values()}
        for note in data["annotations"]:
            told[files[note["image_id"]]].append(str(note["caption"]))
    except (json.JSONDecodeError, KeyError, TypeError) as fault:
        raise DataError(
            f'{path} is no caption file of COCO\'s ({fault}); expected "images" with id and file_name, and '
            '"annotations" with image_id and caption'
        ) from None
    return told


def _flickr(path: Path, root: Path) -> dict[Path, list[str]]:
    told: dict[Path, list[str]] = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip() or (number == 1 and line.strip().lower() in ("image,caption", "image_name, comment")):
            continue
        name, mark, caption = line.partition("\t" if "\t" in line else ",")
        if not mark:
            raise DataError(f"{path}, line {number}: no tab and no comma; expected name.jpg#0<tab>caption")
        told[root / Path(name.split("#")[0].strip()).name].append(caption)
    return told
