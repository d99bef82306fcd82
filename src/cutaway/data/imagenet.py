"""ImageNet as the competition lays it out (`ILSVRC/Data/CLS-LOC/...`), or with the validation set sorted by class.

Classes are the sorted WordNet ids, which is the order that public weights use.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from cutaway.core.errors import DataError
from cutaway.data.folder import Files, class_folders, folders_in, no_pictures, pictures_in

LAYOUTS = ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "")
SOLUTION = "LOC_val_solution.csv"
NAMES = "LOC_synset_mapping.txt"
TRUTH = "ILSVRC2012_validation_ground_truth.txt"


def open_imagenet(root: Path, split: str = "val") -> Files:
    """The training or validation pictures; labels are words where the folder has the list of them, else WordNet ids."""
    if split not in ("train", "val"):
        raise DataError(f'ImageNet has no labelled split "{split}"; expected train or val')
    inner = next((root / layout / split for layout in LAYOUTS if (root / layout / split).is_dir()), None)
    if inner is None:
        raise DataError(
            f"{root} holds no {split} split of ImageNet; expected ILSVRC/Data/CLS-LOC/{split} in it; check the folder"
        )
    names = class_names(root)
    if folders_in(inner):
        files = class_folders(inner)
        return Files(inner, files.paths, files.targets, tuple(names.get(wnid, wnid) for wnid in files.labels))
    return flat_validation(root, inner, names)


def flat_validation(root: Path, folder: Path, names: Mapping[str, str]) -> Files:
    """The validation pictures all in one folder; their classes stand in a file beside them."""
    paths = pictures_in(folder)
    if not paths:
        raise no_pictures(folder)
    answers = read_solution(root) or read_truth(root)
    if not answers:
        raise DataError(
            f"{root} does not say the classes of {folder}; expected {SOLUTION}, or {TRUTH} with meta.mat, "
            "or one folder per class; put one of them into it"
        )
    missing = next((path for path in paths if path.stem not in answers), None)
    if missing:
        raise DataError(f"no class is given for {missing.name}; expected every validation picture in {SOLUTION}")
    wnids = sorted(set(answers.values()))
    index = {wnid: number for number, wnid in enumerate(wnids)}
    targets = [index[answers[path.stem]] for path in paths]
    return Files(folder, paths, targets, tuple(names.get(wnid, wnid) for wnid in wnids))


def class_names(root: Path) -> dict[str, str]:
    """WordNet id -> words, from lines like `n01440764 tench, Tinca tinca`; empty where the list is not there."""
    file = beside(root, NAMES)
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    return {wnid: words for wnid, _, words in (line.strip().partition(" ") for line in lines) if words}


def read_solution(root: Path) -> dict[str, str]:
    """Picture -> WordNet id from `ImageId,PredictionString`, whose second cell begins with the id."""
    file = beside(root, SOLUTION)
    if file is None:
        return {}
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    return {row[0]: row[1].split()[0] for row in rows if len(row) == 2 and row[1].strip()}


def read_truth(root: Path) -> dict[str, str]:
    """Picture -> WordNet id from the development kit: one of 1,000 numbers per line, which meta.mat explains."""
    truth, meta = beside(root, TRUTH), beside(root, "meta.mat")
    if truth is None or meta is None:
        return {}
    from scipy.io import loadmat

    synsets = loadmat(meta, squeeze_me=True)["synsets"]
    wnids = {int(synset["ILSVRC2012_ID"]): str(synset["WNID"]) for synset in synsets}
    numbers = [int(line) for line in truth.read_text().split()]
    return {f"ILSVRC2012_val_{place:08d}": wnids[number] for place, number in enumerate(numbers, start=1)}


def beside(root: Path, name: str) -> Path | None:
    """The file of that name in the places where the competition and the development kit put it."""
    places = (root, root / "ILSVRC", root / "ILSVRC2012_devkit_t12" / "data", root.parent)
    return next((place / name for place in places if (place / name).is_file()), None)
