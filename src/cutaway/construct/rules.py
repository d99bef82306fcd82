"""Plain-coded nodes: a pure function of arrays, checked by its syntax tree and run in a process with limits."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cutaway.construct.networks import Spec
from cutaway.core.errors import ProjectError

FUNCTION = "compose"
LONGEST = 4_000  # characters; a rule that is longer is no rule
SECONDS = 20
MEMORY = 2 << 30

_ALLOWED = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign, ast.Expr, ast.Name,
    ast.Load, ast.Store, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call,
    ast.keyword, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Starred,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
"""No loops, no imports, no comprehensions, no lambdas: a rule always ends, and its cost can be read off it."""

_ARRAYS = frozenset(
    [
        "maximum",
        "minimum",
        "max",
        "min",
        "mean",
        "sum",
        "clip",
        "where",
        "roll",
        "exp",
        "log",
        "sqrt",
        "abs",
        "stack",
        "zeros_like",
        "ones_like",
        "logical_and",
        "logical_or",
        "logical_not",
        "float32",
        "shape",
        "ndim",
        "T",
        "astype",
        "pad",
    ]
)
_FILTERS = frozenset(
    [
        "maximum_filter",
        "minimum_filter",
        "uniform_filter",
        "gaussian_filter",
        "shift",
        "convolve",
        "correlate",
        "binary_dilation",
        "binary_erosion",
        "binary_fill_holes",
    ]
)
_BUILTINS = frozenset({"min", "max", "abs", "float", "int", "len", "range"})

_RUNNER = """
import io
import resource
import sys
import numpy as np
from scipy import ndimage
source, inputs, answer = sys.argv[1:]
maps = np.load(inputs, allow_pickle=False)
text = open(source, encoding="utf-8").read()
plain = {each.__name__: each for each in (min, max, abs, float, int, len, range)}
names = {"np": np, "ndimage": ndimage, "__builtins__": plain}
resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)) if hasattr(resource, "RLIMIT_NPROC") else None
out = open(answer, "wb")
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
exec(compile(text, "rule", "exec"), names)
buffer = io.BytesIO()
np.save(buffer, np.asarray(names["compose"](maps), dtype=np.float32), allow_pickle=False)
out.write(buffer.getvalue())
out.close()
""".replace("SECONDS", str(SECONDS)).replace("MEMORY", str(MEMORY))


@dataclass(frozen=True)
class Rule:
    """A checked rule. It is given its children's chances (n, children, grid, grid) and answers with its own."""

    source: str
    spec: Spec

    def __call__(self, maps: Float[Tensor, "n children grid grid"]) -> Float[Tensor, "n 1 grid grid"]:
        """The rule's map as logits, so that it reads like any other node's."""
        chances = torch.from_numpy(run(self.source, maps.numpy()))[:, None]
        return torch.logit(chances.clamp(1e-4, 1 - 1e-4))


def read(path: Path, spec: Spec) -> Rule:
    """The rule in a file. Raises ProjectError that says what in it is not allowed."""
    if not path.is_file() or path.is_symlink():
        raise ProjectError(f"no rules/{path.name}; expected a file with the function {FUNCTION}(maps)")
    source = path.read_text(encoding="utf-8")
    check(source)
    return Rule(source, spec)


def check(source: str) -> None:
    """Whether a source is one pure function of arrays; a ProjectError names the line that is not."""
    if len(source) > LONGEST:
        raise ProjectError(f"a rule of {len(source):,} characters; expected at most {LONGEST:,}")
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError) as fault:
        raise ProjectError(f"a rule that is no Python ({fault}); expected one function {FUNCTION}(maps)") from None
    bodies = [each for each in module.body if not _is_text(each)]
    if len(bodies) != 1 or not isinstance(bodies[0], ast.FunctionDef) or bodies[0].name != FUNCTION:
        raise ProjectError(f"a rule of {len(bodies)} statements; expected one function {FUNCTION}(maps)")
    function = bodies[0]
    if function.decorator_list or len(function.args.args) != 1 or function.args.defaults:
        raise ProjectError(f"{FUNCTION} takes more than the maps; expected {FUNCTION}(maps) without decorators")
    for node in ast.walk(module):
        _check_node(node)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _check_node(node: ast.AST) -> None:
    line = getattr(node, "lineno", 0)
    if not isinstance(node, _ALLOWED):
        raise ProjectError(
            f"line {line} of a rule uses {type(node).__name__}; "
            "expected assignments and calculations with np and ndimage"
        )
    if isinstance(node, ast.Attribute) and node.attr not in _ARRAYS | _FILTERS:
        raise ProjectError(f'line {line} of a rule uses "{node.attr}"; expected one of {", ".join(sorted(_ARRAYS))}')
    if isinstance(node, ast.Name) and node.id.startswith("_"):
        raise ProjectError(f'line {line} of a rule uses "{node.id}"; expected names without leading underscores')
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.LShift):
        raise ProjectError(f"line {line} of a rule raises to powers; expected products (numbers must stay small)")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _BUILTINS:
        raise ProjectError(
            f'line {line} of a rule calls "{node.func.id}"; expected np, ndimage or {", ".join(_BUILTINS)}'
        )


def run(source: str, maps: Float[np.ndarray, "n children grid grid"]) -> Float[np.ndarray, "n grid grid"]:
    """What the rule answers, from a process of its own without files, network or time to waste."""
    check(source)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rule.py").write_text(source, encoding="utf-8")
        np.save(folder / "maps.npy", maps)
        command = [sys.executable, "-I", "-c", _RUNNER, "rule.py", "maps.npy", "answer.npy"]
        quiet = {"PATH": os.defpath, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=quiet, capture_output=True, text=True, timeout=4 * SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ProjectError(f"a rule ran longer than {SECONDS} seconds; expected less; make it simpler") from None
        if done.returncode:
            said = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
            raise ProjectError(f"a rule failed ({said[:120]}); expected an array of {maps.shape[0]} maps")
        answer: np.ndarray = np.load(folder / "answer.npy", allow_pickle=False)
    wanted = (maps.shape[0], *maps.shape[2:])
    if answer.shape != wanted or not np.isfinite(answer).all():
        raise ProjectError(f"a rule answered with shape {answer.shape}; expected {wanted} finite numbers in [0, 1]")
    return answer
