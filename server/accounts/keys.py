"""API keys: made, found by their public part, revoked. Knows no HTTP; of a key only its SHA-256 is kept."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from server.accounts.caller import Caller
from server.accounts.models import SCOPES, ApiKey, User
from server.accounts.tokens import hash_of
from server.clock import now
from server.errors import BadInput, NotFound, Unauthorized
from server.ids import prefixed

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
BEGINNING, PREFIX_LENGTH = "sk_live_", 12
LOOKUP_DIGITS, SECRET_DIGITS = 12, 43  # 43 digits of base 62 are 256 bits; the public part comes on top
KEY = re.compile(rf"{BEGINNING}([0-9A-Za-z]{{{LOOKUP_DIGITS}}})[0-9A-Za-z]{{{SECRET_DIGITS}}}")
LONGEST_NAME = 200

# Every call with a key asks this. Built once and below the mapper, it takes a third of the time.
K, U = ApiKey.__table__.c, User.__table__.c
BY_LOOKUP = (
    select(K.id, K.secret_hash, K.scopes, K.revoked_at, U.id, U.role, U.disabled_at)
    .where(U.id == K.user_id)
    .where(K.lookup == bindparam("sought"))
)

REFUSED = "This API key is not valid: it is wrong, revoked, or its owner is disabled."


def create_key(session: Session, user_id: str, name: str, scopes: Sequence[str] | None) -> tuple[ApiKey, str]:
    """The row and the whole key, which nobody can show again. `scopes` None: all.

    Raises `BadInput` naming the field.
    """
    called = name.strip()
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        raise BadInput.of("name", f"1 to {LONGEST_NAME} printable characters")
    lookup = _digits(LOOKUP_DIGITS)
    whole = BEGINNING + lookup + _digits(SECRET_DIGITS)
    row = ApiKey(
        id=prefixed("key"),
        user_id=user_id,
        name=called,
        prefix=whole[:PREFIX_LENGTH],
        lookup=lookup,
        secret_hash=hash_of(whole),
        scopes=_checked(SCOPES if scopes is None else scopes),
        created_at=now(),
        revoked_at=None,
    )
    session.add(row)
    session.flush()
    return row, whole


def list_keys(session: Session, user_id: str | None) -> list[ApiKey]:
    """Newest first, revoked ones too; `user_id` None: everybody's."""
    rows = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    return list(session.scalars(rows if user_id is None else rows.where(ApiKey.user_id == user_id)))


def revoke_key(session: Session, user_id: str | None, key_id: str) -> ApiKey:
    """From now on it is refused. Again: the same. `user_id` None: whoever's. Raises `NotFound`."""
    row = session.get(ApiKey, key_id)
    if row is None or user_id not in (None, row.user_id):
        raise NotFound("There is no such API key.")
    if row.revoked_at is None:
        row.revoked_at = now()
    return row


def caller_of_key(session: Session | Connection, text: str) -> Caller:
    """Whose key this is. Raises `Unauthorized`, in the same words whatever is wrong with it."""
    spelt = KEY.fullmatch(text)
    if spelt is None:
        raise Unauthorized(REFUSED)
    row = session.execute(BY_LOOKUP, {"sought": spelt[1]}).first()
    if row is None:
        raise Unauthorized(REFUSED)
    key_id, secret_hash, scopes, revoked_at, user_id, role, disabled_at = row
    if not hmac.compare_digest(secret_hash, hash_of(text)) or revoked_at is not None or disabled_at is not None:
        raise Unauthorized(REFUSED)
    return Caller(user_id=user_id, role=role, via="key", scopes=frozenset(scopes), key_id=key_id)


def _checked(scopes: Sequence[str]) -> list[str]:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise BadInput.of("scopes", f"one or more of {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in scopes]


def _digits(count: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(count))
