"""What listeners are told of a job, in order and for ever the same: written with the state that it tells of."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from server.clock import now
from server.jobs.models import Job, JobEvent

Kind = Literal["status", "stage", "clip", "warning", "done"]


def tell(session: Session, job: Job, kind: Kind, **data: Any) -> None:
    """Add an event behind the last one of `job`, in the caller's transaction, which holds the job."""
    job.last_event += 1
    session.add(JobEvent(job_id=job.id, seq=job.last_event, kind=kind, data=data, created_at=now()))


def after(session: Session, seen: dict[str, int], limit: int = 1000) -> list[JobEvent]:
    """The events of these jobs behind the number that was seen of each, oldest first within a job."""
    if not seen:
        return []
    newer = or_(*(and_(JobEvent.job_id == job_id, JobEvent.seq > seq) for job_id, seq in seen.items()))
    return list(session.scalars(select(JobEvent).where(newer).order_by(JobEvent.job_id, JobEvent.seq).limit(limit)))
