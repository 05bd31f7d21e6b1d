"""The front door, around routing itself: request ids, the hosts that are ours, headers of security, what is counted.

It stands outside of Litestar, whose middlewares are not passed by unknown paths and wrong methods. Knows no caller.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from litestar.types import Message, Receive, Scope, Send

from server.api.errors import answer_to, spell
from server.ids import cuid
from server.metrics import Metrics
from server.settings import Settings

log = structlog.get_logger("reelhouse.http")

App = Callable[[Scope, Receive, Send], Awaitable[None]]

READS = frozenset({"GET", "HEAD"})
HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::[0-9]{0,5})?")
SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
SINGLE = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"idempotency-key", b"x-csrf-token", b"origin"}
)
"""Headers of which two would mean that two programs read two different requests."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": POLICY.encode(),
}


class FrontDoor:
    """Calls `inner` for what may come in."""

    def __init__(self, inner: App, settings: Settings, metrics: Metrics) -> None:
        self.inner = inner
        self.metrics = metrics
        public = urlsplit(settings.public_url or "")
        self.secure = public.scheme == "https"
        named = {host_of(name) for name in settings.allowed_hosts}
        self.hosts = LOOPBACK | named | ({public.hostname} if public.hostname else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        headers = scope["headers"]
        request_id = _request_id(headers)
        scope["reelhouse_request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began, status = time.perf_counter(), 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._dressed(message.get("headers", []), request_id, scope["path"])
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                await _answer(send_dressed, refusal)
            else:
                await self.inner(scope, receive, send_dressed)
        except Exception as error:
            log.error("unhandled", method=scope["method"], path=scope["path"], exc_info=error)
            if status:
                raise  # half an answer is out: the server can only close the connection
            await _answer(send_dressed, answer_to(error))
        finally:
            seconds = time.perf_counter() - began
            template = str(scope.get("path_template") or "unmatched")
            self.metrics.request(scope["method"], template, status, seconds)
            if scope["method"] not in READS or status >= 400:  # what polls and is answered well is only counted
                took = round(seconds * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, ms=took)

    def _refusal(self, scope: Scope) -> Any:
        names = [name for name, _ in scope["headers"] if name in SINGLE]
        if len(names) != len(set(names)):
            twice = next(name for name in names if names.count(name) > 1).decode()
            return spell(400, f"The header {twice} was sent twice: send it once.")
        if {b"transfer-encoding", b"content-length"} <= {name for name, _ in scope["headers"]}:
            return spell(400, "A body has a Content-Length or a Transfer-Encoding: send one of them.")
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if not self._ours(host, scope):
            return spell(
                400,
                "This server is not known by that Host: name it in REELHOUSE_ALLOWED_HOSTS or REELHOUSE_PUBLIC_URL.",
            )
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return spell(400, "The address holds a NUL character: remove it.")
        return None

    def _ours(self, host: str, scope: Scope) -> bool:
        name = host_of(host)
        server = scope.get("server")
        # The address that the connection came in at: a foreign name that was rebound to it is still a foreign name.
        return name in self.hosts or (server is not None and name == host_of(str(server[0])))

    def _dressed(self, headers: Any, request_id: str, path: str) -> list[tuple[bytes, bytes]]:
        dressed = [(name.lower(), value) for name, value in headers]
        there = {name for name, _ in dressed}
        dressed.append((b"x-request-id", request_id.encode()))
        dressed += [(name, value) for name, value in SECURITY.items() if name not in there]
        if self.secure:
            dressed.append((b"strict-transport-security", b"max-age=31536000"))
        if path.startswith("/api/") and b"cache-control" not in there:
            dressed.append((b"cache-control", b"no-store"))
        return dressed


def host_of(text: str) -> str:
    """The name or address in a Host header, without port, brackets and the root's dot; "" if it is none."""
    text = text.strip().lower()
    if text.count(":") > 1 and not text.startswith("["):
        return text
    # What stands behind a name ends up in the addresses that are made from it: a port, and nothing else.
    spelt = HOST.fullmatch(text)
    return (spelt[1] or spelt[2]).rstrip(".") if spelt else ""


def _request_id(headers: Any) -> str:
    given = next((value for name, value in headers if name == b"x-request-id"), b"")
    return given.decode() if SANE_ID.fullmatch(given) else cuid()


async def _answer(send: Send, answer: Any) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
