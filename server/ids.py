"""Ids and secrets: unguessable, of a form that says what they name. Knows no table."""

from __future__ import annotations

import re
import secrets
import string
import time

LETTERS = string.ascii_lowercase + string.digits
CUID = re.compile(r"c[a-z0-9]{24}")
TIME_DIGITS, RANDOM_DIGITS = 8, 16


def cuid() -> str:
    """25 characters: `c`, the milliseconds in base 36 (so that newer ones sort later), and 82 random bits."""
    millis = time.time_ns() // 1_000_000
    digits = ""
    for _ in range(TIME_DIGITS):
        millis, digit = divmod(millis, 36)
        digits = LETTERS_BY_VALUE[digit] + digits
    return "c" + digits + "".join(secrets.choice(LETTERS) for _ in range(RANDOM_DIGITS))


LETTERS_BY_VALUE = string.digits + string.ascii_lowercase


def is_cuid(text: str) -> bool:
    return CUID.fullmatch(text) is not None


def prefixed(prefix: str) -> str:
    """`char_…`, `scene_…`, `item_…`, `clip_…`, `key_…`: the prefix and 103 random bits in lower-case alphanumerics."""
    return f"{prefix}_" + "".join(secrets.choice(LETTERS) for _ in range(20))


def media_token() -> str:
    """What a public media address is made of: 160 random bits, safe in a path, so that nobody guesses one."""
    return "".join(secrets.choice(LETTERS) for _ in range(31))
