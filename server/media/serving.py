"""What a GET or HEAD for a file is answered with, by RFC 9110: conditions, ranges, headers. Knows no web framework, no
disk and no table; times are whole seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import NamedTuple

from server.media.library import TYPES

RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)
CACHING = "public, max-age=31536000, immutable"
POLICY = "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Nothing in a file runs, loads or navigates. The exceptions are what a browser needs to show a bare video or picture:
the file itself, and its own style sheet for it."""


class FileFacts(NamedTuple):
    """`changed` is when it was kept, in seconds since 1970."""

    name: str
    suffix: str
    bytes: int
    sha256: str
    changed: int

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


class Answer(NamedTuple):
    """`start` and `length` are of the bytes to send; none with 304 and 416."""

    status: int
    headers: dict[str, str]
    start: int = 0
    length: int = 0


def answer(method: str, asked: Mapping[str, str], file: FileFacts) -> Answer:
    """The answer to a request with the headers `asked` (their names in lower case)."""
    headers = _always(file)
    if _unchanged(asked, file):
        return Answer(304, headers)
    headers |= _of_content(file)
    # A range is defined for GET only (RFC 9110, 14.2).
    wanted = asked.get("range") if method == "GET" and _range_counts(asked, file) else None
    part = RANGE.fullmatch(wanted.strip()) if wanted else None
    if part is None or not (part[1] or part[2]):
        # Several ranges at once, other units and nonsense are ignored, which the RFC allows: players ask for one.
        return _whole(headers, file)
    span = _span(part[1], part[2], file.bytes)
    if span is None:
        if part[1] and part[2] and int(part[2]) < int(part[1]):
            return _whole(headers, file)  # no valid range at all, so it was not asked for
        return Answer(416, _always(file) | {"content-range": f"bytes */{file.bytes}"})
    start, end = span
    length = end - start + 1
    headers |= {"content-range": f"bytes {start}-{end}/{file.bytes}", "content-length": str(length)}
    return Answer(206, headers, start, length)


def _whole(headers: dict[str, str], file: FileFacts) -> Answer:
    return Answer(200, headers | {"content-length": str(file.bytes)}, 0, file.bytes)


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """First and last byte, both included; None if the file has none of them."""
    if not first:
        suffix = min(int(last), size)
        return (size - suffix, size - 1) if suffix else None
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end else None


def _unchanged(asked: Mapping[str, str], file: FileFacts) -> bool:
    if "if-none-match" in asked:
        tags = [tag.strip().removeprefix("W/") for tag in asked["if-none-match"].split(",")]
        return "*" in tags or file.etag in tags
    since = _seconds(asked.get("if-modified-since"))
    return since is not None and file.changed <= since


def _range_counts(asked: Mapping[str, str], file: FileFacts) -> bool:
    """Whether the part that the client already has is of this very file, which `If-Range` asks."""
    condition = asked.get("if-range")
    if condition is None:
        return True
    condition = condition.strip()
    return condition == file.etag if condition.startswith(('"', "W/")) else _seconds(condition) == file.changed


def _seconds(date: str | None) -> int | None:
    try:
        return None if date is None else int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None


def _always(file: FileFacts) -> dict[str, str]:
    return {
        "etag": file.etag,
        "last-modified": formatdate(file.changed, usegmt=True),
        "cache-control": CACHING,
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "content-security-policy": POLICY,
        # Addresses are public and nobody's cookies count here: a page of any origin may play a film with its captions,
        # which browsers load under CORS only.
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
        "cross-origin-resource-policy": "cross-origin",
    }


def _of_content(file: FileFacts) -> dict[str, str]:
    return {
        "content-type": TYPES[file.suffix],
        "content-disposition": f'inline; filename="{file.name}"',
    }
