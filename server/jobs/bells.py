"""The bells of jobs: one for each that is accepted, and another one for those that nobody heard."""

from __future__ import annotations

from sqlalchemy import update

from server.jobs.claims import sweep
from server.jobs.models import Job
from server.place import Place
from server.queue import ring_for, unheard


def ring(place: Place, job_id: str) -> None:
    """Tell the queue of a job that was just accepted; if that fails, the next sweep does."""
    if not ring_for(place, job_id):
        with place.db.writing() as session:
            session.execute(update(Job).where(Job.id == job_id).values(rung_at=None))


def ring_again(place: Place) -> None:
    """Take back what lapsed, and ring for all that waits unheard; not while as many bells are still to be heard, or
    they would pile up behind workers that are busy."""
    silent = sweep(place)
    if len(silent) > unheard(place):
        for job_id in silent:
            ring_for(place, job_id)
