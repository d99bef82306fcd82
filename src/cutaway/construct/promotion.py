"""Promotion: what was merged goes to the main branch if a class gets better, none worse, and somebody says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from cutaway.construct.figures import Figure, rounded
from cutaway.construct.git import Repository
from cutaway.construct.materials import Material, material
from cutaway.construct.project import Project, open_project
from cutaway.construct.requests import settings
from cutaway.construct.tree import Tree, answers, classes, grown, maps
from cutaway.core.errors import ReviewError

DRAWS = 2000


@dataclass(frozen=True)
class Gain:
    """One class before and after: its balanced accuracy in the recogniser's answers, and the interval of the step."""

    label: str
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True)
class Benchmark:
    """All classes, and how often the whole recogniser is right."""

    classes: tuple[Gain, ...]
    accuracy: Figure
    gain: float
    loss: float

    @property
    def passed(self) -> bool:
        """Better by enough on a class, with its interval above zero, and worse by too much on none."""
        better = any(100 * (one.after - one.before) >= self.gain and one.low > 0 for one in self.classes)
        return better and all(100 * (one.before - one.after) <= self.loss for one in self.classes)


def benchmark(repository: Repository) -> Benchmark:
    """The automatic branch against the main one, on the test pictures and labels of the automatic branch."""
    conf = settings(repository)
    with repository.worktree(conf.branches.auto) as new, repository.worktree(conf.branches.main) as old:
        project = open_project(new)
        stuff = material(project)
        after = guesses(grown(project), stuff)
        before = guesses(grown(open_project(old)), stuff)
    return compared(before, after, stuff, conf.promotion.gain, conf.promotion.loss)


def guesses(tree: Tree, stuff: Material, split: str = "test") -> dict[str, Bool[np.ndarray, " n"]]:
    """For every class of a tree: in which pictures it is the answer. One class alone answers by its own threshold."""
    known = usable(tree)
    if not known:
        return {}
    pictures = stuff.pictures[stuff.of(split)]
    scores = answers(tree, maps(tree, pictures, classes(tree)))
    all_classes = classes(tree)
    kept = [all_classes.index(name) for name in known]
    best = scores[:, kept].argmax(dim=1).numpy()
    if len(known) == 1:
        return {known[0]: (scores[:, kept[0]] > 0).numpy()}
    return {name: best == index for index, name in enumerate(known)}


def usable(tree: Tree) -> tuple[str, ...]:
    """The classes that may answer: trained, and not failed since a child of theirs changed."""
    return tuple(name for name in classes(tree) if tree.ontology[name].status == "trained")


def compared(
    before: Mapping[str, Bool[np.ndarray, " n"]],
    after: Mapping[str, Bool[np.ndarray, " n"]],
    stuff: Material,
    gain: float,
    loss: float,
) -> Benchmark:
    """Class by class; a class that a recogniser does not know counts as a guess (one half)."""
    where = stuff.of("test")
    rows, right = [], np.zeros(len(where), dtype=bool)
    for label in sorted({*before, *after}):
        if label not in stuff.masks:
            continue
        there = stuff.present(label)[where].numpy()
        old, new = (_credit(one.get(label), there) for one in (before, after))
        steps = _steps(old, new, there)
        rows.append(Gain(label, _balanced(old, there), _balanced(new, there), *steps))
        if label in after:
            right |= after[label] & there
    return Benchmark(tuple(rows), _accuracy(right), gain, loss)


def _credit(guess: Bool[np.ndarray, " n"] | None, there: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """1 where an answer about a class is right, 0 where it is wrong, one half where there is none."""
    return np.full(len(there), 0.5) if guess is None else (guess == there).astype(float)


def _balanced(credit: Float[np.ndarray, " n"], there: Bool[np.ndarray, " n"]) -> float:
    return rounded(float(credit[there].mean() + credit[~there].mean()) / 2)


def _steps(
    old: Float[np.ndarray, " n"], new: Float[np.ndarray, " n"], there: Bool[np.ndarray, " n"]
) -> tuple[float, float]:
    """The interval of the step in balanced accuracy: a bootstrap over pictures, the same ones before and after."""
    draw = np.random.default_rng(0)
    yes, no = (new - old)[there], (new - old)[~there]
    means = (draw.choice(yes, (DRAWS, len(yes))).mean(axis=1) + draw.choice(no, (DRAWS, len(no))).mean(axis=1)) / 2
    low, high = np.percentile(means, [2.5, 97.5])
    return rounded(float(low)), rounded(float(high))


def _accuracy(right: Bool[np.ndarray, " n"]) -> Figure:
    from cutaway.construct.figures import balanced

    whole = balanced(right, np.ones(len(right), dtype=bool))
    share = float(right.mean())
    half = 1.96 * (max(share * (1 - share), 1 / len(right)) / len(right)) ** 0.5
    return Figure(rounded(share), rounded(max(0.0, share - half)), rounded(min(1.0, share + half)), whole.n)


def promote(repository: Repository, by: str) -> Benchmark:
    """Move the main branch to the automatic one. Raises ReviewError where the benchmark or the approval is missing.

    The last step moves one branch at once; what is promoted already stays promoted.
    """
    conf = settings(repository)
    if by not in conf.promotion.approvers:
        raise ReviewError(
            f'"{by}" may not approve what goes to {conf.branches.main}; expected '
            f"{' or '.join(conf.promotion.approvers) or 'somebody whom [promotion] approvers in construct.toml names'}"
        )
    with repository.queue():
        main, auto = repository.tip(conf.branches.main), repository.tip(conf.branches.auto)
        found = benchmark(repository)
        if repository.is_merged(auto, conf.branches.main):
            return found
        if not found.passed:
            steps = ", ".join(f"{one.label} {100 * (one.after - one.before):+.1f}" for one in found.classes)
            raise ReviewError(
                f"not promoted: {steps or 'no class can be recognised'}; expected {found.gain:.0f} points more on one "
                f"and no class down by more than {found.loss:.0f}"
            )
        with repository.worktree(main) as tree:
            repository("merge", "--no-commit", "--no-ff", "--quiet", "--strategy-option=theirs", auto, at=tree)
            commit = repository.commit(
                tree, f"Promote: {found.accuracy.value:.1%} right, approved by {by}", (main, auto)
            )
        repository.move(conf.branches.main, commit, main)
    return found


def recognised(project: Project) -> dict[str, Figure]:
    """How well the project as it lies there does: accuracy over all classes, and each class on its own."""
    stuff = material(project)
    found = compared({}, guesses(grown(project), stuff), stuff, 0.0, 100.0)
    return {"all classes": found.accuracy} | {
        one.label: Figure(one.after, one.low + 0.5, one.high + 0.5, found.accuracy.n) for one in found.classes
    }
