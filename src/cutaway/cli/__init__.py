"""The command line: `cutaway VERB ...`, one file per verb."""

from cutaway.cli.main import app, main

__all__ = ["app", "main"]
