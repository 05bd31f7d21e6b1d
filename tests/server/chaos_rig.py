"""One round's place, user, workers and listener, and what must be so once they have ended. Knows no fault."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from server.jobs.models import ACTIVE, ENDED, Delivery, Job
from server.place import Place
from tests.server.invariants import broken
from tests.server.making import Workers, a_place, wait_until
from tests.server.people import a_user

LEASE, SWEEP = 3.0, 1.0
CLIP_SECONDS = 0.3
PATIENCE = 150.0
GONE_SECONDS = 2.0


class Ear:
    """An HTTP server to which webhooks are sent; `heard` counts them by their id."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", "0")))
                ear.heard[self.headers["webhook-id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Rig:
    """One round's place, user, workers and ear."""

    def __init__(self, folder: Path, log: int) -> None:
        self.place: Place = a_place(folder, lease_seconds=LEASE, sweep_seconds=SWEEP, allowed_fetch=("127.0.0.1",))
        self.user = a_user(self.place)
        self.workers = Workers(self.place, log)
        self.ear = Ear()
        self.struck: float | None = None
        self.seen: dict[str, int] = {}
        self.claimed: float | None = None

    def worker(self, **more: Any) -> int:
        return self.workers.start(clip_seconds=CLIP_SECONDS, **more)

    def submit(self, count: int = 2, key: str = "k", lines: int = 2, fault: str = "") -> list[str]:
        with self.submitter(count, key, lines, fault) as process:
            return (process.communicate()[0] or "").split()

    def submitter(self, count: int, key: str, lines: int, fault: str) -> subprocess.Popen[str]:
        more = {"BENCH_LINES": str(lines), "BENCH_SUBMIT_FAULT": fault}
        return self.workers.submitter(self.user, count, key, self.ear.url, **more)

    def jobs(self) -> list[Job]:
        with self.place.db.reading() as session:
            return list(session.scalars(select(Job)))

    def strike(self, *, lost: bool = False) -> None:
        """The fault has struck: from now on the clock runs. `lost`: whoever was at work no longer is."""
        self.struck = time.monotonic()
        if lost:
            self.seen = {job.id: job.token for job in self.jobs() if job.status in ACTIVE}

    def all_ended(self) -> bool:
        jobs = self.jobs()
        if self.claimed is None and self.struck is not None:
            again = [job for job in jobs if job.token > self.seen.get(job.id, job.token) and job.status != "queued"]
            if again:
                self.claimed = time.monotonic() - self.struck
        return bool(jobs) and all(job.status in ENDED for job in jobs)

    def wait(self) -> float:
        """Seconds from the fault until all jobs have ended and their owner was told."""
        wait_until(self.all_ended, "all jobs ended", PATIENCE)
        ended = time.monotonic() - (self.struck or time.monotonic())
        wait_until(self._all_told, "all webhooks were delivered", PATIENCE)
        return ended

    def _all_told(self) -> bool:
        with self.place.db.reading() as session:
            return all(row.delivered_at for row in session.scalars(select(Delivery)))

    def end(self, may_fail: bool) -> list[str]:
        """What is broken, once all workers have left; also a job that failed, unless it may."""
        family = [one for process in self.workers.processes for one in _below(process.pid)]
        self.workers.leave()
        _, alive = psutil.wait_procs(family, GONE_SECONDS)
        found = broken(self.place) + [f"process {one.pid} was left: {' '.join(one.cmdline()[:4])}" for one in alive]
        with self.place.db.reading() as session:
            owed = {row.id: row.job_id for row in session.scalars(select(Delivery))}
        if Counter(owed.values()) != Counter(job.id for job in self.jobs() if job.webhook_url):
            found.append("some job is not owed exactly one webhook")
        if not may_fail:
            found += [f"job {job.id} failed: {job.error}" for job in self.jobs() if job.status == "failed"]
        if set(self.ear.heard) != set(owed):
            found.append("the webhooks that were heard are not those that were owed")
        return found

    def close(self) -> None:
        self.workers.close()
        self.ear.close()
        self.place.close()


def _below(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children(recursive=True)
    return []
