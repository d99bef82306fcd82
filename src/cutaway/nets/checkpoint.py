"""Weights from a file: read without running any code, unwrapped, and checked against the network that takes them."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from cutaway.core.errors import WeightsError

SAFE, PICKLED = (".safetensors",), (".pt", ".pth", ".bin")
SUFFIXES = (*SAFE, *PICKLED)

_NESTED = ("state_dict", "model_state_dict", "model_ema", "ema_state_dict", "model", "net", "weights", "params")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
_WELL_KNOWN = (
    *("alexnet", "vgg16", "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet34", "resnet50", "resnet101"),
    *("densenet121", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t"),
)
"""Networks of torchvision that unfitting weights are compared with, so that the message can name what they fit."""


def read_weights(path: str | PathLike[str]) -> dict[str, Tensor]:
    """The tensors in a weights file by name. Pickles are read for tensors alone; one that would run code is refused."""
    where = Path(path)
    if not where.is_file():
        raise WeightsError(f"{where}: no such file; expected weights ({', '.join(SUFFIXES)}); check the path")
    if where.suffix not in SUFFIXES:
        raise WeightsError(
            f"{where} is no weights file by its name; expected {', '.join(SUFFIXES)}; try to save it as .safetensors"
        )
    try:
        if where.suffix in SAFE:
            tensors: dict[str, Tensor] = load_file(where)
            return tensors
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks on old formats; what cannot be read is raised below
            found = torch.load(where, map_location="cpu", weights_only=True)
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"{where} is no safetensors file ({error}); expected one, whole; try to save it again"
        ) from None
    except pickle.UnpicklingError:
        raise WeightsError(
            f"{where} is a pickle that holds more than tensors, so that reading it could run code; expected tensors "
            "alone; try to save module.state_dict() as .safetensors where you trust the file"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{where} cannot be read ({reason}); expected weights; try another copy") from None
    return _unwrapped(found, where)


def load_weights(module: nn.Module, path: str | PathLike[str]) -> None:
    """Puts the weights in the file into the network; a WeightsError that counts what differs if they do not fit it."""
    wanted = module.state_dict()
    given = _without_prefix(read_weights(path), wanted)
    missing = [name for name in wanted if name not in given and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in given if name not in wanted]
    misshaped = [name for name in given if name in wanted and given[name].shape != wanted[name].shape]
    if missing or unexpected or misshaped:
        raise WeightsError(_misfit(module, path, given, missing, unexpected, misshaped))
    module.load_state_dict(given, strict=False)


def _unwrapped(found: object, where: Path) -> dict[str, Tensor]:
    """The state dict within what a training script saved."""
    if isinstance(found, Mapping):
        tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
        if tensors and not any(isinstance(found.get(key), Mapping) for key in _NESTED):
            return tensors
        for key in _NESTED:
            if isinstance(found.get(key), Mapping):
                return _unwrapped(found[key], where)
    held = f"keys {', '.join(map(str, list(found)[:4]))}" if isinstance(found, Mapping) else f"a {type(found).__name__}"
    raise WeightsError(f"{where} holds {held}; expected named tensors; try to save module.state_dict()")


def _without_prefix(given: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights without what a wrapper (parallel, compiled, a trainer's `model.`) put before every name."""
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in given) and not any(name.startswith(prefix) for name in wanted):
            return _without_prefix({name.removeprefix(prefix): given[name] for name in given}, wanted)
    return given


def _misfit(
    module: nn.Module,
    path: str | PathLike[str],
    given: Mapping[str, Tensor],
    missing: list[str],
    unexpected: list[str],
    misshaped: list[str],
) -> str:
    wanted = module.state_dict()
    faults = [
        f"{len(names)} {kind} ({', '.join(names[:2])}{', ...' if len(names) > 2 else ''})"
        for kind, names in (("missing", missing), ("unexpected", unexpected))
        if names
    ]
    if misshaped:
        name = misshaped[0]
        shapes = f"{name} {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        faults.append(f"{len(misshaped)} of another shape ({shapes})")
    fitting = next(_networks_that_fit(given), None)
    return (
        f"{path} does not fit {type(module).__name__}: of {len(wanted)} tensors {', '.join(faults)}; "
        + (f"expected weights of this very network; they seem to fit {fitting}; " if fitting else "")
        + ("try that model" if fitting else "expected weights of this very network; try another model or file")
    )


def _networks_that_fit(given: Mapping[str, Tensor]) -> Iterator[str]:
    """Names of well-known networks with just these tensors; the class count may differ."""
    from cutaway.nets.zoo import ZOO  # only here: the zoo is needed for a message alone

    with torch.device("meta"):
        for name, entry in ZOO.items():
            if _alike(entry.build(), given):
                yield name
        torchvision = sys.modules.get("torchvision")
        for name in _WELL_KNOWN if torchvision else ():
            if _alike(torchvision.models.get_model(name, weights=None), given):  # type: ignore[union-attr]
                yield f"torchvision:{name}"


def _alike(module: nn.Module, given: Mapping[str, Tensor]) -> bool:
    wanted = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    others = sum(name not in given or given[name].shape[1:] != value.shape[1:] for name, value in wanted.items())
    return others == 0 and all(name in wanted or name.endswith("num_batches_tracked") for name in given)
