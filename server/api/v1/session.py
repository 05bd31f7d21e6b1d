"""People log in and out, and the first of them sets the server up."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from server.accounts import logins, setup, users
from server.accounts.caller import Caller
from server.accounts.logins import Begun
from server.accounts.passwords import LONGEST
from server.api.access import COOKIE, session_token
from server.api.browsers import is_https
from server.api.v1.structs import Given, Taken
from server.clock import SECOND
from server.place import Place

Email = Annotated[str, Meta(min_length=1, max_length=320, examples=["director@example.com"])]
Password = Annotated[str, Meta(min_length=1, max_length=LONGEST, examples=["correct horse battery staple"])]

TAGS = ["Session"]


class Credentials(Taken, frozen=True):
    email: Email
    password: Password


class FirstAdmin(Taken, frozen=True):
    """`token` is what `reelhouse serve` printed when there was no user."""

    token: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Email
    password: Password


class Person(Given, frozen=True):
    id: str
    email: str
    role: str


class SessionAnswer(Given, frozen=True):
    """`csrfToken` goes into X-CSRF-Token of every write from a page."""

    user: Person
    csrf_token: str


@post(
    "/session",
    status_code=200,
    sync_to_thread=True,
    opt={"access": "public", "limit": "login"},
    operation_id="logIn",
    summary="Log in",
    description="Begins a session and sets its cookie, `reelhouse_session`. A session ends after 12 hours without a "
    "call, and after 7 days in any case.",
    tags=TAGS,
)
def log_in(
    request: Request[Any, Any, Any], place: NamedDependency[Place], data: JSONBody[Credentials]
) -> Response[SessionAnswer]:
    begun = logins.log_in(place, data.email, data.password, former=session_token(request))
    return _with_cookie(request, place, begun, 200)


@get(
    "/session",
    sync_to_thread=True,
    opt={"access": "session"},
    operation_id="getSession",
    summary="Who is logged in",
    description="The user of the session cookie, and the token that writes from a page need.",
    tags=TAGS,
)
def show_session(
    request: Request[Any, Any, Any], place: NamedDependency[Place], caller: NamedDependency[Caller]
) -> SessionAnswer:
    present = logins.find(place.db, session_token(request) or "")
    with place.db.reading() as session:
        user = users.user_of(session, caller.user_id)
    return SessionAnswer(user=Person(id=user.id, email=user.email, role=user.role), csrf_token=present.csrf_token)


@delete(
    "/session",
    sync_to_thread=True,
    opt={"access": "session"},
    operation_id="logOut",
    summary="Log out",
    description="Ends the session; its cookie is worth nothing from then on.",
    tags=TAGS,
)
def log_out(request: Request[Any, Any, Any], place: NamedDependency[Place]) -> Response[None]:
    with place.db.writing() as session:
        logins.end(session, session_token(request) or "")
    return Response(None, status_code=204, cookies=[_cookie(request, place, "", 0)])


@post(
    "/setup",
    status_code=201,
    sync_to_thread=True,
    opt={"access": "public", "limit": "login"},
    operation_id="setUp",
    summary="Create the first admin",
    description="Works while there is no user, with the token that `reelhouse serve` printed; logs in at once.",
    tags=TAGS,
)
def set_up(
    request: Request[Any, Any, Any], place: NamedDependency[Place], data: JSONBody[FirstAdmin]
) -> Response[SessionAnswer]:
    begun = setup.create_first_admin(place, data.token, data.email, data.password)
    return _with_cookie(request, place, begun, 201)


def _with_cookie(request: Request[Any, Any, Any], place: Place, begun: Begun, status: int) -> Response[SessionAnswer]:
    user = begun.user
    answer = SessionAnswer(user=Person(id=user.id, email=user.email, role=user.role), csrf_token=begun.csrf_token)
    cookie = _cookie(request, place, begun.token, logins.ABSOLUTE // SECOND)
    return Response(answer, status_code=status, cookies=[cookie])


def _cookie(request: Request[Any, Any, Any], place: Place, value: str, seconds: int) -> Cookie:
    secure = is_https(request, place.settings)
    return Cookie(COOKIE, value=value, path="/", max_age=seconds, httponly=True, samesite="lax", secure=secure)


HANDLERS = [log_in, show_session, log_out, set_up]
