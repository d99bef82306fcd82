"""A fresh clone sets itself up: `make demo` cold and again, then `make test`, timed as whole processes."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from _evidence import QUICK, ROOT, SHARED, report

STEPS = [("make demo, first time, with all installs", "demo", 360), ("make demo, again", "demo", 45)]
STEPS += [] if QUICK else [("make test, with the installs that only tests need", "test", 600)]


def timed(clone: Path, target: str, environment: dict[str, str]) -> tuple[float, bool, str]:
    """Seconds, success and the last line of one make."""
    start = time.perf_counter()
    done = subprocess.run(
        ["make", target],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    last = (done.stdout.strip().splitlines() or [""])[-1]
    return time.perf_counter() - start, done.returncode == 0, last


def main() -> None:
    """Clone into an empty folder, with an empty cache and nothing of this environment but the package index."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        if SHARED.exists():
            (Path(folder) / "shared").symlink_to(SHARED)
        environment = {**os.environ, "CUTAWAY_CACHE": str(Path(folder) / "cache")}
        environment.pop("VIRTUAL_ENV", None)
        for says, target, limit in STEPS:
            seconds, done, last = timed(clone, target, environment)
            pages = sorted(str(page.relative_to(clone)) for page in (clone / "out").rglob("*.html"))
            rows.append(
                {"step": says, "seconds": round(seconds, 1), "at most": limit, "exit 0": done}
                | ({"pages": len(pages)} if target == "demo" else {"last line": last})
            )
    report(
        "fresh_clone",
        "A fresh clone explains two pictures and passes its tests by itself",
        rows,
        all(row["exit 0"] and row["seconds"] <= row["at most"] and row.get("pages", 2) >= 2 for row in rows),
    )


if __name__ == "__main__":
    main()
