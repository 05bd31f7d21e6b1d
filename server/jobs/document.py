"""The job as a client sees it: of the API, of a webhook, of the command line."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from engine.findings import Review
from server.clock import iso, iso_or_none
from server.db.database import Database
from server.errors import NotFound
from server.jobs.models import ENDED, Job, JobStatus
from server.media.library import url_of_id
from server.stories.models import Story, StoryClip


class JobDocument(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`progress` 0–100; `error` a sentence when the job failed, else null; timestamps ISO 8601, UTC. `videoUrl` is
    absolute, once the job is completed: the composed film if `renderVideo`, else the first clip's video. `review`: what
    was found when the finished film was looked at, once it was."""

    job_id: str
    status: JobStatus
    progress: int
    story_id: str | None
    render_video: bool
    video_url: str | None
    error: str | None
    created_at: str
    started_at: str | None
    completed_at: str | None
    stage: str | None
    eta_seconds: float | None
    queue_position: int | None
    attempt: int
    warnings: list[str]
    review: Review | None
    error_code: str | None
    retry_of: str | None


PolledRow = Row[*tuple[Any, ...]]
"""The columns of `POLLED`, by name."""

# Every poll asks these. Built once and below the mapper, they take a third of the time.
J = Job.__table__.c
POLLED = select(
    *(J.id, J.user_id, J.status, J.progress, J.story_id, J.render_video, J.error, J.created_at, J.started_at),
    *(J.completed_at, J.stage, J.eta_seconds, J.attempt, J.warnings, J.review, J.error_code, J.retry_of),
).where(J.id == bindparam("sought"))
BEFORE = (
    select(func.count())
    .where(J.status == "queued")
    .where(or_(J.created_at < bindparam("moment"), and_(J.created_at == bindparam("moment"), J.id < bindparam("own"))))
)


def poll(db: Database, user_id: str, job_id: str, base_url: str) -> JobDocument:
    """The user's job as it is now. Raises `NotFound`, also for somebody else's."""
    with db.asking() as connection:
        job = connection.execute(POLLED, {"sought": job_id}).first()
        if job is None or job.user_id != user_id:
            raise NotFound(f"There is no job {job_id}.")
        return job_document(connection, job, base_url)


def job_document(session: Session | Connection, job: Job | PolledRow, base_url: str) -> JobDocument:
    """`base_url` is what media addresses begin with, without a slash at its end."""
    return JobDocument(
        job_id=job.id,
        status=job.status,  # type: ignore[arg-type]
        progress=job.progress,
        story_id=job.story_id,
        render_video=job.render_video,
        video_url=_video_url(session, job, base_url) if job.status == "completed" else None,
        error=job.error,
        created_at=iso(job.created_at),
        started_at=iso_or_none(job.started_at),
        completed_at=iso_or_none(job.completed_at),
        stage=job.stage if job.status not in ("queued", "completed") else None,
        eta_seconds=job.eta_seconds if job.status not in ENDED else None,
        queue_position=queue_position(session, job),
        attempt=job.attempt,
        warnings=job.warnings,
        review=job.review,
        error_code=job.error_code,
        retry_of=job.retry_of,
    )


def _video_url(session: Session | Connection, job: Job | PolledRow, base_url: str) -> str | None:
    if job.render_video:
        film = select(Story.film_id).where(Story.id == job.story_id)
    else:
        film = select(StoryClip.video_id).where(StoryClip.story_id == job.story_id, StoryClip.order == 0)
    media_id = session.scalar(film)
    return None if media_id is None else url_of_id(session, base_url, media_id)


def queue_position(session: Session | Connection, job: Job | PolledRow) -> int | None:
    """How many jobs of all owners came before this one and still wait, plus one; None if it does not wait."""
    if job.status != "queued":
        return None
    return 1 + (session.scalar(BEFORE, {"moment": job.created_at, "own": job.id}) or 0)
