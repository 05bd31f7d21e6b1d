"""What tests of jobs stand on: a place, users, orders of stories that are made in a second, real worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from engine.types import StoryRequest
from server.jobs.accept import Accepted, Order, accept
from server.jobs.document import JobDocument, job_document
from server.jobs.models import ENDED, Job
from server.place import Place, open_place
from server.settings import Settings
from tests.conftest import ROOT
from tests.small_stories import small_request

LONG = 90.0
"""Seconds after which what should have happened counts as not happening."""


def a_place(folder: Path, **settings: Any) -> Place:
    return open_place(Settings(home=folder / "home", data=folder / "data", **settings))


def an_order(*lines: str, render_video: bool = True, webhook_url: str | None = None, **fields: Any) -> Order:
    request: StoryRequest = small_request(*lines, **fields)
    return Order(
        request=request,
        render_video=render_video,
        estimate={"voices": 1.0, "stills": 1.0, "clips": 2.0, "segments": 1.0, "film": 1.0},
        webhook_url=webhook_url,
        base_url="http://localhost",
    )


def submit(place: Place, user_id: str, *lines: str, **more: Any) -> str:
    accepted: Accepted = accept(place, user_id, an_order(*lines, **more))
    return accepted.job_id


def job(place: Place, job_id: str) -> JobDocument:
    with place.db.reading() as session:
        return job_document(session, session.get_one(Job, job_id), "http://localhost")


def row(place: Place, job_id: str) -> Job:
    with place.db.reading() as session:
        return session.get_one(Job, job_id)


def wait_until(true: Callable[[], Any], what: str, seconds: float = LONG) -> Any:
    """What `true` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not happen within {seconds:g} s that {what}")


def wait_for_end(place: Place, *job_ids: str, seconds: float = LONG) -> list[JobDocument]:
    wait_until(lambda: all(job(place, one).status in ENDED for one in job_ids), "all jobs ended", seconds)
    return [job(place, one) for one in job_ids]


class Workers:
    """Real worker processes on one place; whatever is left of them is killed at the end."""

    def __init__(self, place: Place, errors: int | None = None) -> None:
        """`errors`: where what they say on stderr goes, None: to this process's."""
        self.place = place
        self.errors = errors
        self.processes: list[subprocess.Popen[bytes]] = []
        self._made = place.folders.root / "made.txt"

    def start(self, *, clip_seconds: float = 0.0, fault: str = "", child_fault: str = "", **settings: str) -> int:
        """The process id of one more worker. `fault` strikes in it, `child_fault` in the first child of any worker."""
        environ = self.environ() | {
            "BENCH_CLIP_SECONDS": str(clip_seconds),
            "BENCH_WORKER_FAULT": fault,
            "REELHOUSE_FAULT": child_fault,
            "BENCH_MADE": str(self._made),
            "BENCH_FAULT_ONCE": str(self.place.folders.root / "child-with-faults") if child_fault else "",
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.bench_worker"], cwd=ROOT, env=environ, stderr=self.errors
        )
        self.processes.append(process)
        return process.pid

    def submitter(
        self, user_id: str, count: int, key: str, webhook: str = "", **settings: str
    ) -> subprocess.Popen[str]:
        """A process that accepts `count` stories and prints their jobs' ids; see `tests.server.bench_submit`."""
        command = [sys.executable, "-m", "tests.server.bench_submit", user_id, str(count), key]
        return subprocess.Popen(
            [*command, *([webhook] if webhook else [])],
            cwd=ROOT,
            env=self.environ() | settings,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def environ(self) -> dict[str, str]:
        """With which a process works on this place, and ends with this one."""
        known = self.place.settings
        environ = {name: value for name, value in os.environ.items() if not name.startswith("REELHOUSE_")} | {
            "REELHOUSE_HOME": str(known.home),
            "REELHOUSE_DATA": str(self.place.folders.root),
            "REELHOUSE_LEASE_SECONDS": str(known.lease_seconds),
            "REELHOUSE_SWEEP_SECONDS": str(known.sweep_seconds),
            "REELHOUSE_WAVE": str(known.wave),
            "REELHOUSE_ALLOWED_FETCH": ",".join(known.allowed_fetch),
            "BENCH_PARENT": str(os.getpid()),
        }
        for name, value in (("DATABASE_URL", known.database_url), ("QUEUE_URL", known.queue_url)):
            if value:
                environ[f"REELHOUSE_{name}"] = value
        return environ

    def kill(self, pid: int, how: signal.Signals = signal.SIGKILL) -> None:
        os.kill(pid, how)

    def family(self, pid: int) -> list[psutil.Process]:
        """Every process below that worker."""
        return psutil.Process(pid).children(recursive=True)

    def child(self, pid: int) -> psutil.Process | None:
        """The generation child of that worker, if it has one."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in psutil.Process(pid).children():
                if "tests.server.bench_child" in one.cmdline():
                    return one
        return None

    def wait(self, pid: int, seconds: float = LONG) -> int:
        """The exit code of that worker, once it has ended."""
        (process,) = (one for one in self.processes if one.pid == pid)
        return process.wait(seconds)

    def clips_begun(self) -> list[str]:
        """The content key of each clip that some child began, as often as one did."""
        return self._made.read_text().split() if self._made.exists() else []

    def made_again(self) -> int:
        begun = self.clips_begun()
        return len(begun) - len(set(begun))

    def leave(self) -> None:
        """Ask all to leave, and wait for it."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(LONG)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
