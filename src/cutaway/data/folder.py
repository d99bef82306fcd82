"""Pictures in folders: one folder per class, or all in one without classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cutaway.core.errors import DataError, suggestion
from cutaway.data.dataset import Sample
from cutaway.data.pictures import read_image

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
SPLIT_NAMES = frozenset({"train", "val", "valid", "validation", "test"})


@dataclass(frozen=True)
class Files:
    """Picture files below a root, each with its class where it has one; read when they are asked for."""

    root: Path
    paths: Sequence[Path]
    targets: Sequence[int] | None
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int, /) -> Sample:
        path = self.paths[index]
        label = None if self.targets is None else self.targets[index]
        return Sample(path.relative_to(self.root).as_posix(), read_image(path), label)

    def file(self, index: int) -> Path:
        """The file of a picture."""
        return self.paths[index]


def open_folder(root: Path, split: str | None = None) -> Files:
    """`root/[split/]class/picture`, classes in alphabetical order; or `root/[split/]picture`, without classes."""
    known = [folder.name for folder in folders_in(root)]
    if split is None and known and SPLIT_NAMES.issuperset(known):
        raise DataError(f'{root} holds the splits {", ".join(known)}; expected one of them; try "?split={known[0]}"')
    if split is not None and split not in known:
        raise DataError(
            f'{root} has no split "{split}"; expected one of its folders: {", ".join(known) or "(it has none)"}'
            f"{suggestion(split, known)}"
        )
    inner = root / split if split else root
    return class_folders(inner) if folders_in(inner) else without_classes(inner)


def class_folders(root: Path) -> Files:
    """One folder per class; a DataError where none of them holds a picture."""
    found = [(folder.name, pictures_in(folder)) for folder in folders_in(root)]
    classes = [(name, paths) for name, paths in found if paths]
    if not classes:
        raise no_pictures(root)
    return Files(
        root,
        [path for _, paths in classes for path in paths],
        [index for index, (_, paths) in enumerate(classes) for _ in paths],
        tuple(name for name, _ in classes),
    )


def without_classes(root: Path) -> Files:
    """The pictures that lie in the folder itself."""
    paths = pictures_in(root)
    if not paths:
        raise no_pictures(root)
    return Files(root, paths, None, ())


def folders_in(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def pictures_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


def no_pictures(root: Path) -> DataError:
    return DataError(
        f"{root} holds no pictures; expected <class>/*.jpg (or .png, .webp, ...), or such files in it; check the folder"
    )
