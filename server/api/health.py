"""Is it alive, is it ready, what has it counted. For whoever runs it; knows no operation of the API."""

from __future__ import annotations

import shutil
from ipaddress import ip_address
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from sqlalchemy.exc import SQLAlchemyError

from server.errors import Forbidden
from server.jobs.crew import anybody_lives
from server.metrics import CONTENT_TYPE, Metrics
from server.place import Place

LEAST_FREE_BYTES = 500_000_000
"""Below it no story would be accepted."""


class Live(msgspec.Struct):
    status: Literal["live"] = "live"


class Ready(msgspec.Struct):
    """`worker`: one lives. None is no reason not to be ready: what is accepted waits for it."""

    status: Literal["ready", "not_ready"]
    database: bool
    disk: bool
    worker: bool


@get("/health/live", opt={"access": "public"}, sync_to_thread=False)
def live() -> Live:
    """The process answers."""
    return Live()


@get("/health/ready", opt={"access": "public"}, sync_to_thread=True)
def ready(place: NamedDependency[Place]) -> Response[Ready]:
    """The database answers and the disk has room: what is sent here now is accepted. Else 503."""
    database, worker = _database(place)
    disk = shutil.disk_usage(place.folders.root).free >= LEAST_FREE_BYTES
    good = database and disk
    answer = Ready(status="ready" if good else "not_ready", database=database, disk=disk, worker=worker)
    return Response(answer, status_code=200 if good else 503, headers={} if good else {"Retry-After": "30"})


@get("/metrics", opt={"access": "public", "errors": (403,)}, media_type=CONTENT_TYPE, sync_to_thread=True)
def metrics_page(
    request: Request[Any, Any, Any], place: NamedDependency[Place], metrics: NamedDependency[Metrics]
) -> bytes:
    """What was counted, for Prometheus; from this machine only.

    How busy a studio is, is nobody else's business, and a scraper has no session. Behind a proxy on the same machine
    every caller seems to be local, so whatever a proxy has passed on is refused too.
    """
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
    if forwarded or request.client is None or not _is_loopback(request.client.host):
        raise Forbidden("Metrics are for this machine only: let the scraper run here, or read them through ssh.")
    return metrics.page(place)


def _database(place: Place) -> tuple[bool, bool]:
    """Whether it answers, and whether a worker lives, as far as it knows."""
    try:
        with place.db.reading() as session:
            return True, anybody_lives(session, place.settings.lease_seconds)
    except SQLAlchemyError:
        return False, False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


HANDLERS = (live, ready, metrics_page)
