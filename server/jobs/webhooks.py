"""Webhooks: owed in the transaction of a job's end, delivered from the outbox at least once. Knows no job beyond its
document. Signed as Standard Webhooks, https://www.standardwebhooks.com."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook

from server.accounts.models import User
from server.clock import MINUTE, SECOND, iso, now
from server.fault import fault
from server.fetching import FetchFailed, post
from server.ids import cuid
from server.jobs.document import job_document
from server.jobs.models import Delivery, Job
from server.place import Place

KINDS = {"completed": "story.completed", "failed": "story.failed"}
WAITS = (5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 60 * MINUTE, 5 * 60 * MINUTE, 10 * 60 * MINUTE)
"""Between two tries; after the last one it is given up, and can be sent again by hand."""
TAKEN = MINUTE
"""A delivery that somebody has taken is theirs for so long; whoever dies over it leaves it to the next one."""

log = structlog.get_logger("webhooks")


def owe(session: Session, job: Job) -> None:
    """Note what the job's owner is to be told, if they gave an address for it."""
    if job.webhook_url is None:
        return
    session.flush()  # the document reads what was just published
    document = job_document(session, job, job.base_url)
    kind, moment = KINDS[job.status], now()
    body = msgspec.json.encode({"type": kind, "timestamp": iso(moment), "data": document}).decode()
    session.add(
        Delivery(
            id=f"msg_{cuid()}",
            user_id=job.user_id,
            job_id=job.id,
            kind=kind,
            url=job.webhook_url,
            body=body,
            attempts=0,
            next_at=moment,
            taken_until=0,
            created_at=moment,
        )
    )


class Letter(NamedTuple):
    id: str
    url: str
    body: str
    secret: str


def deliver_due(place: Place, limit: int = 10) -> int:
    """Try what is due, one after the other; how many were tried.

    Each is taken when its turn comes: those behind one that dawdles are whoever's has time for them.
    """
    for tried in range(limit):
        letter = _take(place)
        if letter is None:
            return tried
        fault("webhook")
        problem = _send(place, letter)
        fault("webhook-sent")
        with place.db.writing() as session:
            row = session.get(Delivery, letter.id)
            if row is not None:
                _note(row, problem)
    return limit


def _take(place: Place) -> Letter | None:
    moment = now()
    due = (Delivery.delivered_at.is_(None), Delivery.next_at <= moment, Delivery.taken_until < moment)
    with place.db.reading() as session:  # every second, and mostly there is nothing: that is no reason to lock
        if session.scalar(select(Delivery.id).where(*due).limit(1)) is None:
            return None
    with place.db.writing() as session:
        found = session.execute(
            select(Delivery, User.webhook_secret)
            .join(User, User.id == Delivery.user_id)
            .where(*due)
            .order_by(Delivery.next_at)
            .limit(1)
            .with_for_update(of=Delivery, skip_locked=True)
        ).first()
        if found is None:
            return None
        row, secret = found
        row.taken_until = moment + TAKEN
        return Letter(row.id, row.url, row.body, secret)


def _send(place: Place, letter: Letter) -> str | None:
    """What went wrong, None if nothing did. Any 2xx counts as received."""
    moment = datetime.now(UTC)
    try:
        headers = {
            "content-type": "application/json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(letter.secret).sign(letter.id, moment, letter.body),
        }
        status = post(letter.url, letter.body.encode(), headers, place.settings)
    except FetchFailed as error:
        return str(error)
    except Exception as error:
        log.exception("a webhook cannot be sent", delivery=letter.id)
        return f"a fault in reelhouse ({type(error).__name__})"
    return None if 200 <= status < 300 else f"answered {status}"


def _note(row: Delivery, problem: str | None) -> None:
    row.attempts += 1
    row.taken_until = 0
    row.last_error = problem
    if problem is None:
        row.delivered_at, row.next_at = now(), None
    else:
        row.next_at = now() + WAITS[row.attempts - 1] if row.attempts <= len(WAITS) else None


def send_again(session: Session, user_id: str, delivery_id: str) -> bool:
    """Make a delivery due now, delivered before or not; False if the user has none of that id."""
    mine = (Delivery.id == delivery_id, Delivery.user_id == user_id)
    done = session.execute(
        update(Delivery).where(*mine).values(next_at=now(), delivered_at=None, attempts=0, taken_until=0)
    )
    return done.rowcount == 1  # type: ignore[attr-defined]


def undelivered(session: Session, user_id: str, limit: int = 100) -> list[Delivery]:
    """What is still owed or was given up, newest first."""
    waiting = or_(Delivery.delivered_at.is_(None), Delivery.last_error.is_not(None))
    rows = select(Delivery).where(Delivery.user_id == user_id, waiting).order_by(Delivery.created_at.desc())
    return list(session.scalars(rows.limit(limit)))
