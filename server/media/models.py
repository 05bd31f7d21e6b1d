"""The table of media."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.columns import Millis, Table


class Media(Table):
    """A file below the media folder. `id` is its public address; the path follows from `id` and `suffix` alone, so no
    client's string ever becomes one. `owner` is the id of the story or series character that it belongs to."""

    __tablename__ = "media"

    id: Mapped[str] = mapped_column(String(31), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    owner: Mapped[str] = mapped_column(String(32), index=True)
    suffix: Mapped[str] = mapped_column(String(8))
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(Millis)
