"""Parameters that several operations share."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.params import HeaderParameter, QueryParameter

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="The same key and body within 24 h give the first answer again. 1 to 255 visible ASCII characters.",
        schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
]
DryRun = Annotated[bool, QueryParameter(name="dryRun", description="Only say what would be made again.")]


def request_id(request: Request[Any, Any, Any]) -> str | None:
    """What the front door called this request."""
    return request.scope.get("reelhouse_request_id")  # type: ignore[return-value]
