"""Flow: which layer or function made each tensor of a pass, and which ones read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.weak import WeakIdKeyDictionary

from cutaway.nets.layers import LayerInfo
from cutaway.nets.outputs import scores_of

INPUT, OUTPUT = "input", "output"

MOVES = frozenset(
    (
        *("view", "reshape", "flatten", "unflatten", "permute", "transpose", "t", "T", "mT", "H", "mH", "swapaxes"),
        *("swapdims", "movedim", "moveaxis", "squeeze", "unsqueeze", "expand", "expand_as", "view_as"),
        *("reshape_as", "contiguous", "clone", "detach", "to", "type", "type_as", "float", "half", "bfloat16"),
        *("double", "cpu", "cuda", "chunk", "split", "tensor_split", "unbind", "select", "narrow", "getitem"),
        *("repeat", "repeat_interleave", "tile", "roll", "flip", "unfold", "data", "real", "requires_grad"),
        *("alias", "as_strided", "broadcast_to", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
        *("as_subclass", "dropout", "gather", "index_select", "take_along_dim"),
    )
)
"""Functions that only move numbers, so that what comes out still comes from the same node."""


@dataclass(frozen=True)
class Step:
    """One call of a layer (by its own name) or of a function: its class or name, the shape of its first result, and
    the numbers of the steps that it reads; 0 is the input, the first step is 1."""

    name: str
    kind: str
    layer: bool
    shape: tuple[int, ...]
    reads: tuple[int, ...]


class Flow(TorchFunctionMode):
    """While it is active over one pass of the module, it notes the steps in the order in which they finish."""

    def __init__(self, module: nn.Module, table: Sequence[LayerInfo]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.reached: tuple[int, ...] = ()
        self.answer: tuple[int, ...] = ()
        self._made_by = WeakIdKeyDictionary()
        self._module = module
        self._leaves = {info.name: info for info in table if info.leaf}
        self._calls: Counter[str] = Counter()
        self._containers: list[str] = []
        self._entered: list[tuple[tuple[int, ...], list[tuple[Tensor, int]]]] = []  # leaves that are running
        self._hooks = ExitStack()

    def edges(self) -> list[tuple[int, int]]:
        """Pairs of steps, the first of which the second reads; 0 is the input, one more than the last the output."""
        edges = [(start, end) for end, step in enumerate(self.steps, start=1) for start in step.reads]
        return edges + [(start, len(self.steps) + 1) for start in self.reached]

    def __enter__(self) -> Flow:
        for name, layer in self._module.named_modules():
            before, after = self._at_leaf(name) if name in self._leaves else self._at_container(name)
            self._hooks.callback(layer.register_forward_pre_hook(before, with_kwargs=True).remove)
            self._hooks.callback(layer.register_forward_hook(after).remove)
        super().__enter__()  # type: ignore[no-untyped-call]  # torch's own has no annotations
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)  # type: ignore[no-untyped-call]  # likewise
        self._hooks.close()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = [] if self._entered else list(_tensors((args, kwargs)))
        reads, versions = self._read(given), [value._version for value in given]
        result = func(*args, **(kwargs or {}))
        if not reads:
            return result
        written = [value for value, version in zip(given, versions, strict=True) if value._version != version]
        made = [value for value in _tensors(result) if all(value is not other for other in given)]
        name = bare_name(func)
        if written or (made and not (name in MOVES and len(reads) == 1)):
            inside = f"{self._containers[-1]}." if self._containers[-1:] > [""] else ""
            self._step(f"{inside}{name}()", name, False, made or written, reads, written)
        else:
            self._note(made, reads[0])
        return result

    def _step(
        self, name: str, kind: str, layer: bool, made: Sequence[Tensor], reads: tuple[int, ...], written: list[Tensor]
    ) -> None:
        self.steps.append(Step(name, kind, layer, tuple(made[0].shape[1:]), reads))
        through = [value._base for value in written if value._base is not None]  # a view writes into its base
        self._note([*made, *written, *through], len(self.steps))

    def _note(self, made: Sequence[Tensor], step: int) -> None:
        for tensor in made:
            self._made_by[tensor] = step

    def _read(self, values: Any) -> tuple[int, ...]:
        steps = (self._made_by.get(value) for value in _tensors(values))
        return tuple(dict.fromkeys(step for step in steps if step is not None))

    def _at_leaf(self, name: str) -> tuple[Any, Any]:
        info = self._leaves[name]

        def before(layer: nn.Module, args: Any, kwargs: Any) -> None:
            given = list(_tensors((args, kwargs)))
            reads = () if self._entered else self._read(given)
            self._entered.append((reads, [(value, value._version) for value in given]))

        def after(layer: nn.Module, args: Any, output: Any) -> Any:
            reads, given = self._entered[-1]
            written = [value for value, version in given if value._version != version]
            untouched = any(value is output for value, version in given if value._version == version)
            result = output.view_as(output) if untouched else output  # so that it can be told from what went in
            self._entered.pop()
            made = list(_tensors(result))
            if made and not self._entered:
                called = name if info.calls == 1 else f"{name}#{self._calls[name]}"
                self._step(called, info.kind, True, made, reads, written)
                self._calls[name] += 1
            return result

        return before, after

    def _at_container(self, name: str) -> tuple[Any, Any]:
        def before(layer: nn.Module, args: Any, kwargs: Any) -> None:
            if layer is self._module:
                self._note(list(_tensors((args, kwargs))), 0)
            self._containers.append(name)

        def after(layer: nn.Module, args: Any, output: Any) -> None:
            self._containers.pop()
            if layer is self._module:
                scores = scores_of(output, len(next(_tensors(args))))
                self.reached, self.answer = self._read([scores]), tuple(scores.shape[1:])

        return before, after


def bare_name(func: Any) -> str:
    """A function's name as one would write it: `add` for torch.add, x.add_, x + y and x += y."""
    name: str = (resolve_name(func) or getattr(func, "__name__", type(func).__name__)).rpartition(".")[2]
    if name == "__get__":  # of a property, such as x.T
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    bare = name.strip("_")
    return _OPERATORS.get(bare, bare) if name.startswith("__") else bare


_OPERATORS = {
    f"{prefix}{operator}": plain
    for operator, plain in {
        **{each: each for each in ("add", "sub", "mul", "matmul", "pow", "mod", "and", "or", "xor")},
        "truediv": "div",
        "floordiv": "floor_divide",
    }.items()
    for prefix in ("", "r", "i")
}


def _tensors(values: Any) -> Iterator[Tensor]:
    """All tensors within nested arguments or results."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from _tensors(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors(value)
