"""The one table from errors to answers, for every layer: domain, engine, database, Litestar, and what nobody foresaw.

Every answer is `{"error": {"code", "message", "status"[, "details"]}}`. Knows no operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine.errors import BadRequest, BadScript, LicenceRefused, StorageFull, StorageUnwritable
from server.errors import Detail, ServerError

log = structlog.get_logger("reelhouse.api")

CODES: dict[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    402: "insufficient_credits",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "idempotency_mismatch",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}
"""The codes of the contract; a status that is not among them is answered as 400 or 500."""

API_FIELDS: dict[str, str] = {
    "format": "contentType",
    "aspect": "aspectRatio",
    "seconds": "targetSeconds",
    "negative": "negativePrompt",
}
"""What the engine, which knows command-line flags, calls a field, and what the API calls it."""

RETRY_DATABASE, RETRY_DISK = 5, 60
"""Seconds that a client is asked to wait: a locked database frees itself, a full disk needs somebody."""

SENTENCES: dict[int, str] = {
    404: "There is nothing at this path: see /openapi.json for those that exist.",
    405: "This path does not take that method; the Allow header names those that it takes.",
}


class Fault(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    status: int
    details: tuple[Detail, ...] = ()


class ErrorBody(msgspec.Struct):
    """What every error looks like."""

    error: Fault


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: dict[str, str]


def answer_to(error: Exception) -> Answer:
    """Status, body and headers that tell `error` to a client; nothing of the inside is in them."""
    match error:
        case ServerError():
            return spell(error.status, error.message, code=error.code, details=error.details, wait=error.retry_after)
        case BadRequest():
            field = API_FIELDS.get(error.field, error.field)
            return _of_field(field, error.message.removeprefix(f"{error.field}: "))
        case BadScript():
            return _of_field("script", error.message.removeprefix("script: "))
        case LicenceRefused():
            return _of_field("profile", error.message.replace("say --use personal", 'send "use": "personal"'))
        case StorageFull() | StorageUnwritable():
            return spell(503, error.message, wait=RETRY_DISK)
        case OperationalError() | InterfaceError() | PoolTimeout():
            return spell(503, "The database does not answer at the moment: try again.", wait=RETRY_DATABASE)
        case HTTPException():
            return _of_litestar(error)
        case _:
            return spell(500, "Something went wrong in here; the log names it by the X-Request-ID of this answer.")


def spell(
    status: int,
    message: str,
    *,
    code: str | None = None,
    details: tuple[Detail, ...] = (),
    wait: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    if status not in CODES:
        status = 400 if status < 500 else 500
    body = ErrorBody(Fault(code or CODES[status], message, status, details))
    all_headers = dict(headers or {})
    if wait is not None:
        all_headers["Retry-After"] = str(wait)
    return Answer(status, msgspec.json.encode(body), all_headers)


def to_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything. What nobody foresaw is logged, once, here."""
    answer = answer_to(error)
    if answer.status == 500 and not (isinstance(error, ServerError) and error.status == 500):
        log.error("unhandled", method=request.method, path=request.url.path, exc_info=error)
    elif isinstance(error, DBAPIError | StorageFull | StorageUnwritable):
        log.warning("unavailable", method=request.method, path=request.url.path, reason=str(error).splitlines()[0])
    return Response(answer.body, status_code=answer.status, headers=answer.headers, media_type="application/json")


def _of_field(field: str, message: str) -> Answer:
    return spell(400, f"{field}: {message}", details=(Detail(field, message),))


def _of_litestar(error: HTTPException) -> Answer:
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() != "content-type"}
    if error.status_code >= 500 and error.status_code != 503:
        return spell(500, "Something went wrong in here; the log names it by the X-Request-ID of this answer.")
    if error.status_code in SENTENCES:
        return spell(error.status_code, SENTENCES[error.status_code], headers=headers)
    details = tuple(_detail(one) for one in error.extra) if isinstance(error.extra, list) else ()
    message = "; ".join(f"{one.field}: {one.message}" for one in details) or error.detail
    return spell(error.status_code, message, details=details, headers=headers)


def _detail(extra: Any) -> Detail:
    """What Litestar says of one parameter, in the contract's words."""
    key, told = str(extra.get("key", "request")), str(extra.get("message", "is wrong"))
    return Detail(camel(key), accepts(told))


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
}
TYPE = re.compile(r"`([\w |]+)`")


def accepts(told: str) -> str:
    """msgspec's words for what it expected, in those of people; that a field may be null goes without saying."""
    return TYPE.sub(lambda match: _in_words(match[1]), told)


def _in_words(types: str) -> str:
    names = [name for name in types.split(" | ") if name != "null"] or ["null"]
    return " or ".join(TYPES.get(name, name) for name in names)
