"""The first user: made with a one-time token that only the console showed. Knows no HTTP."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.artifacts import disk_errors
from server.accounts.logins import Begun, begin
from server.accounts.passwords import hash_password
from server.accounts.tokens import hash_of
from server.accounts.users import anybody, create_user, normal_email
from server.errors import Forbidden, NotFound
from server.place import Place

FILE_NAME = "setup.hash"


def is_needed(place: Place) -> bool:
    """Whether there is no user yet."""
    with place.db.reading() as session:
        return not anybody(session)


def make_token(place: Place) -> str:
    """A new token, to be shown on the console once; it replaces the one before. Only its hash is kept, in the data
    folder. Raises `StorageUnwritable`, `StorageFull`."""
    token = secrets.token_urlsafe(24)
    path = _file(place)
    fresh = path.with_name(f".{FILE_NAME}.tmp-{secrets.token_hex(4)}")
    with disk_errors(path):
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, hash_of(token).encode())
        finally:
            os.close(handle)
        fresh.replace(path)
    return token


def create_first_admin(place: Place, token: str, email: str, password: str) -> Begun:
    """The first user, an admin, logged in at once; the token is spent.

    Raises `NotFound` if there is a user already, `Forbidden` for a wrong token, `BadInput` naming the field.
    """
    if not is_needed(place):
        raise NotFound("The set-up is done: log in.")
    normal_email(email)
    with _spent(place, token):
        hashed = hash_password(password)
        with place.db.writing() as session:
            if anybody(session):
                raise NotFound("The set-up is done: log in.")
            user = create_user(session, email, hashed, credits=place.settings.credits_grant, admin=True)
            return begin(session, user)


@contextmanager
def _spent(place: Place, token: str) -> Iterator[None]:
    """Take the token out of the way of everybody else; put it back if the block fails."""
    path = _file(place)
    taken = path.with_name(f".{FILE_NAME}.tmp-{secrets.token_hex(4)}")
    try:
        matches = hmac.compare_digest(path.read_text(encoding="ascii"), hash_of(token))
    except FileNotFoundError:
        matches = False
    if not matches:
        raise Forbidden("This set-up token is not the one that `reelhouse serve` printed at its last start.")
    try:
        path.rename(taken)  # of two at the same time, one fails here
    except FileNotFoundError as error:
        raise Forbidden("This set-up token is being used.") from error
    try:
        yield
    except BaseException:
        taken.replace(path)
        raise
    taken.unlink()


def _file(place: Place) -> Path:
    return place.folders.root / FILE_NAME
