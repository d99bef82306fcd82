"""Words that ontologies are made of: which mean the same, and which name no part but a state or a relation."""

from __future__ import annotations

import re

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "petal flowerpetal bloomleaf",
        "stem stalk",
        "leaf foliage blade_leaf frond",
        "disk disc centre center middle core",
        "calyx cup",
        "blossom bloom flower_head flowerhead",
        "beak bill",
        "wing pinion",
        "leg limb",
        "wheel tyre tire",
        "window pane",
        "roof rooftop",
        "tower turret spire steeple",
        "round circular rounded",
        "slender thin slim narrow",
        "straight upright",
        "bowed bent curved arched",
        "large big",
        "small little tiny",
        "red crimson scarlet",
        "yellow golden gold",
        "purple violet",
        "grey gray",
        "striped stripy",
        "spotted dotted speckled",
    )
)

STATES = frozenset(
    [
        "open",
        "closed",
        "wet",
        "dry",
        "moving",
        "flying",
        "swimming",
        "standing",
        "sitting",
        "blooming",
        "wilting",
        "broken",
        "visible",
        "hidden",
        "occluded",
        "blurred",
        "blurry",
        "lit",
        "shaded",
        "dark",
        "bright",
        "facing",
        "turned",
        "leaning",
        "growing",
        "resting",
        "empty",
        "full",
        "missing",
        "absent",
    ]
)
RELATIONS = frozenset(
    [
        "above",
        "below",
        "beside",
        "behind",
        "before",
        "between",
        "near",
        "inside",
        "outside",
        "left",
        "right",
        "around",
        "touching",
        "attached",
        "on_top",
        "next_to",
        "in_front",
        "overlapping",
        "surrounding",
    ]
)
FILLERS = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "with",
        "its",
        "and",
        "s",
        "part",
        "area",
        "region",
        "kind",
        "type",
        "shaped",
        "coloured",
        "colored",
        "like",
    ]
)


def stem(word: str) -> str:
    """A word without the ending of its plural."""
    irregular = {"leaves": "leaf", "petals": "petal", "discs": "disc", "feet": "foot", "halves": "half"}
    if word in irregular:
        return irregular[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


def meaning(text: str) -> frozenset[str]:
    """What a name says, whatever words it says it in and in whatever order: one word for each group of synonyms."""
    words = [stem(word) for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
    return frozenset(_representative(word) for word in words if word not in FILLERS)


def _representative(word: str) -> str:
    for group in SYNONYMS:
        if word in group:
            return min(group)
    return word


def poses_as(text: str) -> str | None:
    """ "state" or "relation" where a name is no name of a part: what is so, or where, and not what is there."""
    words = [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word and word not in FILLERS]
    joined = f"_{'_'.join(words)}_"
    related = {relation for relation in RELATIONS if f"_{relation}_" in joined}
    # "left wing" is a part that is told apart by its side; "left of wing" is a relation.
    sided = related <= {"left", "right"} and len(words) > 1 and " of " not in text.replace("_", " ")
    if related and not sided:
        return "relation"
    return "state" if any(word in STATES for word in words) else None
