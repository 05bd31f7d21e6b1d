"""Every operation that is served, made from the routes themselves, and callers who may and may not call it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.routes import HTTPRoute
from sqlalchemy import func, select

from server.accounts import logins
from server.accounts.models import SCOPES, ApiKey, Credit, User
from server.accounts.users import user_of
from server.api.access import COOKIE
from server.api.errors import camel
from server.api.openapi import describe
from server.clock import now
from server.db.tables import Table
from server.ids import cuid, prefixed
from server.jobs.models import Delivery, Job
from server.place import Place
from server.series.models import Series
from server.settings import Settings
from server.stories.models import StoryClip
from tests.server.conftest import Api, Person, add_made_story


class Operation(NamedTuple):
    """`path` with its parameters in braces; `body` is the documentation's own example, None where none is taken."""

    method: str
    path: str
    access: str
    body: Any

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations(app: Litestar) -> Iterator[Operation]:
    described = describe(app)["paths"]
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                shown = re.sub(r"_(\w)", lambda match: match[1].upper(), route.path_format)
                told = described.get(shown, {}).get(method.lower(), {})
                content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
                yield Operation(method, route.path_format, handler.opt["access"], content.get("example"))


class Belongings(NamedTuple):
    """Ids of things that one person has, by the name of the path parameter that takes them."""

    ids: dict[str, str]

    def fill(self, path: str, **others: str) -> str:
        return re.sub(r"{(\w+)}", lambda match: (self.ids | others)[match[1]], path)


def belongings_of(place: Place, person: Person, folder: Path) -> Belongings:
    """One of each, as a worker and the person themselves would have left it."""
    story_id = add_made_story(place, person.id, folder)
    with place.db.writing() as session:
        job = session.scalars(select(Job).where(Job.story_id == story_id)).one()
        clip = session.scalars(select(StoryClip).where(StoryClip.story_id == story_id, StoryClip.order == 0)).one()
        key = session.scalars(select(ApiKey).where(ApiKey.user_id == person.id)).first()
        series = Series(id=cuid(), user_id=person.id, title="The wood", created_at=now())
        delivery = Delivery(
            id=prefixed("msg"), user_id=person.id, job_id=job.id, kind="story.completed", url="https://example.com/",
            body="{}", attempts=8, last_error="answered 500", next_at=None, taken_until=0, created_at=now(),
        )  # fmt: skip
        session.add_all([series, delivery])
        assert key is not None
        ids = {
            "story_id": story_id, "job_id": job.id, "clip_id": clip.id, "key_id": key.id, "series_id": series.id,
            "delivery_id": delivery.id, "user_id": person.id, "name": "index.html",
        }  # fmt: skip
    return Belongings(ids)


def session_of(place: Place, user_id: str) -> dict[str, str]:
    """The header of somebody who has just logged in."""
    with place.db.writing() as session:
        return {"Cookie": f"{COOKIE}={logins.begin(session, user_of(session, user_id)).token}"}


def send(api: Api, operation: Operation, path: str, headers: dict[str, str], body: Any = ...) -> Any:
    """With the example as body, if the operation takes one and no other is given. No cookie is kept."""
    body = operation.body if body is ... else body
    api.cookies.clear()
    answer = api.request(operation.method, path, headers=headers, json=body) if body is not None else api.request(
        operation.method, path, headers=headers
    )  # fmt: skip
    api.cookies.clear()
    return answer


def is_error(answer: Any, *statuses: int) -> bool:
    """Whether the answer has one of these statuses and the contract's shape."""
    if answer.status_code not in statuses or answer.request.method == "HEAD":
        return answer.status_code in statuses
    body = json.loads(answer.content)
    return body.keys() == {"error"} and body["error"]["status"] == answer.status_code and bool(body["error"]["message"])


def needed_scope(access: str) -> str | None:
    scope = "stories:read" if access == "credits" else access
    return scope if scope in SCOPES else None


def make_admin(place: Place, user_id: str) -> None:
    with place.db.writing() as session:
        session.get_one(User, user_id).role = "admin"


def rows(place: Place) -> dict[str, int]:
    """How many there are of everything that a request could add or take away, sessions apart."""
    with place.db.reading() as session:
        counted = {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Table.metadata.tables.items()
            if name != "logins"
        }
        return counted | {"spent": session.scalar(select(func.sum(Credit.amount))) or 0}


def with_settings(settings: Settings, **changes: Any) -> Settings:
    return Settings(**{name: getattr(settings, name) for name in settings.__struct_fields__} | changes)


def camel_ids(ids: dict[str, str]) -> dict[str, str]:
    """By the names that the documentation gives to path parameters."""
    return {camel(name): value for name, value in ids.items()}
