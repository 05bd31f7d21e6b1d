"""Bodies of requests: read with a cap, JSON only, decoded strictly into the struct that the handler takes as `data`.

Litestar's own decoding takes JSON sent as text/plain, turns "5" into 5 and answers 500 to 100,000 `[`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException

from server.api.errors import accepts
from server.errors import BadInput, Detail

BODY_LIMIT = 1_000_000
"""Bytes; a handler with `opt={"body_limit": n}` takes n."""

BODY_SECONDS = 300
"""Within which all of a body must have arrived: 30 MB at 1 Mbit/s. Whoever dawdles holds a connection and memory."""
MOST_NAMED, LONGEST_NAMED = 20, 100
"""Unknown fields that are named, and characters of each: an answer must not be larger than what was sent."""

WHERE = re.compile(r" - at `\$\.?(.*)`$")
UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
MISSING = re.compile(r"Object missing required field `(.*)`")
NO_CHOICE = "Invalid enum value "
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class PayloadTooLarge(HTTPException):
    status_code = 413


class UnsupportedMediaType(HTTPException):
    status_code = 415


class ApiRequest(Request[Any, Any, Any]):
    """A request whose `data` is decoded by `read_json`, whatever handler takes it."""

    async def json(self) -> Any:
        """The body as the struct that the handler's `data` is. Raises `BadInput`, and what 413 and 415 are made of."""
        kind = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        body = await self.body()
        check_media_type(self.headers.getall("content-type", []))
        if self.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise UnsupportedMediaType(detail="Send the body as it is, without Content-Encoding.")
        return read_json(body, kind)

    async def body(self) -> bytes:
        """All of it, at most the limit of the handler; what is larger is not read to its end. Raises `BadInput` if
        there is none: Litestar, which asks for it where a handler takes `data`, has no good word for that."""
        kept = self.scope.get("reelhouse_body")
        if kept is None:
            limit = int(self.route_handler.opt.get("body_limit", BODY_LIMIT))
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    kept = await self._read(limit)
            except TimeoutError as error:
                raise BadInput(f"The body did not arrive within {BODY_SECONDS} s.") from error
            self.scope["reelhouse_body"] = kept  # type: ignore[typeddict-unknown-key]
        if not kept:
            raise BadInput("The body is missing: send a JSON object.", details=(Detail("body", "it is missing"),))
        return kept

    async def _read(self, limit: int) -> bytes:
        too_large = PayloadTooLarge(detail=f"The body is larger than the {limit:,} bytes that are accepted here.")
        announced = self.headers.get("content-length", "0")
        if not announced.isdecimal():
            raise BadInput.of("Content-Length", "it is not a number of bytes")
        if int(announced[:20]) > limit:
            raise too_large
        parts, size = [], 0
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ClientException(detail="The body ended before its announced length.")
            size += len(message["body"])
            if size > limit:
                raise too_large
            parts.append(message["body"])
            if not message.get("more_body"):
                return b"".join(parts)


def check_media_type(values: list[str]) -> None:
    """Only JSON: a form or text/plain is what a foreign page can send without asking."""
    kind, *parameters = (values[0] if values else "").lower().split(";")
    named = dict((name.strip(), value.strip().strip('"')) for name, _, value in (p.partition("=") for p in parameters))
    if kind.strip() != "application/json" or named.get("charset", "utf-8") not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(detail="Send the body as JSON in UTF-8, with Content-Type: application/json.")


def read_json(body: bytes, kind: Any) -> Any:
    """`body` decoded into `kind`, fields that are null as absent. Raises `BadInput` naming the field and
    what it accepts."""
    try:
        value = _decoded(body, kind)
    except msgspec.ValidationError as error:
        raise _bad(str(error), body, kind) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadInput(f"The body is not JSON in UTF-8: {told}.", details=(Detail("body", told),)) from error
    if NUL.search(body):
        raise BadInput("The body holds a NUL character: remove it.", details=(Detail("body", "it holds a NUL"),))
    return value


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        return msgspec.convert(_simplified(msgspec.json.decode(body)), kind)


def _simplified(value: Any) -> Any:
    """Without fields that are null, and 7 for 7.0, which JSON Schema counts as a whole number."""
    if isinstance(value, dict):
        return {name: _simplified(part) for name, part in value.items() if part is not None}
    if isinstance(value, float):
        return int(value) if abs(value) < 2**53 and value == int(value) else value
    return [_simplified(part) for part in value] if isinstance(value, list) else value


def _bad(told: str, body: bytes, kind: Any) -> BadInput:
    where = WHERE.search(told)
    path, told = ("", told) if where is None else (where[1], told[: where.start()])
    if unknown := UNKNOWN.fullmatch(told):
        names = [unknown[1]] if path else _unknown_fields(body, kind) or [unknown[1]]
        fields = [f"{path}.{name}".lstrip(".")[:LONGEST_NAMED] for name in names[:MOST_NAMED]]
        details = tuple(Detail(field, "it is not a field of this request") for field in fields)
        known = ", ".join(sorted(getattr(kind, "__struct_encode_fields__", ()))) if not path else ""
        return BadInput(
            f"Unknown fields: {', '.join(fields)}." + (f" Known are {known}." if known else ""), details=details
        )
    if missing := MISSING.fullmatch(told):
        return BadInput.of(f"{path}.{missing[1]}".lstrip("."), "it is missing")
    if choices := _choices(kind, path) if told.startswith(NO_CHOICE) else []:
        return BadInput.of(path, f"{told.removeprefix(NO_CHOICE)[:LONGEST_NAMED]} is not one of {', '.join(choices)}")
    return BadInput.of(path or "body", accepts(told))


def _choices(kind: Any, path: str) -> list[str]:
    """What the field at `path` may be, where it is one of several words."""
    nodes = [msgspec.inspect.type_info(kind)]
    for step in re.findall(r"\[|[^.\[\]]+(?![^\[]*\])", path):
        nodes = [part for node in nodes for part in _parts(node, step)]
    return [str(word) for node in nodes for word in getattr(node, "values", ())]


def _parts(node: Any, step: str) -> Iterator[Any]:
    """What lies below `node`: its field of that name, or for `[` its items; of a union, each member."""
    if step == "[":
        found = [node.item_type] if hasattr(node, "item_type") else []
    else:
        found = [field.type for field in getattr(node, "fields", ()) if field.encode_name == step]
    for part in found:
        for one in getattr(part, "types", (part,)):
            yield one.type if isinstance(one, msgspec.inspect.Metadata) else one  # what is described is wrapped


def _unknown_fields(body: bytes, kind: Any) -> list[str]:
    """All of them at the top: msgspec names only the first."""
    try:
        sent = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return []
    return [name for name in sent if name not in kind.__struct_encode_fields__]
