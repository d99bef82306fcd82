"""A sweep's arrays against a literal loop, and what becomes of sweeps that are killed, damaged or disturbed."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from small_store import BROKEN, COUNT, LABELS, Bench, made_model, settings

from cutaway.core.errors import OptionError, StoreError
from cutaway.data.specs import open_dataset
from cutaway.store import Store, default_layers, sweep
from cutaway.store.reading import batches
from cutaway.store.sweep import truth
from cutaway.trace import activations


def files_of(store: Path) -> dict[str, str]:
    """Every file of a store with its hash."""
    return {
        file.relative_to(store).as_posix(): sha256(file.read_bytes()).hexdigest()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def again(bench: Bench, **more: object) -> Store:
    return sweep(bench.model, bench.spec, bench.store.folder, ["act1", "act2"], **{**settings(), **more})


def test_batches_come_as_networks_convolve_them_most_quickly(bench: Bench) -> None:
    plan = bench.store.plan
    batch = next(batches(open_dataset(bench.spec), plan, [0], bench.model.preprocess))
    assert batch.pictures.is_contiguous(memory_format=torch.channels_last)
    assert not batch.pictures.is_contiguous()


def test_arrays_are_those_of_a_literal_loop(bench: Bench) -> None:
    data = open_dataset(bench.spec)
    readable = [number for number in range(COUNT) if number != BROKEN]
    for layer in ("act1", "act2"):
        kept = bench.store.values(layer, readable)
        means = bench.store.values(layer, readable, "mean")
        for row, number in enumerate(readable):
            seen = activations(bench.model, bench.model.prepare(data[number].picture), [layer])[layer][0]
            assert torch.allclose(torch.from_numpy(kept[row]), seen.amax(dim=(1, 2)), atol=1e-5)
            assert torch.allclose(torch.from_numpy(means[row]), seen.mean(dim=(1, 2)), atol=1e-5)


def test_the_table_says_what_the_network_said(bench: Bench) -> None:
    data = open_dataset(bench.spec)
    for number, row in enumerate(bench.store.rows(range(COUNT))):
        assert row["instance"] == number
        if number == BROKEN:
            assert "no picture that can be read" in row["error"]
            assert row["prediction"] is None
            continue
        best, second = bench.model.predict(data[number].picture, k=2)
        assert row["key"] == data[number].key
        assert row["label"] == LABELS[data[number].label or 0]
        assert (row["prediction"], row["runner_up"]) == (best.label, second.label)
        assert row["probability"] == pytest.approx(best.probability, abs=1e-5)
        assert row["margin"] == pytest.approx(best.logit - second.logit, abs=1e-4)
        assert row["correct"] == (best.label == row["label"])
        assert row["loss"] == pytest.approx(-np.log(row["label_probability"]), abs=1e-4)


def test_an_unreadable_picture_is_nan_and_does_not_disturb_its_batch(bench: Bench) -> None:
    assert bench.store.failed.tolist() == [BROKEN]
    assert np.isnan(bench.store.values("act2", [BROKEN])).all()
    assert np.isfinite(np.delete(bench.store.values("act2", range(COUNT)), BROKEN, axis=0)).all()


def test_the_same_sweep_again_does_no_work_and_changes_nothing(bench: Bench) -> None:
    before = files_of(bench.store.folder)
    counted: list[int] = []
    again(bench, progress=lambda done, of: counted.append(done))
    assert counted == []
    assert files_of(bench.store.folder) == before


def test_a_shard_that_was_lost_or_damaged_is_made_again_and_named(fresh: Callable[[], Bench]) -> None:
    bench = fresh()
    before = files_of(bench.store.folder)
    flipped = bench.store.folder / "shards" / "00001" / "max-00.npy"
    content = bytearray(flipped.read_bytes())
    content[-3] ^= 4
    flipped.write_bytes(content)
    cut = bench.store.folder / "shards" / "00003" / "mean-01.npy"
    cut.write_bytes(cut.read_bytes()[:-10])
    (bench.store.folder / "shards" / "00004" / "seal.json").unlink()
    said: list[str] = []
    again(bench, say=said.append)
    assert [line[:20] for line in said] == ["shard 1 is damaged (", "shard 3 is damaged (", "shard 4 is damaged ("]
    assert "max-00.npy has changed" in said[0]
    assert "mean-01.npy has" in said[1]
    assert files_of(bench.store.folder) == before


@pytest.mark.parametrize("part", ["shards", "summary", "plan"])
def test_a_manifest_that_names_other_seals_is_made_again(fresh: Callable[[], Bench], part: str) -> None:
    bench = fresh()
    before = files_of(bench.store.folder)
    manifest = bench.store.folder / "manifest.json"
    content = json.loads(manifest.read_text())
    content[part] = ["0" * 64, *content[part][1:]] if part == "shards" else "0" * 64
    manifest.write_text(json.dumps(content))
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(bench.store.folder)
    again(bench)
    assert files_of(bench.store.folder) == before


def test_a_full_disk_is_said_and_loses_nothing(
    fresh: Callable[[], Bench], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bench = fresh()
    before = files_of(bench.store.folder)
    write = np.save

    def full(file: Path, values: np.ndarray) -> None:
        if "mean-01" in str(file) and len(list((other / "shards").glob("0*"))) == 3:
            raise OSError(28, "No space left on device")
        write(file, values)

    other = tmp_path / "other"
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match=r"cannot write the store .*No space left on device.*kept; make room"):
        sweep(bench.model, bench.spec, other, ["act1", "act2"], **settings())
    assert sorted(entry.name for entry in (other / "shards").iterdir()) == ["00000", "00001", "00002"]
    monkeypatch.undo()
    sweep(bench.model, bench.spec, other, ["act1", "act2"], **settings())
    assert files_of(other) == before


KILLED = """
import sys, time
sys.path.insert(0, {here!r})
from small_store import made_model, settings
from cutaway.store import sweep
import numpy
slow = numpy.save
def save(file, values):
    slow(file, values)
    print("saved", flush=True)
    time.sleep(0.02)
