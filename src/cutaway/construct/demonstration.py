"""The demo: from an empty folder to a promoted recogniser of four flowers, all of it through pull requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cutaway.construct import cards, config, ontology, worlds
from cutaway.construct.git import Repository, find, run
from cutaway.construct.growing import Grown, train_many
from cutaway.construct.materials import material
from cutaway.construct.ontology import Ontology, of
from cutaway.construct.project import open_project
from cutaway.construct.promotion import Benchmark, promote
from cutaway.construct.requests import merge, open_request
from cutaway.construct.tree import grown
from cutaway.core.errors import ProjectError

APPROVER = "demo"
FAMILY = "flower"


@dataclass(frozen=True)
class Demo:
    """What the demo reached: the benchmark of the promotion, each node's seconds, and the whole."""

    benchmark: Benchmark
    grown: tuple[Grown, ...]
    seconds: float


def demo(
    root: Path | str,
    seed: int = 7,
    family: str = FAMILY,
    counts: Mapping[str, int] | None = None,
    conf: config.Config | None = None,
    workers: int = 2,
    report: Callable[[str], object] = print,
) -> Demo:
    """Make a project in an empty folder and grow, review and promote a recogniser of one family of PartWorld.

    The same seed gives the same files, weights and history but for its dates. Raises ProjectError for a folder that
    is not empty.
    """
    begun, root = time.monotonic(), Path(root)
    if root.exists() and any(root.iterdir()):
        raise ProjectError(f"{root} is not empty; expected an empty folder for the demo; try another --out")
    conf = conf or replace(config.Config(), promotion=config.Promotion(approvers=[APPROVER]))
    repository = start(root, conf)
    tree = _observe(repository, root, family, counts or worlds.COUNTS, seed, conf, report)
    levels = [[node.id for node in tree if tree.level(node.id) == level] for level in (0, 1)]
    done: list[Grown] = []
    for names in levels:
        done += train_many(root, names, workers=workers, report=report)
        for name in names:
            _hand_in(repository, root, name, report)
    found = promote(repository, APPROVER)
    report(f"promoted: {found.accuracy.value:.1%} of {found.accuracy.n} pictures right")
    return Demo(found, tuple(done), time.monotonic() - begun)


def start(root: Path | str, conf: config.Config) -> Repository:
    """A new project: a repository with construct.toml on its two branches, the automatic one checked out."""
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    if not (root / ".git").exists():
        run(("init", "--quiet", f"--initial-branch={conf.branches.main}"), root)
    repository = find(root)
    place = root / config.FILE
    if place.exists():
        raise ProjectError(f"{root} is a project already ({config.FILE} is there); expected a folder without one")
    place.write_text(config.to_text(conf), encoding="utf-8")
    run(("add", config.FILE), root)
    run(("commit", "--quiet", "--message", "Start: gates, seeds, annotator, branches", "--", config.FILE), root)
    run(("checkout", "--quiet", "-b", conf.branches.auto), root)
    return repository


def _observe(
    repository: Repository,
    root: Path,
    family: str,
    counts: Mapping[str, int],
    seed: int,
    conf: config.Config,
    report: Callable[[str], object],
) -> Ontology:
    """Pictures, then the ontology with its labels, each as a pull request."""
    labels = worlds.family_of(family)
    bare = worlds.hand_made(labels)
    evidence = worlds.write_world(root, list(bare), labels, counts, seed, conf.learning.size)
    tree = of(replace(node, evidence=evidence[node.id]) for node in bare)
    run(("add", "data"), root)
    run(("commit", "--quiet", "--message", f"Data: {sum(counts.values())} pictures, locked probes", "--", "data"), root)
    ontology.save(tree, root)
    request = open_request(repository, f"Ontology: {', '.join(labels)} and what they are made of", "refactor", ())
    merge(repository, request.number)
    report(f"{request.branch}: {len(tree)} nodes merged")
    return tree


def _hand_in(repository: Repository, root: Path, name: str, report: Callable[[str], object]) -> None:
    """One trained node with its card, as a pull request that has to pass the gates."""
    project = open_project(root)
    made = cards.write(project, name, grown(project, [name]), material(project))
    request = open_request(repository, f"{name}: {made['claim'].split(': ', 1)[1].split(' (')[0]}", "node", (name,))
    merge(repository, request.number)
    report(f"{request.branch}: {made['claim']}")
