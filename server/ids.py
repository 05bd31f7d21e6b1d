"""Ids and secrets: unguessable, of a form that says what they name. Knows no table."""

from __future__ import annotations

import re
import secrets
import string
import time

LETTERS = string.digits + string.ascii_lowercase
CUID = re.compile(r"c[a-z0-9]{24}")
TIME_DIGITS, RANDOM_DIGITS = 8, 16


def cuid() -> str:
    """25 characters: `c`, the milliseconds in base 36 (so that newer ones sort later), and 82 random bits."""
    return "c" + _digits(time.time_ns() // 1_000_000, TIME_DIGITS) + _random(RANDOM_DIGITS)


def is_cuid(text: str) -> bool:
    return CUID.fullmatch(text) is not None


def prefixed(prefix: str) -> str:
    """`char_…`, `scene_…`, `item_…`, `clip_…`, `key_…`: the prefix and 103 random bits in lower-case alphanumerics."""
    return f"{prefix}_{_random(20)}"


def media_token() -> str:
    """What a public media address is made of: 160 random bits, safe in a path, so that nobody guesses one."""
    return _random(31)


def _random(count: int) -> str:
    return _digits(secrets.randbelow(36**count), count)


def _digits(number: int, count: int) -> str:
    """The last `count` digits of `number` in base 36."""
    digits = []
    for _ in range(count):
        number, digit = divmod(number, 36)
        digits.append(LETTERS[digit])
    return "".join(reversed(digits))
