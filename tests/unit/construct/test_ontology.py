"""The ontology's files: what can be a node, what cannot, and circles."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutaway.construct.ontology import Node, from_text, from_texts, load, of, read_file, save, to_text
from cutaway.core.errors import OptionError, ProjectError

FLOWER = of(
    [
        Node("petal", evidence=("a", "b", "c")),
        Node("stem"),
        Node("red", "attribute", attaches_to=("petal",)),
        Node("daisy", "class", "a daisy", all_of=("petal", "stem"), children_pinned={"petal": "12", "stem": "34"}),
    ]
)


def test_every_node_comes_back_from_its_file(tmp_path: Path) -> None:
    save(FLOWER, tmp_path)
    assert load(tmp_path) == FLOWER
    assert sorted(path.name for path in (tmp_path / "ontology").iterdir()) == [
        "daisy.yaml",
        "petal.yaml",
        "red.yaml",
        "stem.yaml",
    ]


def test_a_node_that_is_gone_leaves_no_file(tmp_path: Path) -> None:
    save(FLOWER, tmp_path)
    save(FLOWER.without("red"), tmp_path)
    assert "red" not in load(tmp_path)


@pytest.mark.parametrize("name", ["../petal", "a/b", "Petal", "", "con", "petal.yaml", "1st", "ä", "x" * 60, "a\\b"])
def test_an_id_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ProjectError, match="is no id of a node; expected lower-case letters"):
        Node(name)
    with pytest.raises(ProjectError, match="is no id of a node"):
        Node("whole", all_of=(name,))


def test_a_circle_is_shown() -> None:
    round_about = of([Node("a", all_of=("b",)), Node("b", all_of=("c",)), Node("c", all_of=("a",))])
    with pytest.raises(ProjectError, match="goes in a circle: a > b > c > a; expected a tree"):
        round_about.order()


def test_children_come_before_their_parents() -> None:
    order = FLOWER.order()
    assert order.index("petal") < order.index("daisy")
    assert FLOWER.above("petal") == ("daisy",)
    assert set(FLOWER.below("daisy")) == {"petal", "stem"}
    assert FLOWER.level("daisy") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id: [1", "is no YAML"),
        ("- a\n- b", "holds a list; expected fields"),
        ("id: petal\nsize: 3", 'unknown field "size"'),
        ("id: petal\nall_of: stem", "all_of is 'stem'; expected a list of texts"),
        ("id: petal\nchildren_pinned: {a: 1}", "expected ids with hashes"),
        ("id: &x petal\nsays: *x", "uses YAML aliases"),
        ("id: 3", "id is 3; expected text"),
        ("id: petal\nsays: " + "x" * 70_000, "expected at most 64,000"),
        ("id: !!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_what_is_no_node_says_why(text: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        from_text(text, "petal.yaml")


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(OptionError, match='no kind of node "thing"; expected one of part, attribute'):
        Node("petal", "thing")


def test_the_file_and_the_id_agree() -> None:
    with pytest.raises(ProjectError, match='holds the node "petal"; expected ontology/petal'):
        from_texts({"stem.yaml": to_text(Node("petal"))})


def test_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ontology").mkdir()
    (tmp_path / "elsewhere").write_text("id: petal")
    (tmp_path / "ontology" / "petal.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="is a link; expected a file"):
        load(tmp_path)


def test_a_hand_made_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("nodes:\n- {id: petal}\n- {id: daisy, kind: class, all_of: [petal]}\n")
    assert read_file(path)["daisy"].children == ("petal",)
    path.write_text("nodes: []")
    with pytest.raises(ProjectError, match="lists no nodes"):
        read_file(path)
