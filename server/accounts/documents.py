"""Users, keys and credits as a client sees them: of the API and of the command line. Knows neither."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from server.accounts.models import ApiKey, Credit, User
from server.clock import iso, iso_or_none

UserId = Annotated[str, Meta(examples=["cmnk8wu2q0001q3vpmqv93nmy"])]
KeyId = Annotated[str, Meta(examples=["key_4h0p2s8d6k1v9x3m7q5z"])]
KeyPrefix = Annotated[str, Meta(examples=["sk_live_7WH3"], description="The first 12 characters of the key.")]
Scopes = Annotated[list[str], Meta(examples=[["stories:generate", "stories:read", "assets:read"]])]
Moment = Annotated[str, Meta(examples=["2026-04-04T11:37:04.662Z"], description="ISO 8601, UTC.")]


class Document(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Every field is always there."""


class UserDocument(Document, frozen=True):
    """`disabledAt` is null for a user who may log in."""

    id: UserId
    email: Annotated[str, Meta(examples=["director@example.com"])]
    role: Annotated[str, Meta(description="user or admin")]
    balance: Annotated[int, Meta(description="Credits left.", examples=[975])]
    disabled_at: Moment | None
    created_at: Moment


class KeyDocument(Document, frozen=True):
    """A key without its secret part."""

    id: KeyId
    name: Annotated[str, Meta(examples=["Production"])]
    key_prefix: KeyPrefix
    scopes: Scopes
    revoked_at: Moment | None
    created_at: Moment


class NewKeyDocument(Document, frozen=True):
    """`key` is shown this once: only its hash is kept."""

    id: KeyId
    key: Annotated[str, Meta(description="The whole key. It is shown this once.", examples=["sk_live_…"])]
    name: Annotated[str, Meta(examples=["My integration"])]
    key_prefix: KeyPrefix
    scopes: Scopes


class RevokedDocument(Document, frozen=True):
    id: KeyId
    revoked: bool = True


class CreditDocument(Document, frozen=True):
    """`amount` is negative for a debit; `reason` is grant, debit or refund."""

    id: str
    amount: Annotated[int, Meta(examples=[-25])]
    reason: Annotated[str, Meta(examples=["debit"])]
    job_id: str | None
    created_at: Moment


def user_document(user: User) -> UserDocument:
    return UserDocument(
        id=user.id,
        email=user.email,
        role=user.role,
        balance=user.balance,
        disabled_at=iso_or_none(user.disabled_at),
        created_at=iso(user.created_at),
    )


def key_document(key: ApiKey) -> KeyDocument:
    return KeyDocument(
        id=key.id,
        name=key.name,
        key_prefix=key.prefix,
        scopes=key.scopes,
        revoked_at=iso_or_none(key.revoked_at),
        created_at=iso(key.created_at),
    )


def new_key_document(key: ApiKey, whole: str) -> NewKeyDocument:
    return NewKeyDocument(id=key.id, key=whole, name=key.name, key_prefix=key.prefix, scopes=key.scopes)


def credit_document(entry: Credit) -> CreditDocument:
    return CreditDocument(
        id=entry.id,
        amount=entry.amount,
        reason=entry.reason,
        job_id=entry.job_id,
        created_at=iso(entry.created_at),
    )
