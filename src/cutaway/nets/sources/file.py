"""A user's own network: `path/to/file.py:factory`, where factory is a function without arguments, or a network."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from cutaway.core.errors import CutawayError, ModelError, suggestion
from cutaway.nets.model import Model
from cutaway.nets.sources.request import Request, seeded


def load(request: Request) -> Model:
    """What the factory makes: a torch module, or a Model that says more. The file is run, so it has to be trusted."""
    with seeded():
        made = _made(named(request.name), request)
    model = made if isinstance(made, Model) else Model(made)
    model.name = model.name if isinstance(made, Model) else type(made).__name__
    return model


def named(spec: str) -> Any:
    """What stands under a name in a file of the user's, `FILE.py:NAME`. The file is run, so it has to be trusted."""
    path, _, name = spec.rpartition(":")
    where = Path(path).expanduser()
    if not where.is_file():
        raise ModelError(f"{where}: no such file; expected FILE.py:FACTORY; check the path")
    return _attribute(_run(where), name, where)


def _run(where: Path) -> ModuleType:
    """The file as a module; it may import its neighbours, as it could if it were run itself."""
    name = f"_cutaway_file_{hashlib.sha256(str(where.resolve()).encode()).hexdigest()[:12]}"
    plan = importlib.util.spec_from_file_location(name, where)
    if plan is None or plan.loader is None:
        raise ModelError(f"{where} cannot be run as Python; expected a .py file")
    module = importlib.util.module_from_spec(plan)
    sys.modules[name] = module  # dataclasses and pickles in the file look themselves up here
    folder = str(where.resolve().parent)
    sys.path.insert(0, folder)
    try:
        plan.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ModelError(f"{where} failed as it was run ({_reason(error)}); expected a file that can be run") from error
    finally:
        sys.path.remove(folder)
    return module


def _attribute(module: ModuleType, name: str, where: Path) -> Any:
    known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    if not name or not hasattr(module, name):
        named = f'no "{name}" in {where}' if name else f"{where} names no factory"
        listed = f" (it has {', '.join(known[:8])})" if known else ""
        raise ModelError(f"{named}{listed}; expected {where.name}:FACTORY{suggestion(name, known)}")
    return getattr(module, name)


def _made(factory: Any, request: Request) -> Model | nn.Module:
    made = factory
    if isinstance(factory, type) or not isinstance(factory, (Model, nn.Module)):
        options = {} if request.classes is None else {"num_classes": request.classes}
        try:
            made = factory(**options)
        except CutawayError:
            raise
        except Exception as error:
            raise ModelError(
                f"{request.name} raised {_reason(error)}; expected a function without arguments that makes a network"
            ) from error
    if not isinstance(made, (Model, nn.Module)):
        raise ModelError(
            f"{request.name} gave a {type(made).__name__}; expected a torch.nn.Module or a cutaway.Model; "
            "try a factory that returns the network itself"
        )
    return made


def _reason(error: BaseException) -> str:
    said = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {said}"
