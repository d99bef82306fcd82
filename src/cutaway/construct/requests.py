"""Pull requests on plain git: open, check, review, merge, revert. No server; the branches are the state."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cutaway.construct import cards, config, gates, networks, ontology
from cutaway.construct.figures import measure
from cutaway.construct.gates import Check, Proposal, Verdict
from cutaway.construct.git import Repository, succeeds
from cutaway.construct.growing import pin
from cutaway.construct.materials import material
from cutaway.construct.ontology import check_id, read_yaml
from cutaway.construct.project import open_project
from cutaway.construct.tree import grown
from cutaway.core.errors import ProjectError, ReviewError, choose

VERDICTS = ("approve", "comment", "block")


@dataclass(frozen=True)
class PullRequest:
    """What stands in prs/NNNN.yaml, and the branch that it is on."""

    number: int
    title: str
    kind: str
    nodes: tuple[str, ...]

    @property
    def branch(self) -> str:
        return f"pr/{self.number:04d}"

    @property
    def path(self) -> str:
        return f"prs/{self.number:04d}.yaml"


def settings(repository: Repository) -> config.Config:
    """The configuration as it stands on the main branch: gates and reviewers are never a pull request's own."""
    for branch in ("main", "master"):
        text = repository.show(branch, config.FILE) if repository.has(branch) else None
        if text is not None:
            named = config.from_text(text)
            if named.branches.main != branch and repository.has(named.branches.main):
                text = repository.show(named.branches.main, config.FILE)
            return config.from_text(text) if text else named
    raise ReviewError(f"no branch main with {config.FILE}; expected a project; try: cutaway construct init")


def open_request(repository: Repository, title: str, kind: str, nodes: Sequence[str]) -> PullRequest:
    """Put what has changed for some nodes (or, for a refactor, in the ontology) on a branch of its own.

    The files leave the checkout, which is then as its last commit says; they are on the branch. Raises ReviewError
    where nothing has changed.
    """
    choose(kind, gates.KINDS, "kind of pull request")
    for node in nodes:
        check_id(node)
    branches = settings(repository).branches
    base = repository.tip(branches.auto)
    folder = repository.top / repository.prefix if repository.prefix else repository.top
    number = 1 + max((int(name.rsplit("/", 1)[-1]) for name in _requests(repository)), default=0)
    request = PullRequest(number, title, kind, tuple(nodes))
    with repository.worktree(base) as tree:
        for path in _candidates(folder, tree, kind, nodes):
            _carry(folder / path, tree / path)
        _write(tree / request.path, request, (), ())
        commit = repository.commit(tree, title)
        if repository.tree(commit) == repository.tree(base) or len(repository.changes(base, commit)) < 2:
            raise ReviewError(f"nothing has changed for {', '.join(nodes) or kind}; expected a change to propose")
        repository("update-ref", f"refs/heads/{request.branch}", commit, "0" * 40)
    _put_back(repository, folder, _candidates(folder, folder, kind, nodes))
    return request


def _candidates(folder: Path, other: Path, kind: str, nodes: Sequence[str]) -> list[str]:
    """The paths that a pull request of this kind may carry, in either of two folders."""
    if kind == "data":
        return ["data/manifest.jsonl"]
    if kind == "refactor":
        globs = ["ontology/*.yaml", "labels/*.jsonl"]
    else:
        kinds = {
            "node": ("ontology/{}.yaml", "nets/{}/*", "rules/{}.py"),
            "labels": ("labels/{}.jsonl", "ontology/{}.yaml"),
        }[kind]
        globs = [pattern.format(node) for node in nodes for pattern in kinds]
    return sorted(
        {path.relative_to(root).as_posix() for root in (folder, other) for each in globs for path in root.glob(each)}
    )


def _carry(source: Path, goal: Path) -> None:
    if source.is_symlink():
        raise ReviewError(f"{source} is a link; expected a file")
    if source.is_file():
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, goal)
    else:
        goal.unlink(missing_ok=True)


def _put_back(repository: Repository, folder: Path, paths: Sequence[str]) -> None:
    """The checkout's files as its last commit has them; those that it has not are on the branch now."""
    for path in paths:
        if succeeds(("cat-file", "-e", f"HEAD:{repository.prefix}{path}"), repository.top):
            repository("checkout", "--quiet", "HEAD", "--", f"{repository.prefix}{path}")
        else:
            (folder / path).unlink(missing_ok=True)
            parent = (folder / path).parent
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def _requests(repository: Repository) -> list[str]:
    return repository("for-each-ref", "--format=%(refname)", "refs/heads/pr").split()


