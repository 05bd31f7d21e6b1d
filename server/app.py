"""The server as an ASGI application. Wiring only: what stands in front of what, and who answers which path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.routes import HTTPRoute
from litestar.types import Message, Receive, Scope, Send

from server.api import health, media, openapi
from server.api.access import access_layers
from server.api.bodies import ApiRequest
from server.api.door import FrontDoor
from server.api.errors import to_response
from server.api.events import Hub
from server.api.v1 import (
    api_keys,
    assets,
    catalog,
    credits,
    jobs,
    series,
    series_assets,
    session,
    shots,
    stories,
    users,
    webhooks,
)
from server.metrics import Metrics
from server.place import Place
from server.web import pages

OPERATIONS = (stories, jobs, assets, shots, series_assets, series, api_keys, session, users, credits, catalog, webhooks)
"""In the order of the documentation."""


class Server(Litestar):
    """Litestar behind the front door. `hub` holds the open streams, `metrics` what was counted."""

    def __init__(self, place: Place, **options: Any) -> None:
        self.metrics = Metrics()
        self.hub = Hub(place.db, self.metrics)
        self.door = FrontDoor(super().__call__, place.settings, self.metrics)
        super().__init__(**options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        await self.door(scope, receive, send)


async def tell_every_method(message: Message, scope: Scope) -> None:
    """Litestar's own answer to OPTIONS knows only the methods of the handler that was registered first."""
    if message["type"] == "http.response.start" and scope["type"] == "http" and scope["method"] == "OPTIONS":
        template = scope.get("path_template")
        routes = [route for route in scope["litestar_app"].routes if route.path_format == template]
        methods = {method for route in routes if isinstance(route, HTTPRoute) for method in route.methods}
        if methods:
            MutableScopeHeaders.from_message(message)["Allow"] = ", ".join(sorted(methods))


def create_app(place: Place) -> Server:
    """The application of `place`, which stays the caller's to close. Raises `BadSetting` for wrong rates or proxies."""
    middleware, guards, dependencies = access_layers(place)

    @asynccontextmanager
    async def listening(app: Litestar) -> AsyncIterator[None]:
        task = asyncio.create_task(server.hub.run())
        try:
            yield
        finally:
            server.hub.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    server = Server(
        place,
        route_handlers=[
            Router("/api/v1", route_handlers=[handler for module in OPERATIONS for handler in module.HANDLERS]),
            *health.HANDLERS,
            *openapi.HANDLERS,
            media.serve_media,
            *pages.HANDLERS,
        ],
        middleware=middleware,
        guards=guards,
        dependencies={
            **dependencies,
            "hub": Provide(lambda: server.hub, sync_to_thread=False),
            "metrics": Provide(lambda: server.metrics, sync_to_thread=False),
        },
        request_class=ApiRequest,
        exception_handlers={Exception: to_response},
        lifespan=[listening],
        before_send=[tell_every_method],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,  # server.api.bodies has its own cap, which answers in the contract's words
    )
    return server
