"""What a user can mend is said in one line, and the exit code is 2; what is merely unusual is handled."""

from __future__ import annotations

import re

import pytest
from bad_inputs import BadInput, bad_inputs

from cutaway.cli import main

NAMES = [
    "no such file",
    "a folder",
    "a text file named .jpg",
    "a truncated JPEG",
    "30,000 x 30,000 pixels",
    "1 x 1 pixel",
    "unknown model",
    "unknown layer",
    "a layer without a grid",
    "unknown label",
    "ambiguous label",
    "unknown class to compare with",
    "compared with itself",
    "weights of another network",
    "a pickle",
    "a network that wants another size",
    "a network without layers",
    "a network that answers NaN",
    "too few labels",
    "a folder that cannot be written",
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> dict[str, BadInput]:
    return {case.name: case for case in bad_inputs(tmp_path_factory.mktemp("bad"))}


def test_every_case_is_tested(cases):
    assert list(cases) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_one_line_and_exit_code_2(name, cases, capsys):
    with pytest.raises(SystemExit) as left:
        main(cases[name].arguments)
    said = capsys.readouterr()
    assert left.value.code == 2
    assert said.out == ""
    line = said.err.strip()
    assert "\n" not in line
    assert line.startswith("error: ")
    assert re.search(cases[name].says, line), line
    assert "Traceback" not in line
