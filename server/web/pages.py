"""The pages for people: `/`, `/docs` and the files that they load, all of this folder. Knows names, not contents."""

from __future__ import annotations

from pathlib import Path

from litestar import Response, get

from server.accounts.setup import is_needed
from server.errors import NotFound
from server.place import Place

FOLDER = Path(__file__).resolve().parent
TYPES: dict[str, str] = {
    "index.html": "text/html; charset=utf-8",
    "docs.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "studio.js": "text/javascript; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
"""All that there is: a name that is not here leads nowhere."""


@get("/", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def studio_page(place: Place) -> Response[bytes]:
    """Set-up while there is no user; else sign-in, stories and keys."""
    page = _file("index.html")
    if is_needed(place):
        page.content = page.content.replace(b'data-setup="no"', b'data-setup="yes"')
    return page


@get("/docs", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def docs_page() -> Response[bytes]:
    """/openapi.json for people."""
    return _file("docs.html")


@get("/web/{name:str}", opt={"access": "public"}, include_in_schema=False, sync_to_thread=True)
def page_file(name: str) -> Response[bytes]:
    """What the pages load."""
    if name not in TYPES:
        raise NotFound("There is no such file.")
    return _file(name)


def _file(name: str) -> Response[bytes]:
    # no-cache: asked again each time, so that the pages of a new release are not mixed with those of the last.
    content = (FOLDER / name).read_bytes()
    return Response(content, media_type=TYPES[name], headers={"Cache-Control": "no-cache"})


HANDLERS = (studio_page, docs_page, page_file)
