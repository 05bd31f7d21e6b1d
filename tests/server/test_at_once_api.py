"""Many calls at the same moment, through HTTP to a server that listens: one promise, one debit, no credit twice."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
import uvicorn
from sqlalchemy import func, select

from server.accounts.models import Credit, User
from server.app import create_app
from server.jobs.models import Job
from server.listening import bind
from server.place import Place
from tests.server.conftest import Person
from tests.server.people import at_once

GENERATE = "/api/v1/stories/generate"


@pytest.fixture
def port(place: Place) -> Iterator[int]:
    """Of a server in a thread, on a socket of its own."""
    bound = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(place), log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    thread.join()


def submit(port: int, person: Person, **headers: str) -> tuple[int, dict[str, Any], str | None]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {**person.bearer, "Content-Type": "application/json", **headers}
    connection.request("POST", GENERATE, b'{"prompt": "A fox finds a lantern"}', headers)
    answer = connection.getresponse()
    told = answer.status, json.loads(answer.read()), answer.headers["Idempotency-Replayed"]
    connection.close()
    return told


def test_two_hundred_submits_with_one_idempotency_key_are_one_job_and_one_debit(
    place: Place, port: int, user: Person
) -> None:
    answers: list[tuple[int, dict[str, Any], str | None]] = []
    key = {"Idempotency-Key": "the-one"}
    at_once([lambda: answers.append(submit(port, user, **key)) for _ in range(200)])
    assert Counter(status for status, _, _ in answers) == {202: 200}
    assert len({body["jobId"] for _, body, _ in answers}) == 1
    assert Counter(replayed for _, _, replayed in answers) == {"true": 199, None: 1}
    with place.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1
        assert session.scalars(select(Credit.amount).where(Credit.reason == "debit")).all() == [-25]


def test_the_last_credits_are_spent_once_by_a_hundred_at_once(
    place: Place, port: int, people: Callable[..., Person]
) -> None:
    poor = people("poor@example.com", credits=49)
    answers: list[tuple[int, dict[str, Any], str | None]] = []
    at_once([lambda: answers.append(submit(port, poor)) for _ in range(100)])
    assert Counter(status for status, _, _ in answers) == {202: 1, 402: 99}
    assert {body["error"]["code"] for status, body, _ in answers if status == 402} == {"insufficient_credits"}
    with place.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1
        assert session.get_one(User, poor.id).balance == 24
