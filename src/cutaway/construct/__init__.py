"""Constructable recognisers: an ontology of visible parts, one shallow network each, merged by pull requests."""

from cutaway.construct.annotators import ANNOTATORS, Annotator, Observation, annotator
from cutaway.construct.changes import diff
from cutaway.construct.demonstration import demo, start
from cutaway.construct.figures import Figures, measure
from cutaway.construct.findings import lint
from cutaway.construct.gates import examine
from cutaway.construct.growing import train, train_many
from cutaway.construct.leakage import leaks
from cutaway.construct.lighting import light
from cutaway.construct.materials import material
from cutaway.construct.mending import refactor
from cutaway.construct.ontology import Node, Ontology
from cutaway.construct.operations import Operation, apply
from cutaway.construct.project import Project, open_project
from cutaway.construct.promotion import promote
from cutaway.construct.requests import check, merge, open_request, revert, review
from cutaway.construct.segments import SEGMENTERS, Segment
from cutaway.construct.tree import Recogniser, Tree, grown, maps

__all__ = [
    "ANNOTATORS",
    "SEGMENTERS",
    "Annotator",
    "Figures",
    "Node",
    "Observation",
    "Ontology",
    "Operation",
    "Project",
    "Recogniser",
    "Segment",
    "Tree",
    "annotator",
    "apply",
    "check",
    "demo",
    "diff",
    "examine",
    "grown",
    "leaks",
    "light",
    "lint",
    "maps",
    "material",
    "measure",
    "merge",
    "open_project",
    "open_request",
    "promote",
    "refactor",
    "revert",
    "review",
    "start",
    "train",
    "train_many",
]
