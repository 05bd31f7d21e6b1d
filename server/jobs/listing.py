"""Jobs as whoever runs the machine looks at them: all owners', newest first."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.jobs.models import Job, JobStatus

STATUSES: tuple[str, ...] = get_args(JobStatus)


def newest(session: Session, status: str | None, limit: int) -> list[Job]:
    jobs = select(Job).order_by(Job.created_at.desc(), Job.id.desc()).limit(limit)
    return list(session.scalars(jobs if status is None else jobs.where(Job.status == status)))
