"""A class must not fire on what a sentence says: "a reindeer without antlers" is no reindeer. Two ways, to be compared.

Veto: the read-out gets a new input, the filter of the sentence, with a strong negative weight to the class. It speaks
up only beyond what the class's own pictures reach, since none of them is as the sentence says. Penalty: the class's
own row of weights is moved, as little as may be, so that the class's pictures shifted by the sentence (by the
difference that it makes to other classes' pictures) score below another class, while all real ones keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int

from cutaway.training.guide.filters import Features, sentence_filter, within
from cutaway.training.guide.guided import Term
from cutaway.training.guide.sentence import GuideError, Heard

SPARED = 0.985  # share of the class's own captioned pictures that a veto leaves alone
STRENGTH = 1000.0  # logits a veto takes away for each standard deviation beyond what it spares
MARGIN = 1.0
STEPS = 40

Logits = Float[np.ndarray, "pictures classes"]
Way = Callable[[tuple[str, ...], Features, Logits, Heard, int], Term]


def forbid(
    layers: tuple[str, ...], features: Features, logits: Logits, heard: Heard, target: int, way: str | Way = "veto"
) -> Term:
    """The term that keeps a class from firing on what a sentence says.

    `features` are the layers' channel means, side by side, on captioned pictures, `logits` what the network said
    there, `target` the class. Raises GuideError where the captioned pictures hold too few of the class.
    """
    own = own_pictures(logits, heard, target)
    if own.sum() < 10:
        raise GuideError(f"{own.sum()} captioned pictures of the class; expected at least 10; try more pictures")
    if isinstance(way, str) and way not in WAYS:
        raise GuideError(f'no way "{way}"; expected one of {", ".join(WAYS)}')
    return (WAYS[way] if isinstance(way, str) else way)(layers, features, logits, heard, target)


def own_pictures(logits: Logits, heard: Heard, target: int) -> np.ndarray:
    """What the network takes for the class and no caption says to be as forbidden."""
    found: np.ndarray = (logits.argmax(axis=1) == target) & ~heard.says
    return found


def veto(layers: tuple[str, ...], features: Features, logits: Logits, heard: Heard, target: int) -> Term:
    """The read-out edited along the sentence's direction, with a threshold."""
    found = sentence_filter(features, heard, logits.argmax(axis=1))
    own = found(features[own_pictures(logits, heard, target)])
    spread = float(own.std()) or 1.0
    strength = torch.zeros(1, logits.shape[1])
    strength[0, target] = -STRENGTH
    weight = torch.from_numpy(found.weight / spread).float()[:, None]
    bias = torch.tensor([(found.bias - float(np.quantile(own, SPARED))) / spread])
    return Term(layers, weight, bias.float(), True, strength, f"veto: {heard.sentence}")


def penalty(layers: tuple[str, ...], features: Features, logits: Logits, heard: Heard, target: int) -> Term:
    """The class's response to the mapped sentence, penalised by a small fine-tuning of its row of weights."""
    scale = features.std(axis=0) + 1e-6
    inputs = torch.from_numpy(features / scale).float()
    scores = torch.from_numpy(logits).float()
    step = torch.from_numpy(shift(features / scale, heard, logits.argmax(axis=1))).float()
    own = torch.from_numpy(own_pictures(logits, heard, target))
    others = scores.clone()
    others[:, target] = -torch.inf
    rival = others.max(dim=1).values
    answers = scores.argmax(dim=1)
    real = ~torch.from_numpy(heard.says & (logits.argmax(axis=1) == target))
    row = torch.zeros(inputs.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([row], max_iter=STEPS, line_search_fn="strong_wolfe")
    chosen = F.one_hot(torch.tensor(target), scores.shape[1]).float()

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        changed = scores[real] + (inputs[real] @ row[:-1] + row[-1])[:, None] * chosen
        kept = F.cross_entropy(changed, answers[real])
        shifted = scores[own, target] + (inputs[own] + step) @ row[:-1] + row[-1]
        broken = F.softplus(shifted - rival[own] + MARGIN).mean()
        whole = 3 * kept + broken + 1e-3 * row.square().sum()
        whole.backward()
        return whole

    with torch.enable_grad():
        optimiser.step(loss)
    weight = row.detach()[:-1] / torch.from_numpy(scale).float()
    return Term(layers, weight[:, None], row.detach()[-1:], False, chosen[None], f"penalty: {heard.sentence}")


def shift(features: Features, heard: Heard, contexts: Int[np.ndarray, " pictures"]) -> Float[np.ndarray, " channels"]:
    """The sentence mapped to the layer: the mean difference that it makes within a context."""
    centred, used = within(features, heard.says | heard.opposes, heard.says, contexts)
    found: np.ndarray = centred[used & heard.says].mean(axis=0) - centred[used & ~heard.says].mean(axis=0)
    return found


WAYS: Mapping[str, Way] = {"veto": veto, "penalty": penalty}
