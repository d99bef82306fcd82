"""Bad input: every kind of it, the tests that put it in, and their outcome. A kill is a real one as well."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from _construct import project
from _evidence import QUICK, report
from _tests import ran

from cutaway.construct import ontology, requests
from cutaway.construct.git import find

KILLS = 3 if QUICK else 12
FAULTS = {
    "changes in the checkout": ["test_requests.py::test_changes_in_the_checkout_are_not_overwritten"],
    "no git": ["test_requests.py::test_no_git_is_said"],
    "changes that clash": ["test_requests.py::test_a_conflict_names_its_files_and_changes_nothing"],
    "a kill in the middle of a merge": ["test_requests.py::test_a_kill_in_the_middle_loses_nothing"],
    "a kill in the middle of a promotion": ["test_requests.py::test_a_kill_in_the_middle_of_a_promotion_loses_nothing"],
    "a picture that cannot be read": [
        "test_observing.py::test_a_picture_that_cannot_be_read_is_named_and_the_others_are_added"
    ],
    "empty masks": [
        "test_observing.py::test_an_empty_mask_says_that_the_part_does_not_show_and_a_rule_that_finds_nothing_is_an_error",
        "test_observing.py::test_a_node_whose_masks_are_all_empty_is_not_trained_and_keeps_its_network",
        "test_rle.py::test_large_and_empty_masks",
    ],
    "damaged masks": ["test_rle.py::test_damaged_masks_say_why"],
    "an ontology that goes in a circle": [
        "test_ontology.py::test_a_circle_is_shown",
        "test_operations.py::test_no_operation_closes_a_circle",
        "test_findings.py::test_a_circle_is_a_finding_of_each_of_its_nodes",
    ],
    "an id with a path in it": ["test_ontology.py::test_an_id_that_is_no_file_name_is_refused"],
    "a link in place of a file": ["test_ontology.py::test_a_link_in_place_of_a_file_is_refused"],
    "a rule that reads files or never ends": [
        "test_rules.py::test_what_is_no_pure_function_is_refused_before_it_runs",
        "test_rules.py::test_a_rule_that_fails_says_so",
    ],
}
MERGE = """
import sys
from pathlib import Path
from cutaway.construct import requests
from cutaway.construct.git import find
print("go", flush=True)
requests.merge(find(Path(sys.argv[1])), int(sys.argv[2]))
"""


def killed(root: Path, number: int, after: float) -> bool:
    """Start a merge, kill its process after so many seconds; whether it was still at work then."""
    with subprocess.Popen([sys.executable, "-c", MERGE, str(root), str(number)], stdout=subprocess.PIPE) as process:
        if process.stdout:
            process.stdout.readline()
        time.sleep(after)
        working = process.poll() is None
        if working:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return working


def kills() -> dict[str, object]:
    """Merges that are killed at moments spread over their course, each then given again."""
    whole = at_work = 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        shutil.copytree(project(), root, symlinks=True)
        repository = find(root)
        node = next(node.id for node in ontology.load(root) if not node.children)
        began = time.monotonic()
        number = small(root, repository, node, 0)
        began = time.monotonic()
        requests.merge(repository, number)
        length = time.monotonic() - began
        for index in range(KILLS):
            number = small(root, repository, node, index + 1)
            at_work += killed(root, number, length * (index + 0.5) / KILLS)
            repository("fsck", "--no-progress", "--no-dangling")
            requests.merge(repository, number)
            merged = repository.is_merged(repository.tip(f"pr/{number:04d}"), "auto")
            whole += (
                merged
                and repository("status", "--porcelain") == ""
                and f"({index + 1})" in ontology.load(root)[node].says
            )
    return {
        "fault": f"kill -9 of a merge at {KILLS} moments ({at_work} while it was at work)",
        "shown by": "the repository is valid, the command given again ends the merge, the checkout is clean",
        "cases": KILLS,
        "passed": whole == KILLS,
    }


def small(root: Path, repository: object, node: str, number: int) -> int:
    tree = ontology.load(root)
    ontology.save(tree.with_nodes(replace(tree[node], says=f"{tree[node].says.split(' (')[0]} ({number})")), root)
    return requests.open_request(repository, f"says {number}", "node", [node]).number  # type: ignore[arg-type]


def main() -> None:
    rows = [*ran(FAULTS), kills()]
    report(
        "construct_bad_input",
        "bad input gives a clear error and loses nothing, a kill in the middle of a merge included",
        rows,
        all(row["passed"] for row in rows),
        sum(int(row["cases"]) for row in rows),  # type: ignore[call-overload]
    )


if __name__ == "__main__":
    main()
