"""Jobs: poll, cancel, retry, and listen to their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter
from litestar.response import Stream

from server.accounts.caller import Caller
from server.api.events import Hub, replay
from server.api.origin import base_url
from server.api.v1.accepted import accepted_answer
from server.api.v1.paths import request_id
from server.api.v1.structs import Queued
from server.errors import BadInput
from server.jobs import control
from server.jobs.document import JobDocument, job_document, poll
from server.jobs.models import ENDED, Job
from server.place import Place

MAX_SEQ = 2**31 - 1


@get("/stories/jobs/{job_id:str}", opt={"access": "stories:read"}, sync_to_thread=True)
def get_job(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    job_id: FromPath[str],
) -> JobDocument:
    """Get a job's status. Poll every 5 s."""
    return poll(place.db, caller.user_id, job_id, base_url(request, place.settings))


@post("/stories/jobs/{job_id:str}/cancel", opt={"access": "stories:generate"}, status_code=200, sync_to_thread=True)
def cancel_job(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    job_id: FromPath[str],
) -> JobDocument:
    """Cancel a job: it fails with errorCode `cancelled` and is refunded. Again: the same answer."""
    job = control.cancel(place, caller.user_id, job_id)
    with place.db.reading() as session:
        return job_document(session, session.get_one(Job, job.id), base_url(request, place.settings))


@post("/stories/jobs/{job_id:str}/retry", opt={"access": "stories:generate"}, status_code=202, sync_to_thread=True)
def retry_job(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    job_id: FromPath[str],
) -> Response[Queued]:
    """Try a failed job again as a new one; whatever was finished is used again."""
    return accepted_answer(control.retry(place, caller.user_id, job_id, request_id(request)))


@get("/stories/jobs/{job_id:str}/events", opt={"access": "stories:read"}, media_type="text/event-stream")
async def listen_to_job(
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    hub: NamedDependency[Hub],
    job_id: FromPath[str],
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            description="The last event that was received.",
            schema_extra={"pattern": "^[0-9]{0,9}$"},
        ),
    ] = None,
) -> Stream:
    """Server-sent events: status, stage, clip, warning, done; from the first one, or from behind Last-Event-ID."""
    seen = _seq(last_event_id)
    job = await asyncio.to_thread(_find, place, caller.user_id, job_id)
    frames: AsyncIterator[bytes]
    frames = replay(place.db, job.id, seen) if job.status in ENDED else hub.frames(job.id, seen)
    return Stream(
        frames, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _find(place: Place, user_id: str, job_id: str) -> Job:
    with place.db.reading() as session:
        return control.find(session, user_id, job_id)


def _seq(text: str | None) -> int:
    if text is None or text == "":
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= MAX_SEQ):
        raise BadInput.of("Last-Event-ID", "it is the `id` of an event, a whole number")
    return int(text)


HANDLERS = (get_job, cancel_job, retry_job, listen_to_job)
