"""The pages for people: `/`, `/docs` and the files that they load, all of this folder. Knows names, not contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from server.accounts import logins
from server.accounts.setup import is_needed
from server.api.access import session_token
from server.errors import NotFound, Unauthorized
from server.place import Place

FOLDER = Path(__file__).resolve().parent
TYPES: dict[str, str] = {
    "index.html": "text/html",
    "docs.html": "text/html",
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(
        ("page.js", "jobs.js", "studio.js", "stories.js", "order.js", "film.js", "shots.js", "account.js", "docs.js"),
        "text/javascript",
    ),
}
"""All that there is: a name that is not here leads nowhere."""


@get("/", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def studio_page(request: Request[Any, Any, Any], place: NamedDependency[Place]) -> Response[bytes]:
    """Set-up while there is no user; else sign-in, stories and keys. It is told which, lest it asks and is refused."""
    page = _file("index.html")
    if is_needed(place):
        page.content = page.content.replace(b'data-setup="no"', b'data-setup="yes"')
    elif not _is_signed_in(request, place):
        page.content = page.content.replace(b'data-session="yes"', b'data-session="no"')
    return page


@get("/docs", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def docs_page() -> Response[bytes]:
    """/openapi.json for people."""
    return _file("docs.html")


@get("/web/{name:str}", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def page_file(name: FromPath[str]) -> Response[bytes]:
    """What the pages load."""
    if name not in TYPES:
        raise NotFound("There is no such file.")
    return _file(name)


def _is_signed_in(request: Request[Any, Any, Any], place: Place) -> bool:
    try:
        logins.find(place.db, session_token(request) or "")
    except Unauthorized:
        return False
    return True


def _file(name: str) -> Response[bytes]:
    # no-cache: asked again each time, so that the pages of a new release are not mixed with those of the last.
    content = (FOLDER / name).read_bytes()
    return Response(content, media_type=TYPES[name], headers={"Cache-Control": "no-cache"})


HANDLERS = (studio_page, docs_page, page_file)
