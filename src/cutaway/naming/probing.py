"""Where a naming run's pictures come from: a caption file, a data set that has captions, or a folder without words.

Those without words are looked at by an image tower, or given captions by a captioner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError
from cutaway.core.types import Pictures
from cutaway.data.folder import no_pictures, pictures_in
from cutaway.data.pictures import read_image
from cutaway.data.specs import FORMATS, open_dataset
from cutaway.naming.captioner import Captioner
from cutaway.naming.captions import Captioned, read_captions


def open_captions(given: str, images: Path | None = None) -> tuple[tuple[Captioned, ...], tuple[str, ...]]:
    """The captioned pictures of a file (see `read_captions`) or of a data spec such as "partworld:2000?seed=7"."""
    if Path(given).is_file() or given.partition(":")[0] not in FORMATS:
        return read_captions(Path(given), images)
    data = open_dataset(given)
    samples = [data[i] for i in range(len(data))]
    told = [sample for sample in samples if any(map(str.strip, sample.captions))]
    if not told:
        raise DataError(f"{given} has no captions; expected a data set with some; try partworld:2000 or jsonl:FILE")
    bare = len(samples) - len(told)
    found = tuple(
        Captioned(Path(each.key), each.captions, None if each.label is None else data.labels[each.label], each.picture)
        for each in told
    )
    return found, (f"{bare} picture(s) without a caption",) if bare else ()


def only_pictures(folder: Path) -> tuple[Captioned, ...]:
    """The pictures that lie in a folder, without a word. Raises DataError where there are none."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected one with pictures; check --images")
    found = tuple(Captioned(path, ()) for path in pictures_in(folder))
    if not found:
        raise no_pictures(folder)
    return found


def one_by_one(pictures: Sequence[Captioned]) -> Iterator[Pictures]:
    """Every picture as a batch of its own, at its own size."""
    for picture in pictures:
        yield read_image(picture.image)[None]


def write_captions(pictures: Sequence[Captioned], captioner: Captioner, path: Path) -> None:
    """What a captioner says of each picture, kept in Flickr's form: name, tab, caption."""
    told = captioner.captions(one_by_one(pictures))
    lines = [f"{picture.image.name}\t{' '.join(text.split())}\n" for picture, text in zip(pictures, told, strict=True)]
    write_atomically(path, lambda beside: beside.write_text("".join(lines), encoding="utf-8"))
