"""Who may call what: the caller is found, a token of their limit taken, and what no handler allows is refused.

Each handler says whom it is for, as `opt={"access": …}`:

    public             anybody; a write from a browser only from our own pages
    stories:generate   a key with that scope, or any session; so stories:read, assets:read
    credits            the same as stories:read
    session            people only: a key is refused
    admin              people of the role admin

What says nothing is refused to everybody. `opt={"limit": …}` names the limit that counts (generate, read, login) where
it is not the usual one: generate for a POST that needs stories:generate, read for all others that are not public.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, cast

from anyio import to_thread
from litestar.connection import ASGIConnection, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from server.accounts import limits, logins
from server.accounts.caller import Caller
from server.accounts.keys import caller_of_key
from server.accounts.models import SCOPES
from server.api.addresses import client_address, parse_proxies
from server.api.browsers import READS, Connection, check_cookie_write, check_page
from server.errors import Forbidden, ServerError, Unauthorized
from server.place import Place

COOKIE = "reelhouse_session"
ACCESSES = frozenset({"public", "session", "admin", "credits", *SCOPES})
ADMISSION = "reelhouse_admission"

MISSING = "Send an API key, as Authorization: Bearer sk_live_…, or log in."
UNDECLARED = "Nobody may call this."


class Admission(NamedTuple):
    """What was decided at the door; `refusal` is raised by the guard, behind the door, so that the answer takes the
    headers of limits with it."""

    caller: Caller | None = None
    remaining: limits.Remaining | None = None
    refusal: Exception | None = None


def access_layers(place: Place) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Middlewares, guards and dependencies (`caller`, `place`) for the app. Raises `BadSetting` for wrong rates or
    proxies."""
    for kind in limits.KINDS:
        limits.rate_of(place.settings, kind)
    parse_proxies(place.settings.trusted_proxies)

    def give_place() -> Place:
        return place

    dependencies = {
        "caller": Provide(_give_caller, sync_to_thread=False),
        "place": Provide(give_place, sync_to_thread=False),
    }
    return [DefineMiddleware(AccessMiddleware, place=place)], [guard], dependencies


class AccessMiddleware:
    """Admits or refuses each request that has a handler; unknown paths do not come here."""

    def __init__(self, app: ASGIApp, place: Place) -> None:
        self.app = app
        self.place = place
        self.trusted = parse_proxies(place.settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler: BaseRouteHandler = scope["route_handler"]
        if scope["type"] != "http" or guard not in handler.resolve_guards():
            raise Forbidden(UNDECLARED)
        if _is_open(handler, scope["method"]):
            admission = Admission()
        else:
            connection: Connection = ASGIConnection(scope)
            admission = await to_thread.run_sync(partial(self._admit, connection, handler))
        scope[ADMISSION] = admission  # type: ignore[literal-required]
        scope["user"] = admission.caller

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(MutableScopeHeaders.from_message(message), message["status"], admission.remaining)
            await send(message)

        await self.app(scope, receive, send_told)

    def _admit(self, connection: Connection, handler: BaseRouteHandler) -> Admission:
        access, method = handler.opt.get("access"), connection.scope["method"]  # type: ignore[typeddict-item]
        caller, csrf_token, remaining = None, None, None
        try:
            if access not in ACCESSES:
                raise Forbidden(UNDECLARED)
            if access != "public":
                caller, csrf_token = self._find_caller(connection)
            kind = handler.opt.get("limit") or _usual_limit(access, method)
            if kind:
                bucket = self._address(connection) if caller is None or kind == "login" else caller.bucket
                remaining = limits.take(self.place, kind, bucket)
            if caller is None:
                if method not in READS:
                    check_page(connection, self.place.settings)
            else:
                _check(cast(str, access), caller)
                if csrf_token is not None and method not in READS:
                    check_cookie_write(connection, self.place.settings, csrf_token)
        except limits.Limited as refusal:
            return Admission(caller, refusal.remaining, refusal)
        except (ServerError, HTTPException) as refusal:
            return Admission(caller, remaining, refusal)
        return Admission(caller, remaining)

    def _find_caller(self, connection: Connection) -> tuple[Caller, str | None]:
        """The caller, and for a session its CSRF token. A key counts before a cookie. Raises `Unauthorized`."""
        given = connection.headers.getall("authorization", [])
        if given:
            scheme, _, key = given[0].strip().partition(" ")
            if len(given) > 1 or scheme.lower() != "bearer":
                raise Unauthorized(MISSING)
            with self.place.db.asking() as database:
                return caller_of_key(database, key.strip()), None
        token = session_token(connection)
        if token is None:
            raise Unauthorized(MISSING)
        present = logins.find(self.place.db, token)
        return present.caller, present.csrf_token

    def _address(self, connection: Connection) -> str:
        client = connection.scope.get("client")
        forwarded = connection.headers.getall("x-forwarded-for", [])
        return client_address(client[0] if client else None, forwarded, self.trusted)


async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raises what was decided at the door; whoever did not pass there is refused. Async, since Litestar would wrap it
    in another function otherwise, and the middleware could not see that it is there."""
    admission: Admission = connection.scope.get(ADMISSION) or Admission(refusal=Forbidden(UNDECLARED))
    if admission.refusal is not None:
        raise admission.refusal


def session_token(connection: Connection) -> str | None:
    """What the session cookie holds. Two of them mean that somebody planted one: then there is none."""
    pairs = (pair.partition("=") for header in connection.headers.getall("cookie", []) for pair in header.split(";"))
    values = {value.strip().strip('"') for name, _, value in pairs if name.strip() == COOKIE}
    return values.pop() if len(values) == 1 else None


def _is_open(handler: BaseRouteHandler, method: str) -> bool:
    """Nothing to find or to count: a public read, or Litestar's own answer to OPTIONS, which names methods only."""
    own_options = method == "OPTIONS" and handler.fn.__module__ == "litestar.routes.http"
    return own_options or (handler.opt.get("access") == "public" and method in READS and "limit" not in handler.opt)


def _usual_limit(access: str, method: str) -> limits.Kind | None:
    if access == "public":
        return None
    return "generate" if access == "stories:generate" and method == "POST" else "read"


def _check(access: str, caller: Caller) -> None:
    """Raises `Forbidden`."""
    scope = "stories:read" if access == "credits" else access
    if scope in SCOPES:
        if scope not in caller.scopes:
            raise Forbidden(f"This API key lacks the scope {scope}.")
    elif caller.via != "session":
        raise Forbidden("This takes a session, not an API key: log in.")
    elif access == "admin" and caller.role != "admin":
        raise Forbidden("Only an admin may do this.")


def _give_caller(request: Request[Any, Any, Any]) -> Caller:
    caller: Caller | None = request.scope["user"]
    if caller is None:
        raise Unauthorized(MISSING)
    return caller


def _tell(headers: MutableScopeHeaders, status: int, remaining: limits.Remaining | None) -> None:
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="reelhouse"'
    if remaining is not None:
        headers["RateLimit-Limit"] = str(remaining.limit)
        headers["RateLimit-Remaining"] = str(remaining.remaining)
        headers["RateLimit-Reset"] = str(remaining.reset)
