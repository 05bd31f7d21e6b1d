"""Passwords: argon2id hashes made and compared. Knows no user and no table.

Slow and heavy by design (some 50 ms and 64 MiB each, the second profile of RFC 9106): call it in a thread.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import NewType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import BadInput, Unavailable

SHORTEST, LONGEST = 8, 1024
ACCEPTS = f"{SHORTEST} to {LONGEST} characters, without NUL"
AT_ONCE, PATIENCE_SECONDS = 4, 10
"""So many strangers' passwords are compared at a time: each takes 64 MiB, and the API has other work."""

_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(AT_ONCE)


PasswordHash = NewType("PasswordHash", str)
"""Whoever keeps one gets it ready made: hashing in a transaction would hold up every other writer."""


def hash_password(password: str) -> PasswordHash:
    """Raises `BadInput` naming the field for one that is too short, too long or no text."""
    spelt = _spelt(password)
    if spelt is None:
        raise BadInput.of("password", ACCEPTS)
    return PasswordHash(_hasher.hash(spelt))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether `kept` is of this password. None (there is no such user) takes as long as a wrong password.

    Raises `Unavailable` if too many are compared already.
    """
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise Unavailable("Too many people log in at this moment: try again soon.", retry_after=PATIENCE_SECONDS)
    try:
        spelt = _spelt(password)
        matches = _matches(kept or _nobodys(), spelt or "")
        return matches and kept is not None and spelt is not None
    finally:
        _turns.release()


def is_outdated(kept: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def _spelt(password: str) -> bytes | None:
    """As it is hashed: NFKC (NIST SP 800-63B 3.1.1.2), since keyboards differ in how they spell one character."""
    if len(password) > LONGEST or "\0" in password:
        return None
    try:
        spelt = unicodedata.normalize("NFKC", password)
        return spelt.encode() if len(spelt) >= SHORTEST else None
    except UnicodeEncodeError:  # a lone surrogate
        return None


def _matches(kept: str, spelt: bytes | str) -> bool:
    try:
        return _hasher.verify(kept, spelt)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody's password")
