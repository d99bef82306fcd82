"""Twenty kinds of bad pull requests and twenty clean ones, from a fresh seed, against the deterministic gates alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from _bad_requests import BAD, CLEAN, Place, place
from _construct import project
from _evidence import QUICK, report

from cutaway.construct import requests
from cutaway.construct.git import find

SEED = next((int(word.split("=")[1]) for word in sys.argv if word.startswith("--seed=")), int(time.time()) % 10**6)


def judged(where: Place, make: object) -> tuple[bool, str]:
    """Whether the gates let a request through, and which were shut."""
    number = make(where)  # type: ignore[operator]
    verdict = requests.check(where.repository, number)
    where.repository("update-ref", "-d", f"refs/heads/pr/{number:04d}")
    return verdict.passed, ", ".join(dict.fromkeys(check.gate for check in verdict.checks if not check.passed))


def restored(where: Place) -> bool:
    """Whether a revert brings back every file, and so every number."""
    from _bad_requests import reworded

    before = where.repository.tree("auto")
    number = reworded(where)
    requests.merge(where.repository, number)
    changed = where.repository.tree("auto") != before
    requests.revert(where.repository, number)
    return changed and where.repository.tree("auto") == before


def main() -> None:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        shutil.copytree(project(), root, symlinks=True)
        repository = find(root)
        blocked = 0
        for index, (kind, make) in enumerate(BAD.items()):
            passed, gates = judged(place(repository, root, SEED + index), make)
            blocked += not passed
            rows.append(
                {"request": kind, "should be": "blocked", "was": "merged" if passed else "blocked", "by": gates}
            )
        wrongly, clean = 0, 0
        for kind, make, count in CLEAN:
            for index in range(1 if QUICK else count):
                passed, gates = judged(place(repository, root, SEED + 100 + clean), make)
                clean, wrongly = clean + 1, wrongly + (not passed)
                was = "let through" if passed else "blocked"
                rows.append({"request": f"{kind} {index + 1}", "should be": "let through", "was": was, "by": gates})
        whole = restored(place(repository, root, SEED))
    rows.append({"request": "a revert", "should be": "every file as before", "was": str(whole), "by": f"seed {SEED}"})
    report(
        "construct_review",
        f"{blocked} of {len(BAD)} kinds of bad pull requests are blocked by the deterministic gates alone, "
        f"{wrongly} of {clean} clean ones; a revert restores every number",
        rows,
        whole and blocked >= len(BAD) - 1 and wrongly <= 1,
        len(BAD) + clean,
    )


if __name__ == "__main__":
    main()
