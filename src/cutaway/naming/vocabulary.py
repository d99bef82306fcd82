"""Phrases that a name may come from: the shipped vocabulary of everyday words, or a user's file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from cutaway.core.errors import DataError

FILE = Path(__file__).parent / "data" / "vocabulary.yaml"
LONGEST = 200  # characters of a phrase

Tree: TypeAlias = "Mapping[str, Any]"


def shipped() -> tuple[str, ...]:
    """About 5,000 everyday words and phrases: things, parts, scenes, shapes, and what they look like."""
    source = _source()
    words = list(_words(source["things"]))
    lists: dict[str, list[str]] = source["lists"]
    words += [word for name in ("colours", "textures", "materials", "shapes", "light") for word in lists[name]]
    for first, *between, second in source["combine"]:
        joint = between[0] if between else " "
        words += [one + joint + other for one in lists[first] for other in lists[second]]
    return tuple(dict.fromkeys(words))


def kinds() -> dict[str, tuple[str, ...]]:
    """What every word of the tree is, from the nearest to the widest: finch -> (bird, animal)."""
    return _kinds(_source()["things"], ())


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """One phrase a line; empty lines and what follows "#" are left out, doubles count once.

    Raises DataError for a file that is no UTF-8 text, holds no phrase, or has lines longer than any phrase.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as fault:
        raise DataError(
            f"{path} is no UTF-8 text (byte {fault.start}); expected one phrase a line; save it as UTF-8"
        ) from None
    except OSError as fault:
        raise DataError(f"{path}: {fault.strerror or fault}; expected a text file with one phrase a line") from None
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST:
            raise DataError(
                f"{path}, line {number} has {len(line):,} characters; expected a phrase of at most {LONGEST}; "
                "try one phrase a line"
            )
    return checked_phrases([line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()])


def checked_phrases(phrases: Sequence[str] | None) -> tuple[str, ...]:
    """The phrases, each once; the shipped ones for None. Raises DataError where there are none, or one is too long."""
    if phrases is None:
        return shipped()
    known = tuple(dict.fromkeys(phrase.strip() for phrase in phrases if phrase.strip()))
    if not known:
        raise DataError("a vocabulary without phrases; expected at least one; leave it out for the shipped one")
    long = next((phrase for phrase in known if len(phrase) > LONGEST), None)
    if long is not None:
        raise DataError(
            f'a phrase of {len(long):,} characters ("{long[:30]}..."); expected at most {LONGEST}; shorten it'
        )
    return known


@functools.cache
def _source() -> dict[str, Any]:
    with FILE.open(encoding="utf-8") as file:
        source: dict[str, Any] = yaml.safe_load(file)
    return source


def _words(tree: Tree) -> Iterator[str]:
    for name, below in tree.items():
        yield name
        yield from below if isinstance(below, list) else _words(below)


def _kinds(tree: Tree, above: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, below in tree.items():
        found.setdefault(name, above)
        inner = dict.fromkeys(below, (name, *above)) if isinstance(below, list) else _kinds(below, (name, *above))
        found = {**inner, **found}
    return found
