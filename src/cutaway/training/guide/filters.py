"""A new filter that fires for a sentence: a 1 x 1 filter on a layer's channels, learnt from captions alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.linear_model import LogisticRegression

from cutaway.training.guide.sentence import Heard

Features = Float[np.ndarray, "pictures channels"]
STRENGTH = 0.05  # of the logistic regression's likelihood against its weights; channels are standardised
ENOUGH = 5  # pictures of a context that say the sentence, for the context to count


@dataclass(frozen=True)
class SentenceFilter:
    """A filter over a layer's channels: fires (above zero) where a picture is as the sentence says."""

    sentence: str
    weight: Float[np.ndarray, " channels"]
    bias: float

    def __call__(self, features: Features) -> Float[np.ndarray, " pictures"]:
        """Its activation on pictures, from the layer's channel means."""
        found: np.ndarray = features @ self.weight + self.bias
        return found


def sentence_filter(
    features: Features, heard: Heard, contexts: Int[np.ndarray, " pictures"] | None = None
) -> SentenceFilter:
    """Learns a filter from channel means and from what captions say; no label of any picture is used.

    With `contexts` (what the network took each picture for), only differences within a context count, so that "without
    leaves" becomes what lacks leaves and not what kind of thing mostly does.
    """
    middle, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    inputs = (features - middle) / scale
    used = heard.says | heard.opposes
    if contexts is not None:
        inputs, used = within(inputs, used, heard.says, contexts)
    fit = LogisticRegression(C=STRENGTH, max_iter=300, class_weight="balanced")
    fit.fit(inputs[used], heard.says[used])
    weight = fit.coef_[0] / scale
    return SentenceFilter(heard.sentence, weight, float(fit.intercept_[0] - middle @ weight))


def within(
    inputs: Features,
    used: Bool[np.ndarray, " pictures"],
    says: Bool[np.ndarray, " pictures"],
    contexts: Int[np.ndarray, " pictures"],
) -> tuple[Features, Bool[np.ndarray, " pictures"]]:
    """Channels less their mean in each context, and the pictures of contexts in which the sentence is said and not."""
    centred, kept = inputs.copy(), used.copy()
    for context in np.unique(contexts):
        here = contexts == context
        if (here & says).sum() < ENOUGH or (here & used & ~says).sum() < ENOUGH:
            kept &= ~here
        else:
            centred[here] -= inputs[here & used].mean(axis=0)
    return (centred, kept) if kept.any() else (inputs, used)
