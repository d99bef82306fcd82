"""Plain git: argument lists, clean worktrees, and branches that move in one step or not at all."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cutaway.core.errors import ReviewError

_QUIET = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "core.autocrlf=false",
    "-c",
    "gc.auto=0",
)
SECONDS = 300


@dataclass(frozen=True)
class Repository:
    """A git repository and where in it the project lies (`prefix`, empty at the top)."""

    top: Path
    prefix: str = ""

    def __call__(self, *words: str, at: Path | None = None, given: str | None = None) -> str:
        """What a git command prints. Raises ReviewError with what it complains of."""
        return run((*words,), at or self.top, given)

    def tip(self, ref: str) -> str:
        """The commit that a branch is at. Raises ReviewError where there is no such branch."""
        try:
            return self("rev-parse", "--verify", "--quiet", f"refs/heads/{ref}^{{commit}}")
        except ReviewError:
            raise ReviewError(f'no branch "{ref}"; expected one of {self.branches()}') from None

    def has(self, ref: str) -> bool:
        """Whether there is such a branch."""
        return succeeds(("show-ref", "--verify", "--quiet", f"refs/heads/{ref}"), self.top)

    def branches(self) -> str:
        return ", ".join(self("for-each-ref", "--format=%(refname:short)", "refs/heads").split()) or "(none yet)"

    def tree(self, commit: str) -> str:
        """The hash of a commit's files: it knows no dates."""
        return self("rev-parse", f"{commit}^{{tree}}")

    def show(self, commit: str, path: str) -> str | None:
        """A file's text in a commit, or None where it has none such."""
        name = f"{commit}:{self.prefix}{path}"
        return self("show", name) if succeeds(("cat-file", "-e", name), self.top) else None

    def changes(self, base: str, head: str) -> tuple[tuple[str, str], ...]:
        """(status, path) of what differs, paths as git says them from the top; renames are a removal and a new file."""
        text = self("diff", "--no-renames", "--name-status", "-z", base, head)
        words = text.split("\0")[:-1] if text.endswith("\0") else text.split("\0")
        return tuple(zip(words[::2], words[1::2], strict=True)) if text else ()

    def is_merged(self, commit: str, branch: str) -> bool:
        """Whether a commit is part of a branch's history."""
        return succeeds(("merge-base", "--is-ancestor", commit, f"refs/heads/{branch}"), self.top)

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A clean checkout of a commit beside the user's own; the project's folder in it. It is gone afterwards."""
        self("worktree", "prune")
        with tempfile.TemporaryDirectory(prefix="cutaway-") as name:
            place = Path(name) / "tree"
            self("worktree", "add", "--quiet", "--detach", str(place), commit)
            try:
                yield place / self.prefix if self.prefix else place
            finally:
                succeeds(("worktree", "remove", "--force", str(place)), self.top)

    def move(self, branch: str, new: str, old: str) -> None:
        """Move a branch from one commit to another, in one step; where it is checked out, its files go along.

        Raises ReviewError where somebody else has moved it meanwhile, or the checkout has changes.
        """
        if self.current() == branch:
            self.demand_clean(old, new)
            if self.tip(branch) != old:
                raise ReviewError(f"{branch} has moved meanwhile; expected {old[:10]}; try again")
            self("merge", "--ff-only", "--quiet", new)
        else:
            self("update-ref", "-m", "cutaway construct", f"refs/heads/{branch}", new, old)

    def current(self) -> str:
        """The branch that the user has checked out, or nothing."""
        try:
            return self("symbolic-ref", "--short", "--quiet", "HEAD")
        except ReviewError:
            return ""

    def demand_clean(self, old: str, new: str) -> None:
        """Raises ReviewError where the user's checkout has changes in files that the step from old to new changes."""
        coming = {path for _, path in self.changes(old, new)}
        words = self("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames").split("\0")
        clashing = sorted({word[3:] for word in words if word} & coming)
        if clashing:
            raise ReviewError(
                f"the checkout has changes in {', '.join(clashing[:3])}, which would be overwritten; "
                "expected none there; commit them, or open a pull request with them"
            )

    def keep(self, ref: str, text: str) -> None:
        """A text under a reference of its own: no pull request can touch it."""
        blob = self("hash-object", "-w", "--stdin", given=text)
        self("update-ref", f"refs/cutaway/{ref}", blob)

    def kept(self, ref: str) -> str | None:
        """The text under a reference, or None."""
        name = f"refs/cutaway/{ref}"
        return self("cat-file", "blob", name) if succeeds(("show-ref", "--verify", "--quiet", name), self.top) else None

    @contextmanager
    def queue(self) -> Iterator[None]:
        """One at a time: whoever merges, promotes or reverts holds the queue; a killed process lets go of it."""
        place = Path(self("rev-parse", "--path-format=absolute", "--git-common-dir")) / "cutaway.lock"
        with place.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def commit(self, at: Path, message: str, parents: Sequence[str] = ()) -> str:
        """Commit all files of a worktree; with `parents`, as a commit of exactly those."""
        top = Path(self("rev-parse", "--show-toplevel", at=at))
        self("add", "--all", "--force", ".", at=top)
        tree = self("write-tree", at=top)
        words = [word for parent in (parents or (self("rev-parse", "HEAD", at=top),)) for word in ("-p", parent)]
        return self("commit-tree", tree, *words, "-m", message, at=top)


def find(folder: Path) -> Repository:
    """The repository that a folder lies in. Raises ReviewError where there is none, or no git at all."""
    try:
        top = run(("rev-parse", "--show-toplevel"), folder)
        return Repository(Path(top), run(("rev-parse", "--show-prefix"), folder))
    except ReviewError as fault:
        if "not a git repository" in str(fault):
            raise ReviewError(f"{folder} lies in no git repository; expected one; try: git init") from None
        raise


def run(words: Sequence[str], at: Path, given: str | None = None) -> str:
    """What git prints, without the last line's end. Raises ReviewError."""
    done = _done(words, at, given)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).strip().splitlines() if line]
        raise ReviewError(f"git {words[0]} failed: {' '.join(said[-3:])[:300] or f'exit {done.returncode}'}")
    return done.stdout.removesuffix("\n")


def succeeds(words: Sequence[str], at: Path) -> bool:
    """Whether a git command ends well."""
    return _done(words, at, None).returncode == 0


def _done(words: Sequence[str], at: Path, given: str | None) -> subprocess.CompletedProcess[str]:
    named = {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"}
    # Where nobody has told git who commits, it would refuse; a project made by a program must not fail on that.
    person = {name: os.environ.get(name, "cutaway" if name.endswith("NAME") else "cutaway@localhost") for name in named}
    strange = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # a hook that calls us must not point us at its own
    env = {name: value for name, value in os.environ.items() if name not in strange}
    env |= {**person, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_MERGE_AUTOEDIT": "no"}
    try:
        return subprocess.run(
            ["git", *_QUIET, *words], cwd=at, env=env, input=given, capture_output=True, text=True,
            encoding="utf-8", errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError as fault:
        if fault.filename == "git":
            raise ReviewError("git is not installed, or not on PATH; expected it for reviews; install git") from None
        raise ReviewError(f"{at}: no such folder; expected a project") from None
    except subprocess.TimeoutExpired:
        raise ReviewError(f"git {words[0]} did not end within {SECONDS} seconds") from None
