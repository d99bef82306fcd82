"""What tests send: pictures as bytes, and requests that nobody should be served."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image


def png(side: int = 20, seed: int = 0) -> bytes:
    """A picture of noise."""
    buffer = io.BytesIO()
    draw = np.random.default_rng(seed)
    Image.fromarray(draw.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def bomb(width: int = 60000, height: int = 60000) -> bytes:
    """A PNG whose header promises billions of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@dataclass(frozen=True)
class Hostile:
    """One request, and why it is hostile."""

    why: str
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


SQL = (
    *(
        "1=1) UNION SELECT 1 --",
        "correct; DROP TABLE instances",
        "correct; ATTACH '/tmp/x.db'",
        "correct; INSTALL httpfs",
    ),
    *("instance IN (SELECT instance FROM instances)", "EXISTS (SELECT * FROM read_csv('/etc/passwd'))", "'" * 5),
    *("(SELECT count(*) FROM glob('/*')) > 0", "read_text('/etc/passwd') IS NOT NULL", "read_blob('/etc/shadow') > ''"),
    *(
        "getenv('HOME') <> ''",
        "current_setting('threads') <> ''",
        "length(repeat('x', 1000000000)) > 0",
        "SELECT 1",
        "",
    ),
    *("list_sum(range(1000000000)) > 0", "row_number() OVER () > 3", "random() < 0.5", "version() <> ''", "$1", "?"),
    *(
        "pg_sleep(10) IS NULL",
        "nextval('a') > 0",
        "COLUMNS('.*') IS NOT NULL",
        "main.instances.correct",
        "correct LIMIT 1",
    ),
    *("correct) GROUP BY (instance", "count(*) > 1", "CAST(key AS BLOB) IS NOT NULL", "(" * 1800, "key ~ '('", "\x00"),
    *(
        "system.main.getenv('A') <> ''",
        "correct); COPY instances TO '/tmp/out.csv' --",
        "correct OR " * 300 + "correct",
    ),
    *(
        "read_parquet('s3://a/b') > 0",
        "duckdb_secrets() > 0",
        "list_transform([1], x -> x) = [1]",
        "struct_pack(a := 1) > 0",
    ),
    *(
        "query('SELECT 1') > 0",
        "query_table('instances') > 0",
        "sql_auto_complete('a') > 0",
        "key = :name",
    ),
)

NAMES = (
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "file.py:main",
        "torchvision:resnet18",
        "\\\\host\\share",
    ),
    *(
        "small@/tmp/x.safetensors",
        "<script>alert(1)</script>",
        "a" * 5000,
        "small;ls",
        "$(id)",
        "`id`",
        "\r\nSet-Cookie: a=b",
        "../small",
    ),
)

BODIES = (
    b"",
    b"\x00" * 100,
    b"<svg onload=alert(1)>",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"%PDF-1.4",
    b"#!/bin/sh\nid\n",
    b"\x80\x04K\x01.",
)

REFERENCES = (
    "photos-99999",
    "photos--1",
    "photos-1e3",
    "upload-" + "0" * 24,
    "-",
    "photos-0x1",
    "../photos-1",
    "photos-1/../2",
    "",
)


def hostile(model: str = "small") -> Iterator[Hostile]:
    """More than 200 requests against a model and the store "photos", none of which may succeed."""
    yield from _elsewhere()
    for text in SQL:
        yield Hostile("SQL", "POST", "/api/stores/photos/query", {"json": {"where": text}})
        yield Hostile("SQL", "GET", "/api/stores/photos/top", {"params": {"unit": "act2:1", "where": text or "''"}})
    for name in NAMES:
        yield Hostile(
            "a path or spec as model", "GET", f"/api/models/{model}/predictions", {"params": {"picture": name}}
        )
        yield Hostile(
            "a path or spec as store", "GET", f"/api/stores/{name[:200].strip()}/units", {"params": {"layer": name}}
        )
        yield Hostile(
            "a spec in a job", "POST", "/api/jobs", {"json": {"kind": "explain", "model": name, "picture": "photos-1"}}
        )
        yield Hostile("an unknown layer", "GET", "/api/stores/photos/units", {"params": {"layer": name}})
    for body in BODIES:
        yield Hostile("no picture", "POST", "/api/pictures", {"content": body})
        yield Hostile("no frame", "POST", f"/api/models/{model}/frame", {"content": body, "params": {"layers": "act2"}})
    yield Hostile("a bomb", "POST", "/api/pictures", {"content": bomb()})
    yield Hostile("a tall bomb", "POST", "/api/pictures", {"content": bomb(10, 2_000_000_000)})
    yield Hostile("too many bytes", "POST", "/api/pictures", {"content": b"\0" * (13 << 20)})
    for reference in REFERENCES:
        yield Hostile("no such picture", "GET", f"/api/models/{model}/predictions", {"params": {"picture": reference}})
    yield from _malformed(model)


