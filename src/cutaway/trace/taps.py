"""Taps: functions on the outputs of layers while a network runs. The one mechanism behind capture and edit."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

from torch import Tensor, nn

from cutaway.core.errors import LayerError, suggestion
from cutaway.nets.outputs import first_tensor, with_first_tensor

Tap: TypeAlias = "Callable[[Tensor], Tensor | None]"
"""Sees a layer's output; what it returns (if anything) flows on in its place."""

overwritten: weakref.WeakKeyDictionary[nn.Module, set[str]] = weakref.WeakKeyDictionary()
"""Layers of each module whose output a later operation was seen to change in place."""


@contextmanager
def taps(module: nn.Module, table: Mapping[str, Tap]) -> Iterator[None]:
    """Every tap sees its layer's output in every pass inside the block; no hook is left after it.

    A layer is named as in `named_modules()`, or `name#k` for its k-th call in each pass of `module`.
    """
    wanted: dict[str, dict[int | None, Tap]] = {}
    for name, tap in table.items():
        bare, _, call = name.partition("#")
        wanted.setdefault(bare, {})[int(call) if call else None] = tap
    layers = dict(module.named_modules())
    counts: dict[str, int] = {}

    def reset(*_: Any) -> None:
        counts.clear()

    with ExitStack() as stack:
        stack.callback(module.register_forward_pre_hook(reset).remove)
        for bare, calls in wanted.items():
            if bare not in layers:
                raise LayerError(
                    f'no layer "{bare}" in {type(module).__name__}; expected a name of its named_modules()'
                    f"{suggestion(bare, [name for name in layers if name])}"
                )
            stack.callback(layers[bare].register_forward_hook(_hook(bare, calls, counts)).remove)
        yield


def _hook(bare: str, calls: Mapping[int | None, Tap], counts: dict[str, int]) -> Any:
    def hook(layer: nn.Module, inputs: Any, output: Any) -> Any:
        call = counts.get(bare, 0)
        counts[bare] = call + 1
        changed = False
        for wanted in (call, None):
            tensor = first_tensor(output) if wanted in calls else None
            value = None if tensor is None else calls[wanted](tensor)
            if value is not None:
                output, changed = with_first_tensor(output, value), True
        return output if changed else None

    return hook