numpy.save = save
sweep(made_model(), {spec!r}, {store!r}, ["act1", "act2"], **settings())
"""


@pytest.mark.parametrize("after", [2, 20])
def test_killed_at_once_and_resumed_it_equals_an_undisturbed_store(after: int, bench: Bench, tmp_path: Path) -> None:
    store = tmp_path / "store"
    script = KILLED.format(here=str(Path(__file__).parent), spec=bench.spec, store=str(store))
    with subprocess.Popen([sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        for _ in range(after):
            assert running.stdout.readline() == "saved\n"
        os.kill(running.pid, signal.SIGKILL)
    with pytest.raises(StoreError, match=r"has not ended; expected a whole store; run the same cutaway sweep again"):
        Store.open(store)
    sweep(made_model(), bench.spec, store, ["act1", "act2"], **settings())
    undisturbed = {name: digest for name, digest in files_of(bench.store.folder).items() if "projections" not in name}
    assert files_of(store) == undisturbed


def test_another_sweep_in_the_same_folder_is_refused(bench: Bench) -> None:
    other = made_model(seed=1)
    with pytest.raises(StoreError, match=r"holds another sweep \(weights .*; try another --store"):
        sweep(other, bench.spec, bench.store.folder, ["act1", "act2"], **settings())
    with pytest.raises(StoreError, match=r"another sweep \(layers act1, act2, now act2\)"):
        sweep(bench.model, bench.spec, bench.store.folder, ["act2"], **settings())


def test_two_writers_are_refused(bench: Bench) -> None:
    with (bench.store.folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match=r"another process is writing the store .*; wait for it"):
            again(bench)


def test_a_folder_of_other_things_is_not_written_into(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(StoreError, match="no store; expected a folder that cutaway sweep wrote"):
        sweep(bench.model, bench.spec, tmp_path, ["act2"])


def test_options_are_checked(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match='no engine "rey"; expected one of local, ray; did you mean "ray"'):
        sweep(bench.model, bench.spec, tmp_path / "a", engine="rey")
    with pytest.raises(OptionError, match="shard_size is 0; expected at least 1"):
        sweep(bench.model, bench.spec, tmp_path / "b", shard_size=0)


def test_default_layers_are_the_blocks_or_the_activations(bench: Bench) -> None:
    assert default_layers(bench.model) == ("act1", "act2")


def test_truth_by_name_then_by_number() -> None:
    assert truth(("dog", "Cat"), ("cat", "cow", "dog")) == (2, 0)
    assert truth(("n01", "n02"), ("cat", "cow")) == (0, 1)
    assert truth(("n01",), ("cat", "cow")) == (-1,)


@pytest.mark.slow
@pytest.mark.parametrize("running", [False, True], ids=["its own cluster", "one that was there"])
def test_ray_makes_the_same_store(bench: Bench, tmp_path: Path, running: bool) -> None:
    ray = pytest.importorskip("ray", reason="needs ray")
    ray.shutdown()  # whatever another test left
    if running:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    store = sweep(bench.model, bench.spec, tmp_path / "store", ["act1", "act2"], engine="ray", workers=2, **settings())
    for layer in store.layers:
        assert np.allclose(
            store.values(layer, range(COUNT)), bench.store.values(layer, range(COUNT)), atol=1e-5, equal_nan=True
        )
    assert store.instances.table["hash"] == bench.store.instances.table["hash"]
    assert ray.is_initialized() == running
    ray.shutdown()
