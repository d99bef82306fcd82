"""The workbench: models and stores behind an HTTP interface, and the page that asks it."""

from cutaway.web.app import create_app
from cutaway.web.bench import Bench
from cutaway.web.safety import Guard

__all__ = ["Bench", "Guard", "create_app"]
