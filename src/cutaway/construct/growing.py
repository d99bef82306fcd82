"""Training the nodes of a project: each on its own, children before parents, independent ones side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch

from cutaway.construct import networks, ontology
from cutaway.construct.learning import Learned, learn
from cutaway.construct.lessons import Lesson
from cutaway.construct.materials import Material, material
from cutaway.construct.networks import Spec
from cutaway.construct.ontology import Node
from cutaway.construct.project import Project, open_project
from cutaway.construct.tree import Tree, grown, inputs, maps
from cutaway.core.errors import MissingExtraError, ProjectError, choose

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Grown:
    """One node that has been trained: the hash of its weights, and how long it took."""

    node: str
    weights: str
    seconds: float


def spec_of(project: Project, node: Node) -> Spec:
    """The network that a node gets: over its children where it has any, else over pixels."""
    learning = project.config.learning
    return Spec(
        form="composed" if node.children else "leaf",
        inputs=node.children,
        size=learning.size,
        width=learning.width,
        kernel=learning.kernel,
        filters=learning.filters,
        laid_in=learning.laid_in,
        reach=learning.reach,
        members=learning.members if node.children else 1,
        batch=learning.batch,
        seed=learning.seed,
        epochs=learning.epochs,
    )


def train(project: Project, name: str, spec: Spec | None = None, switch: tuple[int, str] | None = None) -> Grown:
    """Train one node and write its network and spec, and its node with the children that it was trained on.

    Raises ProjectError where a child has no network yet, or the labels do not suffice.
    """
    begun = time.monotonic()
    node = project.ontology[name]
    spec = spec or spec_of(project, node)
    tree = grown(project, node.children)
    for child in node.children:
        tree.spec(child)
    learned = lesson_learned(material(project), tree, name, spec, project.config.learning.pictures, switch)
    networks.write(learned.net, learned.spec, project.net(name))
    settle(project, name)
    return Grown(name, networks.hash_of(project.net(name)), time.monotonic() - begun)


def lesson_learned(
    stuff: Material, tree: Tree, name: str, spec: Spec, most: int | None = None, switch: tuple[int, str] | None = None
) -> Learned:
    """The network that a node learns on some material, over the maps of a tree's nodes where it has children."""
    return learn(spec, lesson(stuff, tree, name, spec, "train", most), lesson(stuff, tree, name, spec, "val"), switch)


def lesson(stuff: Material, tree: Tree, name: str, spec: Spec, split: str, most: int | None = None) -> Lesson:
    """The lesson of a node on the labelled pictures of a split."""
    where = stuff.of(split)
    if name in stuff.labelled:
        where = where[stuff.labelled[name][where]]
    where = where[:most]
    seen = stuff.pictures[where]
    if spec.form != "leaf":
        seen = inputs(spec, maps(tree, seen, spec.inputs))
    return stuff.lesson(name, seen, where, spec.grid)


def settle(project: Project, name: str) -> None:
    """Write down that a node is trained, and on which weights of its children; only its own file is written."""
    node = project.ontology[name]
    pins = {child: pin(project, child) for child in node.children}
    done = replace(node, status="trained", net=f"nets/{name}", children_pinned=pins)
    # Others are trained beside it: to save the whole ontology as it was read would undo what they have written down.
    ontology.write_text(project.root / ontology.FOLDER / f"{name}.yaml", ontology.to_text(done))


def pin(project: Project, child: str) -> str:
    """The hash of a child's weights, or of its rule."""
    folder = project.net(child)
    if (folder / networks.WEIGHTS).is_file():
        return networks.hash_of(folder)
    import hashlib

    rule = project.rule(child)
    if rule.is_file():
        return hashlib.sha256(rule.read_bytes()).hexdigest()
    raise ProjectError(
        f'the child "{child}" has no network; expected a trained one; try: cutaway construct train {child}'
    )


def train_many(
    root: Path,
    names: Sequence[str],
    engine: str = "local",
    workers: int = 2,
    report: Callable[[str], object] = print,
    seed: int | None = None,
) -> list[Grown]:
    """Train some nodes of the project in a folder, level by level; those of one level side by side.

    The weights are the same whatever the engine and the number of workers. seed: another one than construct.toml's.
    """
    choose(engine, ENGINES, "engine")
    project = open_project(root)
    material(project)  # once, into the cache, before many ask for it
    done: list[Grown] = []
    levels = sorted({project.ontology.level(name) for name in names})
    for level in levels:
        wave = [name for name in names if project.ontology.level(name) == level]
        for one in _wave(engine)(root, wave, workers, seed):
            report(f"{one.node}: trained in {one.seconds:.0f} s")
            done.append(one)
    return done


def _wave(engine: str) -> Callable[[Path, Sequence[str], int, int | None], list[Grown]]:
    return _on_ray if engine == "ray" else _here


def _one(root: Path, name: str, seed: int | None) -> Grown:
    torch.set_num_threads(1)
    project = open_project(root)
    spec = spec_of(project, project.ontology[name])
    return train(project, name, spec if seed is None else replace(spec, seed=seed))


def _here(root: Path, wave: Sequence[str], workers: int, seed: int | None) -> list[Grown]:
    if workers == 1 or len(wave) == 1:
        return [_one(root, name, seed) for name in wave]
    with ProcessPoolExecutor(min(workers, len(wave)), mp_context=get_context("spawn")) as pool:
        return list(pool.map(_one, [root] * len(wave), wave, [seed] * len(wave)))


def _on_ray(root: Path, wave: Sequence[str], workers: int, seed: int | None) -> list[Grown]:
    """The same on a Ray cluster whose machines all see the project's folder."""
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--engine ray", "ray") from None
    if not ray.is_initialized():
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    task = ray.remote(num_cpus=1)(_one)
    found: list[Grown] = ray.get([task.remote(root, name, seed) for name in wave])
    return found
