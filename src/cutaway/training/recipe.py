"""What a recipe is, and one run of it: trained, stored as half precision, scored as stored, with a card beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file, save_file
from torch import nn

from cutaway.core.cache import write_atomically
from cutaway.core.errors import DataError, OptionError, choose
from cutaway.training.loop import CHECKPOINT, Scores, Task, fit

Report = Callable[[str], object]


@dataclass(frozen=True)
class Recipe:
    """One network's training as data and functions; `config` is a frozen dataclass with a default for every field.

    task(config, data, seed, device): the training; the same arguments give the same task.
    test(config, module, data, device): the scores that the card reports, measured once, on the stored weights.
    """

    name: str
    claim: str
    data: str  # the default data spec; "" = the user must say
    config: type[Any]
    task: Callable[[Any, str, int, torch.device], Task[Any]]
    test: Callable[[Any, nn.Module, str, torch.device], Scores]


def configure(config: type[Any], settings: Sequence[str]) -> Any:
    """The config with `key=value` settings; an OptionError for an unknown key or a value of the wrong kind."""
    fields = {field.name: field for field in dataclasses.fields(config)}
    given: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise OptionError(f'"{setting}" sets nothing; expected key=value; the keys are {", ".join(fields)}')
        given[choose(key, fields, "setting")] = json_or_text(value)
    try:
        return TypeAdapter(config).validate_python(given)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        raise OptionError(
            f'{name} is "{fault["input"]}"; {fault["msg"].lower()}; the default is {fields[name].default}'
        ) from None


def json_or_text(value: str) -> Any:
    """Lists are written as JSON; all else is text, which the type of its field reads."""
    try:
        return json.loads(value) if value.startswith("[") else value
    except json.JSONDecodeError:
        return value


def run(
    recipe: Recipe,
    config: Any,
    data: str,
    folder: Path,
    seed: int = 0,
    resume: bool = False,
    device: torch.device | str = "cpu",
    report: Report = print,
) -> dict[str, Any]:
    """Trains into a folder and returns the card.

    The folder then holds config.json, recipe.py (the source that ran), scores.json (every epoch), weights.safetensors
    (half precision), card.json and checkpoint.safetensors. Without `resume` a folder with a run in it is refused.
    """
    begun = time.monotonic()
    where, source = torch.device(device), commit()
    begin(
        recipe,
        {"recipe": recipe.name, "config": dataclasses.asdict(config), "data": data, "seed": seed},
        folder,
        resume,
    )
    task = recipe.task(config, data, seed, where)
    history = fit(task, folder, resume, report)
    write_json(folder / "scores.json", history)
    weights = folder / "weights.safetensors"
    halves = {name: half(value.detach().cpu()) for name, value in task.module.state_dict().items()}
    write_atomically(weights, lambda beside: save_file(halves, beside))
    task.module.load_state_dict(load_file(weights))  # score what is stored, not what was trained
    card = {
        "name": recipe.name,
        "scores": dict(recipe.test(config, task.module, data, where)),
        "parameters": sum(p.numel() for p in task.module.parameters()),
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data": data,
        "seed": seed,
        "config": dataclasses.asdict(config),
        "command": command(recipe, config, data, seed),
        "commit": source,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, {where.type}",
        "training_seconds": round(sum(row["seconds"] for row in history)),
        "date": datetime.now(UTC).date().isoformat(),
    }
    write_json(folder / "card.json", card)
    report(f"{recipe.name}, seed {seed}: {card['scores']} after {time.monotonic() - begun:.0f} s, in {folder}")
    return card


def begin(recipe: Recipe, settings: dict[str, Any], folder: Path, resume: bool) -> None:
    """Writes what runs before it runs; refuses to mix two runs in one folder."""
    written = folder / "config.json"
    trained = (folder / CHECKPOINT).exists()  # settings alone bind nobody: a run that never began may be corrected
    if resume and trained and json.loads(written.read_text()) != json.loads(json.dumps(settings)):
        raise DataError(f"{folder} holds a run with other settings; expected those in {written}; try another --out")
    if not resume and trained:
        raise DataError(f"{folder} holds a run already; expected an empty folder; try --resume, or another --out")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(written, settings)
    source = inspect.getsource(sys.modules[recipe.task.__module__])
    write_atomically(folder / "recipe.py", lambda beside: beside.write_text(source))


def half(tensor: torch.Tensor) -> torch.Tensor:
    """Floats at half the bytes, whole numbers of a byte at a quarter; what fits into neither, and counters, as is."""
    if not tensor.is_floating_point():
        return tensor.contiguous()
    for smaller in (torch.int8, torch.float16):
        kept = tensor.to(smaller)
        if bool(kept.isfinite().all()) and (smaller == torch.float16 or torch.equal(kept.to(tensor), tensor)):
            return kept.contiguous()
    return tensor.contiguous()


def write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=2) + "\n"
    write_atomically(path, lambda beside: beside.write_text(text))


def command(recipe: Recipe, config: Any, data: str, seed: int) -> str:
    """The command line that repeats this run (and those of the seeds before it)."""
    changed = [
        f"--set {shlex.quote(f'{field.name}={value if isinstance(value, str) else json.dumps(value)}')}"
        for field in dataclasses.fields(config)
        if (value := getattr(config, field.name)) != field.default
    ]
    seeds = [f"--seeds {seed + 1}"] if seed else []
    return " ".join(["cutaway train", recipe.name, f"--data {data}", *seeds, *changed])


def commit() -> str:
    """The commit of the checkout that the package runs from, or "unknown" where it is installed."""
    try:
        asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.check_output(asked, stderr=subprocess.DEVNULL, text=True, timeout=10).strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
