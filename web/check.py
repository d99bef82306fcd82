"""Whether the page in the package is built from the source in web/: builds it again and compares every byte."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "src" / "cutaway" / "web" / "page"


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        built = Path(place) / "page"
        subprocess.run(["npx", "vite", "build", "--outDir", str(built), "--logLevel", "error"], cwd=HERE, check=True)
        differing = {name for name, _ in files(built).items() ^ files(PAGE).items()}
    if differing:
        sys.exit(
            f"the built page differs from its source in {', '.join(sorted(differing))}; run make page and commit it"
        )
    print("the page in the package is built from its source")
