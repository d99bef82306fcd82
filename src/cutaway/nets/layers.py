"""The layer table of a network: what its modules are, in the order in which data passes them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cutaway.core.errors import LayerError, suggestion
from cutaway.nets.outputs import first_tensor


@dataclass(frozen=True)
class LayerInfo:
    """One layer: its dotted name, its class, the shape of its (first) output for one picture without the batch axis,
    how often it is called in one pass, the number of its parameters, and whether no other layer is called inside it."""

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


_tables: weakref.WeakKeyDictionary[nn.Module, tuple[object, tuple[LayerInfo, ...]]] = weakref.WeakKeyDictionary()


def layer_table(module: nn.Module, run: Callable[[], object], shape: tuple[int, ...]) -> tuple[LayerInfo, ...]:
    """The layers that `run()` passes, remembered until the module's parts or the shape of its input change."""
    _check_visible(module)
    signature = (shape, tuple((name, id(layer)) for name, layer in module.named_modules()))
    known = _tables.get(module)
    if known is not None and known[0] == signature:
        return known[1]
    with torch.no_grad():
        table = observe_layers(module, run)
    _tables[module] = (signature, table)
    return table


def observe_layers(module: nn.Module, run: Callable[[], object]) -> tuple[LayerInfo, ...]:
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
    called_by = {name.rpartition(".")[0] for name in shapes}
    parents = {".".join(name.split(".")[:depth]) for name in called_by for depth in range(1, name.count(".") + 2)}
    return tuple(
        LayerInfo(
            name=name,
            kind=type(modules[name]).__name__,
            shape=shape,
            calls=calls[name],
            parameters=sum(parameter.numel() for parameter in modules[name].parameters()),
            leaf=name not in parents,
        )
        for name, shape in shapes.items()
    )


def _check_visible(module: nn.Module) -> None:
    if isinstance(module, torch.jit.ScriptModule):
        raise LayerError(
            f"{type(module).__name__} is scripted or traced by TorchScript, which runs its layers out of sight; "
            "expected an eager torch.nn.Module; try the network that it was made from"
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
