"""Guide: sentences that shape a network: a new filter, a class that must not fire on what is said, a cue to ignore."""

from cutaway.training.guide.effects import SideEffects, side_effects
from cutaway.training.guide.filters import SentenceFilter, sentence_filter
from cutaway.training.guide.forbid import WAYS, forbid
from cutaway.training.guide.guided import Guided, Term, guided, load_terms, save_terms, together
from cutaway.training.guide.ignore import ignore, linear_head
from cutaway.training.guide.imagine import imagine
from cutaway.training.guide.sentence import GuideError, Heard, hear

__all__ = [
    "WAYS",
    "GuideError",
    "Guided",
    "Heard",
    "SentenceFilter",
    "SideEffects",
    "Term",
    "forbid",
    "guided",
    "hear",
    "ignore",
    "imagine",
    "linear_head",
    "load_terms",
    "save_terms",
    "sentence_filter",
    "side_effects",
    "together",
]
