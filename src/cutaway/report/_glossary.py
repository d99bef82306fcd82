"""The page's words, each explained in plain language; a term on the page opens its entry."""

from __future__ import annotations

GLOSSARY: dict[str, tuple[str, str]] = {
    "logit": (
        "Logit",
        "The network's raw score for a class, before scores are turned into probabilities. "
        "One logit more makes a class e ≈ 2.7 times as likely, measured against the others.",
    ),
    "margin": (
        "Margin",
        "How many logits the explained class is ahead of the class it is compared with. "
        "At zero the two are tied; below zero the other one wins.",
    ),
    "map": (
        "Attribution map",
        "A picture that gives each place of the input its share in the score. Different methods divide the score "
        "in different ways, so what several of them agree on deserves more trust than any one of them.",
    ),
    "gap": (
        "Completeness gap",
        "The shares of a map should add up to the difference in score that they explain. "
        "The gap is what is missing or too much: small is good.",
    ),
    "sanity": (
        "Check with random weights",
        "The same method is run on the same network with its weights replaced by random ones. "
        "If the map stays the same, it shows the picture and not what the network learned. "
        "The figure is the correlation of both maps: near 0 is good, near 1 is bad.",
    ),
    "layer": (
        "Layer and channel",
        "A network looks at a picture in steps, its layers. Each layer holds many channels; "
        "a channel is one detector that is moved over all places, and answers at each how strongly it fires.",
    ),
    "visualization": (
        "Visualization",
        "A picture made from noise so that it excites one channel as much as possible: "
        "what the channel is looking for, as far as one picture can tell. No photograph went into it.",
    ),
    "estimate": (
        "Estimated contribution",
        "How much the channel should matter to the margin if the rest of the network were a straight line: "
        "gradient × activation, added up over all places. Cheap to compute for every channel, but an estimate.",
    ),
    "ablation": (
        "Measured contribution",
        "The channel is switched off (set to zero everywhere), and the network is run again. "
        "What the margin loses is what the channel really gave. The network never met a picture "
        "with that channel missing, so even this is one experiment and not the whole truth.",
    ),
    "rank": (
        "Rank correlation",
        "Do two lists put things in the same order? 1 means the same order, 0 no relation, −1 the reverse.",
    ),
    "dictionary": (
        "Semantic dictionary",
        "What the network holds about one place of the picture, spelled out: "
        "the channels that fire there most, each shown by its visualization.",
    ),
    "grid": (
        "Activation grid",
        "For each place of the layer, a picture that excites the same mixture of channels as this photograph "
        "does there; larger where the layer fires more.",
    ),
    "seed": (
        "Seed",
        "The number that all randomness starts from. With the same seed the same figures and pictures come out again.",
    ),
}
