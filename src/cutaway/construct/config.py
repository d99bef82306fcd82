"""construct.toml: gates, seeds, annotator and branches of one project; gates are always read from the base branch."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from cutaway.core.errors import ProjectError

FILE = "construct.toml"
_STRICT = ConfigDict(extra="forbid")


@checked(frozen=True, config=_STRICT)
class Gates:
    """What a node must reach on locked whole pictures before it is merged. Shares are in [0, 1]."""

    balanced_accuracy: float = 0.85  # the lower end of its 95 % interval
    pointing: float = 0.85
    iou: float = 0.45
    auroc: float = 0.90
    needs: float = 0.05  # the share that each child must have in what speaks for the part
    alive: float = 0.01  # the share of pictures on which it fires, at least, and does not fire, at least
    follows: float = 0.80  # pictures moved aside: how often the peak moves along
    alike: float = 0.80  # IoU of masks from which on two nodes are one
    children: int = 5
    parameters: int = 60_000
    kilobytes: int = 400
    card: float = 0.002  # how far a figure on the card may be from the one that is measured


@checked(frozen=True, config=_STRICT)
class Promotion:
    """What goes to the main branch: better on a class, worse on none; points of balanced accuracy."""

    gain: float = 5.0
    loss: float = 1.0
    approvers: list[str] = field(default_factory=list)


@checked(frozen=True, config=_STRICT)
class Branches:
    """The branch that people use, and the one that pull requests are merged into."""

    main: str = "main"
    auto: str = "auto"


@checked(frozen=True, config=_STRICT)
class Annotator:
    """Who observes pictures: "offline", "captions", "anthropic", "openai" or "file.py:function"; its budget."""

    name: str = "offline"
    model: str = ""
    url: str = ""
    calls: int = 200
    tokens: int = 400_000


@checked(frozen=True, config=_STRICT)
class Learning:
    """How networks of nodes are made. size: pixels a side; width: channels of a leaf; epochs, pictures: at most."""

    size: int = 64
    width: int = 16
    epochs: int = 14
    batch: int = 50  # pictures a step
    pictures: int = 2000
    kernel: int = 15
    filters: int = 8
    laid_in: float = 0.2  # the share of a leaf's pictures that get another one's part laid in
    reach: int = 2  # how far a leaf's wide look sees: 2 for 41 pixels, 3 for 73
    members: int = 1  # networks a node above others, from as many seeds, whose maps are averaged
    seed: int = 0


@dataclass(frozen=True)
class Config:
    """All of construct.toml."""

    gates: Gates = field(default_factory=Gates)
    promotion: Promotion = field(default_factory=Promotion)
    branches: Branches = field(default_factory=Branches)
    annotator: Annotator = field(default_factory=Annotator)
    learning: Learning = field(default_factory=Learning)


SECTIONS = {
    "gates": Gates,
    "promotion": Promotion,
    "branches": Branches,
    "annotator": Annotator,
    "learning": Learning,
}


def from_text(text: str) -> Config:
    """The configuration in a TOML text. Raises ProjectError that names the key which is unknown or out of its range."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ProjectError(f"{FILE} is no TOML ({fault}); expected sections {', '.join(SECTIONS)}") from None
    for name in data:
        if name not in SECTIONS:
            raise ProjectError(f'{FILE} has an unknown section "{name}"; expected {", ".join(SECTIONS)}')
    made = {name: _section(name, kind, data.get(name, {})) for name, kind in SECTIONS.items()}
    return Config(**made)  # type: ignore[arg-type]  # each name has its own type, which a dict cannot say


def _section(name: str, kind: type, values: object) -> object:
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in (name, *fault["loc"]))
        raise ProjectError(f"{FILE}: {key} is {fault['input']!r}; {fault['msg'].lower()}") from None


def load(project: Path) -> Config:
    """The configuration of a project's folder. Raises ProjectError where there is none."""
    path = project / FILE
    if not path.is_file():
        raise ProjectError(f"{project} is no project of construct; expected {FILE} in it; try: cutaway construct init")
    return from_text(path.read_text(encoding="utf-8"))


def to_text(config: Config) -> str:
    """The configuration as TOML, every value said."""
    lines = []
    for name in SECTIONS:
        section = getattr(config, name)
        lines += [f"[{name}]", *(f"{key} = {_toml(getattr(section, key))}" for key in section.__dataclass_fields__), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else str(value)
