"""A project as it lies in a folder: configuration, ontology, pictures, labels; read once and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cutaway.construct import config as configuration
from cutaway.construct import data, ontology
from cutaway.construct.config import Config
from cutaway.construct.data import Entry, Label
from cutaway.construct.ontology import Ontology, check_id
from cutaway.core.cache import write_atomically
from cutaway.core.errors import ProjectError

PROBE_COUNT = 12


@dataclass(frozen=True)
class Project:
    """What a folder holds. Labels and networks are read when they are asked for."""

    root: Path
    config: Config
    ontology: Ontology
    manifest: tuple[Entry, ...]

    def labels(self, node: str) -> Mapping[str, Label]:
        """A node's labels by picture; none where it has no file."""
        path = self.root / data.LABELS / f"{check_id(node)}.jsonl"
        return data.read_labels(path.read_text(encoding="utf-8"), node) if path.is_file() else {}

    def net(self, node: str) -> Path:
        """The folder of a node's network."""
        return self.root / "nets" / check_id(node)

    def rule(self, node: str) -> Path:
        """The file of a plain-coded node."""
        return self.root / "rules" / f"{check_id(node)}.py"

    def probes(self) -> tuple[str, ...]:
        """The locked pictures that every card shows."""
        path = self.root / data.PROBES
        if not path.is_file():
            return ()
        listed = json.loads(path.read_text())
        known = {entry.sha256 for entry in self.manifest}
        if not isinstance(listed, list) or not all(picture in known for picture in listed):
            raise ProjectError(f"{data.PROBES} names pictures that the manifest does not; expected hashes of it")
        return tuple(listed)

    def lock(self, split: str) -> str:
        """The hash of a split's pictures."""
        held = sorted(entry.sha256 for entry in self.manifest if entry.split == split)
        return hashlib.sha256("\n".join(held).encode()).hexdigest()


def open_project(root: Path | str) -> Project:
    """The project in a folder. Raises ProjectError where there is none, or one of its files cannot be read."""
    root = Path(root)
    config = configuration.load(root)
    path = root / data.MANIFEST
    manifest = data.read_manifest(path.read_text(encoding="utf-8")) if path.is_file() else ()
    return Project(root, config, ontology.load(root), manifest)


def write_probes(manifest: tuple[Entry, ...], root: Path) -> None:
    """Lock the first pictures of the test split (by their hashes, so that nobody chose them) as probes."""
    held = sorted(entry.sha256 for entry in manifest if entry.split == "test")[:PROBE_COUNT]
    text = json.dumps(held, indent=0) + "\n"
    write_atomically(root / data.PROBES, lambda beside: beside.write_text(text))
