"""Webhooks: the signing secret, what could not be delivered yet, and another try. Sends nothing itself."""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from server.accounts.caller import Caller
from server.accounts.models import User
from server.accounts.users import new_webhook_secret
from server.api.v1.structs import Given
from server.clock import iso, iso_or_none
from server.errors import NotFound
from server.jobs.webhooks import send_again, undelivered
from server.place import Place


class DeliveryAnswer(Given, frozen=True, kw_only=True):
    """A webhook that is still owed, or was given up (`nextAt` null)."""

    id: str
    type: str
    job_id: str
    url: str
    attempts: int
    last_error: str | None
    next_at: str | None
    created_at: str


class WebhooksAnswer(Given, frozen=True, kw_only=True):
    """`secret` verifies signatures, by https://www.standardwebhooks.com."""

    secret: str
    deliveries: list[DeliveryAnswer]


class SecretAnswer(Given, frozen=True, kw_only=True):
    secret: str


class ResentAnswer(Given, frozen=True, kw_only=True):
    id: str
    queued: bool


@get("/webhooks", opt={"access": "session"}, sync_to_thread=True)
def get_webhooks(place: NamedDependency[Place], caller: NamedDependency[Caller]) -> WebhooksAnswer:
    """Your signing secret, and the deliveries that have not arrived."""
    with place.db.reading() as session:
        rows = undelivered(session, caller.user_id)
        return WebhooksAnswer(
            secret=session.get_one(User, caller.user_id).webhook_secret,
            deliveries=[
                DeliveryAnswer(
                    id=row.id,
                    type=row.kind,
                    job_id=row.job_id,
                    url=row.url,
                    attempts=row.attempts,
                    last_error=row.last_error,
                    next_at=iso_or_none(row.next_at),
                    created_at=iso(row.created_at),
                )
                for row in rows
            ],
        )


@post("/webhooks/rotate", opt={"access": "session"}, status_code=200, sync_to_thread=True)
def rotate_secret(place: NamedDependency[Place], caller: NamedDependency[Caller]) -> SecretAnswer:
    """Replace the signing secret; deliveries from now on are signed with the new one."""
    with place.db.writing() as session:
        user = session.get_one(User, caller.user_id)
        user.webhook_secret = new_webhook_secret()
        return SecretAnswer(secret=user.webhook_secret)


@post("/webhooks/{delivery_id:str}/resend", opt={"access": "session"}, status_code=202, sync_to_thread=True)
def resend_delivery(
    place: NamedDependency[Place], caller: NamedDependency[Caller], delivery_id: FromPath[str]
) -> ResentAnswer:
    """Send a delivery again, with its old id."""
    with place.db.writing() as session:
        if not send_again(session, caller.user_id, delivery_id):
            raise NotFound(f"There is no delivery {delivery_id}.")
    return ResentAnswer(id=delivery_id, queued=True)


HANDLERS = (get_webhooks, rotate_secret, resend_delivery)
