"""Metrics: how good an explanation is, each as one number with its interval and n."""

from cutaway.metrics.measured import Measured
from cutaway.metrics.sanity import SanityCheck, sanity_check, shuffled

__all__ = ["Measured", "SanityCheck", "sanity_check", "shuffled"]
