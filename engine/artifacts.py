"""Artefacts kept by content: a key is a hash of everything that went in; what verifies is used again.

A work folder holds `{stage}/{key}/` per artefact, with its files and, written last, `manifest.json` (file names, sizes,
SHA-256, and the result as JSON). A folder without a manifest that verifies does not exist: it is made again. Resume
after a crash, one edited line, another cut and the same request twice are all this one mechanism.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import msgspec

from engine.errors import StorageFull, StorageUnwritable
from engine.types import Stage, ready

T = TypeVar("T")
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EIO}


class Manifest(msgspec.Struct, frozen=True):
    """`files` maps a name to (bytes, SHA-256 hex); `result` is the struct that `make` returned, paths relative."""

    files: dict[str, tuple[int, str]]
    result: Any


ready(Manifest)


def content_key(**inputs: Any) -> str:
    """A 32-digit hex key of `inputs` (JSON-able values, structs, and `Path`s, which count by their content)."""
    digest = hashlib.sha256(msgspec.json.encode(inputs, enc_hook=_by_content, order="sorted"))
    return digest.hexdigest()[:32]


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_content(value: Any) -> Any:
    if isinstance(value, Path):
        return _just_read.get(_identity(value)) or file_hash(value)
    raise TypeError(f"{type(value).__name__} cannot be part of a content key")


_just_read: dict[tuple[int, ...], str] = {}
"""SHA-256 of files that this process has read whole, so that a film's segments are not read again for its key."""
MOST_REMEMBERED = 4096


def _identity(path: Path) -> tuple[int, ...]:
    """What changes when a file is written again; moving it changes nothing."""
    told = path.stat()
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def _read_whole(path: Path) -> str:
    """`file_hash`, remembered for the keys to come."""
    identity, digest = _identity(path), file_hash(path)
    if len(_just_read) >= MOST_REMEMBERED:
        _just_read.clear()
    _just_read[identity] = digest
    return digest


class Store:
    """The artefacts of one work folder. Safe for several threads, and for several processes (the first one wins)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._putting = Lock()

    @property
    def empty(self) -> bool:
        """Whether nothing was kept here yet."""
        return next(self.folder.glob("*/*/manifest.json"), None) is None

    def find(self, stage: Stage, key: str, kind: type[T]) -> T | None:
        """The kept result of that key, or None unless each of its files is there with the recorded bytes."""
        folder = self.folder / stage / key
        try:
            manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            return None
        for name, (size, digest) in manifest.files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != size or _read_whole(path) != digest:
                return None
        return msgspec.convert(manifest.result, kind, dec_hook=lambda _, value: folder / value)

    def keep(self, stage: Stage, key: str, kind: type[T], make: Callable[[Path], T]) -> T:
        """What `make(folder)` returns, after its files are safely on disk under `key`.

        `make` writes into the empty folder that it is given; whatever it raises leaves nothing behind. If another
        thread or process was quicker, its result is the one that stays.
        Raises `StorageFull`, `StorageUnwritable`.
        """
        final = self.folder / stage / key
        with disk_errors(final):
            temporary = final.with_name(f".{key}.tmp-{secrets.token_hex(4)}")
            temporary.mkdir(parents=True)
            try:
                result = make(temporary)
                files = {}
                for path in sorted(p for p in temporary.rglob("*") if p.is_file()):
                    flush(path)
                    files[str(path.relative_to(temporary))] = (path.stat().st_size, _read_whole(path))
                relative = msgspec.to_builtins(result, enc_hook=lambda p: str(Path(p).relative_to(temporary)))
                manifest = msgspec.json.encode(Manifest(files=files, result=relative))
                write_atomically(temporary / "manifest.json", manifest)
                with self._putting:
                    if (quicker := self.find(stage, key, kind)) is not None:
                        return quicker
                    shutil.rmtree(final, ignore_errors=True)  # what is there does not verify
                    temporary.replace(final)
                flush(final.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return msgspec.convert(relative, kind, dec_hook=lambda _, value: final / value)

    def drop(self, stage: Stage, key: str) -> None:
        """Remove what is kept under that key, if anything is: nothing needs it any more."""
        shutil.rmtree(self.folder / stage / key, ignore_errors=True)

    @contextmanager
    def scratch(self, stage: Stage) -> Iterator[Path]:
        """A folder for what is not finished yet, on the same disk as the artefacts of `stage`; gone afterwards."""
        folder = self.folder / stage / f".scratch.tmp-{secrets.token_hex(4)}"
        with disk_errors(folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what interrupted processes left half made. Call it only while nobody else works in this folder."""
        for half in self.folder.glob("*/.*.tmp-*"):
            shutil.rmtree(half, ignore_errors=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all. Raises `StorageFull`, `StorageUnwritable`."""
    temporary = path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")
    with disk_errors(path):
        try:
            temporary.write_bytes(data)
            flush(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until `path`, a file or a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say in one sentence what the disk would not do about `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull(f"The disk is full while writing {path}: free some space and run it again.") from error
        if error.errno in UNWRITABLE:
            raise StorageUnwritable(f"{path} cannot be written ({error.strerror}): choose another place.") from error
        raise
