"""Which workers live, as they tell themselves, for whoever runs the machine. No job depends on it."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server.clock import DAY, now
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


def anybody_lives(session: Session, lease_seconds: float) -> bool:
    return session.scalar(select(WorkerBeat.name).where(WorkerBeat.lives(lease_seconds)).limit(1)) is not None


def left_waiting(session: Session, lease_seconds: float) -> int:
    """How many jobs wait although no worker lives; 0 while one does."""
    if anybody_lives(session, lease_seconds):
        return 0
    return session.scalar(select(func.count()).where(Job.status == "queued")) or 0
