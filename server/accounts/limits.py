"""Rate limits: token buckets in a table, so that all server processes draw from the same ones. Knows no HTTP.

Every request passes here, so a take is one statement that is its own transaction: it fills the bucket up to now and
takes a token out, if there is a whole one.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal, NamedTuple

import structlog
from sqlalchemy import delete

from server.accounts.limit_models import Bucket
from server.accounts.rates import Rate, parse_rate
from server.accounts.spare_buckets import take_spare
from server.clock import SECOND, now
from server.db.database import Database
from server.errors import RateLimited
from server.place import Place
from server.settings import Settings

log = structlog.get_logger("reelhouse.limits")

Kind = Literal["generate", "read", "login"]
KINDS: tuple[Kind, ...] = ("generate", "read", "login")

SWEEP_EVERY = 5000
"""Takes of this process between two removals of buckets that have filled up, and so say nothing."""

TAKE = """
INSERT INTO buckets (name, tokens, filled_at) VALUES (:name, :most - 1.0, :now)
ON CONFLICT (name) DO UPDATE SET
  tokens = {least}(:most, buckets.tokens + {most}(0, :now - buckets.filled_at) * :per_ms) - 1.0,
  filled_at = {kept}
WHERE {least}(:most, buckets.tokens + {most}(0, :now - buckets.filled_at) * :per_ms) >= 1.0
RETURNING tokens
"""
# Clocks of several machines differ a little: time that one has counted is not counted again by another that is behind.
# One that is ahead by more than a minute was wrong, and must not stop the bucket from filling until then.
KEPT = "CASE WHEN buckets.filled_at > :now AND buckets.filled_at < :now + 60000 THEN buckets.filled_at ELSE :now END"
LEFT = "SELECT tokens, filled_at FROM buckets WHERE name = :name"

ON_SQLITE = TAKE.format(least="min", most="max", kept=KEPT)
ON_POSTGRESQL = TAKE.format(least="LEAST", most="GREATEST", kept=KEPT)

_takes = itertools.count(1)


class Remaining(NamedTuple):
    """`limit` and `remaining` in calls; `reset` in whole seconds until the bucket is full."""

    limit: int
    remaining: int
    reset: int


class Limited(RateLimited):
    """Raised by `take`; carries what an allowed call is told, too."""

    def __init__(self, message: str, retry_after: int, remaining: Remaining) -> None:
        super().__init__(message, retry_after=retry_after)
        self.remaining = remaining


def rate_of(settings: Settings, kind: Kind) -> Rate:
    """Raises `BadSetting`."""
    return parse_rate(getattr(settings, f"limits_{kind}"), f"REELHOUSE_LIMITS_{kind.upper()}")


def take(place: Place, kind: Kind, bucket: str) -> Remaining:
    """Take one token of `kind` for `bucket`. Raises `Limited`, a `RateLimited`, if there is none."""
    rate = rate_of(place.settings, kind)
    per_ms = rate.amount / (rate.seconds * SECOND)
    values = {"name": f"{kind}:{bucket}"[:120], "most": float(rate.amount), "now": now(), "per_ms": per_ms}
    if next(_takes) % SWEEP_EVERY == 0:
        forget_full(place)
    tokens, allowed = (_on_sqlite if place.limits.is_sqlite else _on_postgresql)(place.limits, values)
    remaining = Remaining(
        rate.amount, max(0, math.floor(tokens)), math.ceil((rate.amount - tokens) / per_ms / SECOND - 1e-6)
    )
    if allowed:
        return remaining
    wait = max(1, math.ceil((1 - tokens) / per_ms / SECOND - 1e-6))
    raise Limited(f"Too many calls: {rate.amount} per {rate.seconds} s. Try again in {wait} s.", wait, remaining)


def forget_full(place: Place) -> None:
    """Remove buckets that nobody has touched for as long as it takes the slowest one to fill."""
    slowest = max(rate_of(place.settings, kind).seconds for kind in KINDS)
    with place.limits.writing() as session:
        session.execute(delete(Bucket).where(Bucket.filled_at < now() - slowest * SECOND))


def _on_sqlite(limits: Database, values: dict[str, Any]) -> tuple[float, bool]:
    """Below SQLAlchemy, whose transaction would be three statements more."""
    try:
        connection = limits.engine.raw_connection()
        try:
            cursor = connection.cursor()
            row = cursor.execute(ON_SQLITE, values).fetchall()
            if row:
                return row[0][0], True
            return _filled(cursor.execute(LEFT, values).fetchall(), values), False
        finally:
            connection.close()
    except limits.engine.dialect.loaded_dbapi.Error as error:  # disk full, file damaged or taken away
        log.warning("limits of this process only", reason=str(error))
        return take_spare(values["name"], values["most"], values["now"], values["per_ms"])


def _on_postgresql(limits: Database, values: dict[str, Any]) -> tuple[float, bool]:
    from sqlalchemy import text

    with limits.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        row = connection.execute(text(ON_POSTGRESQL), values).first()
        if row:
            return row[0], True
        return _filled(connection.execute(text(LEFT), values).all(), values), False


def _filled(rows: Any, values: dict[str, Any]) -> float:
    """What is in the bucket now, less than one token; 0 if it was just removed, and is full at the next call."""
    if not rows:
        return 0.0
    tokens, filled_at = rows[0]
    return min(0.999, tokens + max(0, values["now"] - filled_at) * values["per_ms"])
