"""Naming: a text encoder is coupled with a layer, units get names or the reason for none, groups are summed up."""

from cutaway.naming.captions import Captioned, negatives, read_captions
from cutaway.naming.consolidate import Consolidated, Group, consolidate
from cutaway.naming.coupling import Coupling, fit_coupling
from cutaway.naming.encoders import TextEncoder, open_encoder
from cutaway.naming.looking import look
from cutaway.naming.names import Name, UnitNames, name_units
from cutaway.naming.vocabulary import read_vocabulary

__all__ = [
    "Captioned",
    "Consolidated",
    "Coupling",
    "Group",
    "Name",
    "TextEncoder",
    "UnitNames",
    "consolidate",
    "fit_coupling",
    "look",
    "name_units",
    "negatives",
    "open_encoder",
    "read_captions",
    "read_vocabulary",
]
