"""Folders that all processes of one test run share, pytest-xdist's workers among them."""

from __future__ import annotations

from pathlib import Path

import pytest


def shared_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """The folder of that name. Whoever writes there does so as one of several."""
    root = tmp_path_factory.getbasetemp()
    if root.name.startswith("popen-"):  # a worker of pytest-xdist has its own folder below the run's
        root = root.parent
    folder = root / name
    folder.mkdir(exist_ok=True)
    return folder
