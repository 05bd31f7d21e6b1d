"""The answer to whatever makes a job: 202, where to look, when to look again."""

from __future__ import annotations

from litestar import Response

from server.api.v1.structs import Queued
from server.jobs.accept import Accepted

POLL_SECONDS = 5


def accepted_answer(accepted: Accepted) -> Response[Queued]:
    poll_url = f"/api/v1/stories/jobs/{accepted.job_id}"
    headers = {"Location": poll_url, "Retry-After": str(POLL_SECONDS)}
    if accepted.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(Queued(job_id=accepted.job_id, poll_url=poll_url), status_code=202, headers=headers)
