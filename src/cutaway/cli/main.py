"""The table of verbs, and how errors leave the program: 0 done, 2 for what the user can mend, 1 for our own faults."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence

import typer
from typer.exceptions import TyperException

import cutaway
from cutaway.cli.attribute import attribute
from cutaway.cli.blocks import blocks
from cutaway.cli.consolidate import consolidate
from cutaway.cli.construct import construct_app
from cutaway.cli.data import data
from cutaway.cli.demo import demo
from cutaway.cli.explain import explain
from cutaway.cli.guide import guide
from cutaway.cli.measure import measure
from cutaway.cli.models import models
from cutaway.cli.name import name
from cutaway.cli.options import with_model
from cutaway.cli.serve import serve
from cutaway.cli.sweep import sweep
from cutaway.cli.train import train
from cutaway.cli.visualize import visualize
from cutaway.core.errors import CutawayError

app = typer.Typer(
    name="cutaway",
    help="See, name, build and construct image classifiers: every part labelled.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _cutaway() -> None:
    """See, name, build and construct image classifiers: every part labelled."""


VERBS: tuple[Callable[..., None], ...] = (consolidate, data, demo, models, serve, train)
MODEL_VERBS: tuple[Callable[..., None], ...] = (attribute, blocks, explain, guide, measure, name, sweep, visualize)
"""Verbs with one model: their `options: ModelOptions` become options of the command line."""

for verb in (*VERBS, *map(with_model, MODEL_VERBS)):
    app.command()(verb)

app.add_typer(construct_app)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(cutaway.__version__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and leave the process with its exit code; `--debug` anywhere shows tracebacks."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    sys.exit(_run([word for word in given if word != "--debug"], debug))


def _run(arguments: list[str], debug: bool) -> int:
    try:
        code = app(arguments, prog_name="cutaway", standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return _say("stopped", 130)
    except TyperException as error:  # how the command was called
        return _say(f"error: {_one_line(error.format_message())} try cutaway VERB --help", 2)
    except (CutawayError, OSError) as error:
        if debug:
            traceback.print_exc()
        return _say(f"error: {_one_line(str(error))}", 2)
    except Exception as error:  # the last line of defence: our own fault, said in one line
        if debug:
            traceback.print_exc()
        kind = type(error).__name__
        return _say(f"internal error: {kind}: {_one_line(str(error))}; --debug shows where; please report it", 1)
    return code if isinstance(code, int) else 0


def _say(line: str, code: int) -> int:
    typer.echo(line, err=True)
    return code


def _one_line(text: str) -> str:
    """Control characters from outside (file names, labels) must not reach the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
