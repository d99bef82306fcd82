"""Numbers and sentences of the page: what a figure means, in plain words, with real minus signs."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from cutaway.report.schema import Channel, Channels, ExplanationData, Map, Score

MINUS, THIN = "−", "\u202f"  # a narrow space that does not break
LARGE_GAP = 0.01
"""A map whose shares miss the difference of scores by more than this share of it is to be read with care."""


def number(value: float, digits: int = 2) -> str:
    """A figure with a true minus sign; never a negative zero."""
    text = f"{value:.{digits}f}"
    return text[1:] if float(text) == 0 and text.startswith("-") else text.replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A figure that always shows its sign; zero has none."""
    text = number(value, digits)
    return text if text.startswith(MINUS) or not text.strip("0.") else f"+{text}"


def percent(share: float) -> str:
    """A probability as people read it: 61 %, 0.6 %, < 0.1 %; never 0 % or 100 % of what is neither."""
    if 0 < share < 0.001:
        return f"<{THIN}0.1{THIN}%"
    if 0.999 < share < 1:
        return f">{THIN}99.9{THIN}%"
    return f"{100 * share:.{1 if share < 0.0995 or share > 0.99 else 0}f}{THIN}%"


def compact(value: int) -> str:
    """A count in its largest unit: 1.24 million."""
    for size, word in ((1_000_000_000, "billion"), (1_000_000, "million")):
        if value >= size:
            return f"{value / size:.3g}{THIN}{word}"
    return f"{value:,}"


def short(text: str, length: int) -> str:
    """The text, cut at `length` characters with an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip(" ,") + "…"


def tail(text: str, length: int) -> str:
    """The text's last `length` characters after an ellipsis where it is longer: of a layer, the end tells most."""
    return text if len(text) <= length else "…" + text[1 - length :].lstrip(".")


def question(data: ExplanationData) -> Markup:
    """The page's title: what was asked."""
    ask = "Why not" if data.versus and data.target.index != data.predictions[0].index else "Why"
    return Markup("{} <em>{}</em>?").format(ask, data.target.label)


def answer(data: ExplanationData) -> Markup:
    """The decision in one plain sentence."""
    top, target, versus = data.predictions[0], data.target, data.versus
    if versus is None:
        return Markup("Its one score says <em>{}</em> ({}), with a logit of {}.").format(
            target.label, percent(target.probability), number(target.logit)
        )
    margin = number(abs(data.margin))
    if target.index == top.index:
        second = len(data.predictions) > 1 and versus.index == data.predictions[1].index
        place = "comes second" if second else "is what it is compared with"
        return Markup("It says {}, and {} {}; the margin is {} logits.").format(
            _named(target), _named(versus), place, margin
        )
    if versus.index == top.index:
        return Markup("It says {}, not {}, which is {} logits behind.").format(_named(top), _named(target), margin)
    side = "ahead of" if data.margin >= 0 else "behind"
    return Markup("It says {}. You asked about {}: it is {} logits {} {}.").format(
        _named(top), _named(target), margin, side, _named(versus)
    )


def _named(score: Score) -> Markup:
    return Markup("<em>{}</em> ({})").format(score.label, percent(score.probability))


def effect(channel: Channel) -> float:
    """What the channel measurably added to the margin, in logits: the opposite of the change when it is taken out."""
    return -channel.ablation.change


def consequence(channel: Channel, data: ExplanationData) -> Markup:
    """What the answer would be without the channel."""
    then = channel.ablation.prediction
    if turns(channel, data):
        return Markup("The answer would become <em>{}</em> ({}).").format(then.label, percent(then.probability))
    return Markup("The answer stays <em>{}</em>.").format(then.label)


def turns(channel: Channel, data: ExplanationData) -> bool:
    """Whether the network answers another class without this channel."""
    return data.versus is not None and channel.ablation.prediction.index != data.predictions[0].index


def disagrees(channel: Channel) -> bool:
    """Whether the estimate says for and the measurement against, or the other way round, beyond rounding."""
    return channel.attribution * effect(channel) < 0 and min(abs(channel.attribution), abs(effect(channel))) >= 0.005


def agreement(channels: Channels) -> str:
    """How far the estimates of a layer's channels may be believed, from their rank correlation with measurements."""
    shown = [*channels.arguing_for, *channels.arguing_against]
    flips = sum(disagrees(channel) for channel in shown)
    tail = f" For {flips} of the {len(shown)} the two even differ in sign." if flips else ""
    rho = channels.rank_correlation
    if rho is None:
        return "There are too few channels to say whether estimates and measurements agree." + tail
    if rho >= 0.7:
        verdict = "Estimates and measurements agree well: both put these channels in nearly the same order."
    elif rho >= 0.3:
        verdict = "Estimates and measurements agree only roughly: where they differ, believe the measurement."
    else:
        verdict = "Estimates and measurements do not agree: believe the measurements, and doubt the choice of channels."
    return verdict + tail


@dataclass(frozen=True)
class Trust:
    """A map's badge: `level` is one of sound, partly, care, fails, unchecked; `mark` is its shape, for any eye."""

    level: str
    mark: str
    verdict: str


def trust(shown: Map) -> Trust:
    """How far to trust a map, from the checks that were really made."""
    gap, sanity = shown.relative_gap, shown.sanity
    if sanity is not None and not sanity.passed:
        return Trust("fails", "✕", "Fails a check: do not rely on it")
    if gap is not None and abs(gap) > LARGE_GAP:
        return Trust("care", "!", f"Misses {percent(abs(gap))} of what it explains: read with care")
    if sanity is not None:
        return Trust("sound", "✓", "Passed its checks")
    if gap is not None:
        return Trust("partly", "◐", "Adds up; not compared with random weights")
    return Trust("unchecked", "?", "Not checked")
