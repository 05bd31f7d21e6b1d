"""GET /openapi.json: OpenAPI 3.1 of all that is served, from the handlers themselves. Knows their form, not their work.

https://spec.openapis.org/oas/v3.1.1. Litestar's own generator knows neither our errors nor our access.
"""

from __future__ import annotations

import re
import types
from importlib.metadata import version
from typing import Any, Union, get_args, get_origin

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from litestar.routes import HTTPRoute

from server.accounts.models import SCOPES
from server.api.errors import CODES, ErrorBody, Fault, camel
from server.api.examples import BY_FIELD, TEXTS
from server.api.schemas import REF, example, reachable, schema_name, schema_ref, without_null
from server.api.v1.structs import Queued

GIVEN = frozenset({"request", "place", "caller", "hub", "metrics", "data"})
"""Parameters of handlers that are no parameters of operations."""

ABOUT = """A prompt becomes a narrated film, on your own machine. Submit it, poll the job, fetch the film.

Every error is `{"error": {"code", "message", "status"}}`, whatever is wrong. Every answer has an `X-Request-ID`; those
that count against a limit have `RateLimit-Limit`, `-Remaining` and `-Reset`. Fields that are null in a request count as
absent; fields that are not known are refused."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

MEANINGS: dict[int, str] = {
    400: "A field or parameter is wrong; the message names it and what it accepts.",
    401: "No key or session, or one that is not valid.",
    402: "Too few credits; no job was made.",
    403: "The key lacks the scope, or a session is needed.",
    404: "It does not exist, or it is somebody else's.",
    409: "The state of things forbids it now.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The Idempotency-Key was used with another body.",
    429: "Too many requests: wait for Retry-After seconds.",
    500: "A fault of the server.",
    503: "Not now: wait for Retry-After seconds.",
}
TAGS: dict[str, str] = {
    "stories": "Stories", "jobs": "Jobs", "series": "Series", "series-assets": "Series", "api-keys": "API keys",
    "models": "What is installed", "voices": "What is installed", "profiles": "What is installed",
    "webhooks": "Webhooks", "health": "Operation", "metrics": "Operation",
}  # fmt: skip


def describe(app: Litestar) -> dict[str, Any]:
    """The document, in the order in which `app` was given its routes."""
    operations = [
        (route, method, handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, handler in _handlers(route)
    ]
    kinds = {
        schema_name(kind): kind
        for *_, handler in operations
        for kind in (*_taken(handler), *_answers(handler).values())
    }
    kinds["ErrorBody"], kinds["Fault"] = ErrorBody, Fault
    structs = [kind for kind in kinds.values() if kind not in (bytes, type(None))]
    _, schemas = msgspec.json.schema_components(structs, ref_template=REF)
    taken = reachable(schemas, [schema_name(kind) for *_, handler in operations for kind in _taken(handler)])
    for name, schema in schemas.items():
        if name not in taken and "properties" in schema and name != "Fault":
            schema["required"] = list(schema["properties"])
    paths: dict[str, Any] = {}
    for route, method, handler in operations:
        path = re.sub(r"\{(\w+)\}", lambda match: f"{{{camel(match[1])}}}", route.path_format)
        paths.setdefault(path, {})[method.lower()] = _operation(route, method, handler, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reelhouse",
            "version": version("reelhouse"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {CODES[status]: _error(status, meaning) for status, meaning in MEANINGS.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": f"An API key. Scopes: {', '.join(SCOPES)}."},
                "session": {"type": "apiKey", "in": "cookie", "name": "reelhouse_session",
                            "description": "Of somebody who has logged in; a page's writes send X-CSRF-Token too."},
            },
        },
    }  # fmt: skip


def _handlers(route: HTTPRoute) -> list[tuple[str, HTTPRouteHandler]]:
    shown = [handler for handler in route.route_handlers if handler.include_in_schema is not False]
    found = [(method, handler) for handler in shown for method in handler.http_methods if method != "OPTIONS"]
    return sorted(found, key=lambda one: METHODS.index(one[0]))


def _taken(handler: HTTPRouteHandler) -> list[Any]:
    data = handler.parsed_fn_signature.parameters.get("data")
    return [] if data is None else [data.annotation]


def _answers(handler: HTTPRouteHandler) -> dict[int, Any]:
    """What is answered, by status. Of two kinds one is the dry run's."""
    told = handler.parsed_fn_signature.return_type.annotation
    parts = get_args(told) if get_origin(told) in (Union, types.UnionType) else (told,)
    kinds = [get_args(part)[0] if get_origin(part) is Response else part for part in parts]
    kinds = [bytes if kind is Stream else kind for kind in kinds]
    status = handler.status_code or 200
    return {status: kinds[0]} if len(kinds) == 1 else {202: kinds[0], 200: kinds[1]}


