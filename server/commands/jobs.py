"""`reelhouse jobs`: what is waited for, made and done, looked at and acted on from the machine itself."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json
from server.commands.at_place import Data, place_at

jobs_app = typer.Typer(name="jobs", help="Jobs: list, show, cancel, retry.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id, as `jobs list` shows it.", metavar="JOB_ID")]
Status = Annotated[str | None, typer.Option(help="Only those: queued, generating_story, …, completed, failed.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")]


@jobs_app.command("list", epilog="Example: reelhouse jobs list --status failed")
def list_jobs(
    context: typer.Context, status: Status = None, limit: Limit = 50, data: Data = None, json: Json = False
) -> None:
    """Show jobs of all users, newest first."""
    from engine.errors import BadRequest
    from server.jobs.crew import left_waiting
    from server.jobs.document import job_document
    from server.jobs.listing import STATUSES, newest

    if status is not None and status not in STATUSES:
        raise BadRequest("status", f"{status!r} is not one of {', '.join(STATUSES)}")
    with place_at(context, data) as place, place.db.reading() as session:
        documents = [job_document(session, job, job.base_url) for job in newest(session, status, limit)]
        waiting = left_waiting(session, place.settings.lease_seconds)
    if waiting:
        say(f"{waiting} jobs wait, and no worker lives: start `reelhouse serve`, or `reelhouse worker`")
    if json:
        print_json({"data": documents})
        return
    for one in documents:
        print_text(f"{one.job_id}  {one.created_at}  {one.status:17} {one.progress:3} %  {one.error or ''}")


@jobs_app.command(epilog="Example: reelhouse jobs show cmnk8wu2q0001q3vpmqv93nmy --json")
def show(context: typer.Context, job_id: JobId, data: Data = None, json: Json = False) -> None:
    """Show one job."""
    from server.jobs.control import find
    from server.jobs.document import job_document

    with place_at(context, data) as place, place.db.reading() as session:
        job = find(session, None, job_id)
        document = job_document(session, job, job.base_url)
    _print(document, json)


@jobs_app.command(epilog="Example: reelhouse jobs cancel cmnk8wu2q0001q3vpmqv93nmy")
def cancel(context: typer.Context, job_id: JobId, data: Data = None, json: Json = False) -> None:
    """End a job now; its owner is paid back."""
    from server.jobs import control
    from server.jobs.document import job_document

    with place_at(context, data) as place:
        job = control.cancel(place, None, job_id)
        with place.db.reading() as session:
            document = job_document(session, job, job.base_url)
    _print(document, json)


@jobs_app.command(epilog="Example: reelhouse jobs retry cmnk8wu2q0001q3vpmqv93nmy")
def retry(context: typer.Context, job_id: JobId, data: Data = None, json: Json = False) -> None:
    """Try a failed job again, for its owner's credits; what was finished is used again."""
    from server.jobs import control

    with place_at(context, data) as place:
        again = control.retry(place, None, job_id)
    if json:
        print_json({"jobId": again.job_id, "retryOf": job_id})
    else:
        say(f"Job {job_id} is tried again as")
        print_text(again.job_id)


def _print(document: object, as_json: bool) -> None:
    import msgspec

    if as_json:
        print_json(document)
        return
    for name, value in msgspec.to_builtins(document).items():
        if value not in (None, []):
            print_text(f"{name}: {value}")
