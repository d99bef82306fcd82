"""Safety: who may talk to the workbench, and how much they may send. It runs before anything else sees a request."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cutaway.core.errors import OptionError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MEBIBYTE = 1 << 20
COOKIE = "cutaway_token"

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Guard:
    """Which hosts are served, on which port, and the token that anyone but this machine has to show.

    hosts: names by which the server may be addressed; a page of another site that had its name resolved to this
    machine (DNS rebinding) sends another Host and is refused. token: None only where the server is bound to loopback.
    """

    hosts: tuple[str, ...] = LOOPBACK
    port: int = 8765
    token: str | None = None
    body: int = 12 * MEBIBYTE

    def __post_init__(self) -> None:
        if self.token is None and any(host not in LOOPBACK for host in self.hosts):
            raise OptionError(
                f"serving {', '.join(self.hosts)} without a token; expected one where others can reach the server; "
                "try cutaway serve --host, which makes one"
            )

    def refusal(self, method: str, path: str, query: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Why a request is not served, with its status; None if it is."""
        if self._host_of(headers.get("host", "")) is None:
            return 421, "this server is not known by that Host; try http://127.0.0.1"
        origin = headers.get("origin")
        if origin is not None and not self._own(origin):
            return 403, "requests from pages of other sites are refused"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and path.startswith("/api"):
            return 403, "requests from pages of other sites are refused"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.body:
            return 413, f"more than {self.body // MEBIBYTE} MiB; expected less; try a smaller picture"
        if self.token is not None and not self._knows_token(query, headers):
            return 401, "a token is needed: open the address that cutaway serve printed"
        if method not in ("GET", "HEAD", "POST", "DELETE"):
            return 405, f"no method {method[:16]}"
        return None

    def _host_of(self, host: str) -> str | None:
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):
            name, port = host, ""
        fits = name in self.hosts and (port == str(self.port) or (port == "" and self.port in (80, 443)))
        return name if fits else None

    def _own(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and self._host_of(parts.netloc) is not None

    def _knows_token(self, query: str, headers: dict[str, str]) -> bool:
        given = [headers.get("authorization", "").removeprefix("Bearer ")]
        given += parse_qs(query).get("token", [])
        try:
            cookie = SimpleCookie(headers.get("cookie", ""))
            given += [cookie[COOKIE].value] if COOKIE in cookie else []
        except CookieError:
            pass
        wanted = (self.token or "").encode()
        return any(hmac.compare_digest(each.encode(), wanted) for each in given)


class TooLargeError(Exception):
    """More bytes than the guard lets in, from one who did not say how many there would be."""


class GuardedApp:
    """An ASGI app behind its guard: refused requests never reach it, and no body grows beyond the limit."""

    def __init__(self, app: Any, guard: Guard) -> None:
        self.app = app
        self.guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope.get("query_string", b"").decode("latin-1")
        refused = self.guard.refusal(scope["method"], scope["path"], query, headers)
        if refused is not None:
            await _answer(send, *refused)
            return
        fresh = self.guard.token is not None and "token=" in query
        await self.app(scope, self._counted(receive), self._with_headers(send, fresh))

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.guard.body:
                raise TooLargeError
            return message

        return counted

    def _with_headers(self, send: Send, fresh: bool) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                if fresh:  # the page's own requests then need no token in their address
                    cookie = f"{COOKIE}={self.guard.token}; HttpOnly; SameSite=Strict; Path=/"
                    more.append((b"set-cookie", cookie.encode()))
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        return sending


async def _answer(send: Send, status: int, says: str) -> None:
    body = json.dumps({"error": says}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
