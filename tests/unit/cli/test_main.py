"""How errors leave the program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cutaway.cli import app, main
from cutaway.core.errors import OptionError


@pytest.fixture
def verb() -> Iterator[None]:
    """A verb that raises what its argument says."""
    commands = list(app.registered_commands)

    @app.command("raise")
    def fail(kind: str) -> None:
        match kind:
            case "ours":
                raise ZeroDivisionError("by zero")
            case "theirs":
                raise OptionError("steps is 0; expected at least 1\n\x1b[31m; try 50")
            case "file":
                raise FileNotFoundError(2, "No such file", "x.jpg")
            case "stop":
                raise KeyboardInterrupt

    yield
    app.registered_commands[:] = commands


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["raise", "fine"], 0, ""),
        (["raise", "theirs"], 2, "error: steps is 0; expected at least 1 [31m; try 50\n"),
        (["raise", "file"], 2, "error: [Errno 2] No such file: 'x.jpg'\n"),
        (["raise", "stop"], 130, ""),
        (
            ["raise", "ours"],
            1,
            "internal error: ZeroDivisionError: by zero; --debug shows where; please report it\n",
        ),
        (["unknown"], 2, "error: No such command 'unknown'. try cutaway VERB --help\n"),
    ],
)
def test_exit_codes_and_lines(
    verb: None, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, line: str
) -> None:
    with pytest.raises(SystemExit) as leave:
        main(arguments)
    assert leave.value.code == code
    assert capsys.readouterr().err.strip("\n") == line.strip("\n")


def test_debug_shows_the_traceback(verb: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["raise", "ours", "--debug"])
    assert "Traceback" in capsys.readouterr().err
