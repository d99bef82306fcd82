"""A list of hostile requests against a running workbench: none succeeds, and the server stays up."""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from _evidence import ROOT, report, wilson
from _workbench import running

from cutaway.nets import load
from cutaway.store import sweep

sys.path.insert(0, str(ROOT / "tests" / "unit" / "web"))
sys.path.insert(0, str(ROOT / "tests" / "unit" / "store"))
import small_store
from sent import Hostile, hostile

MODEL = "made_model"


def sent(address: str, one: Hostile) -> int:
    """The status of one request, sent over a socket of its own, byte for byte as it is listed."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    query = urlencode(one.options.get("params", {}), doseq=True)
    headers = {"host": parts.netloc, **one.options.get("headers", {})}
    if "json" in one.options:
        body, headers["content-type"] = json.dumps(one.options["json"]).encode(), "application/json"
    else:
        body = one.options.get("content", b"")
    path = "".join(c if 32 < ord(c) < 127 else "_" for c in one.path)
    try:
        connection.request(one.method, path + (f"?{query}" if query else ""), body, headers)
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        return 413  # it hung up on too many bytes
    finally:
        connection.close()


def photos(place: Path) -> Path:
    """The store of the unit tests, so that what a request names is there."""
    model = load(f"{small_store.__file__}:{MODEL}")
    pictures = small_store.write_pictures(place / "pictures")
    return sweep(model, f"folder:{pictures}", place / "photos", ["act1", "act2"]).folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, running([photos(Path(place))]) as workbench:
        found = [(one, sent(workbench.address, one)) for one in hostile(MODEL)]
        good = [Hostile("none", "GET", "/api/stores"), Hostile("none", "GET", f"/api/models/{MODEL}/graph")]
        alive = all(sent(workbench.address, one) == 200 for one in good)
    kinds = Counter(one.why for one, _ in found)
    through = Counter(one.why for one, status in found if not 400 <= status < 500)
    rows = [{"what": kind, "requests": count, "succeeded": through[kind]} for kind, count in kinds.items()]
    refused = len(found) - sum(through.values())
    low, high = wilson(refused, len(found))
    report(
        "workbench_safety",
        f"{refused} of {len(found)} hostile requests (95 % interval {low:.1%} to {high:.1%}) are refused; "
        "the server stays up",
        rows,
        passed=refused == len(found) >= 200 and alive,
        n=len(found),
    )
