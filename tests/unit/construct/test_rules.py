"""Plain-coded nodes: what may stand in them, and that they can do nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cutaway.construct import rules
from cutaway.construct.networks import Spec
from cutaway.core.errors import ProjectError

BOTH = '''
def compose(maps):
    """Petals near a disk."""
    petals = ndimage.maximum_filter(maps[:, 0], size=(1, 3, 3))
    return np.minimum(petals, maps[:, 1])
'''


def test_a_rule_computes_what_it_says() -> None:
    maps = np.random.default_rng(0).random((3, 2, 8, 8), dtype=np.float32)
    found = rules.run(BOTH, maps)
    padded = np.pad(maps[:, 0], ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    slow = np.array([[[padded[n, y : y + 3, x : x + 3].max() for x in range(8)] for y in range(8)] for n in range(3)])
    assert np.allclose(found, np.minimum(slow, maps[:, 1]))
    rule = rules.Rule(BOTH, Spec(form="rule", inputs=("petals", "disk")))
    assert torch.allclose(rule(torch.from_numpy(maps)).sigmoid()[:, 0], torch.from_numpy(found), atol=1e-3)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os\ndef compose(maps):\n    return maps[:, 0]", "of 2 statements; expected one function"),
        ("def compose(maps):\n    import os\n    return maps[:, 0]", "line 2 of a rule uses Import"),
        ("def compose(maps):\n    return open('/etc/passwd')", 'line 2 of a rule calls "open"'),
        ("def compose(maps):\n    return np.load('x.npy')", 'line 2 of a rule uses "load"'),
        ("def compose(maps):\n    return np.fromfile('x')", 'uses "fromfile"'),
        ("def compose(maps):\n    return maps.__class__", 'uses "__class__"'),
        ("def compose(maps):\n    return np.ctypeslib", 'uses "ctypeslib"'),
        ("def compose(maps):\n    return __builtins__", 'uses "__builtins__"'),
        ("def compose(maps):\n    while True:\n        x = 1", "uses While"),
        ("def compose(maps):\n    return [m for m in maps]", "uses ListComp"),
        ("def compose(maps):\n    return (lambda: maps)()", "uses Lambda"),
        ("def compose(maps):\n    return 9 ** 9 ** 9 ** 9", "uses Pow|raises to powers"),
        ("def compose(maps):\n    return eval('maps')", 'calls "eval"'),
        ("def compose(maps, more):\n    return maps", "takes more than the maps"),
        ("@print\ndef compose(maps):\n    return maps", "without decorators"),
        ("def other(maps):\n    return maps", "expected one function compose"),
        ("def compose(maps:\n", "is no Python"),
        ("def compose(maps):\n    return f'{maps}'", "uses JoinedStr"),
        ("x" * 5000, "a rule of 5,000 characters"),
    ],
)
def test_what_is_no_pure_function_is_refused_before_it_runs(source: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        rules.check(source)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("maps[:, 9]", "a rule failed"),
        ("maps", r"answered with shape \(2, 2, 4, 4\)"),
        ("maps[:, 0] / 0.0", "answered with shape|finite"),
        ("np.zeros_like(np.pad(maps, 9999))", "a rule failed"),
    ],
)
def test_a_rule_that_fails_says_so(body: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        rules.run(f"def compose(maps):\n    return {body}\n", np.ones((2, 2, 4, 4), dtype=np.float32))
