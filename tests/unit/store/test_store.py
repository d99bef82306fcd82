"""What a store answers, against numpy on the whole arrays; and that it never serves what is damaged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from small_store import BROKEN, COUNT, Bench, made_model

from cutaway.core.errors import PictureError, StoreError
from cutaway.data.dataset import Dataset
from cutaway.data.specs import open_dataset
from cutaway.store import Store, changed, inside_lasso, picture_of
from cutaway.store.pictures import dataset_of

READABLE = [number for number in range(COUNT) if number != BROKEN]


def whole(bench: Bench, layer: str, kind: str) -> np.ndarray:
    """A layer's array, read plainly from the files."""
    number = bench.store.layers.index(layer)
    folders = sorted((bench.store.folder / "shards").iterdir())
    return np.concatenate([np.load(folder / f"{kind}-{number:02d}.npy") for folder in folders])


def test_top_is_a_sort_of_the_whole_column(bench: Bench) -> None:
    values, places = whole(bench, "act2", "max"), whole(bench, "act2", "place")
    for channel in range(8):
        order = sorted(READABLE, key=lambda n: (-values[n, channel], n))
        for within, expected in ((None, order), (range(9), [n for n in order if n < 9])):
            found = bench.store.top(f"act2:{channel}", 4, within)
            assert [top.instance for top in found] == expected[:4]
            assert [top.value for top in found] == [values[n, channel] for n in expected[:4]]
            assert [6 * top.place[0] + top.place[1] for top in found] == [places[n, channel] for n in expected[:4]]


def test_the_place_is_where_the_maximum_is(bench: Bench) -> None:
    from cutaway.trace import activations

    for top in bench.store.top("act1:2", 3):
        picture = picture_of(bench.store, top.instance).sample.picture
        seen = activations(bench.model, bench.model.prepare(picture), ["act1"])["act1"][0, 2]
        assert divmod(int(seen.argmax()), seen.shape[1]) == top.place


def test_lowest_turns_the_order_round(bench: Bench) -> None:
    values = whole(bench, "act2", "max")[READABLE, 1]
    assert [top.value for top in bench.store.top("act2:1", 3, lowest=True)] == sorted(values.tolist())[:3]


def test_matrix_is_the_mean_of_each_subset(bench: Bench) -> None:
    values = whole(bench, "act1", "max")
    found = bench.store.matrix("act1", {"bees": "label = 'bee'", "some": [1, BROKEN, 3], "none": []})
    bees = [n for n in READABLE if bench.store.rows([n])[0]["label"] == "bee"]
    assert found.names == ("bees", "some", "none")
    assert found.counts == (len(bees), 2, 0)
    assert np.allclose(found.values[:, 0], values[bees].mean(axis=0), atol=1e-6)
    assert np.allclose(found.values[:, 1], values[[1, 3]].mean(axis=0), atol=1e-6)
    assert np.isnan(found.values[:, 2]).all()
    assert np.asarray(found).shape == (6, 3)


def test_neighbours_are_those_of_the_largest_cosine(bench: Bench) -> None:
    means = whole(bench, "act2", "mean")
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    likeness = {n: float(unit[n] @ unit[4]) for n in READABLE if n != 4}
    expected = sorted(likeness, key=lambda n: -likeness[n])[:5]
    found = bench.store.neighbours(4, "act2", 5)
    assert [number for number, _ in found] == expected
    assert [value for _, value in found] == pytest.approx([likeness[n] for n in expected], abs=1e-5)


def test_strongest_is_measured_in_deviations(bench: Bench) -> None:
    values = whole(bench, "act2", "max")
    deviations = (values[3] - values[READABLE].mean(axis=0)) / values[READABLE].std(axis=0)
    channel, above = bench.store.strongest(3, "act2", 1)[0]
    assert channel == int(np.nanargmax(deviations))
    assert above == pytest.approx(float(np.nanmax(deviations)), abs=1e-3)


def test_statistics_are_those_of_the_whole_column(bench: Bench) -> None:
    values = whole(bench, "act1", "max")[READABLE]
    found = bench.store.statistics("act1")
    assert np.allclose(found["mean"], values.mean(axis=0), atol=1e-5)
    assert np.allclose(found["deviation"], values.std(axis=0), atol=1e-4)
    assert np.allclose(found["active"], (values > 0).mean(axis=0))
    assert np.allclose(found["quantiles"][4], np.median(values, axis=0), atol=1e-5)


def test_pca_is_that_of_the_covariance_and_repeats(bench: Bench) -> None:
    means = whole(bench, "act2", "mean")[READABLE]
    centred = (means - means.mean(axis=0)).astype(float)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    found = bench.store.project("act2").points
    assert np.isnan(found[BROKEN]).all()
    ours = found[READABLE] - found[READABLE].mean(axis=0)
    for axis in range(2):
        assert abs(np.corrcoef(ours[:, axis], centred @ axes[axis])[0, 1]) > 0.999
    assert np.array_equal(found, Store.open(bench.store.folder).project("act2").points, equal_nan=True)


