"""Run the scripts of evidence/ and benchmarks/, keep what each printed, and render docs/evidence.md from it.

python evidence/collect.py [evidence] [benchmarks] [NAME ...]   run these, then render
python evidence/collect.py --render                             render what is there
python evidence/collect.py --check                              fail where docs/evidence.md is out of date
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "evidence" / "results"
PAGE = ROOT / "docs" / "evidence.md"
ROOMS = {"naming": ("naming_", "guide_"), "construct": ("construct_",), "whitebox": ("whitebox_",)}
"""Pages of one room: what evidence/NAME_top.md says by hand, which may quote rows of results, then its own claims."""
TOP = """# Evidence

Every figure on this page was printed by a script in this repository: each section names the command, the commit and the
machine. `make evidence` runs them all again; CI checks that this page is what the kept results render to.
"""


def scripts() -> dict[str, Path]:
    """Every script by its name, evidence first, then benchmarks."""
    found = [path for room in ("evidence", "benchmarks") for path in sorted((ROOT / room).glob("*.py"))]
    return {path.stem: path for path in found if not path.stem.startswith("_") and path.stem != "collect"}


def chosen(words: list[str]) -> list[Path]:
    """The scripts that the words name: a room, or single scripts."""
    known = scripts()
    unknown = [word for word in words if word not in known and word not in ("evidence", "benchmarks")]
    if unknown:
        sys.exit(f"error: no script {', '.join(unknown)}; expected evidence, benchmarks, or one of {', '.join(known)}")
    return [path for name, path in known.items() if name in words or path.parent.name in words]


def run(path: Path) -> bool:
    """Run one script and keep its JSON; False where it printed none or did not show its claim."""
    print(f"{path.relative_to(ROOT)} ...", flush=True)
    done = subprocess.run([sys.executable, path], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    try:
        result = json.loads(done.stdout)
    except json.JSONDecodeError:
        print(f"  no result (exit {done.returncode})")
        return False
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result['name']}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"  {'shown' if result['passed'] else 'NOT SHOWN'} in {result['seconds']} s")
    return bool(result["passed"])


def render() -> str:
    """The page, from the kept results alone."""
    order = {name: index for index, name in enumerate(scripts())}
    results = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    results.sort(key=lambda result: (order.get(result["name"], len(order)), result["name"]))
    return "\n".join([TOP, *contents(results), "", *map(section, results)])


def contents(results: list[dict[str, Any]]) -> list[str]:
    """Every claim as a line that leads to it."""
    return [f"- [{each['claim']}](#{each['name']}){'' if each['passed'] else ' (not shown)'}" for each in results]


def room(name: str) -> str:
    """A room's page: what it says by hand, then its own claims."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    own = [result for result in results if result["name"].startswith(ROOMS[name])]
    top = Environment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        (ROOT / "evidence" / f"{name}_top.md").read_text()
    )
    said = top.render({result["name"]: result["rows"] for result in results})
    return "\n".join([said, *contents(own), "", *map(section, own)])


def pages() -> dict[Path, str]:
    """Every page that is rendered, and its text."""
    told = [name for name in ROOMS if (ROOT / "evidence" / f"{name}_top.md").exists()]
    return {PAGE: render()} | {ROOT / "docs" / f"{name}.md": room(name) for name in told}


def section(result: dict[str, Any]) -> str:
    """One claim with its table."""
    state = "Shown." if result["passed"] else "**Not shown: falls short.**"
    count = f" n = {result['n']:,}." if result.get("n") else ""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    origin = (
        f"`{result['command']}` · commit {result['commit']} · {result['date']} · {result['machine']} · {versions} · "
        f"{result['seconds']} s"
    )
    heading = f'<a id="{result["name"]}"></a>\n\n## {result["claim"]}\n'
    return "\n".join([heading, f"{state}{count}\n", *table(result["rows"]), "", f"<sub>{origin}</sub>\n"])


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Rows as a Markdown table; columns are the keys, in the order in which they first come."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(cell(row.get(column)) for column in columns) + " |" for row in rows]


def cell(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return " to ".join(map(cell, value)) if len(value) == 2 else ", ".join(map(cell, value))
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def main(words: list[str]) -> int:
    """Run, render or check, as the words say."""
    if words == ["--check"]:
        stale = [path.name for path, text in pages().items() if not path.exists() or path.read_text() != text]
        print(f"stale: {', '.join(stale)}; try make evidence" if stale else "the pages are what the results render to")
        return 1 if stale else 0
    shown = [run(path) for path in chosen([word for word in words if word != "--render"])]
    for path, text in pages().items():
        path.write_text(text)
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
