"""Lint finds what was planted, and nothing in what is sound; refactoring mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutaway.construct.findings import lint
from cutaway.construct.mending import refactor
from cutaway.construct.ontology import Node, Ontology, of
from cutaway.construct.operations import apply
from cutaway.construct.words import meaning, poses_as

SEEN = ("a", "b", "c")
SOUND = of(
    [
        Node("slender_petals", evidence=SEEN),
        Node("round_petals", evidence=SEEN),
        Node("left_wing", evidence=SEEN),
        Node("straight_stem", evidence=SEEN),
        Node("red", "attribute", attaches_to=("round_petals",), evidence=SEEN),
        Node("daisy", "class", all_of=("slender_petals", "straight_stem"), evidence=SEEN),
    ]
)


def test_a_sound_ontology_has_no_findings() -> None:
    assert lint(SOUND) == ()


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        (Node("petals_slender", evidence=SEEN), "duplicate"),
        (Node("straight_stalk", evidence=SEEN), "duplicate"),
        (Node("upright_stems", evidence=SEEN), "duplicate"),
        (Node("blue", "attribute", evidence=SEEN), "unattached"),
        (Node("disk", evidence=("a", "a", "b")), "thin"),
        (Node("disk_above_stem", evidence=SEEN), "posing"),
        (Node("wet", evidence=SEEN), "posing"),
        (Node("open_flower", evidence=SEEN), "posing"),
        (Node("poppy", "class", all_of=("nowhere",), evidence=SEEN), "missing-child"),
        (Node("poppy", "class", evidence=SEEN), "bare"),
        (Node("beside", "relation", all_of=("left_wing",), evidence=SEEN), "bare"),
        (Node("leaf", all_of=tuple(f"part_{n}" for n in range(6)), evidence=SEEN), "wide"),
    ],
)
def test_planted_junk_is_found(planted: Node, rule: str) -> None:
    found = lint(SOUND.with_nodes(planted))
    assert rule in {finding.rule for finding in found}
    names = {finding.node for finding in found} | {finding.other for finding in found if finding.rule == "duplicate"}
    assert planted.id in names


def test_a_circle_is_a_finding_of_each_of_its_nodes() -> None:
    turned = SOUND.with_nodes(Node("one", all_of=("two",), evidence=SEEN), Node("two", all_of=("one",), evidence=SEEN))
    assert [(each.rule, each.node) for each in lint(turned)] == [("cycle", "one"), ("cycle", "two")]


def test_an_alias_of_another_node_is_a_duplicate() -> None:
    named = SOUND.with_nodes(replace(SOUND["round_petals"], aliases=("petal that is slender",)))
    assert meaning("slender petals") == meaning("thin petal")
    assert not lint(named)  # "that", "is" are words of their own: only what means the same is the same
    named = SOUND.with_nodes(replace(SOUND["round_petals"], aliases=("thin petal",)))
    assert [each.rule for each in lint(named)] == ["duplicate"]


@pytest.mark.parametrize(
    ("name", "posing"),
    [
        ("petal", None),
        ("left_wing", None),
        ("left of wing", "relation"),
        ("next_to_leaf", "relation"),
        ("wilting", "state"),
        ("bowed_stem", None),
    ],
)
def test_states_and_relations_are_told_from_parts(name: str, posing: str | None) -> None:
    assert poses_as(name) == posing


def test_retired_nodes_are_left_alone() -> None:
    assert lint(SOUND.with_nodes(Node("wet", status="retired"))) == ()


def test_refactoring_leaves_nothing_to_mend() -> None:
    junk = [
        Node("straight_stalk", evidence=(*SEEN, "d")),
        Node("blue", "attribute", evidence=SEEN),
        Node("wet", evidence=SEEN),
        Node("disk", evidence=("a",)),
    ]
    dirty = SOUND.with_nodes(*junk)
    mended = apply(dirty, refactor(dirty), at_most=None)
    assert lint(mended) == ()
    assert mended["daisy"].all_of == ("slender_petals", "straight_stalk")  # the one that more pictures show
    assert refactor(dirty) == refactor(dirty)


def test_a_node_that_failed_is_split_into_its_kinds_or_retired() -> None:
    failed = SOUND.with_nodes(replace(SOUND["left_wing"], status="failed"))
    assert apply(failed, refactor(failed))["left_wing"].status == "retired"
    split = apply(failed, refactor(failed, lambda node: ("folded_wing", "spread_wing")), at_most=None)
    assert split["left_wing"].any_of == ("folded_wing", "spread_wing")
    assert split["folded_wing"].status == "proposed"
    assert set(split["folded_wing"].evidence) == set(SEEN)  # until somebody says which picture shows which


def test_nothing_is_nothing() -> None:
    assert lint(Ontology()) == ()
    assert refactor(Ontology()) == ()