def test_tsne_keeps_clusters_apart_and_can_be_stopped() -> None:
    from cutaway.store.projection import StoppedError, project

    draw = np.random.default_rng(0)
    values = np.concatenate([draw.normal(5 * c, 1, (40, 6)) for c in range(3)]).astype(np.float32)
    heard: list[int] = []
    points = project(values, "tsne", 0, lambda done, of: heard.append(done))
    assert heard[0] == 10
    centres = points.reshape(3, 40, 2).mean(axis=1)
    spread = points.reshape(3, 40, 2).std(axis=1).max()
    apart = min(np.linalg.norm(centres[a] - centres[b]) for a in range(3) for b in range(a))
    assert apart > 3 * spread
    assert np.array_equal(points, project(values, "tsne", 0))
    with pytest.raises(StoppedError):
        project(values, "tsne", 0, stop=lambda: True)


def test_lasso_takes_what_is_inside() -> None:
    points = np.array([[0, 0], [0.5, 0.5], [2, 0], [np.nan, 0]], dtype=np.float32)
    assert inside_lasso(points, [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]).tolist() == [0, 1]


def test_an_unknown_unit_layer_or_picture_is_said(bench: Bench) -> None:
    with pytest.raises(StoreError, match='no layer "act9" in the store of small; expected one of act1, act2'):
        bench.store.top("act9:1")
    with pytest.raises(StoreError, match='no unit "act2:8"; expected a channel from 0 to 7'):
        bench.store.top("act2:8")
    with pytest.raises(StoreError, match="no picture 99; expected 0 to 22"):
        bench.store.rows([99])


def test_a_changed_or_vanished_picture_is_never_shown_as_the_old_one(fresh: Callable[[], Bench]) -> None:
    bench = fresh()
    assert list(changed(bench.store, bench.model)) == []
    first, second = sorted(bench.pictures.glob("*/*.png"))[:2]
    first.write_bytes(second.read_bytes())
    second.unlink()
    store = Store.open(bench.store.folder, dataset=bench.store.dataset)
    with pytest.raises(PictureError, match=r"ant/00.png has changed since the sweep"):
        picture_of(store, 0)
    with pytest.raises(PictureError, match=r"cannot be read any more \(.*no such file"):
        picture_of(store, 1)
    assert len(list(changed(store, made_model(seed=2)))) == 3  # the weights, and both pictures
    assert store.top("act2:0", 1)  # what was seen then is still known
    with pytest.raises(StoreError, match="has 22 pictures now; expected the 23 that the store"):
        picture_of(Store.open(bench.store.folder), 0)


@pytest.mark.parametrize("victim", ["shards/00002/max-01.npy", "shards/00000/logits.npy", "summary/instances.parquet"])
def test_a_truncated_file_is_named_when_the_store_is_opened(victim: str, fresh: Callable[[], Bench]) -> None:
    store = fresh().store.folder
    (store / victim).write_bytes((store / victim).read_bytes()[:-1])
    with pytest.raises(StoreError, match=rf"damaged \({victim} has [\d,]+ bytes instead of"):
        Store.open(store)


def test_a_flipped_byte_is_found_before_it_is_served(fresh: Callable[[], Bench]) -> None:
    folder = fresh().store.folder
    for victim, ask in (
        ("shards/00002/max-01.npy", lambda store: store.values("act2", [11])),
        ("summary/top-value-00.npy", lambda store: store.top("act1:0")),
        ("summary/instances.parquet", lambda store: store.query("correct")),
    ):
        content = bytearray((folder / victim).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / victim).write_bytes(content)
        with pytest.raises(StoreError, match="damaged"):
            ask(Store.open(folder))
        content[len(content) // 2] ^= 1
        (folder / victim).write_bytes(content)
    assert Store.open(folder).damaged() == []


def test_a_store_of_another_version_or_none_is_refused(fresh: Callable[[], Bench], tmp_path: Path) -> None:
    folder = fresh().store.folder
    plan = json.loads((folder / "plan.json").read_text())
    (folder / "plan.json").write_text(json.dumps({**plan, "version": 99}))
    with pytest.raises(StoreError, match="store of version 99; expected version 1; try the cutaway that wrote it"):
        Store.open(folder)
    (folder / "plan.json").write_text("{}")
    with pytest.raises(StoreError, match=r"plan.json is damaged \(KeyError"):
        Store.open(folder)
    with pytest.raises(StoreError, match="no such folder; expected a folder that cutaway sweep wrote"):
        Store.open(tmp_path / "nowhere")


def test_of_many_who_ask_at_once_one_opens_the_data_set(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def slowly(spec: str) -> Dataset:
        opened.append(spec)
        time.sleep(0.05)
        return open_dataset(spec)

    monkeypatch.setattr("cutaway.store.pictures.open_dataset", slowly)
    store = Store.open(bench.store.folder)
    with ThreadPoolExecutor(8) as several:
        found = list(several.map(lambda _: dataset_of(store), range(16)))
    assert len(opened) == 1
    assert all(each is found[0] for each in found)
