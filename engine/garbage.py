"""Collects what models leave in reference cycles, once for all that close together. Knows no model and no library."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator

_waiting = threading.local()


def collect(after: Callable[[], None]) -> None:
    """Collect what nobody refers to any more, then call `after`, which gives it back to whom it came from.

    Inside `collected_together` both wait for its end, `after` once however often it was handed in.
    """
    later: dict[Callable[[], None], None] | None = getattr(_waiting, "later", None)
    if later is not None:
        later[after] = None
        return
    gc.collect()
    after()


@contextlib.contextmanager
def collected_together() -> Iterator[None]:
    """What this thread collects inside is collected at the end, once: to go through all that torch and diffusers
    brought takes 0.3 s, and a film has three or four models to close."""
    later: dict[Callable[[], None], None] = {}
    _waiting.later = later
    try:
        yield
    finally:
        del _waiting.later
        if later:
            gc.collect()
        for after in later:
            after()
