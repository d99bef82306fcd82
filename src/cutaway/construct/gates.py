"""The deterministic gates of a pull request: computed from locked data, whatever the pull request says of itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cutaway.construct import cards, data, figures, networks, rle, rules
from cutaway.construct.config import Gates
from cutaway.construct.figures import Figures
from cutaway.construct.findings import lint
from cutaway.construct.growing import pin
from cutaway.construct.materials import Material, material
from cutaway.construct.project import Project, open_project
from cutaway.construct.tree import grown
from cutaway.core.errors import CutawayError

KINDS = ("node", "labels", "refactor", "data")


@dataclass(frozen=True)
class Check:
    """One gate's answer."""

    gate: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Proposal:
    """A pull request as the gates see it: the base's files, the files after the merge, and what differs."""

    kind: str
    nodes: tuple[str, ...]
    base: Path
    merged: Path
    changes: tuple[tuple[str, str], ...]

    def paths(self, folder: str) -> tuple[str, ...]:
        """The changed paths below a folder."""
        return tuple(path for _, path in self.changes if path.startswith(folder + "/"))


@dataclass(frozen=True)
class Verdict:
    """All checks of a proposal, and the figures that were measured on the way."""

    checks: tuple[Check, ...]
    figures: dict[str, Figures]

    @property
    def passed(self) -> bool:
        """Whether no gate is shut."""
        return all(check.passed for check in self.checks)

    def reasons(self) -> str:
        """The gates that are shut, in one line."""
        return "; ".join(f"{check.gate}: {check.says}" for check in self.checks if not check.passed)


def examine(proposal: Proposal) -> Verdict:
    """All gates, the cheap ones first; where those are shut, nothing of the pull request is loaded or run.

    Gates, labels, pictures and probes are those of the base.
    """
    measured: dict[str, Figures] = {}
    checks = list(_guarded("scope", lambda: _scope(proposal)))
    if all(check.passed for check in checks):
        checks += _guarded("files", lambda: _files(proposal))
    if all(check.passed for check in checks):
        for gate in (_ontology, _labels, _networks):
            checks += _guarded(gate.__name__.strip("_"), partial(gate, proposal))
    if all(check.passed for check in checks):
        for node in proposal.nodes if proposal.kind == "node" else ():
            checks += _guarded("figures", partial(_figures, proposal, node, measured))
    return Verdict(tuple(checks), measured)


def _guarded(name: str, gate: Callable[[], Iterator[Check]]) -> list[Check]:
    """The checks of a gate; what the pull request's files make it stumble over shuts it."""
    try:
        return list(gate())
    except CutawayError as fault:
        return [Check(name, False, str(fault))]


_OWN = {
    "node": (
        r"ontology/{node}\.yaml",
        r"nets/{node}/(weights\.safetensors|spec\.yaml|card\.json|card\.html)",
        r"rules/{node}\.py",
    ),
    "labels": (r"labels/{node}\.jsonl", r"ontology/{node}\.yaml"),
    "refactor": (r"ontology/[a-z0-9_]+\.yaml", r"labels/[a-z0-9_]+\.jsonl"),
    "data": (r"data/manifest\.jsonl",),
}  # fmt: skip
"""What each kind of pull request may touch, besides its own file in prs/."""


def _scope(proposal: Proposal) -> Iterator[Check]:
    """One node, or one refactor, and nothing else: no gates, no pictures, no probes, no other node's files."""
    if proposal.kind == "node" and len(proposal.nodes) != 1:
        yield Check("scope", False, f"a change of {len(proposal.nodes)} nodes; expected one")
        return
    allowed = [
        pattern.format(node=re.escape(node)) for pattern in _OWN[proposal.kind] for node in proposal.nodes or ("",)
    ]
    strange = [path for status, path in proposal.changes if not _allowed(proposal, status, path, allowed)]
    says = f"touches {', '.join(strange[:3])}" if strange else f"{len(proposal.changes)} files of its own"
    yield Check("scope", not strange, says)
    links = [path for status, path in proposal.changes if status != "D" and (proposal.merged / path).is_symlink()]
    yield Check("links", not links, f"links: {', '.join(links[:3])}" if links else "no links")


