"""Sessions of people: begun with a password, found by what their cookie holds, ended. Knows no HTTP.

What the cookie holds is made here and nowhere else, anew at every login: an id that a client brings along is looked
up, never taken over.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from server.accounts.caller import Caller
from server.accounts.models import SCOPES, Login, User
from server.accounts.passwords import hash_password, is_outdated, verify_password
from server.accounts.tokens import hash_of
from server.accounts.users import normal_email
from server.clock import DAY, HOUR, MINUTE, now
from server.db.database import Database
from server.errors import BadInput, Unauthorized
from server.place import Place

IDLE, ABSOLUTE = 12 * HOUR, 7 * DAY
SEEN_EVERY = 5 * MINUTE
"""`seen_at` is written so often at most, so that reading does not mean writing."""

# Every call of a page asks this: built once and below the mapper, as in `server.accounts.keys`.
L, U = Login.__table__.c, User.__table__.c
BY_TOKEN = (
    select(L.csrf_token, L.created_at, L.seen_at, U.id, U.role, U.disabled_at)
    .where(U.id == L.user_id)
    .where(L.id_hash == bindparam("sought"))
)

WRONG = "E-mail or password is wrong."
ENDED = "There is no such session, or it has ended: log in."


class Begun(NamedTuple):
    """A new session: `token` is for the cookie and for nobody else."""

    user: User
    token: str
    csrf_token: str


class Present(NamedTuple):
    """A session that is alive, as the door needs it."""

    caller: Caller
    csrf_token: str


def log_in(place: Place, email: str, password: str, former: str | None = None) -> Begun:
    """Begin a session; `former` is the token that the client had until now, which ends.

    The password is compared outside of any transaction: that takes longer than others may wait.
    Raises `Unauthorized`, after the same time for an unknown address as for a wrong password.
    """
    user = _by_email(place.db, email)
    if not verify_password(user.password_hash if user else None, password) or user is None or user.disabled_at:
        raise Unauthorized(WRONG)
    fresh_hash = hash_password(password) if is_outdated(user.password_hash) else None
    with place.db.writing() as session:
        current = session.get(User, user.id, with_for_update=True)
        # Disabled, or the password reset, while it was compared: what was compared no longer counts.
        if current is None or current.disabled_at is not None or current.password_hash != user.password_hash:
            raise Unauthorized(WRONG)
        if fresh_hash is not None:
            current.password_hash = fresh_hash
        if former is not None:
            end(session, former)
        _forget_ended(session)
        return begin(session, current)


def begin(session: Session, user: User) -> Begun:
    """A session for a user who has proved who they are."""
    token, csrf_token, moment = secrets.token_urlsafe(32), secrets.token_urlsafe(32), now()
    session.add(
        Login(id_hash=hash_of(token), user_id=user.id, csrf_token=csrf_token, created_at=moment, seen_at=moment)
    )
    session.flush()
    return Begun(user, token, csrf_token)


def find(db: Database, token: str) -> Present:
    """The session of this token. Raises `Unauthorized` if there is none, or it was idle or lived too long."""
    id_hash, moment = hash_of(token), now()
    with db.reading() as session:
        row = session.execute(BY_TOKEN, {"sought": id_hash}).first()
    if row is None:
        raise Unauthorized(ENDED)
    csrf_token, created_at, seen_at, user_id, role, disabled_at = row
    if moment - seen_at >= IDLE or moment - created_at >= ABSOLUTE or disabled_at is not None:
        raise Unauthorized(ENDED)
    if moment - seen_at >= SEEN_EVERY:
        with db.writing() as session:
            session.execute(update(Login).where(Login.id_hash == id_hash).values(seen_at=moment))
    return Present(Caller(user_id=user_id, role=role, via="session", scopes=frozenset(SCOPES)), csrf_token)


def end(session: Session, token: str) -> None:
    """Log out: the token is worth nothing from now on."""
    session.execute(delete(Login).where(Login.id_hash == hash_of(token)))


def _by_email(db: Database, email: str) -> User | None:
    try:
        address = normal_email(email)
    except BadInput:
        return None
    with db.reading() as session:
        return session.scalar(select(User).where(User.email == address))


def _forget_ended(session: Session) -> None:
    moment = now()
    session.execute(
        delete(Login)
        .where(or_(Login.seen_at <= moment - IDLE, Login.created_at <= moment - ABSOLUTE))
        .execution_options(synchronize_session=False)
    )
