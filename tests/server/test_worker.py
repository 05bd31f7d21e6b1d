"""Workers as real processes, with models that only wait: whatever dies, hangs or is doubled, an accepted job ends."""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from PIL import Image
from sqlalchemy import select

from server.accounts.models import User
from server.errors import Conflict
from server.jobs.control import cancel, retry
from server.jobs.events import after
from server.jobs.models import Delivery
from server.jobs.webhooks import deliver_due
from server.media.library import path_of
from server.media.models import Media
from server.place import Place
from server.queue import open_queue, ring_for
from server.stories.models import StoryClip
from server.wire import LOST_DEVICE
from tests.server.chaos_rig import Ear
from tests.server.invariants import broken
from tests.server.making import Workers, a_place, job, row, submit, wait_for_end, wait_until
from tests.server.people import a_user

LEASE, SWEEP = 2.5, 1.0
GONE_SECONDS = 2.0
STOPPED_SECONDS = 5.0
LEFT_SECONDS = 10.0


def all_threads_stopped(pid: int) -> bool:
    """A thread may go on for a moment after the signal was sent, and begin a transaction. The state is what stands
    behind the name in brackets: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html."""
    states = [(task / "stat").read_text().rpartition(") ")[2][0] for task in Path(f"/proc/{pid}/task").iterdir()]
    return set(states) == {"T"}


class House(NamedTuple):
    place: Place
    workers: Workers
    ada: str

    def submit(self, *lines: str, **more) -> str:
        return submit(self.place, self.ada, *(lines or ("A fox ran.", "It saw a lamp.")), **more)

    def said(self, event: str) -> list[dict]:
        """What workers logged of that."""
        log = self.place.folders.logs / "worker.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [said for line in lines if (said := json.loads(line))["event"] == event]

    def begun(self, clips: int) -> None:
        wait_until(lambda: len(self.workers.clips_begun()) >= clips, f"{clips} clips are begun")

    def suspend(self, pid: int) -> None:
        """Not in a transaction of SQLite, which would suspend everybody."""
        file = str(self.place.folders.root / "app.db")

        def suspended() -> bool:
            self.workers.kill(pid, signal.SIGSTOP)
            wait_until(lambda: all_threads_stopped(pid), "the signal has reached every thread")
            with contextlib.closing(sqlite3.connect(file, timeout=0.5)) as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    self.workers.kill(pid, signal.SIGCONT)
                    return False
            return True

        wait_until(suspended, "the worker is suspended outside a transaction")

    def completed(self, *jobs: str) -> None:
        for told in wait_for_end(self.place, *jobs):
            assert told.status == "completed", told


@pytest.fixture
def house(tmp_path):
    place = a_place(tmp_path, lease_seconds=LEASE, sweep_seconds=SWEEP)
    workers = Workers(place)
    try:
        yield House(place, workers, a_user(place))
        workers.leave()
        assert broken(place) == []
    finally:
        workers.close()
        place.close()


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_a_job_becomes_a_film_whose_assets_are_readable_while_it_is_made(house):
    house.workers.start(clip_seconds=0.8)
    job_id = house.submit()
    seen, early = [0], set()
    while (told := job(house.place, job_id)).status not in ("completed", "failed"):
        seen.append(told.progress)
        with house.place.db.reading() as session:
            for clip in session.scalars(select(StoryClip)):
                for kind, media_id in (("still", clip.image_id), ("audio", clip.audio_id), ("video", clip.video_id)):
                    if media_id and (kind, clip.order) not in early:
                        path = path_of(house.place.folders, session.get_one(Media, media_id))
                        assert path.stat().st_size > 0
                        if kind == "still":
                            Image.open(path).load()
                        early.add((kind, clip.order))
        time.sleep(0.05)
    assert told.status == "completed", told
    assert seen == sorted(seen)
    assert {("still", 0), ("still", 1), ("audio", 0), ("video", 0)} <= early


def test_a_wave_takes_several_jobs_the_next_opens_no_model_again_and_an_idle_worker_leaves_at_once(house):
    wave = [house.submit(f"A fox of kind {number} ran.") for number in range(2)]
    pid = house.workers.start()
    house.completed(*wave)
    child = house.workers.child(pid)
    house.completed(house.submit("Another fox ran."))
    assert house.workers.child(pid) == child
    assert [len(said["jobs"]) for said in house.said("a wave begins")] == [2, 1]
    wait_until(lambda: len(house.said("the wave has ended")) == 2, "the second wave ended")
    assert set(house.said("the wave has ended")[-1]["loads"].values()) == {1}
    family = house.workers.family(pid)
    assert family
    house.workers.kill(pid, signal.SIGTERM)
    assert house.workers.wait(pid, LEFT_SECONDS) == 0
    assert not running(family)


