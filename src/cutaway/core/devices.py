"""Where a network runs, and at what precision it runs fastest there."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext

import torch

from cutaway.core.errors import OptionError

PRECISIONS = ("auto", "float32", "bfloat16")


def device(name: str | torch.device | None = None) -> torch.device:
    """The device of that name, or the CPU; an OptionError where this machine has none such."""
    try:
        found = torch.device(name or "cpu")
    except RuntimeError:
        raise OptionError(f'no device "{name}"; expected cpu, cuda, cuda:N or mps; try cpu') from None
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(found.type, False):
        usable = ", ".join(kind for kind, there in available.items() if there)
        raise OptionError(f'device "{name}" is not available here; expected one of {usable}; try --device cpu')
    return found


@functools.cache
def fast_bfloat16(kind: str) -> bool:
    """Whether bfloat16 is quicker than float32 there: tensor cores, or a CPU with AMX or AVX-512 BF16 tiles."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return kind == "cpu" and bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def autocast(where: torch.device, precision: str = "auto") -> AbstractContextManager[object]:
    """The context in which a forward pass runs at the given precision."""
    if precision not in PRECISIONS:
        raise OptionError(f'no precision "{precision}"; expected one of {", ".join(PRECISIONS)}')
    if precision == "float32" or (precision == "auto" and not fast_bfloat16(where.type)):
        return nullcontext()
    return torch.autocast(where.type, dtype=torch.bfloat16)
