"""A list of hostile requests against a running workbench: none succeeds, and the server stays up."""

from __future__ import annotations

import http.client
import json
import sys
from collections import Counter
from urllib.parse import urlencode, urlsplit

from _evidence import ROOT, report, wilson
from _workbench import running

sys.path.insert(0, str(ROOT / "tests" / "unit" / "web"))
from sent import Hostile, hostile


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


if __name__ == "__main__":
    with running(60) as address:
        found = [(one, sent(address, one)) for one in hostile()]
        alive = sent(address, Hostile("none", "GET", "/api/stores"))
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
        passed=refused == len(found) >= 200 and alive == 200,
        n=len(found),
    )
