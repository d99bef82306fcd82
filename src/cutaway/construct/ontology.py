"""The ontology: visible features as nodes, one file each, every node made of the nodes below it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError, choose, suggestion

KINDS = ("part", "attribute", "relation", "class")
STATUSES = ("proposed", "trained", "failed", "retired")
FOLDER = "ontology"
LARGEST_FILE = 64_000  # bytes; a node is a page of text, and a parser of YAML is no place for more

_ID = re.compile(r"[a-z][a-z0-9_]{0,47}")
_DEVICES = frozenset({"con", "prn", "aux", "nul"})  # file names that some systems keep for themselves


@dataclass(frozen=True)
class Node:
    """One visible feature.

    all_of, any_of: its children. attaches_to: what an attribute is an attribute of. evidence: hashes of pictures that
    show it. net: where its network lies. children_pinned: the hash of each child's weights that it was trained on.
    """

    id: str
    kind: str = "part"
    says: str = ""
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    attaches_to: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    status: str = "proposed"
    net: str = ""
    children_pinned: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.id)
        choose(self.kind, KINDS, "kind of node")
        choose(self.status, STATUSES, "status")
        for other in (*self.children, *self.attaches_to):
            check_id(other)

    @property
    def children(self) -> tuple[str, ...]:
        """What it is made of, all before any."""
        return (*self.all_of, *self.any_of)


@dataclass(frozen=True)
class Ontology:
    """Nodes by their ids. Names of children that lead nowhere are allowed here: `lint` finds them."""

    nodes: Mapping[str, Node] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Node:
        if name not in self.nodes:
            raise ProjectError(
                f'no node "{name}"; expected one of {", ".join(self.nodes) or "(there are none)"}'
                f"{suggestion(name, self.nodes)}"
            )
        return self.nodes[name]

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def with_nodes(self, *nodes: Node) -> Ontology:
        """The ontology with these nodes in the place of those of the same id, or beside them; sorted by id."""
        return of([*(node for node in self if node.id not in {new.id for new in nodes}), *nodes])

    def without(self, *names: str) -> Ontology:
        """The ontology without these nodes."""
        return of(node for node in self if node.id not in names)

    def parents(self, name: str) -> tuple[str, ...]:
        """The nodes that it is a child of."""
        return tuple(node.id for node in self if name in node.children)

    def active(self) -> tuple[Node, ...]:
        """All nodes that are not retired."""
        return tuple(node for node in self if node.status != "retired")

    def order(self) -> tuple[str, ...]:
        """All ids, children before parents. Raises ProjectError that shows the circle where there is one."""
        done: dict[str, None] = {}
        for name in self.nodes:
            self._descend(name, done, ())
        return tuple(done)

    def _descend(self, name: str, done: dict[str, None], path: tuple[str, ...]) -> None:
        if name in path:
            circle = " > ".join((*path[path.index(name) :], name))
            raise ProjectError(f"the ontology goes in a circle: {circle}; expected a tree; take one of the links out")
        if name in done or name not in self.nodes:
            return
        for child in self.nodes[name].children:
            self._descend(child, done, (*path, name))
        done[name] = None

    def below(self, name: str) -> tuple[str, ...]:
        """All descendants of a node, children before parents, without itself."""
        done: dict[str, None] = {}
        self._descend(name, done, ())
        return tuple(other for other in done if other != name)

    def above(self, name: str) -> tuple[str, ...]:
        """All ancestors of a node, nearest first where that is possible."""
        return tuple(other for other in self.order() if name in self.below(other))

    def level(self, name: str) -> int:
        """0 for a leaf, else one more than its highest child."""
        return max((1 + self.level(child) for child in self[name].children if child in self), default=0)


def of(nodes: Iterable[Node]) -> Ontology:
    """The ontology of some nodes, sorted by id."""
    return Ontology({node.id: node for node in sorted(nodes, key=lambda node: node.id)})


def check_id(name: object) -> str:
    """The id, if it is one that can also be the name of a file on any system."""
    if not isinstance(name, str) or not _ID.fullmatch(name) or name in _DEVICES:
        raise ProjectError(
            f"{str(name)[:60]!r} is no id of a node; expected lower-case letters, digits and _, a letter first; "
            'try something like "flower_head"'
        )
    return name


def to_text(node: Node) -> str:
    """A node as YAML: only what is said, in the order of the fields."""
    said = {key: value for key, value in asdict(node).items() if value or key in ("id", "kind", "status")}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text


def from_text(text: str, name: str = "a node") -> Node:
    """The node in a YAML text. Raises ProjectError for other text, unknown fields and fields of the wrong kind."""
    data = read_yaml(text, name)
    known = {each.name: each for each in fields(Node)}
    for key in data:
        if key not in known:
            raise ProjectError(f'{name} has an unknown field "{key}"; expected {", ".join(known)}')
    return Node(**{key: _value(key, value, name) for key, value in data.items()})


def _value(key: str, value: Any, name: str) -> Any:
    if key == "children_pinned":
        if not isinstance(value, dict) or not all(isinstance(text, str) for pair in value.items() for text in pair):
            raise ProjectError(f"{name}: children_pinned is {value!r}; expected ids with hashes")
        return value
    if key in ("id", "kind", "says", "status", "net"):
        if not isinstance(value, str):
            raise ProjectError(f"{name}: {key} is {value!r}; expected text")
        return value
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ProjectError(f"{name}: {key} is {value!r}; expected a list of texts")
    return tuple(value)


def read_yaml(text: str, name: str) -> dict[str, Any]:
    """A small YAML file that holds a mapping, and no aliases (which can blow up)."""
    if len(text) > LARGEST_FILE:
        raise ProjectError(f"{name} has {len(text):,} characters; expected at most {LARGEST_FILE:,}")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise ProjectError(f"{name} uses YAML aliases; expected plain values; write them out")
        data = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise ProjectError(f"{name} is no YAML ({str(fault).splitlines()[0]}); expected fields of a node") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ProjectError(f"{name} holds a {type(data).__name__}; expected fields of a node")
    return data


def load(project: Path) -> Ontology:
    """The ontology of a project's folder. Raises ProjectError where a file's name and its node's id differ."""
    return from_texts({path.name: _read(path) for path in sorted((project / FOLDER).glob("*.yaml"))})


