"""The table of rate limits. It has a database of its own where that is SQLite: see `server.accounts.limits`."""

from __future__ import annotations

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from server.db.columns import NAMING, Millis


class LimitTable(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Bucket(LimitTable):
    """A token bucket: `tokens` left at `filled_at`. `name` is the kind of limit and whose it is."""

    __tablename__ = "buckets"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    tokens: Mapped[float]
    filled_at: Mapped[int] = mapped_column(Millis)
