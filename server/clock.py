"""Time as the tables keep it: whole milliseconds since 1970, UTC; and as the contract spells it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def now() -> int:
    """Milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000


def iso(millis: int) -> str:
    """ISO 8601 with milliseconds and `Z`, as 2026-04-04T11:37:04.662Z."""
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03d}Z"


def iso_or_none(millis: int | None) -> str | None:
    return None if millis is None else iso(millis)
