"""Tables of accounts."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.columns import Json, Millis, Table

SCOPES: tuple[str, ...] = ("stories:generate", "stories:read", "assets:read")
ROLES: tuple[str, ...] = ("user", "admin")


class User(Table):
    """`balance` is the sum of the user's credits, kept beside them so that it can be spent by a conditional update.
    `webhook_secret` signs this user's webhooks. `email` is kept in lower case."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(String(16), default="user")
    balance: Mapped[int] = mapped_column(default=0)
    webhook_secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(Millis)
    disabled_at: Mapped[int | None] = mapped_column(Millis)


class Credit(Table):
    """The ledger: rows are added, never changed. A job has one debit and at most one refund. `reason` is `grant`,
    `debit` or `refund`."""

    __tablename__ = "credits"
    __table_args__ = (
        UniqueConstraint("job_id", "reason"),
        Index("ix_credits_user_id_created_at", "user_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[int]
    reason: Mapped[str] = mapped_column(String(16))
    job_id: Mapped[str | None] = mapped_column(String(25))
    created_at: Mapped[int] = mapped_column(Millis)


class ApiKey(Table):
    """`lookup` is the public part, by which the row is found; of the whole key only `secret_hash` (SHA-256) is kept."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16))
    lookup: Mapped[str] = mapped_column(String(32), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(Json(list[str]))
    created_at: Mapped[int] = mapped_column(Millis)
    revoked_at: Mapped[int | None] = mapped_column(Millis)


class Login(Table):
    """A session. `id_hash` is the SHA-256 of what the cookie holds; `seen_at` moves, `created_at` does not: a session
    ends when it is idle too long, and at the latest some days after login."""

    __tablename__ = "logins"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(Millis)
    seen_at: Mapped[int] = mapped_column(Millis)
