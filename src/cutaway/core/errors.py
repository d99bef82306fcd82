"""One tree of errors. Every message says what was given, what was expected, and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CutawayError(Exception):
    """Something that the user can mend; the command line prints it in one line and exits with 2."""


class PictureError(CutawayError, ValueError):
    """A file, array or tensor that is no usable picture."""


class ModelError(CutawayError, ValueError):
    """A model that cannot be found, loaded or run."""


class ForwardError(ModelError, RuntimeError):
    """A network that failed on the pictures it was given."""


class WeightsError(ModelError):
    """Weights that are missing, unsafe, or belong to another network."""


class LayerError(CutawayError, KeyError):
    """A layer or unit that the model does not have, or that has no such axes."""

    __str__ = Exception.__str__  # KeyError would print the message with quotes around it


class TargetError(CutawayError, ValueError):
    """A class that the model does not know, or an ambiguous one."""


class DataError(CutawayError, ValueError):
    """A data set that cannot be found or read."""


class StoreError(CutawayError, ValueError):
    """A store that cannot be written or read, or that does not belong to the model or the pictures at hand."""


class OptionError(CutawayError, ValueError):
    """An option out of its range, or a name that is not in the table it is chosen from."""


class ProjectError(CutawayError, ValueError):
    """A constructable recogniser whose folder, node, label or network cannot be used."""


class ReviewError(CutawayError, RuntimeError):
    """A pull request that cannot be opened, checked, merged or promoted."""


class MissingExtraError(CutawayError, ImportError):
    """An optional part of cutaway that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs an optional part that is not installed; try: pip install "cutaway[{extra}]"')


def nearest(given: str, known: Iterable[str], k: int = 3) -> list[str]:
    """The known names most like the given one, best first."""
    names = list(known)
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(given.casefold(), folded, n=k, cutoff=0.5)
    within = [name for name in names if given and given.casefold() in name.casefold()]
    return list(dict.fromkeys([folded[c] for c in close] + within))[:k]


def suggestion(given: str, known: Iterable[str]) -> str:
    """The tail of a message: `; did you mean "a", "b"?`, or nothing where no name is near."""
    close = nearest(given, known)
    return "; did you mean " + ", ".join(f'"{name}"' for name in close) + "?" if close else ""


def choose(given: str, table: Iterable[str], what: str) -> str:
    """The given name if it is in the table, else an OptionError that lists what is."""
    names = list(table)
    if given in names:
        return given
    raise OptionError(f'no {what} "{given}"; expected one of {", ".join(names)}{suggestion(given, names)}')