def _allowed(proposal: Proposal, status: str, path: str, allowed: Sequence[str]) -> bool:
    if re.fullmatch(r"prs/\d{4,}\.yaml", path):
        return status == "A"
    if proposal.kind == "refactor" and path.startswith("labels/") and status != "A":
        return False
    if proposal.kind == "refactor" and path.startswith("nets/") and status == "D":
        return True
    return any(re.fullmatch(pattern, path) for pattern in allowed) and (status != "D" or proposal.kind == "refactor")


def _files(proposal: Proposal) -> Iterator[Check]:
    """No file is larger than a shallow network needs."""
    limit = _gates(proposal).kilobytes * 1024
    for status, path in proposal.changes:
        if status != "D" and path.startswith("nets/") and path.endswith(".safetensors"):
            size = (proposal.merged / path).stat().st_size
            yield Check("size", size <= limit, f"{path} has {size / 1024:.0f} kB; at most {limit // 1024}")
    for path in proposal.paths("labels"):
        size = (proposal.merged / path).stat().st_size
        yield Check("size", size <= 64 << 20, f"{path} has {size >> 20} MB; at most 64")


def _ontology(proposal: Proposal) -> Iterator[Check]:
    """It can be read, has no circle, and lint finds nothing that it did not find on the base."""
    before, after = open_project(proposal.base).ontology, open_project(proposal.merged).ontology
    after.order()
    new = [finding for finding in lint(after) if finding not in lint(before)]
    says = "; ".join(map(str, new[:3])) if new else f"{len(after)} nodes without new faults"
    yield Check("lint", not new, says)
    if proposal.kind == "node":
        node = proposal.nodes[0]
        one, other = before.nodes.get(node), after[node]
        kept = one is None or (one.kind, one.attaches_to) == (other.kind, other.attaches_to)
        yield Check("identity", kept, f"{node} is still what it was" if kept else f"{node} is now another thing")


def _labels(proposal: Proposal) -> Iterator[Check]:
    """New labels name pictures of the manifest and are no other node's; those of held-out pictures stay as they are."""
    base, merged = open_project(proposal.base), open_project(proposal.merged)
    held = {entry.sha256 for entry in base.manifest if entry.split != "train"}
    known = {entry.sha256 for entry in merged.manifest}
    for path in proposal.paths("labels"):
        name = Path(path).stem
        before, after = base.labels(name), merged.labels(name)
        unknown = sum(picture not in known for picture in after)
        yield Check("labels", not unknown, f"{name}: {len(after)} labels, {unknown} of unknown pictures")
        if before:
            touched = sum(after.get(picture) != label for picture, label in before.items() if picture in held)
            yield Check("held-out labels", not touched, f"{name}: {touched} labels of held-out pictures changed")
        else:
            yield from _alike(merged, name, _gates(proposal).alike)
    if proposal.kind == "data":
        old = list(base.manifest)
        yield Check("manifest", list(merged.manifest[: len(old)]) == old, "pictures are added at the end alone")


def _alike(project: Project, name: str, limit: float) -> Iterator[Check]:
    """Whether the labels of a new node are those of another under a new name."""
    mine = {picture: label for picture, label in project.labels(name).items() if rle.area(label.mask)}
    for other in project.ontology.active():
        if other.id == name or other.id in project.ontology.below(name) + project.ontology.above(name):
            continue
        theirs = {picture: label for picture, label in project.labels(other.id).items() if rle.area(label.mask)}
        if not theirs or not mine:
            continue
        shared = sorted(set(mine) & set(theirs))[:40]
        either = min(len(mine), len(theirs))
        if len(shared) < 0.5 * min(either, 40):
            continue
        overlaps = []
        for picture in shared:
            one, two = rle.decode(mine[picture].mask), rle.decode(theirs[picture].mask)
            overlaps.append(float((one & two).sum() / max((one | two).sum(), 1)))
        overlap = sum(overlaps) / len(overlaps)
        if overlap >= limit:
            yield Check("duplicate", False, f"{name} is labelled as {other.id} is (IoU {overlap:.2f})")
            return
    yield Check("duplicate", True, f"{name} is labelled as no other node is")


