"""Users: made, found, given credits, disabled, given a new password. Knows no HTTP."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.accounts import credits as ledger
from server.accounts.models import Login, User
from server.accounts.passwords import PasswordHash
from server.clock import now
from server.errors import BadInput, Conflict, NotFound
from server.ids import cuid

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL = 254


def create_user(session: Session, email: str, password: PasswordHash, *, credits: int, admin: bool) -> User:
    """A new user with `credits` in the ledger as a grant.

    Raises `BadInput` naming the field, `Conflict` if somebody has this address.
    """
    address = normal_email(email)
    if not 0 <= credits <= ledger.MOST:
        raise BadInput.of("credits", f"0 to {ledger.MOST}")
    if session.scalar(select(User.id).where(User.email == address)) is not None:
        raise _taken(address)
    user = User(
        id=cuid(),
        email=address,
        password_hash=password,
        role="admin" if admin else "user",
        balance=0,
        webhook_secret=new_webhook_secret(),
        created_at=now(),
        disabled_at=None,
    )
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:  # another process was faster
        raise _taken(address) from error
    if credits:
        grant(session, user.id, credits)
    return user


def find_user(session: Session, email: str) -> User:
    """Raises `NotFound`."""
    user = session.scalar(select(User).where(User.email == _folded(email)))
    if user is None:
        raise NotFound(f"There is no user {email}.")
    return user


def user_of(session: Session, user_id: str) -> User:
    """Raises `NotFound`."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user


def list_users(session: Session, page: int = 1, limit: int | None = None) -> tuple[list[User], int]:
    """One page of the users, oldest first, and how many there are in all; `limit` None: all on one page."""
    total = session.scalar(select(func.count()).select_from(User)) or 0
    rows = select(User).order_by(User.created_at, User.id)
    if limit is not None:
        rows = rows.limit(limit).offset((page - 1) * limit)
    return list(session.scalars(rows)), total


def grant(session: Session, user_id: str, amount: int) -> User:
    """Raises `BadInput`, `NotFound`, `Conflict` if the balance would grow past what can be kept."""
    user = user_of(session, user_id)
    ledger.grant(session, user_id, amount)
    session.refresh(user)
    return user


def disable(session: Session, user_id: str) -> User:
    """End the user's sessions, and let none of their keys work until `enable`. Again: the same.

    Raises `NotFound`, `Conflict` for the last admin, without whom nobody could undo it.
    """
    user = user_of(session, user_id)
    if user.disabled_at is None:
        if user.role == "admin" and _admins(session) == {user_id}:
            raise Conflict("This is the last admin: make another one first.")
        user.disabled_at = now()
    session.execute(delete(Login).where(Login.user_id == user_id))
    return user


def enable(session: Session, user_id: str) -> User:
    """Raises `NotFound`."""
    user = user_of(session, user_id)
    user.disabled_at = None
    return user


def reset_password(session: Session, user_id: str, password: PasswordHash) -> User:
    """A new password; whoever was logged in with the old one no longer is. Raises `NotFound`."""
    user = user_of(session, user_id)
    user.password_hash = password
    session.execute(delete(Login).where(Login.user_id == user_id))
    return user


def anybody(session: Session) -> bool:
    """Whether there is any user at all."""
    return session.scalar(select(User.id).limit(1)) is not None


def normal_email(email: str) -> str:
    """As it is kept: NFC, trimmed, lower case. Raises `BadInput`."""
    address = _folded(email)
    if len(address) > LONGEST_EMAIL or not address.isprintable() or EMAIL.fullmatch(address) is None:
        raise BadInput.of("email", f"an e-mail address of at most {LONGEST_EMAIL} characters, as name@example.com")
    return address


def new_webhook_secret() -> str:
    """256 random bits, spelt as Standard Webhooks wants it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _folded(email: str) -> str:
    return unicodedata.normalize("NFC", email).strip().lower()


def _admins(session: Session) -> set[str]:
    """Ids of those who are able to act; held, or two could disable each other at once."""
    able = select(User.id).where(User.role == "admin", User.disabled_at.is_(None)).order_by(User.id)
    return set(session.scalars(able.with_for_update()))


def _taken(address: str) -> Conflict:
    return Conflict(f"There is a user {address} already.")