def test_a_job_cancelled_over_a_clip_stops_and_the_others_of_its_wave_go_on(house):
    first, second = house.submit("A fox ran.", "A fox sat."), house.submit("A cat ran.", "A cat sat.")
    pid = house.workers.start(clip_seconds=1.5)
    house.begun(1)
    child = house.workers.child(pid)
    cancel(house.place, house.ada, first)
    house.completed(second)
    assert job(house.place, first).error_code == "cancelled"
    assert house.workers.child(pid) == child
    begun = house.workers.clips_begun()
    assert sum(clip.startswith(row(house.place, first).work_id) for clip in begun) == 1


@pytest.mark.parametrize("hangs", [False, True], ids=["obeys", "hangs"])
def test_the_child_is_idle_or_gone_five_seconds_after_a_cancel(house, hangs):
    pid = house.workers.start(clip_seconds=30, child_fault="clip:1:stop" if hangs else "")
    job_id = house.submit()
    house.begun(1)
    child = house.workers.child(pid)
    cancel(house.place, house.ada, job_id)

    def idle() -> bool:
        return not running([child]) or bool(house.said("the wave has ended"))

    wait_until(idle, "the child is idle or gone", STOPPED_SECONDS + 1.0)  # 1 s for a machine that does more than this
    assert hangs != bool(running([child]))


def test_a_killed_child_costs_at_most_the_shot_in_progress(house):
    pid = house.workers.start(clip_seconds=0.6)
    job_id = house.submit("A fox ran.", "It saw a lamp.", "Night fell.")
    house.begun(2)
    child = house.workers.child(pid)
    assert child is not None
    child.kill()
    house.completed(job_id)
    assert job(house.place, job_id).attempt == 2
    assert house.workers.made_again() <= 1


def test_a_killed_worker_leaves_no_process_and_another_goes_on(house):
    first = house.workers.start(clip_seconds=0.6)
    job_id = house.submit("A fox ran.", "It saw a lamp.", "Night fell.")
    house.begun(2)
    family = house.workers.family(first)
    assert family
    house.workers.kill(first)
    wait_until(lambda: not running(family), "everything below the worker is gone", GONE_SECONDS)
    house.workers.start()
    house.completed(job_id)
    assert job(house.place, job_id).attempt == 2
    assert house.workers.made_again() <= 1


def test_a_suspended_worker_loses_its_job_and_changes_nothing_when_it_wakes(house):
    first = house.workers.start(clip_seconds=2.0)
    job_id = house.submit()
    house.begun(1)
    child = house.workers.child(first)
    house.suspend(first)
    house.workers.start()
    house.completed(job_id)
    assert not running([child]), "the child of a worker that has lost its leases is still at work"
    with house.place.db.reading() as session:
        told = len(after(session, {job_id: 0}))
    house.workers.kill(first, signal.SIGCONT)
    wait_until(lambda: house.said("the generation child died"), "the first worker noticed")
    time.sleep(1.0)
    with house.place.db.reading() as session:
        assert len(after(session, {job_id: 0})) == told
    house.completed(house.submit("Both are well again."))


def test_asked_to_leave_a_worker_gives_its_job_back_unspent(house):
    first = house.workers.start(clip_seconds=30)
    job_id = house.submit()
    house.begun(1)
    family = house.workers.family(first)
    house.workers.kill(first, signal.SIGTERM)
    assert house.workers.wait(first, LEFT_SECONDS) == 0
    assert not running(family)
    told = job(house.place, job_id)
    assert (told.status, told.attempt) == ("queued", 1)
    house.workers.start()
    house.completed(job_id)
    assert job(house.place, job_id).attempt == 1


def test_a_retry_goes_on_with_what_was_finished(house):
    house.workers.start(clip_seconds=0.6)
    job_id = house.submit("A fox ran.", "It saw a lamp.", "Night fell.")
    house.begun(2)
    cancel(house.place, house.ada, job_id)
    again = retry(house.place, house.ada, job_id).job_id
    house.completed(again)
    assert job(house.place, again).story_id == job(house.place, job_id).story_id
    assert house.workers.made_again() <= 1


def test_a_retry_beside_the_child_that_has_yet_to_stop_waits_for_its_folder(house):
    house.workers.start(clip_seconds=30, child_fault="clip:1:stop")
    job_id = house.submit()
    house.begun(1)
    house.workers.start()
    cancel(house.place, house.ada, job_id)
    again = retry(house.place, house.ada, job_id).job_id
    house.completed(again)
    assert job(house.place, again).attempt == 1


def test_a_child_that_hangs_past_its_deadline_is_killed_and_the_job_made_again(house):
    house.workers.start(child_fault="clip:1:stop", BENCH_DEADLINE="12")
    job_id = house.submit("A fox ran.")
    house.completed(job_id)
    assert job(house.place, job_id).attempt == 2
    assert house.said("a stage does not end: the child is killed")


