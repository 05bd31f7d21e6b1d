"""How commands answer: one JSON document or plain lines on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from engine.terminal import plain


def print_json(document: Any) -> None:
    """Write one JSON document, structs and paths included, as UTF-8 whatever the locale says."""
    encoded = msgspec.json.encode(document, enc_hook=str)
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(encoded, indent=2) + b"\n")
    sys.stdout.flush()


def print_text(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(plain(text).encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def print_error(code: str, message: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": {"code": code, "message": plain(message)}})
    say(f"reelhouse: {message}")


def say(text: str) -> None:
    """A line on stderr. Never fails: a terminal that has gone is no reason to lose a film."""
    line = plain(text).encode(sys.stderr.encoding or "utf-8", "backslashreplace")
    try:
        sys.stderr.buffer.write(line + b"\n")
        sys.stderr.flush()
    except OSError:
        return


@contextmanager
def stdout_reserved() -> Iterator[None]:
    """Send to stderr whatever libraries print meanwhile, native ones too, so that stdout holds the answer alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
