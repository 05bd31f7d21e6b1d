"""A worker: hears the bell, claims a wave, has its generation child make it, and keeps the leases of what it holds.

The supervisor of that child. It imports no model library itself, so nothing that happens in one can hang or kill it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import IO

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engine.machine import driver_memory
from engine.workplace import locked
from server.child import Child, ChildDied
from server.jobs.bells import ring_again
from server.jobs.claims import Claim, claim_wave, prolong
from server.jobs.crew import sign_off, sign_on
from server.jobs.progress import Progress
from server.jobs.webhooks import deliver_due
from server.media.library import place_file
from server.place import Place
from server.queue import listen
from server.series.service import references
from server.series.sound import Sound, sound_of
from server.wave import Making, Wave
from server.wire import Assignment, Beat

TICK_SECONDS = 0.25
OUTBOX_SECONDS = 1.0
LEAVE_SECONDS = 8.0
CHILD_LOG_BYTES = 10_000_000
BEATS_A_LEASE = 4
STAGE_FLOOR_SECONDS, STAGE_FACTOR = 600.0, 20.0
"""A stage that takes ten minutes and twenty times what was expected hangs."""
UNKNOWN_SECONDS = 6 * 3600.0
"""So does one of six hours of which nobody could tell what to expect: a GPU that was never measured may be slow."""

log = structlog.get_logger("worker")


def stage_deadline(stage: str, expected: float | None) -> float:
    if expected is None:
        return UNKNOWN_SECONDS
    return STAGE_FLOOR_SECONDS + STAGE_FACTOR * expected


class Worker:
    """One per GPU, or per machine without one. `run` returns when it was asked to leave."""

    def __init__(
        self,
        place: Place,
        gpu: str | None = None,
        child_module: str = "server.generation",
        deadline: Callable[[str, float | None], float] = stage_deadline,
    ) -> None:
        """`gpu`: what CUDA calls the device, None for the CPU. `deadline(stage, expected)`: seconds after which a stage
        that is expected to take `expected` hangs."""
        self._place, self._gpu, self._child_module, self._deadline = place, gpu, child_module, deadline
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._leaving = threading.Event()
        self._child: Child | None = None
        self._wave: Wave | None = None
        self._lock: int | None = None

    def leave(self) -> None:
        """Stop claiming; what is in the making is given back without an attempt being spent."""
        self._leaving.set()

    def run(self) -> None:
        """Work until asked to leave. Raises what opening the queue does."""
        global _worker
        with self._gpu_lock():
            _worker = self
            consumer = listen(self._place)
            # Huey set handlers of its own, which know nothing of claims.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.leave())
            threading.Thread(target=self._post, name="outbox", daemon=True).start()
            log.info("ready", worker=self.name, gpu=self._gpu)
            try:
                self._keep_time()
            finally:
                self.leave()
                consumer.stop()
                for _, thread in consumer.worker_threads:
                    thread.join(LEAVE_SECONDS)
                if self._child is not None:
                    self._child.end()
                self._undisturbed(lambda: sign_off(self._place, self.name))
                _worker = None
        log.info("left", worker=self.name)

    def hear(self) -> None:
        """The bell: make what waits, wave after wave, until nothing does."""
        while not self._leaving.is_set():
            claims = claim_wave(self._place, self.name, self._place.settings.wave)
            if not claims:
                return
            self._make(claims)

    # ---- the wave ---------------------------------------------------------------------------------------------------

    def _make(self, claims: list[Claim]) -> None:
        log.info("a wave begins", jobs=[claim.job_id for claim in claims])
        child = self._open_child()
        makings = [Making(claim, Progress(claim.estimate, claim.render_video)) for claim in claims]
        self._wave = Wave(self._place, child, makings, self._deadline)
        try:
            loads = self._wave.run(self._assignments(claims), self._leaving.is_set)
            log.info("the wave has ended", loads=loads)
        except ChildDied:
            self._child = None
        except Exception as error:
            log.error("the wave is dropped", error=str(error.__cause__ or error), exc_info=_unless_database(error))
            child.kill()  # or it would tell the next wave of this one
            self._child = None
        finally:
            self._wave = None
            if self._leaving.is_set():
                self._child = None

    def _assignments(self, claims: list[Claim]) -> tuple[Assignment, ...]:
        return tuple(self._assignment(claim) for claim in claims)

    def _assignment(self, claim: Claim) -> Assignment:
        sound = Sound({}, {})
        if claim.series_id is not None:
            with self._place.db.reading() as session:
                sound = sound_of(session, claim.series_id)
        return Assignment(
            job_id=claim.job_id,
            work=str(self._place.folders.work / claim.work_id),
            request=claim.request,
            references=self._faces(claim),
            cast=sound.voices,
            lexicon=sound.lexicon,
            request_id=claim.request_id,
        )

    def _faces(self, claim: Claim) -> dict[str, str]:
        """The pictures of the story's series, by character. Linked into the work folder, since somebody may replace
        them while they are needed."""
        if claim.series_id is None:
            return {}
        folder = self._place.folders.work / claim.work_id / "references"
        folder.mkdir(parents=True, exist_ok=True)
        faces = {}
        with self._place.db.reading() as session:
            for name, picture in references(session, self._place.folders, claim.series_id).items():
                here = folder / picture.name
                if not here.exists():
                    place_file(picture, here)
                faces[name] = str(here)
        return faces

    def _open_child(self) -> Child:
        if self._child is None or not self._child.alive:
            keep = [] if self._lock is None else [self._lock]
            with self._child_log() as output:
                self._child = Child(self._child_module, self._place, self._environ(), output, keep)
            self._beat()
        return self._child

    def _environ(self) -> dict[str, str]:
        environ = {name: value for name, value in os.environ.items() if name not in _FOR_SERVERS_ONLY}
        return environ if self._gpu is None else {**environ, "CUDA_VISIBLE_DEVICES": self._gpu}

    def _child_log(self) -> IO[bytes]:
        """What libraries print; begun anew when it has grown large, the one before is kept."""
        file = self._place.folders.logs / "generation.log"
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_size > CHILD_LOG_BYTES:
                file.replace(file.with_suffix(".log.1"))
        return file.open("ab")

    # ---- time -------------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        settings = self._place.settings
        next_beat = next_sweep = 0.0
        while not self._leaving.wait(TICK_SECONDS):
            moment = time.monotonic()
            if moment >= next_beat:
                next_beat = moment + settings.lease_seconds / BEATS_A_LEASE
                self._undisturbed(self._beat)
                self._undisturbed(lambda: sign_on(self._place, self.name, self._gpu))
            if moment >= next_sweep:
                next_sweep = moment + settings.sweep_seconds
                self._undisturbed(lambda: ring_again(self._place))

    def _undisturbed(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            log.warning("to be tried again", error=str(error.__cause__ or error), exc_info=_unless_database(error))

    def _beat(self) -> None:
        """Leases first: a child that hears of life must still have them."""
        wave, child = self._wave, self._child
        lapses = time.monotonic() + self._place.settings.lease_seconds
        if wave is not None:
            prolong(self._place, wave.claims)
        if child is not None:
            with contextlib.suppress(ChildDied):  # the wave hears of it too
                child.say(Beat(within=lapses - time.monotonic()))

    def _post(self) -> None:
        while not self._leaving.wait(OUTBOX_SECONDS):
            self._undisturbed(lambda: deliver_due(self._place))

    @contextlib.contextmanager
    def _gpu_lock(self) -> Iterator[None]:
        """Two models on one GPU are one out-of-memory: whoever comes second waits until the first has gone, and with it
        its child, which inherits the lock. It counts for the whole machine: other servers use the same GPUs."""
        if self._gpu is None:
            yield
            return
        name = driver_memory().uuid or self._gpu
        folder = Path(gettempdir()) / "reelhouse-gpus" / re.sub(r"[^\w.-]", "_", name)
        folder.mkdir(parents=True, exist_ok=True)
        for one in (folder.parent, folder):
            with contextlib.suppress(PermissionError):  # it is another user's, who has done it
                one.chmod(0o1777)
        with locked(folder, wait=True) as handle:
            with contextlib.suppress(PermissionError):
                os.fchmod(handle, 0o666)
            self._lock = handle
            yield
            self._lock = None


_worker: Worker | None = None
_FOR_SERVERS_ONLY = frozenset({"REELHOUSE_SECRET", "REELHOUSE_DATABASE_URL", "REELHOUSE_QUEUE_URL"})
"""Whoever makes pictures needs no password."""


def hear(job_id: str) -> None:
    """What the queue's task calls, in the process where `Worker.run` runs."""
    if _worker is not None:
        log.debug("heard", job_id=job_id)
        _worker.hear()


def _unless_database(error: Exception) -> Exception | None:
    """That a database does not answer says all there is to say; anything else is a fault, told with its place."""
    return None if isinstance(error, SQLAlchemyError) else error