def _elsewhere() -> Iterator[Hostile]:
    """Requests that come from, or believe to be, elsewhere."""
    for host in (
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "localhost:9",
        "127.0.0.1:8765.evil.example",
        "",
        "[::1]",
        "0.0.0.0:8765",
    ):
        yield Hostile("another Host", "GET", "/api/stores", {"headers": {"host": host}})
        yield Hostile("another Host", "GET", "/", {"headers": {"host": host}})
    for origin in (
        "http://evil.example",
        "null",
        "file://",
        "http://127.0.0.1:8766",
        "https://localhost.evil.example",
        "http://[bad",
    ):
        yield Hostile(
            "another Origin",
            "POST",
            "/api/stores/photos/query",
            {"headers": {"origin": origin}, "json": {"where": "true"}},
        )
        yield Hostile("another Origin", "GET", "/api/jobs", {"headers": {"origin": origin}})
    for site in ("cross-site", "same-site"):
        yield Hostile("another site", "GET", "/api/models", {"headers": {"sec-fetch-site": site}})
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        yield Hostile("another method", method, "/api/stores")
    for length in ("999999999", "-5", "a"):
        yield Hostile(
            "a length that is none", "POST", "/api/pictures", {"headers": {"content-length": length}, "content": b"x"}
        )
    for path in (
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/../../etc/passwd",
        "/api/../../etc/passwd",
        "/docs",
        "/assets//etc/passwd",
    ):
        yield Hostile("a path outside", "GET", path)


def _malformed(model: str) -> Iterator[Hostile]:
    """Bodies and numbers of the wrong kind."""
    wrong: list[Any] = [
        None,
        [],
        {},
        {"where": 1},
        {"where": "true", "path": "/etc"},
        {"where": ["true"]},
        "true",
        {"where": "a" * 3000},
    ]
    for body in wrong:
        yield Hostile("a wrong body", "POST", "/api/stores/photos/query", {"json": body})
    subset = {"name": "a", "instances": [0]}
    for asked in (
        {"layer": "act2", "subsets": []},
        {"layer": "act2", "subsets": [subset] * 65},
        {"layer": "act2", "subsets": [{"name": "a"}]},
        {"layer": "act2", "subsets": [{"name": "a", "instances": [-1]}]},
        {"layer": "act2", "subsets": [{"name": "a", "instances": [10**8]}]},
        {"layer": "act2", "subsets": [subset], "units": 10**9},
        {"layer": "act2", "subsets": [subset], "pooled": "__class__"},
        {"layer": "act9", "subsets": [subset]},
    ):
        yield Hostile("a wrong matrix", "POST", "/api/stores/photos/matrix", {"json": asked})
    corners: list[Any]
    for corners in ([], [[0, 0]], [[0, 0], [1, 1], ["a", 0]], [[0, 0]] * 5000, [[1e300, 0]] * 4):
        yield Hostile(
            "a wrong lasso", "POST", "/api/stores/photos/lasso", {"json": {"layer": "act2", "corners": corners}}
        )
    for query in ({"k": "0"}, {"k": "9999"}, {"k": "x"}, {"unit": "act2:99"}, {"unit": "act2:-1"}, {"unit": "x"}):
        yield Hostile("a wrong question", "GET", "/api/stores/photos/top", {"params": {"unit": "act2:1", **query}})
    for job in (
        {"kind": "shell", "command": "id"},
        {"kind": "units", "model": model, "layer": "act2", "channels": [10**6]},
        {"kind": "units", "model": model, "layer": "act2", "channels": list(range(100))},
        {"kind": "tsne", "store": "photos", "layer": "act9"},
        {"kind": "explain", "model": model, "picture": "photos-1", "out": "/tmp/x"},
    ):
        yield Hostile("a wrong job", "POST", "/api/jobs", {"json": job})
    for name in ("x", "../x", "a" * 4000):
        yield Hostile("no such job", "GET", f"/api/jobs/{name}")
        yield Hostile("no such result", "GET", f"/api/jobs/{name}/result")
    for method in ("__import__", "os.system", "", "a" * 300):
        yield Hostile(
            "no method", "GET", f"/api/models/{model}/map", {"params": {"picture": "photos-1", "method": method}}
        )
    for without in ("act2:99", "act2", "x:1", "act2:0:1"):
        yield Hostile(
            "no unit",
            "GET",
            f"/api/models/{model}/predictions",
            {"params": {"picture": "photos-1", "without": without}},
        )
