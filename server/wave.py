"""One wave: jobs that were claimed are handed to the child, its news are published, its faults are answered.

Knows claims and the child; what is written is `server.jobs.publish`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from engine.errors import ReelhouseError
from engine.pace import UNITS
from engine.workplace import tidy
from server.child import Child, ChildDied
from server.jobs.claims import Claim, ClaimLost, holding, release, still_held
from server.jobs.failures import error_of
from server.jobs.outcomes import fail, fail_or_requeue, take_down
from server.jobs.progress import Progress
from server.jobs.publish import publish_artefact, publish_film, publish_progress, publish_script, publish_warning
from server.place import Place
from server.wire import (
    LOST_DEVICE,
    Artefact,
    Assignment,
    Failed,
    Filmed,
    Make,
    News,
    Step,
    Stop,
    Warned,
    WaveEnded,
    Written,
)

LOOK_SECONDS = 0.5
"""So often does a wave look whether its claims still hold: a cancelled job stops within that and one step."""
STOP_SECONDS = 4.0
"""How long a story that was told to stop may take before the child is killed: with the look before it, five."""
PROGRESS_SECONDS = 0.7

log = structlog.get_logger("wave")


@dataclass
class Making:
    """A claimed job in the child's hands. Monotonic seconds: `stage_since`, `told_at`; `stop_by` once told to stop."""

    claim: Claim
    progress: Progress
    stage_since: float = field(default_factory=time.monotonic)
    told_at: float = 0.0
    stop_by: float | None = None


class Wave:
    """`run` returns when every story of the wave has ended, was given back, or has taken the child down."""

    def __init__(
        self, place: Place, child: Child, makings: list[Making], deadline: Callable[[str, float | None], float]
    ) -> None:
        """`deadline(stage, expected)`: seconds that a stage may take which is expected to take `expected`; None if
        nobody can tell."""
        self._place, self._child, self._deadline = place, child, deadline
        self._open = {making.claim.job_id: making for making in makings}
        self._looked = time.monotonic()
        self._works: list[Path] = []

    @property
    def claims(self) -> list[Claim]:
        return [making.claim for making in list(self._open.values())]

    def run(self, wave: tuple[Assignment, ...], leaving: Callable[[], bool]) -> dict[str, int]:
        """How often each model was opened so far. `leaving()`: the worker is asked to go; jobs are given back.

        Raises `ChildDied`; then the jobs that were in its hands are queued again or have failed. One that lost the GPU
        is tried again a few times, the others of its wave go back unspent.
        """
        self._works = [Path(one.work) for one in wave]
        try:
            self._child.say(Make(wave))
            while True:
                news = self._child.hear(0.1)
                if isinstance(news, WaveEnded):
                    self._give_back()  # what the child has not told of, it was told to stop
                    return news.loads
                if news is not None:
                    self._publish(news)
                if leaving():
                    self._child.kill()  # before somebody else may have what it works on
                    self._tidy()
                    self._give_back()
                    return {}
                self._look()
        except ChildDied as died:
            log.error("the generation child died", code=died.code, jobs=list(self._open))
            self._child.kill()  # what it had started
            self._tidy()
            if died.code == LOST_DEVICE:
                self._give_back()
            else:
                self._taken_down()
            raise

    def _publish(self, news: News) -> None:
        assert not isinstance(news, WaveEnded)
        making = self._open.get(news.job_id)
        if making is None:
            return  # it was cancelled, or somebody else has it
        try:
            self._publish_one(news, making)
        except ClaimLost:
            if isinstance(news, Filmed | Failed):
                del self._open[news.job_id]  # it has stopped
            else:
                self._stop(making)
        except ReelhouseError as error:  # the disk would not take what was made
            self._end(making, error)

    def _publish_one(self, news: News, making: Making) -> None:
        place, claim = self._place, making.claim
        if isinstance(news, Step):
            self._step(news, making)
        elif isinstance(news, Written):
            publish_script(place, claim, news)
        elif isinstance(news, Artefact):
            publish_artefact(place, claim, news)
        elif isinstance(news, Warned):
            publish_warning(place, claim, news.message)
        elif isinstance(news, Filmed):
            publish_film(place, claim, news)
            del self._open[claim.job_id]
            log.info("completed", job_id=claim.job_id, request_id=claim.request_id, seconds=news.seconds)
        elif isinstance(news, Failed):
            log.warning("failed", job_id=claim.job_id, request_id=claim.request_id, code=news.code, error=news.message)
            if news.fault:
                with holding(place, claim) as (session, job):
                    fail(session, job, news.code, news.message)
                del self._open[claim.job_id]
            else:
                self._end(making, error_of(news.code, news.message))

    def _step(self, news: Step, making: Making) -> None:
        before = making.progress.stage
        making.progress.hear(news.stage, news.share)
        moment = time.monotonic()
        if making.progress.stage != before:
            making.stage_since = moment
        if making.progress.stage != before or moment - making.told_at >= PROGRESS_SECONDS:
            making.told_at = moment
            publish_progress(self._place, making.claim, making.progress)

    def _end(self, making: Making, error: ReelhouseError) -> None:
        del self._open[making.claim.job_id]
        try:
            with holding(self._place, making.claim) as (session, job):
                fail_or_requeue(session, job, error)
        except ClaimLost:
            return  # it was cancelled meanwhile

    def _look(self) -> None:
        """Stop what is no longer ours; kill the child if a story does not stop, or a stage does not end."""
        moment = time.monotonic()
        if moment - self._looked >= LOOK_SECONDS:
            self._looked = moment
            held = still_held(self._place, self.claims)
            for making in list(self._open.values()):
                if making.claim.job_id not in held:
                    self._stop(making)
        for making in list(self._open.values()):
            if making.stop_by is not None and moment > making.stop_by:
                log.warning("a story did not stop in time: the child is killed", job_id=making.claim.job_id)
                died = self._killed()
                self._tidy()
                self._give_back()  # the others of the wave have no part in it
                raise died
            stage = making.progress.stage
            expected = making.claim.estimate.get(stage, None if stage in UNITS else 0.0)
            limit = self._deadline(stage, None if expected is None else expected * len(self._open))
            if making.stop_by is None and moment - making.stage_since > limit:
                log.error("a stage does not end: the child is killed", job_id=making.claim.job_id, stage=stage)
                raise self._killed()

    def _killed(self) -> ChildDied:
        self._child.kill()
        return ChildDied(self._child.process.returncode)

    def _tidy(self) -> None:
        """Once the child is dead and before anybody else may work there."""
        for work in self._works:
            tidy(work)

    def _stop(self, making: Making) -> None:
        if making.stop_by is None:
            making.stop_by = time.monotonic() + STOP_SECONDS
            self._child.say(Stop(making.claim.job_id))

    def _give_back(self) -> None:
        for making in self._open.values():
            release(self._place, making.claim)
        self._open.clear()

    def _taken_down(self) -> None:
        """The child died under these: whose fault it was nobody knows, so each has fallen once."""
        for making in self._open.values():
            if making.stop_by is not None:
                continue  # no longer ours; it is why the child was killed
            try:
                with holding(self._place, making.claim) as (session, job):
                    take_down(session, job)
            except ClaimLost:
                continue
        self._open.clear()
