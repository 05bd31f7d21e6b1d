"""Fonts that processes of one test run cut once for all of them: each would else spend 0.7 s of a core on the same.

What is kept is what `engine.fonts` itself made, under all that went into it, for as long as the run lasts.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

from engine import fonts

FOLDER = "BENCH_FONTS"
"""A folder for them; without it every process cuts its own."""


def keep_fonts() -> None:
    """From now on this process takes fonts from that folder, and leaves there what it cuts."""
    if not os.environ.get(FOLDER):
        return
    folder, cut = Path(os.environ[FOLDER]), fonts._cut_at

    def kept(*wanted):
        path = folder / hashlib.sha256(repr(wanted).encode()).hexdigest()
        if path.exists():
            return pickle.loads(path.read_bytes())
        made = cut(*wanted)
        whole = path.with_suffix(f".{os.getpid()}")
        whole.write_bytes(pickle.dumps(made))
        whole.rename(path)  # not `replace`, which may be a point where this process dies
        return made

    fonts._cut_at = kept
