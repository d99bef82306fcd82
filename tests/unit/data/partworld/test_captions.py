"""Captions are true, complete, and read back; and the reader does notice a lie."""

from __future__ import annotations

import pytest

from cutaway.core.errors import DataError, OptionError
from cutaway.data.partworld import FAMILIES, Fact, all_facts, captions, is_true, parse, sample_scene, without_part
from cutaway.data.partworld import words as lexicon
from cutaway.data.partworld.captions import TEMPLATES
from cutaway.data.partworld.reading import wrong

SCENES = [sample_scene(31, index) for index in range(60)]


def test_every_caption_is_true_of_its_scene() -> None:
    for index, scene in enumerate(SCENES):
        for caption in captions(scene, index):
            assert parse(caption), caption
            assert not wrong(caption, scene), caption


def test_every_part_and_attribute_is_told() -> None:
    for index, scene in enumerate(SCENES):
        told = {fact for caption in captions(scene, index) for fact in parse(caption)}
        assert not all_facts(scene) - told


def test_captions_of_another_scene_are_mostly_wrong() -> None:
    """The checker can fail: told about the next scene of the same class, most sentences state something false."""
    pairs = [(scene, sample_scene(32, index)) for index, scene in enumerate(SCENES)]
    lies = sum(bool(wrong(captions(other, 3)[3], scene)) for scene, other in pairs)
    assert lies >= 0.97 * len(SCENES)


def test_reading_is_literal() -> None:
    told = parse("a daisy with an azure striped round disk and stripy petals")
    assert set(told) == {
        Fact("", "label", "daisy"),
        Fact("", "has", "disk"),
        Fact("disk", "colour", "blue"),
        Fact("disk", "texture", "striped"),
        Fact("disk", "kind", "round"),
        Fact("", "has", "petals"),
        Fact("petals", "texture", "striped"),
    }
    assert set(parse("a daisy without leaves")) == {Fact("", "label", "daisy"), Fact("", "has", "leaves", holds=False)}
    assert set(parse("the hubs of the van are below its cabin")) == {
        Fact("", "label", "van"),
        Fact("cab", "above", "hubs"),
    }
    assert Fact("head", "has", "beak") in parse("the head of the finch has a red bill")


def test_negatives() -> None:
    scene = sample_scene(0, 0, label="daisy")
    assert not is_true(Fact("", "has", "leaves", holds=False), scene)
    assert is_true(Fact("", "has", "leaves", holds=False), without_part(scene, "leaves"))
    assert wrong("a daisy without leaves", scene)
    bare = [index for index in range(40) if "without" in captions(without_part(scene, "leaves"), index)[-1]]
    assert bare
    assert captions(without_part(scene, "leaves"), bare[0])[-1].startswith("a daisy without ")


def test_a_denial_about_a_part_that_is_not_there_is_not_true() -> None:
    scene = without_part(sample_scene(0, 0, label="daisy"), "leaves")
    assert not is_true(Fact("leaves", "colour", "red", holds=False), scene)


def test_families_can_be_held_out() -> None:
    scene = SCENES[0]
    every, some = captions(scene, 1), captions(scene, 1, hold_out=("negative", "full"))
    assert len(every) == len(FAMILIES) == len(TEMPLATES) >= 6
    assert len(some) == len(FAMILIES) - 2
    assert len(captions(scene, 1, families=("negative",))) == 1
    with pytest.raises(OptionError, match=r'no caption family "negativ"; .*; did you mean "negative"'):
        captions(scene, hold_out=("negativ",))


def test_captions_repeat_and_vary() -> None:
    assert captions(SCENES[0], 4) == captions(SCENES[0], 4)
    assert len({captions(SCENES[0], seed) for seed in range(10)}) == 10


def test_no_word_means_two_things() -> None:
    tables = (
        lexicon.PARTS,
        lexicon.KIND_WORDS,
        lexicon.COLOUR_WORDS,
        lexicon.TEXTURE_WORDS,
        lexicon.GROUNDS,
        lexicon.LIGHTS,
        lexicon.FACINGS,
    )
    words = [word for table in tables for synonyms in table.values() for word in synonyms]
    assert len(words) == len(set(words))
    assert all(len(synonyms) >= 2 for table in tables[1:] for synonyms in table.values())


def test_text_that_is_no_caption() -> None:
    with pytest.raises(DataError, match='"a unicorn" fits no caption template'):
        parse("a unicorn")
