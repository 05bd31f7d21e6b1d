"""Tables of series."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.columns import Json, Millis, Table


class Series(Table):
    """`lexicon` is how words are said in all of its stories, see `engine.speaking.lexicon`."""

    __tablename__ = "series"
    __table_args__ = (Index("ix_series_user_id_created_at", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(String(200), default="")
    lexicon: Mapped[dict[str, str]] = mapped_column(Json(dict[str, str]), default=dict)
    created_at: Mapped[int] = mapped_column(Millis)


class SeriesCharacter(Table):
    """`key` is the name as it is compared: NFC, trimmed, case-folded. `image_hash` is of the picture as given;
    `voice` the one that they first spoke with, None until then."""

    __tablename__ = "series_characters"
    __table_args__ = (UniqueConstraint("series_id", "key"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(400))
    image_id: Mapped[str | None] = mapped_column(String(31))
    image_hash: Mapped[str | None] = mapped_column(String(64))
    voice: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(Millis)
