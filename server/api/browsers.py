"""What a browser must show before a write counts as its user's wish: the origin of the page, and the session's token.

A request with neither `Origin` nor `Sec-Fetch-Site` is no browser's, so nobody else's page can have sent it.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection

from server.api.bodies import check_media_type
from server.api.origin import base_url
from server.errors import Forbidden
from server.settings import Settings

Connection = ASGIConnection[Any, Any, Any, Any]

READS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"


def check_page(connection: Connection, settings: Settings) -> bool:
    """Whether a browser sent this. Raises `Forbidden` if the page that did is not one of ours."""
    origin, site = connection.headers.get("origin"), connection.headers.get("sec-fetch-site")
    if origin is None and site is None:
        return False
    if (origin is not None and not _is_ours(origin, connection, settings)) or site not in (None, "same-origin"):
        raise Forbidden("This request comes from a page of another origin.")
    return True


def check_cookie_write(connection: Connection, settings: Settings, csrf_token: str) -> None:
    """Raises `Forbidden`, and for a body that is not JSON what 415 is made of."""
    if check_page(connection, settings):
        sent = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), csrf_token.encode()):
            raise Forbidden("Send the session's csrfToken (GET /api/v1/session shows it) in X-CSRF-Token.")
    kinds = connection.headers.getall("content-type", [])
    if kinds or connection.headers.get("content-length", "0") != "0" or "transfer-encoding" in connection.headers:
        check_media_type(kinds)


def is_https(connection: Connection, settings: Settings) -> bool:
    """Whether the browser speaks https, perhaps to a proxy before us."""
    return base_url(connection, settings).startswith("https://") or connection.headers.get("origin", "").startswith(
        "https://"
    )


def _is_ours(origin: str, connection: Connection, settings: Settings) -> bool:
    if settings.public_url:
        public = urlsplit(settings.public_url)
        if origin.lower() == f"{public.scheme}://{public.netloc}".lower():
            return True
    scheme, _, host = origin.lower().partition("://")
    # Behind a proxy that speaks https for us we see http; the other way round there is no honest case.
    return host == connection.headers.get("host", "").lower() and scheme in (connection.scope["scheme"], "https")
