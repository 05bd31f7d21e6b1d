"""Many clients at once against one HTTP server, as cheap as they can be, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Call(NamedTuple):
    """One request; `body` None for a GET."""

    path: str
    body: dict[str, Any] | None = None


class Load(NamedTuple):
    """`seconds` of each answered call; `answers` their bodies, in the order of the calls; `refused` how many failed."""

    seconds: list[float]
    answers: list[Any]
    refused: int

    def percentile(self, share: float) -> float:
        """Seconds that `share` (0–1) of the calls did not exceed."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)]


def run_load(url: str, calls: Sequence[Call], *, clients: int, key: str | None = None) -> Load:
    """Send `calls` from `clients` connections at once, each sending its next call when its last one is answered."""
    return asyncio.run(_run(url, calls, clients, key))


async def _run(url: str, calls: Sequence[Call], clients: int, key: str | None) -> Load:
    place = urlsplit(url)
    seconds: list[float] = [math.nan] * len(calls)
    answers: list[Any] = [None] * len(calls)
    waiting = iter(range(len(calls)))

    async def client() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        for number in waiting:
            begun = time.perf_counter()
            writer.write(_request(calls[number], place.netloc, key))
            status, body = await _answer(reader)
            if status < 300:
                seconds[number], answers[number] = time.perf_counter() - begun, json.loads(body)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    done = [value for value in seconds if not math.isnan(value)]
    return Load(done, answers, len(calls) - len(done))


def _request(call: Call, host: str, key: str | None) -> bytes:
    body = b"" if call.body is None else json.dumps(call.body).encode()
    lines = [f"{'GET' if call.body is None else 'POST'} {call.path} HTTP/1.1", f"Host: {host}"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    return int(head[0].split()[1]), await reader.readexactly(int(fields.get("content-length", "0")))