def _operation(route: HTTPRoute, method: str, handler: HTTPRouteHandler, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, about = _told(handler)
    access = handler.opt.get("access")
    operation: dict[str, Any] = {
        "operationId": handler.operation_id
        if isinstance(handler.operation_id, str)
        else camel(_function(handler).__name__),
        "summary": summary,
        "tags": list(handler.tags or [_tag(route.path_format)]),
        "parameters": _parameters(route, handler),
        "responses": {str(s): _answer(s, kind, handler, schemas) for s, kind in sorted(_answers(handler).items())},
        "security": _security(access),
    }
    if about:
        operation["description"] = about
    for kind in _taken(handler):
        content = {"schema": schema_ref(kind), "example": example(schema_name(kind), schemas)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    for status in _errors(route, method, handler):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{CODES[status]}"})
    return operation


def _function(handler: HTTPRouteHandler) -> Any:
    """As it was written: Litestar keeps it in a wrapper that runs it in a thread."""
    return getattr(handler.fn, "func", handler.fn)


def _told(handler: HTTPRouteHandler) -> tuple[str, str]:
    doc = " ".join((_function(handler).__doc__ or "").split())
    if handler.summary:
        return handler.summary, str(handler.description or "")
    first, _, rest = doc.partition(". ")
    return first.rstrip("."), rest


def _tag(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", "api", "v1")]
    return TAGS.get("jobs" if parts[1:2] == ["jobs"] else parts[0], parts[0].title())


def _parameters(route: HTTPRoute, handler: HTTPRouteHandler) -> list[dict[str, Any]]:
    found = []
    for name, field in handler.parsed_fn_signature.parameters.items():
        if name in GIVEN:
            continue
        rules = field.kwarg_definition
        header, query = getattr(rules, "header", None), getattr(rules, "query", None)
        in_path = f"{{{name}}}" in route.path_format
        renamed = getattr(rules, "name", None)
        where = "path" if in_path else "header" if header or type(rules).__name__.startswith("Header") else "query"
        (schema,), _ = msgspec.json.schema_components([field.annotation], ref_template=REF)
        schema = without_null(schema)
        for ours, theirs in (("ge", "minimum"), ("le", "maximum")):
            if getattr(rules, ours, None) is not None:
                schema[theirs] = getattr(rules, ours)
        schema |= getattr(rules, "schema_extra", None) or {}
        if field.has_default and field.default is not None:
            schema["default"] = field.default
        one = {"name": header or query or renamed or camel(name), "in": where, "required": in_path, "schema": schema}
        if getattr(rules, "description", None):
            one["description"] = rules.description  # type: ignore[union-attr]
        if in_path:
            one["example"] = BY_FIELD.get(camel(name), "clip_4h0p2s8d6k1v9x3m7q5z")
        found.append(one)
    return found


def _answer(status: int, kind: Any, handler: HTTPRouteHandler, schemas: dict[str, Any]) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if kind is Queued:
        headers = {
            "Location": {"schema": {"type": "string"}, "description": "Where to poll the job."},
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before that."},
        }
        if "idempotency_key" in handler.parsed_fn_signature.parameters:
            headers["Idempotency-Replayed"] = {"schema": {"type": "string"}, "description": "true: given before."}
    told = {200: "Done.", 201: "Made.", 202: "Accepted.", 204: "Done; there is nothing to say."}[status]
    answer: dict[str, Any] = {"description": told, **({"headers": headers} if headers else {})}
    if kind is bytes:
        media_type = str(handler.media_type)
        text = TEXTS[handler.opt.get("text", media_type.partition(";")[0])]
        # Of a stream of events a schema is about each of them, and they have no JSON type.
        schema = {} if media_type.startswith("text/event-stream") else {"type": "string"}
        answer["content"] = {media_type.partition(";")[0]: {"schema": schema, "example": text}}
    elif kind is not type(None):
        content = {"schema": schema_ref(kind), "example": example(schema_name(kind), schemas)}
        answer["content"] = {"application/json": content}
    return answer


def _errors(route: HTTPRoute, method: str, handler: HTTPRouteHandler) -> list[int]:
    access, makes = handler.opt.get("access"), Queued in _answers(handler).values()
    statuses = [400, *handler.opt.get("errors", ())]
    if access != "public":
        statuses += [401, 403, 429]
    if handler.opt.get("limit"):
        statuses += [401, 403, 404, 409, 429]
    if makes:
        statuses += [402, 404, 409]
    if route.path_parameters:
        statuses += [404] if method == "GET" else [404, 409]
    if _taken(handler):
        statuses += [404, 409, 413, 415] if access != "public" else [413, 415]
    if "idempotency_key" in handler.parsed_fn_signature.parameters:
        statuses += [422]
    return sorted({*statuses, 500, 503})


def _security(access: str | None) -> list[dict[str, list[str]]]:
    if access == "public":
        return []
    scope = "stories:read" if access == "credits" else access
    return [{"key": [scope]}, {"session": []}] if scope in SCOPES else [{"session": []}]


def _error(status: int, meaning: str) -> dict[str, Any]:
    example = {"error": {"code": CODES[status], "message": meaning, "status": status}}
    content = {"schema": {"$ref": REF.format(name="ErrorBody")}, "example": example}
    answer: dict[str, Any] = {"description": meaning, "content": {"application/json": content}}
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return answer


@get("/openapi.json", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def openapi_document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Made anew for whoever asks: it takes milliseconds, and nobody asks often."""
    return describe(request.app)


HANDLERS = (openapi_document,)
