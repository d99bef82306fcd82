"""Metrics: how good an explanation is, each as one number with its interval and n."""

from cutaway.metrics.axioms import completeness, dummy, implementation_invariance, linearity, sensitivity
from cutaway.metrics.consistency import unit_consistency
from cutaway.metrics.faithfulness import deletion, insertion
from cutaway.metrics.legibility import Collapse, class_accuracy, collapse, contrast, exactness, object_alignment
from cutaway.metrics.localization import energy_in_mask, focus, grid_pointing, pointing_game
from cutaway.metrics.measured import Measured
from cutaway.metrics.names import constant_name, cosy, cosy_precision, simulated_auprc, simulated_correlation
from cutaway.metrics.naturalness import Naturalness, naturalness
from cutaway.metrics.noise import class_agreement, recognised, unit_agreement
from cutaway.metrics.part_removal import part_completeness, part_contrastivity, part_correctness
from cutaway.metrics.perturbed import infidelity, max_sensitivity, sensitivity_n
from cutaway.metrics.removals import Removals
from cutaway.metrics.sanity import SanityCheck, label_check, sanity_check, shuffled

__all__ = [
    "Collapse",
    "Measured",
    "Naturalness",
    "Removals",
    "SanityCheck",
    "class_accuracy",
    "class_agreement",
    "collapse",
    "completeness",
    "constant_name",
    "contrast",
    "cosy",
    "cosy_precision",
    "deletion",
    "dummy",
    "energy_in_mask",
    "exactness",
    "focus",
    "grid_pointing",
    "implementation_invariance",
    "infidelity",
    "insertion",
    "label_check",
    "linearity",
    "max_sensitivity",
    "naturalness",
    "object_alignment",
    "part_completeness",
    "part_contrastivity",
    "part_correctness",
    "pointing_game",
    "recognised",
    "sanity_check",
    "sensitivity",
    "sensitivity_n",
    "shuffled",
    "simulated_auprc",
    "simulated_correlation",
    "unit_agreement",
    "unit_consistency",
]
