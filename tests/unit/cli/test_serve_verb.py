"""`cutaway serve`: what it shows, how it is told to end, and what it says of a store or a port that it cannot use."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from cutaway.cli import main
from cutaway.cli.demo import workbench
from cutaway.cli.serve import bench_of, bound, names_of, short
from cutaway.core.errors import CutawayError, DataError, OptionError, StoreError
from cutaway.nets import load
from cutaway.store import picture_of, sweep
from cutaway.web import Bench

FACTORY = """
import torch
from torch import nn
from cutaway.nets import Model, Preprocess

def made(seed=0, size=12):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(150, 3))
    return Model(net, Preprocess(size=size), ("ant", "bee", "cow"), name="tiny")

def other():
    return made(1)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network in a file, six pictures, and a store of both."""
    where = tmp_path_factory.mktemp("serve")
    (where / "nets.py").write_text(FACTORY)
    (where / "pictures").mkdir()
    for number in range(6):
        Image.new("RGB", (14, 14), (40 * number, 90, 200 - 30 * number)).save(where / "pictures" / f"{number}.png")
    sweep(load(f"{where / 'nets.py'}:made"), f"folder:{where / 'pictures'}", where / "store", ["1"])
    return where


@pytest.fixture
def copy(place: Path, tmp_path: Path) -> Path:
    """A store of one's own, to be damaged."""
    return Path(shutil.copytree(place / "store", tmp_path / "store"))


def said(error: pytest.ExceptionInfo[CutawayError]) -> str:
    return " ".join(str(error.value).split())


def test_a_store_brings_its_network(place: Path) -> None:
    bench = bench_of([], [place / "store"], [])
    assert list(bench.models) == ["made"]
    assert bench.model_of == {"store": "made"}
    assert len(bench.store("store")) == 6


def test_two_stores_of_one_name_are_told_apart(place: Path, copy: Path) -> None:
    bench = bench_of([], [place / "store", copy], [])
    assert list(bench.stores) == ["store", "store_1"]
    assert short("a/b:c d@x", 0) == "c_d"


def test_a_store_of_another_version_is_refused(copy: Path) -> None:
    plan = json.loads((copy / "plan.json").read_text())
    (copy / "plan.json").write_text(json.dumps({**plan, "version": 99}))
    with pytest.raises(StoreError) as error:
        bench_of([], [copy], [])
    assert "is a store of version 99; expected version 1; try the cutaway that wrote it" in said(error)


def test_a_store_of_another_network_is_refused(place: Path) -> None:
    with pytest.raises(StoreError) as error:
        bench_of([f"{place / 'nets.py'}:other"], [place / "store"], [])
    assert "tiny has other weights than the tiny that the store" in said(error)
    assert "try --model with that network, or sweep again" in said(error)


def test_a_store_whose_pictures_are_gone_still_answers_and_says_so(place: Path, tmp_path: Path) -> None:
    pictures = Path(shutil.copytree(place / "pictures", tmp_path / "pictures"))
    made = sweep(load(f"{place / 'nets.py'}:made"), f"folder:{pictures}", tmp_path / "store", ["1"])
    shutil.rmtree(pictures)
    store = bench_of([], [made.folder], []).store("store")
    assert len(store.top("1:2", 3)) == 3
    with pytest.raises(StoreError) as error:
        picture_of(store, 0)
    assert "the pictures of the store" in said(error)
    assert "are not there any more" in said(error)


def test_an_unfinished_store_and_none_at_all_are_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "manifest.json").unlink()
    with pytest.raises(StoreError, match="has not ended; expected a whole store; run the same cutaway sweep again"):
        bench_of([], [copy], [])
    with pytest.raises(StoreError, match="no such folder; expected a folder that cutaway sweep wrote"):
        bench_of([], [tmp_path / "none"], [])


def test_a_port_in_use_is_said_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["cutaway", "serve", "--port", str(port)])
        with pytest.raises(SystemExit) as left:
            main()
    assert left.value.code == 2
    words = " ".join(capsys.readouterr().err.split())
    assert words.startswith(f"error: cannot listen on 127.0.0.1:{port} (Address already in use)")
    assert f"expected a free port of this machine; try --port {port + 1}" in words


def test_a_host_that_is_not_ours_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        OptionError, match=r"cannot listen on 192\.0\.2\.1:8765 .*; expected a free port of this machine"
    ):
        bound("192.0.2.1", 8765)
    assert names_of("box.example") == ("box.example", socket.gethostname())


def test_names_of_units_are_shown_and_others_refused(place: Path, tmp_path: Path) -> None:
    row = {"names": [{"text": "a beak", "score": 0.5, "p_value": 0.01}], "abstained": False, "reason": ""}
    file = tmp_path / "names.json"
    file.write_text(json.dumps([{"unit": "1:2", **row}, {"unit": "1:3", **row, "abstained": True}]))
    bench: Bench = bench_of([], [place / "store"], [file])
    assert bench.names == {("made", "1"): {2: {"text": "a beak", "score": 0.5, "others": []}}}
    file.write_text(json.dumps([{"unit": "9:2", **row}]))
    with pytest.raises(DataError, match=r"names 9:2, which made has not; expected names of units on the bench"):
        bench_of([], [place / "store"], [file])


def test_classes_that_only_the_sweep_knew_are_shown(place: Path, tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(FACTORY.replace('("ant", "bee", "cow")', "None"))
    model = load(f"{tmp_path / 'bare.py'}:made")
    model.labels = ("ant", "bee", "cow")
    sweep(model, f"folder:{place / 'pictures'}", tmp_path / "store", ["1"])
    assert bench_of([], [tmp_path / "store"], []).model("made").labels == ("ant", "bee", "cow")


def test_the_demo_says_how_to_open_it() -> None:
    assert workbench().endswith(" serve")


def test_told_to_end_it_cancels_what_runs_though_a_page_watches(place: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = "import sys, torch; torch.set_num_threads(1); from cutaway.cli import main; main()"
    words = [sys.executable, "-c", program, "serve", "--store", str(place / "store"), "--port", str(port)]
    environment = {**os.environ, "CUTAWAY_CACHE": str(tmp_path)}
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        assert server.stderr.readline() == f"the workbench is at http://127.0.0.1:{port}/\n"
        asked = {"kind": "units", "model": "made", "layer": "1", "channels": [0, 1, 2, 3, 4, 5]}
        address = f"http://127.0.0.1:{port}/api/jobs"
        request = urllib.request.Request(address, json.dumps(asked).encode(), {"content-type": "application/json"})
        for _ in range(100):
            try:
                job = json.loads(urllib.request.urlopen(request).read())
                break
            except OSError:
                time.sleep(0.1)
        watched = urllib.request.urlopen(f"{address}/{job['name']}/events")
        watched.readline()
        began = time.monotonic()
        server.send_signal(signal.SIGINT)
        server.wait(30)
        assert time.monotonic() - began < 12
        watched.close()
