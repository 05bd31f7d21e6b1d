"""How a job ends, or begins again: state, refund, event and webhook in the caller's one transaction.

The caller holds the job: by its claim, or because the sweep or its owner takes it away.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.errors import Cancelled, DeviceLost, MediaFailed, OutOfMemory, ReelhouseError, StageFailed, StorageFull
from server.accounts.credits import refund
from server.clock import SECOND, now
from server.jobs.events import tell
from server.jobs.models import Job
from server.jobs.webhooks import owe
from server.stories.models import Story
from server.stories.writing import set_status

ATTEMPTS = 3
"""The first one and two more."""
REST_SECONDS = (5, 20)
"""Before the second and the third attempt: what is short now may be there then."""

WORTH_ANOTHER = (StageFailed, MediaFailed, OutOfMemory, DeviceLost)
"""What may go well the next time. A wrong request, a missing or altered model and a full disk will not."""


def complete(session: Session, job: Job) -> None:
    """The film is published: the job has kept its promise."""
    _end(session, job, "completed")
    job.progress = 100
    job.eta_seconds = 0.0
    job.error = job.error_code = None
    _tell_end(session, job)


def fail(session: Session, job: Job, code: str, message: str) -> None:
    """The job ends here; what it cost is given back."""
    _end(session, job, "failed")
    job.error, job.error_code = message, code
    refund(session, job.user_id, job.id, job.cost)
    _tell_end(session, job)


def fail_or_requeue(session: Session, job: Job, error: ReelhouseError) -> None:
    """After an attempt that failed with `error`: another one if that may help, else the end."""
    if isinstance(error, WORTH_ANOTHER) and job.attempt < ATTEMPTS:
        requeue(session, job, spend_attempt=True)
    else:
        code = "cancelled" if isinstance(error, Cancelled) else error.code
        fail(session, job, code, told(error, job.stage))


def told(error: ReelhouseError, stage: str | None) -> str:
    """The sentence that a client reads: it names the stage and the remedy."""
    if isinstance(error, StorageFull) or stage is None:
        return error.message
    return f"{stage}: {error.message}"


def requeue(session: Session, job: Job, *, spend_attempt: bool) -> None:
    """Back into the queue, for whoever comes next."""
    if spend_attempt:
        job.not_before = now() + REST_SECONDS[min(job.attempt, len(REST_SECONDS)) - 1] * SECOND
        job.attempt += 1
    _let_go(job)
    job.status, job.stage, job.progress, job.eta_seconds, job.rung_at = "queued", None, 0, None, None
    tell(session, job, "status", status="queued", progress=0, attempt=job.attempt)


def take_down(session: Session, job: Job) -> None:
    """An attempt took its worker down, or its worker was taken down: again, unless that happened too often."""
    job.falls += 1
    if job.falls >= ATTEMPTS:
        fail(
            session,
            job,
            "worker_crashed",
            f"{job.stage or 'plan'}: the worker died {job.falls} times over this job: see its log, and try again with "
            "a smaller profile or fewer seconds.",
        )
    else:
        job.attempt = min(ATTEMPTS, job.attempt + 1)
        requeue(session, job, spend_attempt=False)


def _end(session: Session, job: Job, status: str) -> None:
    _let_go(job)
    job.status = status
    job.completed_at = now()
    story = session.get(Story, job.story_id) if job.story_id else None
    if story is not None and story.job_id == job.id:
        set_status(session, story, status)


def _let_go(job: Job) -> None:
    job.token += 1  # whoever still works on it is fenced off from here on
    job.lease_until = None
    job.worker = None


def _tell_end(session: Session, job: Job) -> None:
    tell(
        session,
        job,
        "done",
        status=job.status,
        progress=job.progress,
        storyId=job.story_id,
        error=job.error,
        errorCode=job.error_code,
    )
    owe(session, job)
