"""Consolidation: planted groups, names of groups, outliers, redundancy, and a language model that only phrases."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from cutaway.core.errors import DataError, OptionError
from cutaway.naming import Name, UnitNames, consolidate
from cutaway.naming.consolidate import group_name
from cutaway.naming.phrasing import Chat, PhrasingError, ask, phrasings
from cutaway.naming.taxonomy import kind_of


def named(*texts: str) -> list[UnitNames]:
    return [
        UnitNames(f"conv:{i}", (Name(text, 0.8, 1e-6),), not text, "" if text else "dead")
        for i, text in enumerate(texts)
    ]


def test_planted_groups_are_found_and_named() -> None:
    found = consolidate(named("finch", "heron", "owl", "red car", "scarlet car", "brick wall", ""))
    groups = {group.name: set(group.units) for group in found.groups}
    assert groups["bird"] == {"conv:0", "conv:1", "conv:2"}
    assert groups["car"] == {"conv:3", "conv:4"}
    assert found.outliers == ("conv:5",)
    assert found.unnamed == ("conv:6",)


def test_activations_show_which_units_are_redundant() -> None:
    draw = np.random.default_rng(0)
    one = draw.random(200)
    fired = np.stack([one, one + draw.normal(0, 0.02, 200), draw.random(200)], axis=1).astype(np.float32)
    found = consolidate(named("red car", "red car", "red car"), fired, close=0.9)
    assert found.groups[0].redundant == ("conv:1",)


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["poppy", "daisy", "rose"], "flower"),
        (["striped wall", "plain wall"], "wall"),
        (["sea", "sea"], "sea"),
        (["trout", "shark", "fish"], "fish"),
    ],
)
def test_a_group_is_called_by_what_its_names_share(texts: list[str], name: str) -> None:
    assert group_name(texts)[0] == name


def test_a_phrase_is_what_its_head_is() -> None:
    assert kind_of("a red sports car")[:2] == ("car", "vehicle")
    assert kind_of("zzz") == ()


def test_wrong_columns_and_nothing_at_all_are_errors() -> None:
    with pytest.raises(DataError, match="no units to consolidate"):
        consolidate([])
    with pytest.raises(DataError, match="activations of 2 units and names of 1"):
        consolidate(named("car"), np.zeros((9, 2), np.float32))


class Speaker(http.server.BaseHTTPRequestHandler):
    """Speaks both chat forms; what it answers depends on the model asked for."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Speaker.asked.append(self.path)
        text = {"short": "things that fly", "long": "x" * 500, "none": ""}.get(body["model"], "")
        answer: object = {"content": [{"text": text}], "choices": [{"message": {"content": text}}]}
        answer = {"odd": 1} if body["model"] == "odd" else answer
        self.send_response(500 if body["model"] == "broken" else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TEST_KEY", "k")
    Speaker.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaker) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(("api", "path"), [("anthropic", "/v1/messages"), ("openai", "/chat/completions")])
def test_answers_are_recorded_and_replayed(api: str, path: str, server: str, tmp_path: Path) -> None:
    chat = Chat(api, "short", tmp_path, server, "TEST_KEY")
    assert ask("what?", chat) == "things that fly"
    assert Speaker.asked == [path]
    replayed = Chat(api, "short", tmp_path, "http://nowhere.invalid", "TEST_KEY", replay=True)
    assert ask("what?", replayed) == "things that fly"
    with pytest.raises(PhrasingError, match="no transcript of this question"):
        ask("what else?", replayed)


@pytest.mark.parametrize(
    ("model", "message"),
    [("broken", "answered 500"), ("odd", "something else"), ("none", "no text"), ("long", "500 characters")],
)
def test_a_misbehaving_model_costs_only_its_phrasing(model: str, message: str, server: str, tmp_path: Path) -> None:
    found = consolidate(named("finch", "heron"))
    texts, notes = phrasings(found.groups, {}, Chat("openai", model, tmp_path, server, "TEST_KEY"))
    assert texts == ("",)
    assert message in notes[0]


def test_an_unreachable_model_and_a_missing_key_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "k")
    with pytest.raises(PhrasingError, match="cannot be reached"):
        ask("what?", Chat("openai", "m", tmp_path, "http://127.0.0.1:1", "TEST_KEY", timeout=1.0))
    with pytest.raises(OptionError, match=r"no key in \$ABSENT_KEY"):
        ask("what?", Chat("openai", "m", tmp_path, "", "ABSENT_KEY"))
