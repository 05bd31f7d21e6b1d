"""A small app with the real door and the real routes of accounts, and how it is called."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.testing import TestClient

from server.accounts.caller import Caller
from server.api.access import access_layers
from server.api.bodies import ApiRequest
from server.api.errors import to_response
from server.api.v1 import api_keys, credits, session, users
from server.api.v1.structs import Taken
from server.place import Place
from tests.server.people import PASSWORD

ORIGIN = "http://testserver.local"
SAME_ORIGIN = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}


class Note(Taken, frozen=True):
    text: str


@post("/make", opt={"access": "stories:generate"}, sync_to_thread=True)
def make(caller: NamedDependency[Caller], data: JSONBody[Note]) -> dict[str, str]:
    return {"user": caller.user_id}


@get("/look", opt={"access": "stories:read"}, sync_to_thread=True)
def look(caller: NamedDependency[Caller]) -> dict[str, str]:
    return {"user": caller.user_id}


@get("/assets", opt={"access": "assets:read"}, sync_to_thread=True)
def assets() -> dict[str, str]:
    return {}


@delete("/gone", opt={"access": "stories:generate"}, status_code=200, sync_to_thread=True)
def gone() -> dict[str, str]:
    return {}


@get("/open", opt={"access": "public"}, sync_to_thread=True)
def public() -> dict[str, str]:
    return {}


@get("/undeclared", sync_to_thread=True)
def undeclared() -> dict[str, str]:
    return {}


@get("/misspelt", opt={"access": "storys:read"}, sync_to_thread=True)
def misspelt() -> dict[str, str]:
    return {}


ROUTES = [make, look, assets, gone, public, undeclared, misspelt]


def app_at(place: Place) -> Litestar:
    middleware, guards, dependencies = access_layers(place)
    handlers = [*ROUTES, *session.HANDLERS, *api_keys.HANDLERS, *users.HANDLERS, *credits.HANDLERS]
    return Litestar(
        [Router("/api/v1", route_handlers=handlers)],
        middleware=middleware,
        guards=guards,
        dependencies=dependencies,
        request_class=ApiRequest,
        exception_handlers={Exception: to_response},
        openapi_config=None,
    )


def client_of(place: Place, **named: Any) -> TestClient[Litestar]:
    return TestClient(app_at(place), base_url=f"{ORIGIN}/api/v1", **named)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def log_in(client: TestClient[Litestar], email: str = "ada@example.com", password: str = PASSWORD) -> str:
    """The session's CSRF token; its cookie stays with the client."""
    answer = client.post("/session", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()["csrfToken"]
