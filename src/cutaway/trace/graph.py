"""The dataflow graph of a network: its layers, the operations between them, and what passes from which to which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from cutaway.nets.layers import LayerInfo
from cutaway.nets.model import Model, as_model
from cutaway.trace.capture import layer_table, watching
from cutaway.trace.flow import INPUT, OUTPUT, Flow
from cutaway.trace.survey import probe_for

OBSERVED = "observed pass"
IN_ORDER = "order of calls"


@dataclass(frozen=True)
class Node:
    """A layer, or a function called between layers, written `container.function()`; also "input" and "output".

    kind: the layer's class, or the function's name. layer: how the layer is addressed, None for all others.
    shape: of its (first) result for one picture, without the batch axis.
    """

    name: str
    kind: str
    layer: str | None
    shape: tuple[int, ...]
    parameters: int = 0


@dataclass(frozen=True)
class LayerGraph:
    """Nodes in the order in which they ran, and edges (from, to) by their names.

    source: "observed pass", or "order of calls" where the data's own way could not be followed, so that each layer
    is only said to come after the one before it. Functions that merely move numbers (views, transposes) are no nodes.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]
    source: str

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def before(self, name: str) -> tuple[str, ...]:
        """The nodes that a node reads."""
        return tuple(start for start, end in self.edges if end == name)

    def after(self, name: str) -> tuple[str, ...]:
        """The nodes that read a node."""
        return tuple(end for start, end in self.edges if start == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        nodes = [{**vars(node), "shape": list(node.shape)} for node in self.nodes]
        return {"source": self.source, "nodes": nodes, "edges": [list(edge) for edge in self.edges]}


def graph(model: Model | nn.Module, pictures: Tensor | None = None) -> LayerGraph:
    """The graph of the layers as the data of one pass really flows, also through functions between layers.

    pictures: what passes; by default noise of the Model's own size. Layers that the scores do not depend on are in it.
    """
    inner = as_model(model)
    probe = probe_for(inner, pictures)[:1]
    forward = inner if isinstance(model, Model) or pictures is None else inner.module
    table = layer_table(forward, probe)
    with watching(), inner.in_use() as module, Flow(module, table) as flow:
        forward(probe)
    if not flow.reached:
        return _in_order(table, probe)
    names = _renamed([step.name for step in flow.steps])
    infos = {name: info for info in table for name in info.names}
    nodes = [Node(INPUT, INPUT, None, tuple(probe.shape[1:]))]
    for step, name in zip(flow.steps, names, strict=True):
        info = infos.get(step.name) if step.layer else None
        nodes.append(Node(name, step.kind, step.name if info else None, step.shape, info.parameters if info else 0))
    nodes.append(Node(OUTPUT, OUTPUT, None, flow.answer))
    known = [INPUT, *names, OUTPUT]
    return LayerGraph(tuple(nodes), tuple((known[start], known[end]) for start, end in flow.edges()), OBSERVED)


def _renamed(names: Sequence[str]) -> list[str]:
    """Functions that one container calls several times are numbered, as the calls of a layer are."""
    several = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    renamed = []
    for name in names:
        renamed.append(f"{name}#{seen[name]}" if name in several else name)
        seen[name] += 1
    return renamed


def _in_order(table: Sequence[LayerInfo], probe: Tensor) -> LayerGraph:
    leaves = [info for info in table if info.leaf]
    nodes = [
        Node(INPUT, INPUT, None, tuple(probe.shape[1:])),
        *(Node(name, info.kind, name, info.shape, info.parameters) for info in leaves for name in info.names),
        Node(OUTPUT, OUTPUT, None, leaves[-1].shape if leaves else ()),
    ]
    names = [node.name for node in nodes]
    return LayerGraph(tuple(nodes), tuple(pairwise(names)), IN_ORDER)
