"""Nothing hostile succeeds, the server stays up, and the token is demanded where others can reach it."""

from __future__ import annotations

from typing import Any

import pytest
from sent import hostile, png

from cutaway.core.errors import OptionError
from cutaway.web import Bench, Guard, create_app

LIST = list(hostile())


def test_the_list_is_long() -> None:
    assert len(LIST) >= 200


def test_no_hostile_request_succeeds_and_the_server_stays_up(client: Any) -> None:
    before = client.get("/api/stores").json()
    succeeded = []
    for one in LIST:
        answer = client.request(one.method, one.path, **one.options)
        if not 400 <= answer.status_code < 500:
            succeeded.append(
                (one.why, one.path, one.options.get("params") or one.options.get("json"), answer.status_code)
            )
        assert "Traceback" not in answer.text
    assert not succeeded, "\n".join(map(repr, succeeded))[:4000]
    assert client.get("/api/stores").json() == before
    assert client.post("/api/stores/photos/query", json={"where": "true"}).json()["count"] == 23


def test_every_answer_carries_the_headers_that_fence_the_page_in(client: Any) -> None:
    headers = client.get("/api/models").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_labels_with_html_travel_as_text(client: Any) -> None:
    name = "<img src=x onerror=alert(1)>"
    answer = client.post("/api/pictures", params={"name": name}, content=png())
    assert answer.headers["content-type"] == "application/json"
    shown = client.get("/api/models/small/predictions", params={"picture": answer.json()["picture"]})
    assert shown.json()["name"] == name
    assert shown.headers["content-type"] == "application/json"


def test_a_guard_for_others_demands_a_token(bench: Bench) -> None:
    from starlette.testclient import TestClient

    with pytest.raises(OptionError, match=r"serving .*example.org without a token; expected one"):
        Guard(hosts=("127.0.0.1", "example.org"))
    guard = Guard(hosts=("127.0.0.1", "example.org"), port=80, token="secret")
    with TestClient(create_app(bench, guard), base_url="http://example.org") as client:
        assert client.get("/api/models").status_code == 401
        assert client.get("/api/models", params={"token": "secre"}).status_code == 401
        assert client.get("/api/models", headers={"authorization": "Bearer é".encode()}).status_code == 401
        assert client.get("/api/models", headers={"authorization": "Bearer secret"}).status_code == 200
        assert client.get("/", params={"token": "secret"}).status_code == 200
        assert client.get("/api/models").status_code == 200  # by the cookie, which scripts cannot read