def _networks(proposal: Proposal) -> Iterator[Check]:
    """Weights that are what the spec says, not too many, over the children as they are on the base."""
    if proposal.kind != "node":
        return
    name, limits = proposal.nodes[0], _gates(proposal)
    base, merged = open_project(proposal.base), open_project(proposal.merged)
    node, folder = merged.ontology[name], merged.net(name)
    spec = networks.read_spec(folder)
    if spec.form == "rule":
        rules.read(merged.rule(name), spec)
    else:
        networks.read(folder, spec, limits.parameters)
    yield Check("network", True, f"{spec.form} over {', '.join(spec.inputs) or 'pixels'}")
    wanted = base.config.learning.size
    yield Check("pictures", spec.size == wanted, f"sees {spec.size} pixels a side; the project has {wanted}")
    yield Check("children", len(spec.inputs) <= limits.children, f"{len(spec.inputs)} of at most {limits.children}")
    reads = tuple(spec.inputs) == node.children
    yield Check(
        "reads", reads, "reads the children that its node names" if reads else "reads other children than its node"
    )
    pins = {child: pin(base, child) for child in node.children}
    stale = [child for child in pins if node.children_pinned.get(child) != pins[child]]
    says = f"trained on other weights of {', '.join(stale)}" if stale else "trained on its children as they are"
    yield Check("pins", not stale and set(pins) == set(node.children_pinned), says)


def _figures(proposal: Proposal, node: str, measured: dict[str, Figures]) -> Iterator[Check]:
    """Every number again, from the base's pictures and labels; then what the card says of them."""
    base, merged = open_project(proposal.base), open_project(proposal.merged)
    stuff = material(base)
    if node not in stuff.masks:
        yield Check("labels", False, f"{node} has no labels on the base; expected them in a pull request of their own")
        return
    found = figures.measure(grown(merged, [node]), node, stuff)
    measured[node] = found
    yield from standards(found, _gates(proposal))
    yield _card(merged, node, stuff, found, _gates(proposal).card)


def standards(found: Figures, limits: Gates) -> Iterator[Check]:
    """A node's figures against the gates."""
    accuracy = found.balanced_accuracy
    yield _least("balanced accuracy", accuracy.low, limits.balanced_accuracy, f" (lower end; {accuracy.value:.3f})")
    yield _least("auroc", found.auroc.value, limits.auroc)
    yield _least("pointing", found.pointing.value, limits.pointing)
    yield _least("iou", found.iou.value, limits.iou)
    yield _least("follows", found.follows.value, limits.follows)
    alive = limits.alive < found.fires < 1 - limits.alive
    yield Check("alive", alive, f"fires on {found.fires:.0%} of pictures")
    for child, share in found.shares.items():
        yield _least(f"needs {child}", share, limits.needs, " of what speaks for it is gone without")


def _least(gate: str, value: float, least: float, more: str = "") -> Check:
    return Check(gate, math.isfinite(value) and value >= least, f"{value:.3f}{more}; at least {least:.2f}")


def _card(project: Project, node: str, stuff: Material, found: Figures, tolerance: float) -> Check:
    """The card says what is measured, and nothing else: no other number, no word of its own."""
    path = project.net(node) / cards.FILE
    if not path.is_file():
        return Check("card", False, f"no {cards.FILE}; expected one; try: cutaway construct card {node}")
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return Check("card", False, "is no JSON")
    wanted = json.loads(json.dumps(cards.card(project, node, stuff, found)))
    where = cards.difference(wanted, said, tolerance)
    return Check(
        "card", not where, f"says other than what is measured at {where}" if where else "says what is measured"
    )


def _gates(proposal: Proposal) -> Gates:
    """The gates of the base, whatever the pull request says they are."""
    return open_project(proposal.base).config.gates


def label_count(project: Project, node: str) -> int:
    """How many pictures are labelled for a node."""
    return len(project.labels(node)) if (project.root / data.LABELS).is_dir() else 0
