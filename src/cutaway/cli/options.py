"""The options that every verb with one model has, declared once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from cutaway.core.errors import OptionError
from cutaway.nets import Model, load

PANEL = "The model"


def _option(text: str, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=PANEL, show_default=False, **more)


@dataclass(frozen=True)
class ModelOptions:
    """Which network, with what preprocessing, where, and from which seed."""

    model: Annotated[
        str, _option("A shipped name, torchvision:..., timm:..., hf:..., or file.py:factory.", metavar="SPEC")
    ] = "cifar10"
    weights: Annotated[Path | None, _option("Weights for it: safetensors, or a .pt of plain tensors.")] = None
    labels: Annotated[Path | None, _option("Class labels: a .json list, or a .txt with one per line.")] = None
    size: Annotated[int | None, _option("Side of the square that it takes, in pixels.")] = None
    mean: Annotated[str | None, _option("Mean per channel in [0, 1], say 0.485,0.456,0.406.")] = None
    std: Annotated[str | None, _option("Standard deviation per channel, likewise.")] = None
    device: Annotated[str, _option("cpu, cuda, cuda:N or mps.")] = "cpu"
    seed: Annotated[int, _option("Everything random follows from it.")] = 0
    batch_size: Annotated[int | None, _option("Pictures at once, which bounds memory.", min=1)] = None
    guide: Annotated[Path | None, _option("A guide.safetensors of cutaway guide, put onto it.", metavar="FILE")] = None

    def open(self) -> Model:
        """The model, loaded; guided where a guide is given."""
        model = load(
            self.model,
            weights=self.weights,
            labels=self.labels,
            size=self.size,
            mean=_numbers("--mean", self.mean),
            std=_numbers("--std", self.std),
            device=self.device,
        )
        if self.guide is None:
            return model
        from cutaway.training.guide import guided, load_terms  # scikit-learn takes a second to import

        return guided(model, load_terms(self.guide))


def with_model(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The verb as the command line sees it: its parameter `options: ModelOptions` spread out into single options."""
    hints = get_type_hints(verb, include_extras=True)
    shared = get_type_hints(ModelOptions, include_extras=True)
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(verb).parameters.items()
        if name != "options"
    ]
    spread = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=shared[f.name])
        for f in fields(ModelOptions)
    ]

    @functools.wraps(verb)
    def command(**given: Any) -> Any:
        options = ModelOptions(**{f.name: given.pop(f.name) for f in fields(ModelOptions)})
        return verb(options=options, **given)

    command.__signature__ = inspect.Signature([*own, *spread])  # type: ignore[attr-defined]  # what inspect looks for
    command.__annotations__ = {p.name: p.annotation for p in (*own, *spread)}
    return command


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"{option} is {text!r}; expected numbers; try {option} 0.485,0.456,0.406") from None
