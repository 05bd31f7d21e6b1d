"""GET and HEAD /media/{name}: public files at addresses that nobody guesses. Opaque id → row → path; no string of a
client ever becomes a path."""

from __future__ import annotations

import os
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from litestar import Request, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send

from server.api.errors import spell
from server.clock import SECOND
from server.errors import NotFound
from server.media.library import find, path_of
from server.media.serving import Answer, FileFacts, answer
from server.place import Place

CHUNK = 256 * 1024
"""Bytes read at a time: enough that the change of threads costs little, little enough that many clients fit."""
READERS = 16
"""Threads that read files, of their own: films still play while every thread for requests waits for something."""

_limiter: RunVar[CapacityLimiter] = RunVar("readers of media files")


@route(
    "/media/{name:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    opt={"access": "public"},
    include_in_schema=False,
    sync_to_thread=True,
)
def serve_media(request: Request[Any, Any, Any], place: NamedDependency[Place], name: FromPath[str]) -> ASGIApp:
    """A film, a shot, a picture, a narration or captions. Honours Range, If-Range, If-None-Match, If-Modified-Since."""
    with place.db.reading() as session:
        media = find(session, name)
    facts = FileFacts(name, media.suffix, media.bytes, media.sha256, media.created_at // SECOND)
    reply = answer(request.method, request.headers, facts)
    if reply.status == 416:
        return _refused(reply, facts.bytes)
    if reply.length == 0 or request.method == "HEAD":
        return _AtOnce(reply)
    return _FilePart(reply, path_of(place.folders, media))


class _AtOnce:
    """An answer without any of the file."""

    def __init__(self, reply: Answer, body: bytes = b"") -> None:
        self.reply, self.body = reply, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _begin(send, self.reply)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def _refused(reply: Answer, size: int) -> _AtOnce:
    """416, in the shape of every error of the contract."""
    body = spell(416, f"Range: the file has {size} bytes, none of those that were asked for.").body
    headers = {
        # The file may be cached for ever; that this range of it was refused may not.
        "cache-control": "no-store",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    return _AtOnce(reply._replace(headers=reply.headers | headers), body)


class _FilePart:
    """`reply.length` bytes of the file, read by threads, no more than a chunk in memory; stops when the client goes."""

    def __init__(self, reply: Answer, path: Path) -> None:
        self.reply, self.path = reply, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A file object and no bare handle: if this task is killed here, the collector closes it.
        with await to_thread.run_sync(partial(_open, self.path), limiter=_readers()) as file:
            await _begin(send, self.reply)
            async with anyio.create_task_group() as both:

                async def stop_when_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    both.cancel_scope.cancel()

                both.start_soon(stop_when_gone)
                await self._send(file.fileno(), send)
                both.cancel_scope.cancel()

    async def _send(self, handle: int, send: Send) -> None:
        at, end = self.reply.start, self.reply.start + self.reply.length
        while at < end:
            # Cancellation waits for this call, so the handle is never closed under a thread that reads from it.
            read = partial(os.pread, handle, min(CHUNK, end - at), at)
            chunk = await to_thread.run_sync(read, limiter=_readers())
            if not chunk:
                raise OSError(f"{self.path} is shorter than its row says")
            at += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": at < end})


def _readers() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        _limiter.set(fresh := CapacityLimiter(READERS))
        return fresh


def _open(path: Path) -> FileIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as gone:
        raise NotFound("There is no such file; it may have been deleted.") from gone


async def _begin(send: Send, reply: Answer) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
