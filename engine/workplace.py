"""Where one run works: a folder that no other run uses meanwhile, kept if it was asked for, else removed.

A process that dies leaves its scratch folder behind; the next one finds it unlocked and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.artifacts import Store, disk_errors
from engine.errors import StorageUnwritable

LOCK = ".lock"


@contextmanager
def work_folder(asked_for: Path | None, home: Path) -> Iterator[Path]:
    """The folder to work in: `asked_for`, made if need be and swept of half-made things, else a scratch folder below
    `home` that is gone afterwards. Raises `StorageUnwritable` if it cannot be written or another run has it."""
    if asked_for is None:
        with _scratch(home / "scratch") as folder:
            yield folder
        return
    folder = asked_for.expanduser().absolute()
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        Store(folder).sweep()
        yield folder


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[int]:
    """Hold `folder`'s lock, which ends with the process at the latest, and with the last one that has inherited the
    descriptor which this gives. Raises `StorageUnwritable` if another has it."""
    with disk_errors(folder):
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise StorageUnwritable(
                f"{folder} is used by another run (process {holder}): wait for it, or choose another work folder."
            ) from error
        with disk_errors(folder):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield handle
    finally:
        os.close(handle)


def tidy(folder: Path) -> None:
    """Remove what a run that was killed left half made in `folder`, unless another run works there."""
    if folder.is_dir():
        with contextlib.suppress(StorageUnwritable, OSError), locked(folder):
            Store(folder).sweep()


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    folder = root / secrets.token_hex(6)
    with ExitStack() as held:
        with locked(root, wait=True):
            # Under the root's lock nobody is between making a folder and locking it: an unlocked one is an orphan.
            for other in root.iterdir():
                _remove_orphan(other)
            with disk_errors(folder):
                folder.mkdir()
            held.enter_context(locked(folder))
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _remove_orphan(folder: Path) -> None:
    if not folder.is_dir():
        return
    try:
        with locked(folder):
            shutil.rmtree(folder, ignore_errors=True)
    except StorageUnwritable:
        return  # its owner lives
