"""The sentences and figures of the page."""

from __future__ import annotations

import html
import re

import pytest
from example import Example, example

from cutaway.report import _words as words


def plain(markup: str) -> str:
    """What is read: the text without its tags."""
    return html.unescape(re.sub("<[^>]+>", "", markup))


@pytest.fixture(scope="module")
def cat() -> Example:
    return example(size=32, maps=6, grid=4)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.611, "61\u202f%"),
        (0.0314, "3.1\u202f%"),
        (0.0995, "10\u202f%"),
        (0.006, "0.6\u202f%"),
        (0.0004, "<\u202f0.1\u202f%"),
        (0.9996, ">\u202f99.9\u202f%"),
        (0.996, "99.6\u202f%"),
        (0.0, "0.0\u202f%"),
        (1.0, "100.0\u202f%"),
    ],
)
def test_probabilities_read_as_people_say_them(share: float, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [(1.034, "1.03", "+1.03"), (-0.5, "−0.50", "−0.50"), (0.0, "0.00", "0.00"), (-0.001, "0.00", "0.00")],
)
def test_figures_have_true_minus_signs_and_no_negative_zero(value: float, plain: str, with_sign: str) -> None:
    assert words.number(value) == plain
    assert words.signed(value) == with_sign


def test_large_counts_are_said_in_words() -> None:
    assert words.compact(1_235_496) == "1.24\u202fmillion"
    assert words.compact(86_567_656) == "86.6\u202fmillion"
    assert words.compact(999) == "999"


def test_long_names_keep_the_end_that_tells_most() -> None:
    assert words.tail("features.12", 26) == "features.12"
    assert words.tail("stages.3.blocks.11.mlp.activation", 20) == "…s.11.mlp.activation"
    assert words.short("black and gold garden spider", 15) == "black and gold…"


def test_the_answer_names_both_classes_and_the_margin(cat: Example) -> None:
    said = plain(words.answer(cat.data))
    assert said == (
        "It says tabby, tabby cat (61\u202f%), and Egyptian cat (22\u202f%) comes second; the margin is 1.03 logits."
    )
    assert plain(words.question(cat.data)) == "Why tabby, tabby cat?"


def test_asking_for_another_class_says_what_the_network_really_answered(cat: Example) -> None:
    top, second, third = cat.data.predictions[:3]
    asked = cat.data.model_copy(update={"target": second, "versus": top, "margin": second.logit - top.logit})
    assert plain(words.question(asked)) == "Why not Egyptian cat?"
    assert plain(words.answer(asked)) == (
        "It says tabby, tabby cat (61\u202f%), not Egyptian cat (22\u202f%), which is 1.03 logits behind."
    )
    other = cat.data.model_copy(update={"target": second, "versus": third, "margin": second.logit - third.logit})
    assert plain(words.answer(other)) == (
        "It says tabby, tabby cat (61\u202f%). You asked about Egyptian cat (22\u202f%): "
        "it is 0.60 logits ahead of tiger cat (12\u202f%)."
    )


def test_a_network_of_one_score_is_compared_with_nothing() -> None:
    alone = example(size=32, maps=1, versus=False, sections=False).data
    assert plain(words.answer(alone)) == ("Its one score says tabby, tabby cat (61\u202f%), with a logit of 17.42.")


def test_labels_are_text_and_never_markup(cat: Example) -> None:
    evil = cat.data.target.model_copy(update={"label": "<script>alert(1)</script>"})
    said = words.answer(cat.data.model_copy(update={"target": evil}))
    assert "<script>" not in said
    assert "&lt;script&gt;" in said


def test_an_effect_is_what_the_margin_loses_when_the_channel_is_taken_out(cat: Example) -> None:
    assert cat.data.channels is not None
    first, *_, contrary = cat.data.channels.arguing_for
    assert words.effect(first) == pytest.approx(cat.data.margin - first.ablation.margin)
    assert words.turns(first, cat.data)
    assert plain(words.consequence(first, cat.data)) == "The answer would become Egyptian cat (22\u202f%)."
    assert plain(words.consequence(contrary, cat.data)) == "The answer stays tabby, tabby cat."
    assert words.disagrees(contrary)
    assert not words.disagrees(first)


@pytest.mark.parametrize(
    ("rho", "verdict"), [(0.9, "agree well"), (0.5, "only roughly"), (0.1, "do not agree"), (None, "too few")]
)
def test_disagreement_of_estimate_and_measurement_is_said(cat: Example, rho: float | None, verdict: str) -> None:
    assert cat.data.channels is not None
    said = words.agreement(cat.data.channels.model_copy(update={"rank_correlation": rho}))
    assert verdict in said
    assert "For 1 of the 8 the two even differ in sign." in said


def test_a_badge_follows_from_the_checks_that_were_made(cat: Example) -> None:
    levels = {shown.method: words.trust(shown).level for shown in cat.data.maps}
    assert levels == {
        "integrated_gradients": "sound",
        "grad_cam": "sound",
        "smoothgrad": "sound",
        "occlusion": "unchecked",
        "input_x_gradient": "care",
        "guided_backprop": "fails",
    }
    unchecked = cat.data.maps[0].model_copy(update={"sanity": None})
    assert words.trust(unchecked).level == "partly"
    marks = {words.trust(shown).mark for shown in [*cat.data.maps, unchecked]}
    assert len(marks) == 5  # each level has a shape of its own, so that no colour is needed
