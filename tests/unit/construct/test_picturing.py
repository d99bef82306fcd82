"""Pictures of trees: every node and link is drawn once, inside the picture, and hostile names stay text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import torch

from cutaway.construct.ontology import Node, of
from cutaway.construct.picturing import cut_out, growth, tree

SVG = "{http://www.w3.org/2000/svg}"
TREE = of(
    [
        Node("petal"), Node("stem"), Node("leaf"), Node("white", "attribute", attaches_to=("petal",)),
        Node("daisy", "class", all_of=("petal", "stem")), Node("tulip", "class", all_of=("stem",), any_of=("leaf",)),
        Node("gone", status="retired"),
    ]
)  # fmt: skip


def test_every_part_and_link_is_drawn_inside_the_picture() -> None:
    root = ET.fromstring(tree(TREE))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert sorted(word for word in words if word) == ["daisy", "leaf", "petal", "stem", "tulip"]
    assert len(list(root.iter(f"{SVG}path"))) == 4
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for rect in root.iter(f"{SVG}rect"):
        if "x" in rect.attrib:
            assert 0 <= float(rect.attrib["x"]) <= width - float(rect.attrib["width"])
            assert 0 <= float(rect.attrib["y"]) <= height - float(rect.attrib["height"])


def test_rows_are_ordered_so_that_links_do_not_cross_needlessly() -> None:
    nodes = [Node(name) for name in "abcdef"]
    classes = [Node(f"z{at}", "class", all_of=(pair[0], pair[1])) for at, pair in enumerate(("ef", "cd", "ab"))]
    root = ET.fromstring(tree(of([*nodes, *classes])))
    ends = [path.attrib["d"].removeprefix("M").split("C") for path in root.iter(f"{SVG}path")]
    links = sorted((float(start.split()[0]), float(end.split()[-2])) for start, end in ends)
    assert [end for _, end in links] == sorted(end for _, end in links)


def test_names_are_text_and_an_empty_ontology_is_a_picture_too() -> None:
    assert ET.fromstring(tree(of([]))).tag == f"{SVG}svg"
    said = growth({"<script>": [1, 2, 2]})
    assert "<script>" not in said
    assert ET.fromstring(said).find(f"{SVG}polyline") is not None
    assert tree(TREE) == tree(of(replace(node) for node in TREE))


def test_a_cut_out_holds_the_mask_and_keeps_its_colours_alone() -> None:
    picture = torch.full((3, 40, 40), 20, dtype=torch.uint8)
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[10:16, 28:36] = True
    picture[:, mask] = torch.tensor([200, 10, 10], dtype=torch.uint8)[:, None]
    found = cut_out(picture, mask)
    assert found.shape[0] == found.shape[1]
    red = (found == np.array([200, 10, 10])).all(axis=2)
    assert red.sum() == mask.sum()
    assert found[~red].min() > 20
