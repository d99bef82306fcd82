"""The sealed files of a store: nothing is read from them before its checksum was found right."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cutaway.core.errors import StoreError
from cutaway.store.plan import Plan, read_plan
from cutaway.store.shard import Seal, array_name, damage, read_array, read_seal, shard_folder

MANIFEST, SUMMARY = "manifest.json", "summary"
AGAIN = "run the same cutaway sweep again, which makes the damaged shards anew"


@dataclass(eq=False)
class Sealed:
    """The files of a whole store and their seals. Several threads may read at once.

    What was read is kept; who asks for it while it is read waits, who asks for anything else does not.
    """

    folder: Path
    plan: Plan
    seals: Sequence[Seal]
    summary_seal: Seal
    _kept: dict[tuple[str, int], Any] = field(default_factory=dict, repr=False)
    _making: dict[tuple[str, int], threading.RLock] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, folder: Path) -> Sealed:
        """All files that the manifest names, each of the right size; a StoreError says what is wrong, and where."""
        plan = read_plan(folder)
        folders = [*(shard_folder(folder, number) for number in range(plan.shards)), folder / SUMMARY]
        found, whole = [], []
        for each, sealed in zip(folders, read_manifest(folder, plan), strict=True):
            name, seal = each.relative_to(folder).as_posix(), read_seal(each)
            if seal is None or digest(seal) != sealed:
                found.append(f"{name} has no seal, or another one")
            else:
                whole.append(seal)
                found += [f"{name}/{said}" for said in damage(each, seal, thorough=False)]
        if found:
            more = f", and {len(found) - 3} more" if len(found) > 3 else ""
            raise StoreError(
                f"the store {folder} is damaged ({'; '.join(found[:3])}{more}); expected what was sealed; {AGAIN}"
            )
        return cls(folder, plan, whole[:-1], whole[-1])

    def shard(self, number: int, name: str) -> np.ndarray:
        """An array of one shard, mapped into memory."""
        found: np.ndarray = self.kept(
            (name, number), lambda: read_array(shard_folder(self.folder, number), name, self.seals[number])
        )
        return found

    def pooled(self, kind: str, layer: int, number: int) -> np.ndarray:
        """One kind of a layer's pooled values in one shard."""
        return self.shard(number, array_name(kind, layer))

    def summary(self, kind: str, layer: int) -> np.ndarray:
        """One array of the summary of a layer."""
        name = array_name(kind, layer)
        found: np.ndarray = self.kept(
            (name, -1), lambda: np.array(read_array(self.folder / SUMMARY, name, self.summary_seal))
        )
        return found

    def summary_file(self, name: str) -> Path:
        """A file of the summary that is no array, found whole."""
        only = Seal({name: self.summary_seal.files[name]})
        if said := damage(self.folder / SUMMARY, only, thorough=True):
            raise StoreError(
                f"the store {self.folder} is damaged ({SUMMARY}/{said[0]}); nothing was read from it; {AGAIN}"
            )
        return self.folder / SUMMARY / name

    def size(self, kinds: Sequence[str]) -> int:
        """Bytes of all shards' arrays of some kinds."""
        names = [array_name(kind, number) for kind in kinds for number in range(len(self.plan.layers))]
        return sum(seal.files[name][0] for seal in self.seals for name in names)

    def damaged(self) -> list[str]:
        """Every file that is not as it was sealed, found by reading all of them."""
        folders = [(shard_folder(self.folder, number), seal) for number, seal in enumerate(self.seals)]
        folders.append((self.folder / SUMMARY, self.summary_seal))
        return [
            f"{folder.relative_to(self.folder).as_posix()}/{said}"
            for folder, seal in folders
            for said in damage(folder, seal, thorough=True)
        ]

    def kept(self, key: tuple[str, int], make: Callable[[], Any]) -> Any:
        """What was made once for this key."""
        with self._lock:
            making = self._making.setdefault(key, threading.RLock())
        with making:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]


def manifest(plan: Plan, shards: Sequence[Seal], summary: Seal) -> str:
    """What makes a store whole: the digests of its plan and of all seals."""
    content = {
        "version": plan.version,
        "plan": plan_digest(plan),
        "shards": [digest(each) for each in shards],
        "summary": digest(summary),
    }
    return json.dumps(content, indent=1) + "\n"


def read_manifest(store: Path, plan: Plan) -> list[str]:
    """The digests of all seals, the summary's last; a StoreError where the sweep did not end."""
    file = store / MANIFEST
    if not file.is_file():
        raise StoreError(
            f"the sweep into {store} has not ended; expected a whole store; run the same cutaway sweep again, which "
            "goes on where it stopped"
        )
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        digests = [*map(str, given["shards"]), str(given["summary"])]
        whole = given["plan"] == plan_digest(plan)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file, type(error).__name__) from None
    if not whole or len(digests) != plan.shards + 1:
        raise _damaged(file, "it belongs to another plan")
    return digests


def plan_digest(plan: Plan) -> str:
    return hashlib.sha256(plan.to_json().encode()).hexdigest()


def digest(seal: Seal) -> str:
    return hashlib.sha256(json.dumps(seal.to_json(), sort_keys=True).encode()).hexdigest()


def _damaged(file: Path, why: str) -> StoreError:
    return StoreError(f"{file} is damaged ({why}); expected what was sealed; run the same cutaway sweep again")
