"""The job as a client sees it: of the API, of a webhook, of the command line."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from server.clock import iso, iso_or_none
from server.jobs.models import Job, JobStatus
from server.media.library import url_of_id
from server.stories.models import Story, StoryClip


class JobDocument(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`progress` 0–100; `error` a sentence when the job failed, else null; timestamps ISO 8601, UTC. `videoUrl` is
    absolute, once the job is completed: the composed film if `renderVideo`, else the first clip's video."""

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
    error_code: str | None
    retry_of: str | None


def job_document(session: Session, job: Job, base_url: str) -> JobDocument:
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
        eta_seconds=job.eta_seconds,
        queue_position=queue_position(session, job),
        attempt=job.attempt,
        warnings=job.warnings,
        error_code=job.error_code,
        retry_of=job.retry_of,
    )


def _video_url(session: Session, job: Job, base_url: str) -> str | None:
    if job.render_video:
        film = select(Story.film_id).where(Story.id == job.story_id)
    else:
        film = select(StoryClip.video_id).where(StoryClip.story_id == job.story_id, StoryClip.order == 0)
    media_id = session.scalar(film)
    return None if media_id is None else url_of_id(session, base_url, media_id)


def queue_position(session: Session, job: Job) -> int | None:
    """How many jobs of all owners came before this one and still wait, plus one; None if it does not wait."""
    if job.status != "queued":
        return None
    earlier = or_(Job.created_at < job.created_at, (Job.created_at == job.created_at) & (Job.id < job.id))
    return 1 + (session.scalar(select(func.count()).where(Job.status == "queued", earlier)) or 0)
