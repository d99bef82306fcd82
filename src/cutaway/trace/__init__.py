"""What happens inside a network while it runs: captured, edited, laid out."""

from cutaway.trace.capture import Trace, activations, trace
from cutaway.trace.edit import edit
from cutaway.trace.graph import LayerGraph, Node, graph
from cutaway.trace.layout import Layout
from cutaway.trace.receptive import ReceptiveField, receptive_field
from cutaway.trace.survey import layout, layouts

__all__ = [
    "LayerGraph",
    "Layout",
    "Node",
    "ReceptiveField",
    "Trace",
    "activations",
    "edit",
    "graph",
    "layout",
    "layouts",
    "receptive_field",
    "trace",
]
