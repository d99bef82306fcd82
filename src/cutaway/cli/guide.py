"""`cutaway guide`: a sentence shapes a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
import typer

from cutaway.cli.explain import printable, progress
from cutaway.cli.name import BATCH, SHOWN, batches
from cutaway.cli.options import ModelOptions
from cutaway.core.errors import OptionError

if TYPE_CHECKING:
    from cutaway.naming import TextEncoder
    from cutaway.naming.sightings import Said
    from cutaway.nets.model import Model
    from cutaway.training.guide import Term


def guide(
    options: ModelOptions,
    layer: Annotated[
        list[str], typer.Option(metavar="L", help="Where the sentence is read; may be given several times.")
    ],
    captions: Annotated[
        str, typer.Option(metavar="FILE", help="Captioned pictures: .jsonl, COCO .json, Flickr .txt, or a data spec.")
    ],
    sentence: Annotated[str | None, typer.Option(metavar="TEXT", help="Add a filter that fires for it.")] = None,
    forbid: Annotated[str | None, typer.Option(metavar="'CLASS: TEXT'", help="The class must not fire on it.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="A cue to ignore; may be repeated.")] = None,
    way: Annotated[str, typer.Option(help="Of forbidding: veto or penalty.")] = "veto",
    images: Annotated[Path | None, typer.Option(help="Folder of the pictures; else the captions' own.")] = None,
    encoder: Annotated[str, typer.Option(help="Text encoder: shipped, minilm, or hf:FOLDER.")] = "shipped",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for guide.safetensors and report.json.")] = Path(
        "out"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print machine-readable results.")] = False,
) -> None:
    """Shape a network with a sentence, and report what else changed."""
    from cutaway import naming
    from cutaway.core.cache import write_atomically
    from cutaway.explain import make_folder
    from cutaway.naming.layers import layer_activations
    from cutaway.naming.probing import open_captions
    from cutaway.naming.sightings import read
    from cutaway.training.guide import save_terms, side_effects, together

    if sum(map(bool, (sentence, forbid, ignore))) != 1:
        raise OptionError('give one of --sentence, --forbid, --ignore; try --forbid "daisy: a daisy without leaves"')
    reader = naming.open_encoder(encoder)
    told, notes = open_captions(captions, images)
    folder = make_folder(out)
    with progress() as say:
        say("the network")
        model = options.open()
        size = options.batch_size or BATCH
        say(f"{len(told)} pictures")
        means = layer_activations(model, batches(model, told, size), layer)
        with torch.no_grad():
            logits = torch.cat([model(some) for some in batches(model, told, size)]).float().cpu().numpy()
        said = read([each.captions for each in told], reader)
        say("the sentence")
        term, facts = _term(model, tuple(layer), means, logits, said, reader, (sentence, forbid, ignore or []), way)
    after = logits + term(torch.from_numpy(means)).numpy() if forbid or ignore else logits
    labels = list(model.labels or map(str, range(logits.shape[1])))
    known = [each.label in labels for each in told]
    truth = np.array([labels.index(each.label or "") for each in told]) if all(known) else None
    report = {**facts, "notes": list(notes), "side_effects": asdict(side_effects(logits, after, labels, truth))}
    save_terms(together(model, term), folder / "guide.safetensors")
    text = json.dumps(report, indent=1) + "\n"
    write_atomically(folder / "report.json", lambda beside: beside.write_text(text, encoding="utf-8"))
    typer.echo(text if as_json else _in_words(report, folder))


def _term(
    model: Model,
    layers: tuple[str, ...],
    means: np.ndarray,
    logits: np.ndarray,
    said: Said,
    reader: TextEncoder,
    asked: tuple[str | None, str | None, Sequence[str]],
    way: str,
) -> tuple[Term, dict[str, Any]]:
    """The term that the options ask for, and what the report says of the sentence."""
    from cutaway.nets.targets import target_indices
    from cutaway.training.guide import forbid, hear, ignore, imagine, linear_head, sentence_filter
    from cutaway.training.guide.guided import filter_term

    sentence, forbidden, cues = asked
    if sentence:
        heard = [hear(sentence, said, reader)]
        term = filter_term(layers, sentence_filter(means, heard[0]), logits.shape[1])
    elif forbidden:
        label, mark, text = forbidden.partition(":")
        if not mark or not text.strip():
            raise OptionError(f'--forbid "{forbidden}"; expected "CLASS: TEXT"; try "daisy: a daisy without leaves"')
        target = int(target_indices(label.strip(), torch.from_numpy(logits[:1]), model.labels)[0])
        heard = [hear(text.strip(), said, reader, label.strip())]
        term = forbid(layers, means, logits, heard[0], target, way)
    else:
        heard = [hear(cue, said, reader) for cue in cues]
        moved = imagine(layers, means, logits, heard)
        term = ignore(layers, means, heard, linear_head(means, logits)) if moved is None else moved
    facts = [
        {"sentence": h.sentence, "said_by": int(h.says.sum()), "opposed_by": int(h.opposes.sum())}
        | {"gap": round(h.gap, 3), "encoder_gap": round(h.encoder_gap, 3)}
        for h in heard
    ]
    return term, {"guide": term.says, "layers": list(layers), "heard": facts}


def _in_words(report: dict[str, Any], folder: Path) -> str:
    effects = report["side_effects"]
    lines = [f"{report['guide']}, read at {', '.join(report['layers'])}"]
    lines += [
        f'"{h["sentence"]}": said by {h["said_by"]} pictures, its opposite by {h["opposed_by"]}, gap {h["gap"]}'
        for h in report["heard"]
    ]
    lines.append(f"side effects: {100 * effects['changed']:.2g} % of {effects['n']} answers changed")
    if effects["accuracy_before"] is not None:
        lines.append(f"accuracy {100 * effects['accuracy_before']:.1f} % -> {100 * effects['accuracy_after']:.1f} %")
    lines += [f"  {c['label']}: {c['before']} -> {c['after']} pictures" for c in effects["classes"][:SHOWN]]
    return "\n".join(map(printable, [*lines, f"the guide and its report: {folder}"]))