def _read(path: Path) -> str:
    if path.is_symlink():
        raise ProjectError(f"{path} is a link; expected a file")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is no text; expected YAML in UTF-8") from None


def from_texts(texts: Mapping[str, str]) -> Ontology:
    """The ontology in some files' texts, by their names."""
    nodes = []
    for name, text in texts.items():
        node = from_text(text, f"{FOLDER}/{name}")
        if name != f"{node.id}.yaml":
            raise ProjectError(f'{FOLDER}/{name} holds the node "{node.id}"; expected {FOLDER}/{node.id}.yaml')
        nodes.append(node)
    return of(nodes)


def save(ontology: Ontology, project: Path) -> None:
    """Write one file per node, and take away the files of nodes that are gone."""
    folder = project / FOLDER
    for node in ontology:
        text = to_text(node)
        path = folder / f"{node.id}.yaml"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
    for path in folder.glob("*.yaml"):
        if path.stem not in ontology:
            path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all."""
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def read_file(path: Path) -> Ontology:
    """A hand-made ontology: one YAML file with `nodes:`, a list of nodes. Raises ProjectError for other files."""
    if not path.is_file():
        raise ProjectError(f"{path}: no such file; expected YAML with a list of nodes")
    listed = read_yaml(_read(path), str(path)).get("nodes")
    if not isinstance(listed, list) or not listed:
        raise ProjectError(f'{path} lists no nodes; expected "nodes:" with one entry per node')
    return of(from_text(yaml.safe_dump(entry), f"{path}, node {number + 1}") for number, entry in enumerate(listed))
