"""Claims: who works on a job, until when, and how one that lapsed is taken back. Knows no model and no process.

A claim is a number, the fencing token, that grows with every claim of its job. Whoever writes for a job shows theirs;
one that is not the latest changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from engine.types import StoryRequest
from server.clock import SECOND, now
from server.fault import fault
from server.jobs.events import tell
from server.jobs.models import ACTIVE, Job
from server.jobs.outcomes import requeue, take_down
from server.place import Place


class Claim(NamedTuple):
    """`token` proves it; `request` and `estimate` (seconds by stage) are what is to be made and how long that takes."""

    job_id: str
    token: int
    user_id: str
    work_id: str
    series_id: str | None
    request: StoryRequest
    render_video: bool
    estimate: dict[str, float]
    attempt: int
    request_id: str | None


class ClaimLost(Exception):
    """Somebody else has the job now, or it has ended."""


def claim_wave(place: Place, worker: str, limit: int) -> list[Claim]:
    """Claim up to `limit` jobs that wait, fairly: owners take turns, those with fewest jobs in the making first."""
    with place.db.writing() as session:
        claims = []
        for job_id in _next_in_turn(session, limit):
            lease = now() + round(place.settings.lease_seconds * SECOND)
            taken = session.execute(
                update(Job)
                .where(Job.id == job_id, Job.status == "queued")
                .values(
                    status="generating_story",
                    stage="plan",
                    progress=0,
                    token=Job.token + 1,
                    worker=worker,
                    lease_until=lease,
                    started_at=func.coalesce(Job.started_at, now()),
                )
            )
            if taken.rowcount == 1:  # type: ignore[attr-defined]
                job = session.get_one(Job, job_id, populate_existing=True)
                tell(session, job, "status", status=job.status, progress=0, attempt=job.attempt)
                claims.append(_claim_of(job))
    fault("claimed")
    return claims


def _next_in_turn(session: Session, limit: int) -> list[str]:
    """Ids of waiting jobs, in the order in which their turn comes."""
    busy = aliased(Job)
    in_the_making = select(func.count()).where(busy.user_id == Job.user_id, busy.status.in_(ACTIVE)).scalar_subquery()
    turn = func.row_number().over(partition_by=Job.user_id, order_by=(Job.created_at, Job.id)) + in_the_making
    waiting = (
        select(Job.id, Job.created_at, turn.label("turn"))
        .where(Job.status == "queued", Job.not_before <= now())
        .subquery()
    )
    ordered = select(waiting.c.id).order_by(waiting.c.turn, waiting.c.created_at, waiting.c.id).limit(limit)
    return list(session.scalars(ordered))


def _claim_of(job: Job) -> Claim:
    return Claim(
        job_id=job.id,
        token=job.token,
        user_id=job.user_id,
        work_id=job.work_id,
        series_id=job.series_id,
        request=job.request,
        render_video=job.render_video,
        estimate=job.estimate,
        attempt=job.attempt,
        request_id=job.request_id,
    )


@contextmanager
def holding(place: Place, claim: Claim) -> Iterator[tuple[Session, Job]]:
    """One transaction in which the claimed job may be written. Raises `ClaimLost`."""
    with place.db.writing() as session:
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is None or job.token != claim.token or job.status not in ACTIVE:
            raise ClaimLost(claim.job_id)
        yield session, job


def prolong(place: Place, claims: Sequence[Claim]) -> set[str]:
    """Prolong the leases of `claims`; the ids of those that are still held."""
    held: set[str] = set()
    if not claims:
        return held
    lease = now() + round(place.settings.lease_seconds * SECOND)
    with place.db.writing() as session:
        for claim in claims:
            same = and_(Job.id == claim.job_id, Job.token == claim.token, Job.status.in_(ACTIVE))
            done = session.execute(update(Job).where(same).values(lease_until=lease))
            if done.rowcount == 1:  # type: ignore[attr-defined]
                held.add(claim.job_id)
    return held


def still_held(place: Place, claims: Sequence[Claim]) -> set[str]:
    """The ids of the claims that nobody has taken or ended meanwhile."""
    with place.db.reading() as session:
        rows = session.execute(
            select(Job.id, Job.token).where(Job.id.in_([claim.job_id for claim in claims]), Job.status.in_(ACTIVE))
        )
        tokens = {job_id: token for job_id, token in rows}
    return {claim.job_id for claim in claims if tokens.get(claim.job_id) == claim.token}


def release(place: Place, claim: Claim) -> None:
    """Give a job back untouched, without an attempt being spent: the worker leaves."""
    try:
        with holding(place, claim) as (session, job):
            requeue(session, job, spend_attempt=False)
    except ClaimLost:
        return


def sweep(place: Place) -> list[str]:
    """Take back jobs whose lease has lapsed; the ids of those that the queue should be told of (again).

    A bell may be lost with its queue, so a job that waits is rung for again after two sweeps.
    """
    moment = now()
    patience = round(2 * place.settings.sweep_seconds * SECOND)
    with place.db.writing() as session:
        lapsed = session.scalars(
            select(Job).where(Job.status.in_(ACTIVE), Job.lease_until < moment).with_for_update(skip_locked=True)
        )
        for job in lapsed:
            take_down(session, job)
    with place.db.writing() as session:
        unheard = select(Job.id).where(
            Job.status == "queued",
            Job.not_before <= moment,
            or_(Job.rung_at.is_(None), Job.rung_at < moment - patience),
        )
        silent = list(session.scalars(unheard.order_by(Job.created_at).limit(200)))
        if silent:
            session.execute(update(Job).where(Job.id.in_(silent)).values(rung_at=moment))
    return silent
