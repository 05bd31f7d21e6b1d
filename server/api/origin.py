"""Under which address clients see this server. Knows nothing of what is there."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from server.settings import Settings


def base_url(request: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> str:
    """Without a slash at its end: the configured one, else the request's own, whose Host the door has checked."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"{request.scope['scheme']}://{request.headers.get('host', 'localhost')}"