def read_request(repository: Repository, number: int) -> PullRequest:
    """The pull request of a number, from its own branch. Raises ReviewError where there is none such."""
    branch = f"pr/{number:04d}"
    text = repository.show(branch, f"prs/{number:04d}.yaml") if repository.has(branch) else None
    if text is None:
        known = ", ".join(name.rsplit("/", 1)[-1] for name in _requests(repository))
        raise ReviewError(f"no pull request {number}; expected one of {known or '(none yet)'}")
    data = read_yaml(text, f"prs/{number:04d}.yaml")
    try:
        title, kind, nodes = str(data["title"]), str(data["kind"]), tuple(map(check_id, data.get("nodes", [])))
    except (KeyError, TypeError, ProjectError) as fault:
        raise ReviewError(f"prs/{number:04d}.yaml cannot be read ({fault}); expected title, kind and nodes") from None
    return PullRequest(number, title, choose(kind, gates.KINDS, "kind of pull request"), nodes)


def check(repository: Repository, number: int) -> Verdict:
    """Merge a pull request into a clean copy of the automatic branch and put it through all gates there.

    Nothing in the repository changes but a record of the checks, which no pull request can write.
    """
    request = read_request(repository, number)
    base = repository.tip(settings(repository).branches.auto)
    with repository.worktree(base) as merged:
        _merge_files(repository, request, merged)
        return _examine(repository, request, base, merged)


def _merge_files(repository: Repository, request: PullRequest, merged: Path) -> None:
    try:
        repository("merge", "--no-commit", "--no-ff", "--quiet", request.branch, at=merged)
    except ReviewError as fault:
        clashing = repository("diff", "--name-only", "--diff-filter=U", at=merged).split("\n")
        if clashing == [""]:
            raise
        raise ReviewError(
            f"pull request {request.number} and the automatic branch both changed {', '.join(clashing[:3])}; "
            "expected changes that go together; open it again from the automatic branch"
        ) from fault


def _examine(repository: Repository, request: PullRequest, base: str, merged: Path) -> Verdict:
    top = Path(repository("rev-parse", "--show-toplevel", at=merged))
    repository("add", "--all", "--force", ".", at=top)
    tree = repository("write-tree", at=top)
    cut = len(repository.prefix)
    changed = repository.changes(base, tree)
    inside = tuple((status, path[cut:]) for status, path in changed if path.startswith(repository.prefix))
    outside = tuple((status, f"../{path}") for status, path in changed if not path.startswith(repository.prefix))
    with repository.worktree(base) as before:
        verdict = gates.examine(Proposal(request.kind, request.nodes, before, merged, inside + outside))
    record = {"tree": tree, "base": base, "checks": [asdict(one) for one in verdict.checks]}
    repository.keep(f"checks/{request.number:04d}", json.dumps(record, indent=1))
    return verdict


def review(repository: Repository, number: int, by: str, verdict: str, says: str = "") -> None:
    """Add a review. It can block or comment; only gates pass a pull request, and only a person promotes it."""
    choose(verdict, VERDICTS, "verdict")
    read_request(repository, number)
    said = [*reviews(repository, number), {"by": by, "verdict": verdict, "says": says[:2000]}]
    repository.keep(f"reviews/{number:04d}", json.dumps(said, indent=1))


def reviews(repository: Repository, number: int) -> list[dict[str, str]]:
    """All reviews of a pull request, in order."""
    text = repository.kept(f"reviews/{number:04d}")
    found: list[dict[str, str]] = json.loads(text) if text else []
    return found


