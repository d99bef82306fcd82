"""Operations: each does what its name says, all or none, and none closes a circle."""

from __future__ import annotations

import pytest

from cutaway.construct.changes import diff
from cutaway.construct.ontology import Node, Ontology, of
from cutaway.construct.operations import Operation, apply
from cutaway.core.errors import OptionError, ProjectError

START = of([Node("petal", evidence=("a",)), Node("stem"), Node("daisy", "class", all_of=("petal", "stem"))])


def test_add_and_attach() -> None:
    grown = apply(
        START,
        [
            Operation("add", "disk", {"says": "the middle", "evidence": ["a", "b"]}),
            Operation("attach", "disk", {"to": "daisy"}),
            Operation("add", "white", {"kind": "attribute"}),
            Operation("attach", "white", {"to": "petal"}),
        ],
    )
    assert grown["daisy"].all_of == ("petal", "stem", "disk")
    assert grown["white"].attaches_to == ("petal",)
    assert grown["disk"].evidence == ("a", "b")


def test_merge_moves_words_evidence_and_places() -> None:
    both = apply(START, [Operation("add", "stalk", {"evidence": ["x"]}), Operation("attach", "stalk", {"to": "daisy"})])
    merged = apply(both, [Operation("merge", "stem", {"nodes": ["stalk"]})])
    assert "stalk" not in merged
    assert merged["stem"].aliases == ("stalk",)
    assert merged["stem"].evidence == ("x",)
    assert merged["daisy"].all_of == ("petal", "stem")


def test_split_reads_the_whole_off_its_kinds() -> None:
    split = apply(START, [Operation("split", "petal", {"into": ["slender_petal", "round_petal"]})])
    assert split["petal"].any_of == ("slender_petal", "round_petal")
    assert split["daisy"].all_of == ("petal", "stem")
    assert split.level("daisy") == 2


def test_retire_takes_a_node_out_of_use_and_keeps_it_on_file() -> None:
    after = apply(START, [Operation("retire", "stem", {"why": "never seen"})])
    assert after["stem"].status == "retired"
    assert after["daisy"].all_of == ("petal",)


def test_all_or_none() -> None:
    steps = [Operation("add", "disk"), Operation("attach", "disk", {"to": "nowhere"})]
    with pytest.raises(ProjectError, match='no node "nowhere"'):
        apply(START, steps)
    assert "disk" not in START


def test_no_operation_closes_a_circle() -> None:
    with pytest.raises(ProjectError, match="goes in a circle"):
        apply(START, [Operation("attach", "daisy", {"to": "petal"})])


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (Operation("add", "petal"), 'there is a node "petal" already'),
        (Operation("add", "leaf", {"colour": "red"}), 'nobody asked for "colour"'),
        (Operation("add", "leaf", {"says": 3}), "says is '3'; expected text"),
        (Operation("split", "petal", {"into": ["one"]}), "into 1 kinds; expected two or more"),
        (Operation("attach", "petal", {"to": "daisy", "how": "perhaps"}), 'no way to attach "perhaps"'),
    ],
)
def test_what_cannot_be_done_says_why(operation: Operation, says: str) -> None:
    with pytest.raises((ProjectError, OptionError), match=says):
        apply(START, [operation])


def test_at_most_eight_at_once() -> None:
    steps = [Operation("add", f"part_{number}") for number in range(9)]
    with pytest.raises(ProjectError, match="9 operations at once; expected at most 8 a picture"):
        apply(START, steps)
    assert len(apply(START, steps, at_most=None)) == 12


def test_unknown_verbs_and_ids_are_refused() -> None:
    with pytest.raises(OptionError, match='no operation "rename"'):
        Operation("rename", "petal")
    with pytest.raises(ProjectError, match="is no id"):
        Operation("add", "../petal")


def test_the_difference_can_be_read() -> None:
    after = apply(
        START, [Operation("add", "disk", {"evidence": ["a", "b", "c"]}), Operation("attach", "disk", {"to": "daisy"})]
    )
    text = diff(START, after)
    assert text.startswith("1 new, 1 changed, 0 gone.")
    assert "- **new** `disk` (part): 3 pictures" in text
    assert "  - all_of: +disk" in text
    assert "daisy (proposed)\n  petal (proposed)\n  stem (proposed)\n  disk (proposed)" in text
    assert diff(after, after) == "No change.\n"
    assert diff(START, after) == text


def test_an_empty_ontology_can_grow() -> None:
    assert len(apply(Ontology(), [Operation("add", "petal")])) == 1
