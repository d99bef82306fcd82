"""Metrics: how good an explanation is, each as one number with its interval and n."""

from cutaway.metrics.axioms import completeness, dummy, implementation_invariance, linearity, sensitivity
from cutaway.metrics.faithfulness import deletion, insertion
from cutaway.metrics.localization import energy_in_mask, focus, grid_pointing, pointing_game
from cutaway.metrics.measured import Measured
from cutaway.metrics.names import cosy, cosy_precision, simulated_auprc, simulated_correlation
from cutaway.metrics.part_removal import part_completeness, part_contrastivity, part_correctness
from cutaway.metrics.perturbed import infidelity, max_sensitivity, sensitivity_n
from cutaway.metrics.removals import Removals
from cutaway.metrics.sanity import SanityCheck, label_check, sanity_check, shuffled

__all__ = [
    "Measured",
    "Removals",
    "SanityCheck",
    "completeness",
    "cosy",
    "cosy_precision",
    "deletion",
    "dummy",
    "energy_in_mask",
    "focus",
    "grid_pointing",
    "implementation_invariance",
    "infidelity",
    "insertion",
    "label_check",
    "linearity",
    "max_sensitivity",
    "part_completeness",
    "part_contrastivity",
    "part_correctness",
    "pointing_game",
    "sanity_check",
    "sensitivity",
    "sensitivity_n",
    "shuffled",
    "simulated_auprc",
    "simulated_correlation",
]
