"""Naming units whose meaning is known: named, abstaining and doubly named ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cutaway.core.errors import DataError
from cutaway.naming import Coupling, fit_coupling, name_units, open_encoder
from cutaway.naming.files import read_names, save_names
from cutaway.naming.page import write_page
from cutaway.naming.sentences import with_sentences

COLOURS = ("red", "green", "blue", "yellow", "white")
THINGS = ("truck", "house", "flower", "bird", "boat", "dog")
VOCABULARY = [*COLOURS, *THINGS, *(f"{c} {t}" for c in COLOURS for t in THINGS), "a cat", "purple glove", "snow"]


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, list[str]]:
    """Two coloured things a picture; units: red truck, bird, boat or dog, noise, dead, weak."""
    draw = np.random.default_rng(3)
    told, fired = [], []
    for _ in range(400):
        pairs = {(str(draw.choice(COLOURS)), str(draw.choice(THINGS))) for _ in range(2)}
        told.append(" and ".join(f"a {colour} {thing}" for colour, thing in sorted(pairs)))
        things = {thing for _, thing in pairs}
        clean = [("red", "truck") in pairs, "bird" in things, bool(things & {"boat", "dog"}), 0.0, 0.7]
        spread = [0.15, 0.15, 0.15, 1.0, 0.0, 0.45]
        fired.append(np.array([*clean, 0.18 * ("bird" in things)]) + draw.normal(size=6) * spread)
    return np.array(fired, dtype=np.float32), told


@pytest.fixture(scope="module")
def coupling(world: tuple[np.ndarray, list[str]]) -> Coupling:
    return fit_coupling(*world, open_encoder("shipped"))


def test_planted_units_get_their_names_and_the_others_a_reason(coupling: Coupling) -> None:
    found = name_units(coupling, VOCABULARY, units=[f"conv:{i}" for i in range(6)])
    assert [unit.text for unit in found[:2]] == ["red truck", "bird"]
    assert {name.text for name in found[2].names[:2]} == {"boat", "dog"}
    assert found[2].meanings >= 2
    assert found[3].abstained
    assert found[3].reason.startswith("no significant phrase")
    assert found[4].abstained
    assert found[4].reason.startswith("dead")
    assert found[5].abstained
    assert found[5].names  # what came nearest is still told


def test_scores_are_correlations_of_sightings_with_activations(coupling: Coupling) -> None:
    first = name_units(coupling, VOCABULARY)[1].names[0]
    there = np.array(["bird" in " ".join(c.text for c in coupling.said.of(i)) for i in range(400)])
    assert first.score == pytest.approx(np.corrcoef(there, coupling.activations[:, 1])[0, 1], abs=0.05)
    assert first.p_value < 1e-4


def test_shuffled_captions_name_nothing(world: tuple[np.ndarray, list[str]]) -> None:
    fired, told = world
    order = np.random.default_rng(0).permutation(len(told))
    coupling = fit_coupling(fired, [told[i] for i in order], open_encoder("shipped"))
    assert all(unit.abstained for unit in name_units(coupling, VOCABULARY))


def test_pictures_that_fire_and_that_are_promised_but_passed_over(coupling: Coupling) -> None:
    unit = name_units(coupling, VOCABULARY)[0]
    assert list(unit.fires) == np.argsort(-coupling.activations[:, 0], kind="stable")[: len(unit.fires)].tolist()
    assert all(coupling.activations[i, 0] <= np.median(coupling.activations[:, 0]) for i in unit.promised)


def test_a_sentence_lists_meanings_only_where_that_fits_better(coupling: Coupling) -> None:
    found = with_sentences(coupling, name_units(coupling, VOCABULARY))
    assert found[1].sentence == "It fires for bird."
    assert " or " in found[2].sentence
    assert found[3].sentence == ""


def test_names_go_to_a_file_and_back_and_onto_a_page(coupling: Coupling, tmp_path: Path) -> None:
    found = name_units(coupling, VOCABULARY)
    save_names(found, tmp_path / "names.json")
    assert read_names(tmp_path / "names.json") == found
    write_page(found, [], tmp_path / "page.html", "conv of <net>")
    page = (tmp_path / "page.html").read_text()
    assert "red truck" in page
    assert "conv of &lt;net&gt;" in page


@pytest.mark.parametrize("text", ["{}", "[]", '[{"unit": 1}]', "no json"])
def test_a_file_without_names_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(DataError, match="try cutaway name"):
        read_names(tmp_path / "names.json")


def test_the_same_seed_gives_the_same_names(world: tuple[np.ndarray, list[str]], coupling: Coupling) -> None:
    again = fit_coupling(*world, open_encoder("shipped"))
    assert name_units(again, VOCABULARY) == name_units(coupling, VOCABULARY)


def test_a_users_method_works_too(world: tuple[np.ndarray, list[str]]) -> None:
    def always_dog(evidence: object) -> np.ndarray:
        scores = np.zeros((6, len(VOCABULARY)), np.float32)
        scores[:, VOCABULARY.index("dog")] = 1
        return scores

    coupling = fit_coupling(*world, open_encoder("shipped"), method=always_dog)
    assert {unit.names[0].text for unit in name_units(coupling, VOCABULARY)} == {"dog"}


def test_a_phrase_that_no_caption_comes_near_to_names_nothing(coupling: Coupling) -> None:
    found = name_units(coupling, ["corkscrew", "saxophone", "purple glove"])
    assert all(unit.abstained for unit in found)


def test_what_an_untrained_network_fits_as_well_is_no_name() -> None:
    draw = np.random.default_rng(0)
    told = [f"a {('red', 'blue')[k % 2]} thing {('at night', 'at noon')[k // 2 % 2]}" for k in range(80)]
    red, dark = np.arange(80) % 2 == 0, np.arange(80) // 2 % 2 == 0
    fired = (np.stack([red, dark], axis=1) + draw.normal(0, 0.1, (80, 2))).astype(np.float32)
    control = (dark[:, None] + draw.normal(0, 0.1, (80, 1))).astype(np.float32)
    free, held = (fit_coupling(fired, told, open_encoder("shipped"), control=some) for some in (None, control))
    assert [unit.abstained for unit in name_units(free, ["red", "blue", "night", "noon"])] == [False, False]
    names = name_units(held, ["red", "blue", "night", "noon"])
    assert [unit.text for unit in names] == ["red", ""]
    assert names[1].reason.startswith("nothing learnt: an untrained network has a unit that fits as well")


def test_of_phrases_that_fit_alike_the_one_that_is_said_is_taken() -> None:
    told = [f"a {('church', 'castle')[k % 2]} on a hill" for k in range(40)]
    fired = (np.arange(40) % 2 == 0).astype(np.float32)[:, None]
    coupling = fit_coupling(fired, told, open_encoder("shipped"), method="correlation")
    assert name_units(coupling, ["plain church", "church", "long church"])[0].text == "church"
