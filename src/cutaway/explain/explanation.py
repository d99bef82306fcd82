"""The Explanation: its data, its pictures, and the ways to see it: a page, files, a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path

from cutaway.core.cache import write_atomically
from cutaway.core.errors import OptionError
from cutaway.report.page import as_iframe, render
from cutaway.report.schema import ExplanationData

PAGE, DATA = "index.html", "explanation.json"


@dataclass(frozen=True)
class Explanation:
    """Why one network decided as it did about one picture. In a notebook it shows itself.

    data: every number, as plain records. pictures: PNG bytes by the names that `data` uses, which are paths beside
    the JSON file.
    """

    data: ExplanationData
    pictures: Mapping[str, bytes]

    def json(self) -> str:
        """Every number as JSON text: the same picture, network, settings and seed give the same text."""
        return self.data.model_dump_json(by_alias=True, indent=1) + "\n"

    def html(self) -> str:
        """One self-contained page."""
        return render(self.data, self.pictures)

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write the page, the JSON and every picture into a folder; gives the page's path.

        Each file appears whole or not at all, the page last. An OptionError where the folder cannot be written.
        """
        where = make_folder(folder)
        files = dict(self.pictures)
        files[DATA] = self.json().encode()
        files[PAGE] = self.html().encode()
        for name, content in files.items():
            with _writing(where):
                write_atomically(where / name, partial(_write, content))
        return where / PAGE

    def _repr_html_(self) -> str:
        return as_iframe(self.html())


def make_folder(folder: str | PathLike[str]) -> Path:
    """The folder, made if need be; an OptionError where that cannot be, so that no work is done for nothing."""
    where = Path(folder)
    with _writing(where):
        where.mkdir(parents=True, exist_ok=True)
    return where


@contextmanager
def _writing(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OptionError(
            f"cannot write into {where} ({reason}); expected a folder that can be written; try another --out"
        ) from None


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)
