"""What happens inside a network while it runs: captured, edited, laid out."""

from cutaway.trace.capture import Trace, activations, trace
from cutaway.trace.edit import edit
from cutaway.trace.layout import Layout
from cutaway.trace.survey import layout, layouts

__all__ = ["Layout", "Trace", "activations", "edit", "layout", "layouts", "trace"]
