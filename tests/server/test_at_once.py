"""Two processes at the same moment: one promise is kept, the other waits its turn, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from server.accounts import users
from server.accounts.models import User
from server.errors import Conflict
from server.jobs.accept import Order, enter
from server.jobs.control import retry
from server.jobs.models import ENDED, Job
from server.place import Place
from server.stories.models import Story, StoryCount
from server.stories.removal import delete_story
from server.stories.writing import set_status
from tests.server.making import an_order
from tests.server.media_rooms import a_story
from tests.server.people import a_user, add_user, at_once, place_on

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    with place_on(database_url, tmp_path) as place:
        yield place


@pytest.fixture
def ada(place: Place) -> str:
    return a_user(place)


def test_a_story_is_not_deleted_while_a_job_for_it_is_being_accepted(place: Place, ada: str) -> None:
    story_id = a_story(place, ada, status="failed")
    order: Order = an_order()._replace(work_id=story_id, story_id=story_id)
    entered, outcomes = threading.Event(), []

    def delete() -> None:
        entered.wait()
        try:
            delete_story(place, ada, story_id)
        except Conflict:
            outcomes.append("refused")

    with ThreadPoolExecutor() as pool:
        deleting = pool.submit(delete)
        with place.db.writing() as session:
            job_id = enter(session, 25, ada, order, None)
            entered.set()
            threading.Event().wait(0.3)  # whoever does not wait has deleted it by now
        deleting.result()
    assert outcomes == ["refused"]
    with place.db.reading() as session:
        assert session.get_one(Job, job_id).story_id == story_id
        assert session.get(Story, story_id) is not None
    assert (place.folders.work / story_id).is_dir()


def test_of_ten_retries_at_once_one_is_accepted_and_paid(place: Place, ada: str) -> None:
    a_story(place, ada, status="failed")
    with place.db.reading() as session:
        failed = session.scalars(select(Job.id)).one()
    outcomes: list[str] = []

    def again() -> None:
        try:
            outcomes.append(retry(place, ada, failed).job_id)
        except Conflict:
            outcomes.append("refused")

    at_once([again] * 10)
    assert outcomes.count("refused") == 9
    with place.db.reading() as session:
        assert len(session.scalars(select(Job.id).where(Job.status.not_in(ENDED))).all()) == 1
        assert session.get_one(User, ada).balance == 975


def test_stories_that_change_places_do_not_wait_for_each_other(place: Place, ada: str) -> None:
    """PostgreSQL would end one of them as a deadlock, and with it a wave of films."""
    states = ("generating_story", "failed")
    stories = [a_story(place, ada, status=state) for state in states]

    def swap(number: int) -> None:
        for turn in range(40):
            with place.db.writing() as session:
                set_status(session, session.get_one(Story, stories[number]), states[(number + turn + 1) % 2])

    with ThreadPoolExecutor() as pool:
        list(pool.map(swap, range(2)))
    with place.db.reading() as session:
        counts = {status: total for status, total in session.execute(select(StoryCount.status, StoryCount.total))}
        assert {status: counts[status] for status in states} == dict.fromkeys(states, 1)


def test_two_admins_who_disable_each_other_leave_one(place: Place) -> None:
    admins = [add_user(place, f"{name}@example.com", admin=True) for name in ("ada", "eve")]
    refused: list[str] = []

    def disable(user_id: str) -> None:
        try:
            with place.db.writing() as session:
                users.disable(session, user_id)
                threading.Event().wait(0.1)
        except Conflict:
            refused.append(user_id)

    at_once([lambda one=one: disable(one) for one in admins])
    assert len(refused) == 1
    with place.db.reading() as session:
        assert len(session.scalars(select(User).where(User.disabled_at.is_(None))).all()) == 1


def test_the_same_story_is_deleted_once(place: Place, ada: str) -> None:
    story_id = a_story(place, ada)
    freed: list[int] = []

    def delete() -> None:
        try:
            freed.append(delete_story(place, ada, story_id))
        except Exception as error:  # noqa: BLE001 - told below
            freed.append(-1 if type(error).__name__ == "NotFound" else -2)

    at_once([delete] * 4)
    assert sorted(freed)[:3] == [-1, -1, -1] and max(freed) > 0
