"""The toy weights that tests share: built once for a whole test run, whichever process asks first."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from engine.backends.toys import build_toys
from tests.shared import shared_folder


def shared_home(tmp_path_factory: pytest.TempPathFactory, *names: str) -> Path:
    """A REELHOUSE_HOME with the toys of these names, all of them if none is named. Never write into it."""
    home = shared_folder(tmp_path_factory, "toy-home")
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build_toys(home, names or None)
    return home
