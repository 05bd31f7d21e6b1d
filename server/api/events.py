"""Server-sent events: one task per process asks the database for all jobs that somebody listens to, and hands round.

Knows jobs' events, not who may hear them. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.db.database import Database
from server.jobs.events import after
from server.jobs.models import JobEvent
from server.metrics import Metrics

log = structlog.get_logger("reelhouse.events")

POLL_SECONDS = 0.5
COMMENT_SECONDS = 15
"""Proxies close what is silent for a minute, some after 20 s."""
JOBS_AT_ONCE = 200
"""SQLite refuses expressions deeper than 1000; each job is a part of one."""
EVENTS_AT_ONCE = 1000


class Listener:
    """One open stream: what it was sent last, and what it is to be sent next; None is the end."""

    def __init__(self, job_id: str, seen: int) -> None:
        self.job_id = job_id
        self.seen = seen
        self.queue: asyncio.Queue[JobEvent | None] = asyncio.Queue()


class Hub:
    """All listeners of this process. `run` is its one task; `close` ends every stream."""

    def __init__(self, db: Database, metrics: Metrics) -> None:
        self._db = db
        self._metrics = metrics
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self.closed = False

    async def frames(self, job_id: str, seen: int) -> AsyncIterator[bytes]:
        """What one client is sent, until `done`, the end of the server, or of the client."""
        listener = Listener(job_id, seen)
        if self.closed:
            return
        self._listeners.add(listener)
        self._metrics.listeners.set(len(self._listeners))
        self._wake.set()
        try:
            while True:
                try:
                    event = await asyncio.wait_for(listener.queue.get(), COMMENT_SECONDS)
                except TimeoutError:
                    yield b": waiting\n\n"
                    continue
                if event is None:
                    return
                yield frame(event)
                if event.kind == "done":
                    return
        finally:
            self._listeners.discard(listener)
            self._metrics.listeners.set(len(self._listeners))

    async def run(self) -> None:
        while not self.closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if not self._listeners else POLL_SECONDS)
            self._wake.clear()
            try:
                await self._hand_round()
            except SQLAlchemyError as error:
                # A database that is away comes back; its listeners wait meanwhile.
                log.warning("events unread", reason=str(error).splitlines()[0])
                await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        self.closed = True
        self._wake.set()
        for listener in self._listeners:
            listener.queue.put_nowait(None)

    async def _hand_round(self) -> None:
        behind: dict[str, int] = {}
        # Who comes while the database is asked may have seen less than it was asked for: they are served next time.
        present = list(self._listeners)
        for listener in present:
            behind[listener.job_id] = min(listener.seen, behind.get(listener.job_id, listener.seen))
        jobs = list(behind)
        for start in range(0, len(jobs), JOBS_AT_ONCE):
            part = {job_id: behind[job_id] for job_id in jobs[start : start + JOBS_AT_ONCE]}
            events = await asyncio.to_thread(_read, self._db, part)
            if len(events) == EVENTS_AT_ONCE:
                self._wake.set()  # there are more
            by_job: dict[str, list[JobEvent]] = {}
            for event in events:
                by_job.setdefault(event.job_id, []).append(event)
            for listener in present:
                for event in by_job.get(listener.job_id, ()):
                    if event.seq > listener.seen:
                        listener.seen = event.seq
                        listener.queue.put_nowait(event)


async def replay(db: Database, job_id: str, seen: int) -> AsyncIterator[bytes]:
    """What there is to tell of a job that has ended."""
    while events := await asyncio.to_thread(_read, db, {job_id: seen}):
        for event in events:
            seen = event.seq
            yield frame(event)


def frame(event: JobEvent) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (event.kind.encode(), event.seq, msgspec.json.encode(event.data))


def _read(db: Database, seen: dict[str, int]) -> list[JobEvent]:
    with db.reading() as session:
        return after(session, seen, EVENTS_AT_ONCE)
