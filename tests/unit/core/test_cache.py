"""The cache: addressed by content, whole or absent, never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cutaway.core import cache


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path))
    return tmp_path


class Counted:
    """An answer that counts how often it was computed."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, torch.Tensor]:
        self.times += 1
        return {"values": torch.arange(6.0).reshape(2, 3).T}


def test_one_question_is_computed_once(place: Path) -> None:
    answer = Counted()
    found = [cache.remember("room", {"unit": "a:1", "seed": 0}, answer) for _ in range(2)]
    assert answer.times == 1
    assert torch.equal(found[0]["values"], found[1]["values"])
    cache.remember("room", {"unit": "a:2", "seed": 0}, answer)
    assert answer.times == 2


def test_the_order_of_a_questions_parts_does_not_matter() -> None:
    assert cache.key({"a": 1, "b": [2]}) == cache.key({"b": [2], "a": 1}) != cache.key({"a": 1, "b": [3]})


def test_a_damaged_entry_counts_as_absent(place: Path) -> None:
    answer = Counted()
    cache.remember("room", {"q": 1}, answer)
    entry = next(place.rglob("*.safetensors"))
    entry.write_bytes(entry.read_bytes()[:20])
    found = cache.remember("room", {"q": 1}, answer)
    assert answer.times == 2
    assert found["values"].shape == (3, 2)


def test_a_disk_that_cannot_be_written_costs_only_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CUTAWAY_CACHE", str(tmp_path / "file"))
    answer = Counted()
    for times in (1, 2):
        assert cache.remember("room", {"q": 1}, answer)["values"].shape == (3, 2)
        assert answer.times == times


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    cache.write_atomically(path, lambda beside: beside.write_text("old"))

    def fail(beside: Path) -> None:
        beside.write_text("half")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        cache.write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_of_tensors_sees_names_shapes_types_and_values() -> None:
    values = torch.arange(6.0)
    same = cache.hash_tensors({"a": values, "b": values})
    assert same == cache.hash_tensors({"b": values.clone(), "a": values})
    others = [
        {"a": values, "c": values},
        {"a": values.reshape(2, 3), "b": values},
        {"a": values.double(), "b": values},
        {"a": values, "b": values + 1e-6},
    ]
    assert all(cache.hash_tensors(other) != same for other in others)


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTAWAY_CACHE", "/somewhere/own")
    assert cache.folder() == Path("/somewhere/own")
    monkeypatch.delenv("CUTAWAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/xdg")
    assert cache.folder() == Path("/somewhere/xdg/cutaway")
