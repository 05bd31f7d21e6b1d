"""Accepting a job: idempotency row, debit and job row in one transaction; then the bell. Knows no HTTP.

Once this has returned, the job ends, whatever dies: if ringing fails, the sweep rings later.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from engine.delivery import check_space
from engine.errors import StorageFull
from engine.types import StoryRequest
from server.accounts.credits import debit
from server.clock import now
from server.db.database import wait_turn
from server.errors import Conflict, IdempotencyMismatch, NotFound, Unavailable
from server.fault import fault
from server.ids import cuid
from server.jobs.bells import ring
from server.jobs.models import ANSWERS_KEPT, Idempotency, Job, JobEvent
from server.place import Place
from server.series.models import Series
from server.stories.models import Story
from server.stories.removal import job_on

NEW_JOB = insert(Job.__table__)
FIRST_EVENT = insert(JobEvent.__table__).values(seq=1, kind="status", data={"status": "queued", "progress": 0})


class Order(NamedTuple):
    """What somebody wants made. `estimate` is seconds by stage, `disk_bytes` what making it writes, both from the plan.
    `base_url` is what addresses in its webhook begin with.
    `work_id`: the work folder to go on in, and the id of the story that is in it, of a retry or an edit."""

    request: StoryRequest
    render_video: bool
    estimate: dict[str, float]
    disk_bytes: int = 0
    series_id: str | None = None
    webhook_url: str | None = None
    work_id: str | None = None
    story_id: str | None = None
    retry_of: str | None = None
    base_url: str = ""


class Accepted(NamedTuple):
    """`replayed`: this is the answer to an earlier request with the same idempotency key."""

    job_id: str
    replayed: bool = False


def accept(
    place: Place, user_id: str, order: Order, *, key: str | None = None, request_id: str | None = None
) -> Accepted:
    """Promise to make `order`. `key` is the client's idempotency key; while the first request with it is in flight,
    the next one waits.

    Raises `TooFewCredits`, `NotFound` for a series that is not the user's, `IdempotencyMismatch`, `Conflict` while
    another job works on that story, and `Unavailable` if the disk cannot hold what is to be made.
    """
    fingerprint = _fingerprint(order)
    with place.db.writing() as session:
        if key is not None:
            wait_turn(session, f"{user_id} {key}")
            known = _known(session, user_id, key, fingerprint)
            if known is not None:
                return Accepted(known, replayed=True)
        _check_disk(place, order)
        job_id = enter(session, place.settings.credits_story, user_id, order, request_id)
        if key is not None:
            _remember(session, user_id, key, fingerprint, job_id)
    fault("accepted")
    ring(place, job_id)
    return Accepted(job_id)


def answered(place: Place, user_id: str, order: Order, key: str) -> Accepted | None:
    """What this very request was answered within the last day, if it was. Raises `IdempotencyMismatch`."""
    with place.db.reading() as session:
        row = _answer(session, user_id, key)
        return None if row is None else Accepted(_same(row, _fingerprint(order)), replayed=True)


def enter(session: Session, cost: int, user_id: str, order: Order, request_id: str | None) -> str:
    """The row of a new job, its debit and its first event, in the caller's transaction; the job's id.

    Every submit does this while it holds SQLite's one writer, hence below the mapper. Raises `TooFewCredits`,
    `NotFound`.
    """
    if order.series_id is not None:
        series = session.get(Series, order.series_id)
        if series is None or series.user_id != user_id:
            raise NotFound(f"There is no series {order.series_id}.")
    if order.work_id is not None:
        wait_turn(session, order.work_id)  # nobody removes that work, or accepts for it, meanwhile
        idle(session, order.work_id)
    moment = now()
    job_id = cuid()
    row = dict(
        id=job_id,
        user_id=user_id,
        work_id=order.work_id or cuid(),
        story_id=_if_there(session, order.story_id),
        series_id=order.series_id,
        retry_of=order.retry_of,
        request=order.request,
        render_video=order.render_video,
        webhook_url=order.webhook_url,
        base_url=order.base_url,
        cost=cost,
        status="queued",
        progress=0,
        estimate=order.estimate,
        warnings=[],
        attempt=1,
        falls=0,
        token=0,
        not_before=0,
        last_event=1,
        rung_at=moment,  # the bell follows at once; if it cannot be rung, that is taken back
        created_at=moment,
        request_id=request_id,
    )
    session.execute(NEW_JOB, row)
    debit(session, user_id, job_id, cost)
    session.execute(FIRST_EVENT, {"job_id": job_id, "created_at": moment})
    return job_id


def idle(session: Session, work_id: str) -> None:
    """Raise `Conflict` while a job waits for, or works on, the story with that work folder."""
    busy = job_on(session, work_id)
    if busy is not None:
        raise Conflict(f"Job {busy} works on this story: wait for it, or cancel it.")


def _if_there(session: Session, story_id: str | None) -> str | None:
    """A story may be deleted between the wish to make it again and this transaction: then it becomes a new one."""
    return None if story_id is None or session.get(Story, story_id) is None else story_id


def _check_disk(place: Place, order: Order) -> None:
    try:
        check_space({place.folders.work: order.disk_bytes})
    except StorageFull as error:
        raise Unavailable(error.message, retry_after=300) from error


def _fingerprint(order: Order) -> str:
    """What was asked for; not what it is expected to take, which changes with every film that is made."""
    asked = (order.request, order.render_video, order.series_id, order.webhook_url)
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _known(session: Session, user_id: str, key: str, fingerprint: str) -> str | None:
    """The job that answered this key within the last day. An older one is forgotten. Raises `IdempotencyMismatch`."""
    row = _answer(session, user_id, key)
    if row is not None:
        return _same(row, fingerprint)
    session.execute(delete(Idempotency).where(Idempotency.user_id == user_id, Idempotency.key == key))
    return None


def _answer(session: Session, user_id: str, key: str) -> Idempotency | None:
    mine = (Idempotency.user_id == user_id, Idempotency.key == key, Idempotency.created_at >= now() - ANSWERS_KEPT)
    return session.scalar(select(Idempotency).where(*mine))


def _same(row: Idempotency, fingerprint: str) -> str:
    if row.request_hash != fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used with another body: choose another key.")
    return row.job_id


def _remember(session: Session, user_id: str, key: str, fingerprint: str, job_id: str) -> None:
    session.add(
        Idempotency(id=cuid(), user_id=user_id, key=key, request_hash=fingerprint, job_id=job_id, created_at=now())
    )
    session.flush()
