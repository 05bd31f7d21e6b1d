"""Which workers live, as they tell themselves, for whoever runs the machine. No job depends on it."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server.clock import DAY, SECOND, now
from server.jobs.models import Job, WorkerBeat
from server.place import Place

FORGOTTEN = DAY
"""A worker that was killed is not listed for ever."""


def sign_on(place: Place, name: str, gpu: str | None) -> None:
    """The worker `name` lives; to be said again within each lease."""
    moment = now()
    with place.db.writing() as session:
        session.merge(WorkerBeat(name=name, gpu=gpu, seen_at=moment))
        session.execute(delete(WorkerBeat).where(WorkerBeat.seen_at < moment - FORGOTTEN))


def sign_off(place: Place, name: str) -> None:
    with place.db.writing() as session:
        session.execute(delete(WorkerBeat).where(WorkerBeat.name == name))


def living(session: Session, lease_seconds: float) -> list[WorkerBeat]:
    """Those that were heard of within a lease."""
    recent = WorkerBeat.seen_at > now() - lease_seconds * SECOND
    return list(session.scalars(select(WorkerBeat).where(recent).order_by(WorkerBeat.name)))


def left_waiting(session: Session, lease_seconds: float) -> int:
    """How many jobs wait although no worker lives; 0 while one does."""
    if living(session, lease_seconds):
        return 0
    return session.scalar(select(func.count()).where(Job.status == "queued")) or 0