def merge(repository: Repository, number: int) -> str:
    """Merge a pull request into the automatic branch if all gates are open; returns the new commit.

    One at a time. Until the very last step nothing but a temporary worktree changes, so a kill loses nothing and the
    command can be given again. A pull request that is merged already stays merged.
    """
    with repository.queue():
        request = read_request(repository, number)
        auto = settings(repository).branches.auto
        base = repository.tip(auto)
        if repository.is_merged(repository.tip(request.branch), auto):
            return base
        _demand_unblocked(repository, request)
        with repository.worktree(base) as merged:
            _merge_files(repository, request, merged)
            verdict = _examine(repository, request, base, merged)
            if not verdict.passed:
                raise ReviewError(f"pull request {number} is not merged: {verdict.reasons()}")
            notes = _settled(repository, request, verdict, merged)
            _write(merged / request.path, request, (*verdict.checks, *notes), reviews(repository, number))
            parents = (base, repository.tip(request.branch))
            commit = repository.commit(merged, f"Merge pull request {number}: {request.title}", parents)
        repository.move(auto, commit, base)
        return commit


def _demand_unblocked(repository: Repository, request: PullRequest) -> None:
    last = {one["by"]: one for one in reviews(repository, request.number) if one["verdict"] != "comment"}
    blocked = [name for name, one in last.items() if one["verdict"] == "block"]
    if blocked:
        raise ReviewError(
            f"pull request {request.number} is blocked by {', '.join(blocked)}; expected their approval; "
            "answer what they say and ask them again"
        )
    approvers = settings(repository).promotion.approvers
    approved = [name for name, one in last.items() if one["verdict"] == "approve" and name in approvers]
    if request.kind == "labels" and not approved:
        raise ReviewError(
            f"pull request {request.number} changes labels, which no gate can judge; expected the approval of "
            f"{' or '.join(approvers) or 'somebody whom construct.toml names'}; try: cutaway construct pr review"
        )


def _settled(repository: Repository, request: PullRequest, verdict: Verdict, merged: Path) -> tuple[Check, ...]:
    """The merged tree's cards as measured here, and every ancestor checked again on its changed child."""
    if request.kind != "node":
        return ()
    project = open_project(merged)
    stuff, node = material(project), request.nodes[0]
    before = repository.show(settings(repository).branches.auto, f"nets/{node}/{cards.FILE}")
    previous = json.loads(before) if before else None
    cards.write(project, node, grown(project, [node]), stuff, verdict.figures[node], previous)
    notes = []
    for name in project.ontology.above(node):
        ancestor = project.ontology[name]
        if ancestor.status not in ("trained", "failed") or not (project.net(name) / networks.SPEC).is_file():
            continue
        tree = grown(project, [name])
        found = measure(tree, name, stuff)
        shut = [one for one in gates.standards(found, project.config.gates) if not one.passed]
        pins = {child: pin(project, child) for child in ancestor.children}
        status = "failed" if shut else "trained"
        ontology.save(
            open_project(merged).ontology.with_nodes(replace(ancestor, status=status, children_pinned=pins)), merged
        )
        cards.write(open_project(merged), name, tree, stuff, found)
        notes.append(Check(f"ancestor {name}", not shut, "; ".join(one.says for one in shut) or "still holds"))
    return tuple(notes)


def _write(path: Path, request: PullRequest, checks: Sequence[Check], said: Sequence[dict[str, str]]) -> None:
    """prs/NNNN.yaml. It holds no dates and no hashes of commits, so that the same work gives the same files."""
    plain: dict[str, Any] = {"title": request.title, "kind": request.kind, "nodes": list(request.nodes)}
    plain |= {"base": "auto", "head": request.branch}
    plain |= {"checks": [asdict(one) for one in checks], "reviews": [dict(one) for one in said]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")


def revert(repository: Repository, number: int) -> str:
    """Take a merged pull request out of the automatic branch again: every file, and so every number, is as before."""
    with repository.queue():
        auto = settings(repository).branches.auto
        base = repository.tip(auto)
        head = repository.tip(read_request(repository, number).branch)
        found = [
            words[0]
            for line in repository("rev-list", "--merges", "--parents", base).splitlines()
            if head in (words := line.split())[2:]
        ]
        if not found:
            raise ReviewError(f"pull request {number} is not merged; expected one that is; see: git log {auto}")
        with repository.worktree(base) as tree:
            try:
                repository("revert", "--no-commit", "--mainline", "1", found[-1], at=tree)
            except ReviewError:
                raise ReviewError(
                    f"what came after pull request {number} builds on it; expected to revert the later ones first"
                ) from None
            commit = repository.commit(tree, f"Revert pull request {number}")
        if repository.tree(commit) == repository.tree(base):
            return base  # it is out already
        repository.move(auto, commit, base)
        return commit
