"""What changed from one ontology to the next, as markdown that a reviewer can read."""

from __future__ import annotations

from dataclasses import fields

from cutaway.construct.ontology import Node, Ontology


def diff(before: Ontology, after: Ontology) -> str:
    """Nodes that came, went and changed, and the tree as it is now; the same ontologies give the same text."""
    came = [node for node in after if node.id not in before]
    went = [node for node in before if node.id not in after]
    changed = [(before[node.id], node) for node in after if node.id in before and before[node.id] != node]
    if not (came or went or changed):
        return "No change.\n"
    lines = [f"{len(came)} new, {len(changed)} changed, {len(went)} gone.", ""]
    lines += [f"- **new** {_said(node)}" for node in came]
    lines += [f"- **gone** `{node.id}`" for node in went]
    for old, new in changed:
        lines += [f"- **changed** `{new.id}`", *(f"  - {line}" for line in _fields(old, new))]
    return "\n".join([*lines, "", "```", *tree(after), "```", ""])


def _said(node: Node) -> str:
    parts = [f"`{node.id}` ({node.kind})"]
    if node.all_of:
        parts.append("made of " + ", ".join(node.all_of))
    if node.any_of:
        parts.append("any of " + ", ".join(node.any_of))
    if node.attaches_to:
        parts.append("of " + ", ".join(node.attaches_to))
    parts.append(f"{len(set(node.evidence))} pictures")
    return ": ".join((parts[0], "; ".join(parts[1:])))


def _fields(old: Node, new: Node) -> list[str]:
    lines = []
    for each in fields(Node):
        one, other = getattr(old, each.name), getattr(new, each.name)
        if one == other:
            continue
        if isinstance(one, tuple):
            more = [name for name in other if name not in one]
            less = [name for name in one if name not in other]
            counted = each.name == "evidence"
            plus = f"+{len(more)}" if counted else ", ".join(f"+{name}" for name in more)
            minus = f"-{len(less)}" if counted else ", ".join(f"-{name}" for name in less)
            lines.append(f"{each.name}: {' '.join(text for text in (plus, minus) if text not in ('', '+0', '-0'))}")
        else:
            lines.append(f"{each.name}: {_short(one)} → {_short(other)}")
    return lines


def _short(value: object) -> str:
    text = ", ".join(f"{k} {v[:8]}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    return text[:60] or "nothing"


def tree(ontology: Ontology) -> list[str]:
    """The tree in lines of text, classes first; a node with several parents is shown under each."""
    tops = [node.id for node in ontology.active() if not ontology.parents(node.id) and node.kind != "attribute"]
    rank = {"class": 0, "part": 1, "relation": 2}
    tops.sort(key=lambda name: (rank[ontology[name].kind], name))
    return [line for top in tops for line in _branch(ontology, top, "", ())]


def _branch(ontology: Ontology, name: str, indent: str, path: tuple[str, ...]) -> list[str]:
    if name not in ontology or name in path:
        return [f"{indent}{name} (missing)" if name not in ontology else f"{indent}{name} (circle)"]
    node = ontology[name]
    looks = [other.id for other in ontology.active() if name in other.attaches_to and other.kind == "attribute"]
    said = f" [{', '.join(looks)}]" if looks else ""
    lines = [f"{indent}{name}{'' if node.status == 'trained' else f' ({node.status})'}{said}"]
    for child in node.children:
        lines += _branch(ontology, child, indent + "  ", (*path, name))
    return lines
