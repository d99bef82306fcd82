"""The layer table of a network: what its modules are, in the order in which data passes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from cutaway.core.errors import LayerError, suggestion
from cutaway.nets.outputs import first_tensor


@dataclass(frozen=True)
class LayerInfo:
    """One layer: its dotted name, its class, the shape of its (first) output for one picture without the batch axis,
    how often it is called in one pass, the number of its parameters, and whether it has layers inside it."""

    name: str
    kind: str
    shape: tuple[int, ...]
    calls: int
    parameters: int
    leaf: bool

    @property
    def names(self) -> tuple[str, ...]:
        """How its outputs are addressed: the bare name, or `name#k` for each call where there are several."""
        return (self.name,) if self.calls == 1 else tuple(f"{self.name}#{call}" for call in range(self.calls))


def observe_layers(module: nn.Module, run: Any) -> tuple[LayerInfo, ...]:
    """The layers that `run()` passes, by the order in which they finish first.

    Layers that are never called (their weights are used by a parent, say) or that return no tensor are left out.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    calls: dict[str, int] = {}
    modules = {name: layer for name, layer in module.named_modules() if name}

    def note(name: str) -> Any:
        def hook(layer: nn.Module, inputs: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if isinstance(tensor, Tensor):
                shapes.setdefault(name, tuple(tensor.shape[1:]))
                calls[name] = calls.get(name, 0) + 1

        return hook

    handles = [layer.register_forward_hook(note(name)) for name, layer in modules.items()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return tuple(
        LayerInfo(
            name=name,
            kind=type(modules[name]).__name__,
            shape=shape,
            calls=calls[name],
            parameters=sum(parameter.numel() for parameter in modules[name].parameters()),
            leaf=not any(True for _ in modules[name].children()),
        )
        for name, shape in shapes.items()
    )


def find_layer(layer: str, table: tuple[LayerInfo, ...], model_name: str) -> LayerInfo:
    """The layer of that name; a LayerError that says which there are, or which call of it has to be named."""
    bare, _, call = layer.partition("#")
    for info in table:
        if info.name == bare:
            if info.calls > 1 and not call:
                raise LayerError(
                    f'layer "{layer}" of {model_name} is called {info.calls} times in one pass; '
                    f"expected one call; try {', '.join(info.names[:3])}{', ...' if info.calls > 3 else ''}"
                )
            if call and not (call.isdigit() and int(call) < info.calls):
                raise LayerError(
                    f'no call "{layer}" in {model_name}: {bare} is called {info.calls} times; try {info.names[-1]}'
                )
            return info
    if not table:
        raise LayerError(f'no layer "{layer}" in {model_name}: it has no layers; expected a network of submodules')
    raise LayerError(
        f'no layer "{layer}" in {model_name} (it has {len(table)} layers, {table[0].name} to {table[-1].name})'
        f"{suggestion(layer, [info.name for info in table])}"
    )
