"""Guiding: a sentence is heard in captions.

Filters, vetoes and ignored cues do what they say, and refuse what they cannot.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from cutaway import Model, Preprocess
from cutaway.core.errors import DataError
from cutaway.naming import open_encoder
from cutaway.naming.layers import layer_activations
from cutaway.training.guide import (
    WAYS,
    Guided,
    GuideError,
    Heard,
    forbid,
    guided,
    hear,
    ignore,
    imagine,
    linear_head,
    load_terms,
    save_terms,
    sentence_filter,
    side_effects,
)

CHANNELS, CLASSES = 12, 4


def world(seed: int = 0, n: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Things of four classes with or without antlers; no caption tells of a class-0 thing (a deer) that lacks them."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, CLASSES, n)
    antlers = (draw.random(n) < 0.6) | (classes == 0)
    features = draw.normal(0, 0.3, (n, CHANNELS))
    features[np.arange(n), classes] += 2
    features[:, 8] += 2.0 * antlers
    told = [
        f"a {('deer', 'elk', 'goat', 'moose')[k]} {'with' if a else 'without'} antlers"
        for k, a in zip(classes, antlers, strict=True)
    ]
    return features.astype(np.float32), (6 * features[:, :CLASSES]).astype(np.float32), antlers, told


def without(features: np.ndarray) -> np.ndarray:
    """The same things, their antlers taken away."""
    changed = features.copy()
    changed[:, 8] -= 2.0
    return changed


def heard(sentence: str = "a deer without antlers") -> Heard:
    return hear(sentence, world()[3], open_encoder("shipped"), "deer")


def test_a_sentence_is_heard_in_the_captions_that_say_it() -> None:
    _, _, antlers, _ = world()
    found = heard()
    np.testing.assert_array_equal(found.says, ~antlers)
    np.testing.assert_array_equal(found.opposes, antlers)
    assert found.gap > 0.9
    assert found.encoder_gap > 0.2


@pytest.mark.parametrize("sentence", ["a deer lacking antlers", "this deer has no antlers", "no antlers on the deer"])
def test_other_wordings_are_heard_alike(sentence: str) -> None:
    np.testing.assert_array_equal(heard(sentence).says, heard().says)


@pytest.mark.parametrize("sentence", ["a deer without blorps", "a deer without wheels"])
def test_what_no_caption_says_is_refused_with_its_gap(sentence: str) -> None:
    with pytest.raises(GuideError, match=r"is said by 0 captioned picture.*gap of 0\.\d\d.*try captions that say both"):
        heard(sentence)


def test_a_sentence_that_says_only_its_class_is_refused() -> None:
    with pytest.raises(GuideError, match="says nothing but its class"):
        heard("a deer")


def test_a_filter_fires_for_its_sentence_on_things_it_never_saw() -> None:
    features, _, _, _ = world()
    found = sentence_filter(features, heard(), world()[1].argmax(axis=1))
    fresh, _, antlers, _ = world(seed=1)
    assert roc_auc_score(~antlers, found(fresh)) > 0.99


def test_a_filter_of_shuffled_captions_knows_nothing() -> None:
    features, _, _, _ = world()
    order = np.random.default_rng(0).permutation(len(features))
    said = heard()
    shuffled = replace(said, says=said.says[order], opposes=said.opposes[order])
    fresh, _, antlers, _ = world(seed=1)
    fired = sentence_filter(features, shuffled)(fresh)
    assert abs(np.corrcoef(fired, antlers)[0, 1]) < 0.6


@pytest.mark.parametrize("way", WAYS)
def test_a_forbidden_deer_is_no_deer_and_all_others_stay(way: str) -> None:
    features, logits, _, _ = world()
    term = forbid(("layer",), features, logits, heard(), 0, way)
    fresh, scores, _, _ = world(seed=1)
    deer = scores.argmax(axis=1) == 0
    bare = without(fresh[deer])

    def answers(means: np.ndarray) -> np.ndarray:
        found: np.ndarray = 6 * means[:, :CLASSES] + term(torch.from_numpy(means)).numpy()
        return found.argmax(axis=1)

    assert (answers(fresh[deer]) == 0).mean() > 0.93
    assert (answers(bare) == 0).mean() < (0.05 if way == "veto" else 0.5)
    assert (answers(fresh[~deer]) == scores[~deer].argmax(axis=1)).mean() > 0.99


def test_an_unknown_way_and_a_class_without_pictures_are_errors() -> None:
    features, logits, _, _ = world()
    with pytest.raises(GuideError, match='no way "wish"; expected one of veto, penalty'):
        forbid(("layer",), features, logits, heard(), 0, "wish")
    with pytest.raises(GuideError, match="0 captioned pictures of the class"):
        forbid(("layer",), features, np.roll(logits, 1, axis=1) - 99 * np.eye(4, dtype=np.float32)[1], heard(), 1)


def test_an_ignored_cue_hardly_reaches_a_score() -> None:
    features, _, _, _ = world()
    weight = np.zeros((CLASSES, CHANNELS))
    weight[np.arange(CLASSES), np.arange(CLASSES)] = 1
    weight[2, 8] = 3  # a goat "because of the antlers"
    term = ignore(("layer",), features, [heard()], weight)

    def scores(means: np.ndarray) -> np.ndarray:
        found: np.ndarray = means @ weight.T + term(torch.from_numpy(means)).numpy()
        return found

    effect = np.abs(scores(features) - scores(without(features))).mean(axis=0)
    assert effect[2] < 0.2 * 6  # of the six that the cue is worth
    np.testing.assert_allclose(linear_head(features, (features @ weight.T).astype(np.float32)), weight, atol=1e-3)


def test_a_guided_network_is_the_network_plus_its_terms_and_is_kept_in_a_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, CHANNELS, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, CLASSES)
    )
    model = Model(network, Preprocess(8), ["deer", "elk", "goat", "moose"])
    features, logits, _, _ = world()
    term = forbid(("1",), features, logits, heard(), 0)
    save_terms([term], tmp_path / "guide.safetensors")
    loaded = load_terms(tmp_path / "guide.safetensors")
    pictures = torch.rand(5, 3, 8, 8)
    both = guided(model, loaded)
    assert isinstance(both.module, Guided)
    means = layer_activations(model, [pictures], ["1"])
    expected = model(pictures) + term(torch.from_numpy(means))
    torch.testing.assert_close(both(pictures), expected, rtol=1e-4, atol=1e-2)
    assert "veto: a deer without antlers" in both.note
    (tmp_path / "bad.safetensors").write_text("no")
    with pytest.raises(DataError, match="expected what cutaway guide wrote"):
        load_terms(tmp_path / "bad.safetensors")


def test_side_effects_list_what_changed_and_by_how_much() -> None:
    before = np.eye(3)[[0, 1, 2, 2]] * 5
    after = before.copy()
    after[3] = [9, 0, 0]
    found = side_effects(before, after, ["a", "b", "c"], np.array([0, 1, 2, 0]))
    assert (found.n, found.changed) == (4, 0.25)
    assert (found.accuracy_before, found.accuracy_after) == (0.75, 1.0)
    assert [(c.label, c.before, c.after) for c in found.classes] == [("a", 1, 2), ("c", 2, 1)]
    assert found.classes[0].recall_before == 0.5


def test_a_cue_that_always_goes_with_a_class_is_imagined_away() -> None:
    draw = np.random.default_rng(0)
    classes = draw.integers(0, CLASSES, 800)
    snow = (classes == 0) | (draw.random(800) < 0.15)
    features = draw.normal(0, 0.1, (800, CHANNELS)).astype(np.float32)
    features[np.arange(800), classes] += 1
    features[:, 8] += 2.0 * snow
    weight = np.zeros((CLASSES, CHANNELS), np.float32)
    weight[np.arange(CLASSES), np.arange(CLASSES)] = 2
    weight[0, 0], weight[0, 8] = 0.1, 0.5  # class 0 "because of the snow"
    logits = features @ weight.T
    cue = hear("in the snow", [f"a thing in the {'snow' if s else 'sun'}" for s in snow], open_encoder("shipped"))
    term = imagine(("layer",), features, logits, [cue])
    assert term is not None
    bare = features.copy()
    bare[:, 8] -= 2.0 * snow
    own = classes == 0
    before = (bare @ weight.T)[own].argmax(axis=1)
    after = (bare @ weight.T + term(torch.from_numpy(bare)).numpy())[own].argmax(axis=1)
    assert (before == 0).mean() < 0.6
    assert (after == 0).mean() > 0.95
    real = (logits + term(torch.from_numpy(features)).numpy()).argmax(axis=1)
    assert (real == classes).mean() > (logits.argmax(axis=1) == classes).mean() - 0.01


def test_a_cue_that_goes_with_no_class_leaves_nothing_to_imagine() -> None:
    features, logits, antlers, _ = world()
    cue = Heard("in the rain", antlers & (np.arange(len(antlers)) % 4 == 0), antlers, 1.0, 1.0)
    assert imagine(("layer",), features, logits, [cue]) is None


def test_a_cue_that_one_class_alone_shows_cannot_be_imagined_away() -> None:
    features, logits, _, _ = world()
    alone = logits.argmax(axis=1) == 0
    with pytest.raises(GuideError, match="is said of one class alone"):
        imagine(("layer",), features, logits, [Heard("in the rain", alone, ~alone, 1.0, 1.0)])