@pytest.mark.parametrize(("times", "ends"), [(1, "completed"), (9, "failed")], ids=["once", "always"])
def test_a_lost_gpu_costs_the_child_and_the_job_that_lost_it_not_the_worker_or_the_wave(house, tmp_path, times, ends):
    """Real processes; the error is spelt as torch spells it. The job is tried three times, then failed and refunded."""
    left = tmp_path / "times"
    left.write_text(str(times))
    cursed, fine = house.submit("A cursed fox ran."), house.submit("A cat ran.")
    pid = house.workers.start(BENCH_LOSES_GPU=str(left), BENCH_NO_REST="1")
    lost, made = wait_for_end(house.place, cursed, fine)
    assert (made.status, made.attempt) == ("completed", 1)
    assert lost.status == ends
    if ends == "completed":
        assert lost.attempt == 2
    else:
        assert (lost.attempt, lost.error_code) == (3, "device_lost")
        assert "clips: The GPU was lost under model noop-animator" in (lost.error or "")
    assert psutil.pid_exists(pid)
    died = house.said("the generation child died")
    assert [said["code"] for said in died] == [LOST_DEVICE] * min(times, 3)
    house.completed(house.submit("The next one is well."))


@pytest.mark.parametrize("point", ["artefact-published:2:fail", "commit:9:fail"])
def test_a_worker_that_stumbles_over_a_wave_makes_it_again_with_a_fresh_child(house, point):
    house.workers.start(fault=point)
    jobs = [house.submit("A fox ran."), house.submit("A cat ran.")]
    house.completed(*jobs)
    assert house.said("the wave is dropped") or house.said("to be tried again")


def test_a_disk_that_would_not_take_one_file_fails_one_job(house):
    house.workers.start(fault="keep:3:fail")
    told = wait_for_end(house.place, house.submit("A fox ran."), house.submit("A cat ran."))
    assert sorted(one.error_code or "" for one in told) == ["", "storage_unwritable"]


def test_a_work_folder_that_cannot_be_made_fails_its_own_job_only(house):
    bad, good = house.submit("A fox ran."), house.submit("A cat ran.")
    (house.place.folders.work / row(house.place, bad).work_id).write_text("in the way")
    house.workers.start()
    failed, made = wait_for_end(house.place, bad, good)
    assert (failed.status, failed.error_code, failed.attempt) == ("failed", "storage_unwritable", 1)
    assert made.status == "completed"


def test_messages_that_are_doubled_forged_or_junk_change_nothing(house):
    jobs = [house.submit(f"Fox {number} ran.") for number in range(2)]
    storage = open_queue(house.place).queue.storage
    for job_id in jobs:
        ring_for(house.place, job_id)
        ring_for(house.place, job_id)
    (good, *_) = storage.enqueued_items()
    forged = b"0" * 64 + json.dumps({"job_id": jobs[0]}).encode()
    for message in (b"", b"junk", b"\x00" * 5000, forged, good[:-1], good + b" ", pickle.dumps(("boom", 1))):
        storage.enqueue(message)
    ring_for(house.place, "c" + "0" * 24)
    house.workers.start()
    house.completed(*jobs)
    assert [job(house.place, one).attempt for one in jobs] == [1, 1]
    assert house.workers.made_again() == 0
    wait_until(lambda: storage.queue_size() == 0, "the queue is empty")
    house.completed(house.submit("The worker is well."))


def test_the_queue_file_may_be_deleted_under_waiting_jobs_and_a_listening_worker(house):
    house.workers.start()
    house.completed(house.submit("A fox ran."))
    queue = house.place.folders.root / "queue.db"
    queue.unlink()
    open_queue(house.place).queue.storage.close()  # as another process would, this one opens the new file
    house.completed(*(house.submit(f"Fox {number} ran.") for number in range(2)))


def test_bells_do_not_pile_up_behind_a_busy_worker(house):
    house.workers.start(clip_seconds=6, REELHOUSE_WAVE="1")
    busy, waiting = house.submit("A fox ran."), house.submit("A cat ran.")
    house.begun(1)
    time.sleep(3.5 * SWEEP)  # in which three bells more would lie there
    assert open_queue(house.place).queue.storage.queue_size() <= 2
    for one in (busy, waiting):
        cancel(house.place, house.ada, one)


def test_two_retries_at_once_are_one_job(house):
    job_id = house.submit("A fox ran.")
    cancel(house.place, house.ada, job_id)

    def one(_: int) -> str | None:
        try:
            return retry(house.place, house.ada, job_id).job_id
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [again for again in pool.map(one, range(16)) if again]
    assert len(made) == 1
    cancel(house.place, house.ada, made[0])


def test_a_webhook_that_cannot_be_signed_holds_no_other_up(tmp_path):
    place, ear = a_place(tmp_path, allowed_fetch=("127.0.0.1",)), Ear()
    try:
        for name in ("ada", "bob"):
            user = a_user(place, name)
            cancel(place, user, submit(place, user, webhook_url=ear.url))
            if name == "ada":
                with place.db.writing() as session:
                    session.get_one(User, user).webhook_secret = "whsec_a"
        assert deliver_due(place) == 2
        with place.db.reading() as session:
            told = [(row.delivered_at is not None, row.last_error) for row in session.scalars(select(Delivery))]
        assert sorted(told, key=str) == [(False, "a fault in reelhouse (Error)"), (True, None)]
        assert len(ear.heard) == 1
    finally:
        ear.close()
        place.close()
