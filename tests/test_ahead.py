"""The next clip is made while the one before is written; order, errors and cancelling stay as they were."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.ahead import Ahead
from engine.backends.protocols import ClipJob, Exposing, Tick, no_tick
from engine.errors import Cancelled, MediaFailed, OutOfMemory
from tests.fake_models.pictures import FakeAnimator
from tests.test_clips import Studio, check

PATIENCE = 20
"""Seconds after which a test is given up that waits for another thread."""


@dataclass(frozen=True)
class Written:
    """An exposure that another animator's `animate` writes, after `before` has let it."""

    animate: Callable[[Path], None]
    before: Callable[[], None]

    def write(self, out: Path) -> None:
        self.before()
        self.animate(out)


class ExposingAnimator(FakeAnimator):
    """`writing(job)` runs before a clip is written, `exposing(job)` before it is made; `most` were made at once."""

    def __init__(
        self,
        writing: Callable[[ClipJob], None] = lambda job: None,
        exposing: Callable[[ClipJob], None] = lambda job: None,
        spoils: Callable[[ClipJob], bool] = lambda job: False,
    ) -> None:
        super().__init__(spoils=spoils)
        self.writing, self.exposing = writing, exposing
        self.exposed: list[ClipJob] = []
        self.busy, self.most = 0, 0

    def expose(self, job: ClipJob, *, tick: Tick = no_tick) -> Written:
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            tick(0, 2)
            self.exposing(job)
            tick(2, 2)
        finally:
            self.busy -= 1
        self.exposed.append(job)
        return Written(lambda out: FakeAnimator.animate(self, job, out), lambda: self.writing(job))


def test_the_next_clip_is_made_while_one_is_written_and_no_further(tmp_path: Path) -> None:
    begun = threading.Event()

    def exposing(job: ClipJob) -> None:
        if "number 1" in job.prompt:
            begun.set()

    def writing(job: ClipJob) -> None:
        if "number 0" in job.prompt:
            assert begun.wait(PATIENCE), "the second clip is not begun while the first is written"
            assert not any("number 2" in job.prompt for job in animator.exposed)

    animator = ExposingAnimator(writing, exposing)
    assert isinstance(animator, Exposing)
    studio = Studio(tmp_path, animator)
    check(list(studio.animate()), (17, 20, 9))
    assert [event.shot for event in studio.events if event.kind == "shot"] == [0, 1, 2]
    assert animator.most == 1


def test_what_is_kept_is_exposed_no_more_and_two_equal_shots_once(tmp_path: Path) -> None:
    list(Studio(tmp_path, ExposingAnimator()).animate())
    again = Studio(tmp_path, ExposingAnimator())
    list(again.animate((17, 24, 9)))
    assert [job.frames for job in again.handle.model.exposed] == [24]
    assert [event.reused for event in again.events if event.kind == "shot"] == [True, False, True]


def test_a_spoiled_clip_is_made_again_after_the_next_one_and_never_beside_it(tmp_path: Path) -> None:
    first: list[int] = []

    def spoils(job: ClipJob) -> bool:
        if "number 0" in job.prompt and not first:
            first.append(job.seed)
        return job.seed in first

    animator = ExposingAnimator(spoils=spoils)
    studio = Studio(tmp_path, animator)
    check(list(studio.animate()), (17, 20, 9))
    assert animator.most == 1
    assert len(animator.exposed) == 4
    assert ["again" in said for said in studio.said("decision")] == [True]


def test_an_error_while_writing_is_that_clips_and_leaves_nothing_running(tmp_path: Path) -> None:
    def writing(job: ClipJob) -> None:
        if "number 1" in job.prompt:
            raise MediaFailed("the disk said no")

    making = Studio(tmp_path, ExposingAnimator(writing)).animate()
    next(making)
    with pytest.raises(MediaFailed, match="the disk said no"):
        next(making)
    assert not _ahead()


def test_an_error_in_the_next_clip_waits_until_this_one_is_delivered(tmp_path: Path) -> None:
    def exposing(job: ClipJob) -> None:
        if "number 1" in job.prompt:
            raise ValueError("broken weights")

    making = Studio(tmp_path, ExposingAnimator(exposing=exposing)).animate()
    next(making)
    with pytest.raises(ValueError, match="broken weights"):
        next(making)
    assert not _ahead()


def test_memory_that_runs_out_ahead_still_walks_the_ladder(tmp_path: Path) -> None:
    def exposing(job: ClipJob) -> None:
        if "number 1" in job.prompt and job.memory < 2:
            raise OutOfMemory("too much: choose less")

    studio = Studio(tmp_path, ExposingAnimator(exposing=exposing))
    check(list(studio.animate()), (17, 20, 9))
    assert [said for said in studio.said("decision") if "tile" in said]


def test_who_takes_no_more_clips_stops_the_one_that_is_being_made(tmp_path: Path) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def expose(job: ClipJob, *, tick: Tick = no_tick) -> Written:
        if "number 1" in job.prompt:
            begun.set()
            try:
                for step in range(PATIENCE * 100):
                    tick(step, PATIENCE * 100)
                    threading.Event().wait(0.01)
            except Cancelled:
                stopped.set()
                raise
        return Written(lambda out: FakeAnimator.animate(animator, job, out), lambda: None)

    animator = ExposingAnimator()
    animator.expose = expose  # type: ignore[method-assign]
    making = Studio(tmp_path, animator).animate()
    next(making)
    assert begun.wait(PATIENCE)
    making.close()
    assert stopped.is_set()
    assert not _ahead()


def test_a_cancelled_story_stops_ahead_too(tmp_path: Path) -> None:
    studio = Studio(tmp_path, ExposingAnimator(writing=lambda job: studio.control.cancel()))
    with pytest.raises(Cancelled):
        list(studio.animate())
    assert not _ahead()


def test_one_thing_at_a_time_is_under_way() -> None:
    with Ahead[int]() as ahead:
        assert ahead.take_or(lambda: 7) == 7
        ahead.start(lambda: 8)
        with pytest.raises(AssertionError):
            ahead.start(lambda: 9)
        ahead.settle()
        assert ahead.take_or(lambda: 7) == 8


def _ahead() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead") and thread.is_alive()]
