"""What an owner does to their jobs: find, cancel, retry."""

from __future__ import annotations

from sqlalchemy.orm import Session

from server.errors import Conflict, NotFound
from server.jobs.accept import Accepted, Order, accept, idle
from server.jobs.models import ENDED, Job
from server.jobs.outcomes import fail
from server.place import Place

CANCELLED = "The job was cancelled on request; retry it to go on with what was finished."


def find(session: Session, user_id: str | None, job_id: str) -> Job:
    """The job of that id. `user_id` None: whoever owns it. Raises `NotFound`, also for somebody else's."""
    job = session.get(Job, job_id)
    if job is None or (user_id is not None and job.user_id != user_id):
        raise NotFound(f"There is no job {job_id}.")
    return job


def cancel(place: Place, user_id: str | None, job_id: str) -> Job:
    """End the job now: failed, `cancelled`, refunded. Its worker finds its claim gone within a second and stops.

    The same again is the same answer. Raises `NotFound`, `Conflict` if it has ended otherwise.
    """
    with place.db.writing() as session:
        find(session, user_id, job_id)
        job = session.get_one(Job, job_id, with_for_update=True, populate_existing=True)
        if job.status in ENDED:
            if job.error_code != "cancelled":
                raise Conflict(f"The job has already {job.status}: there is nothing to cancel.")
            return job
        fail(session, job, "cancelled", CANCELLED)
        return job


def retry(place: Place, user_id: str | None, job_id: str, request_id: str | None = None) -> Accepted:
    """A new job, with its own debit, for the same story; what was finished is used again.

    Raises `NotFound`, `Conflict` if the job has not failed or another one works on its story, and what `accept` does.
    """
    with place.db.reading() as session:
        job = find(session, user_id, job_id)
        if job.status != "failed":
            raise Conflict(f"The job is {job.status}: only one that failed can be tried again.")
        idle(session, job.work_id)
        story_id = job.story_id
    order = Order(
        request=job.request,
        render_video=job.render_video,
        estimate=job.estimate,
        series_id=job.series_id,
        webhook_url=job.webhook_url,
        work_id=job.work_id,
        story_id=story_id,
        retry_of=job.id,
        base_url=job.base_url,
    )
    return accept(place, job.user_id, order, request_id=request_id)
