"""Edits of an ontology as operations: nobody re-emits the whole tree, and what an edit does can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cutaway.construct.ontology import Node, Ontology, check_id
from cutaway.core.errors import ProjectError, choose

AT_MOST = 8
"""Operations that one picture may propose."""


@dataclass(frozen=True)
class Operation:
    """One edit: what is done, to which node, and with what."""

    verb: str
    node: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choose(self.verb, VERBS, "operation")
        check_id(self.node)


def apply(ontology: Ontology, operations: Sequence[Operation], at_most: int | None = AT_MOST) -> Ontology:
    """The ontology after the operations, one after the other; all of them or, where one cannot be done, none.

    Raises ProjectError for more than `at_most`, for unknown nodes or values, and for an edit that closes a circle.
    """
    if at_most is not None and len(operations) > at_most:
        raise ProjectError(f"{len(operations)} operations at once; expected at most {at_most} a picture")
    for operation in operations:
        ontology = VERBS[operation.verb](ontology, operation.node, _Values(operation))
    ontology.order()
    return ontology


class _Values:
    """An operation's values, each read once and checked; what nobody reads is an error."""

    def __init__(self, operation: Operation) -> None:
        self.operation, self.left = operation, dict(operation.values)

    def text(self, name: str, default: str = "") -> str:
        value = self.left.pop(name, default)
        if not isinstance(value, str):
            raise self._fault(name, value, "text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.left.pop(name, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise self._fault(name, value, "a list of texts")
        return tuple(value)

    def done(self) -> None:
        for name in self.left:
            raise ProjectError(f'{self.operation.verb} {self.operation.node}: nobody asked for "{name}"')

    def _fault(self, name: str, value: object, wanted: str) -> ProjectError:
        return ProjectError(
            f"{self.operation.verb} {self.operation.node}: {name} is {str(value)[:60]!r}; expected {wanted}"
        )


def _add(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """A node that was not there before."""
    if name in ontology:
        raise ProjectError(f'add {name}: there is a node "{name}" already; try alias, attach or another id')
    node = Node(
        id=name,
        kind=values.text("kind", "part"),
        says=values.text("says"),
        all_of=values.texts("all_of"),
        any_of=values.texts("any_of"),
        attaches_to=values.texts("attaches_to"),
        evidence=values.texts("evidence"),
    )
    values.done()
    return ontology.with_nodes(node)


def _alias(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """Another word for a node, and pictures that show it."""
    words, evidence = values.texts("names"), values.texts("evidence")
    values.done()
    node = ontology[name]
    return ontology.with_nodes(
        replace(node, aliases=_joined(node.aliases, words), evidence=_joined(node.evidence, evidence))
    )


def _attach(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """A node as a child of another (`to`, by `how` all_of or any_of), or an attribute as one of another's."""
    parent, how = values.text("to"), values.text("how", "all_of")
    values.done()
    node, above = ontology[name], ontology[parent]
    if node.kind == "attribute" and how == "all_of":
        return ontology.with_nodes(replace(node, attaches_to=_joined(node.attaches_to, (parent,))))
    choose(how, ("all_of", "any_of"), "way to attach")
    grown = _joined(getattr(above, how), (name,))
    return ontology.with_nodes(replace(above, all_of=grown) if how == "all_of" else replace(above, any_of=grown))


def _split(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """A node into kinds of it: it becomes any of them, and is read off them from now on.

    Its evidence is theirs until somebody says which picture shows which.
    """
    kinds = values.texts("into")
    values.done()
    node = ontology[name]
    if len(kinds) < 2:
        raise ProjectError(f"split {name}: into {len(kinds)} kinds; expected two or more")
    for kind in kinds:
        if kind in ontology:
            raise ProjectError(f'split {name}: there is a node "{kind}" already; try another id')
    made = [
        replace(
            node, id=kind, says=f"a kind of {name}: {kind}", aliases=(), status="proposed", net="", children_pinned={}
        )
        for kind in kinds
    ]
    whole = replace(node, all_of=(), any_of=kinds, status="proposed", net="", children_pinned={})
    return ontology.with_nodes(whole, *made)


def _merge(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """Other nodes into this one: their words, evidence and places in the tree become its own."""
    gone = tuple(other for other in values.texts("nodes") if other != name)
    values.done()
    node = ontology[name]
    for other in (ontology[other] for other in gone):
        node = replace(
            node,
            aliases=_joined(node.aliases, (other.id, *other.aliases)),
            evidence=_joined(node.evidence, other.evidence),
            attaches_to=_joined(node.attaches_to, other.attaches_to),
        )
    kept = ontology.without(*gone).with_nodes(node)
    return kept.with_nodes(*(_renamed(each, gone, name) for each in kept))


def _retire(ontology: Ontology, name: str, values: _Values) -> Ontology:
    """A node that is no longer used: it stays on file, and nobody is made of it any more."""
    why = values.text("why")
    values.done()
    node = ontology[name]
    says = f"{node.says} (retired: {why})".strip() if why else node.says
    freed = ontology.with_nodes(replace(node, status="retired", says=says))
    return freed.with_nodes(*(_renamed(each, (name,), None) for each in freed if each.id != name))


VERBS: Mapping[str, Callable[[Ontology, str, _Values], Ontology]] = {
    "add": _add,
    "alias": _alias,
    "attach": _attach,
    "split": _split,
    "merge": _merge,
    "retire": _retire,
}


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _renamed(node: Node, gone: tuple[str, ...], new: str | None) -> Node:
    """The node with every mention of what is gone replaced, or left out where there is nothing new."""

    def changed(names: tuple[str, ...]) -> tuple[str, ...]:
        named = (new if name in gone else name for name in names)
        return tuple(dict.fromkeys(name for name in named if name is not None and name != node.id))

    return replace(
        node, all_of=changed(node.all_of), any_of=changed(node.any_of), attaches_to=changed(node.attaches_to)
    )
