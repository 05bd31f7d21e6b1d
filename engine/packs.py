"""Models in one file, for machines without a network: written deterministically, installed whole or not at all.

A pack is a POSIX tar (IEEE Std 1003.1, `pax`) without compression, since weights have none left in them: first
`pack.json`, which names every file with its size and SHA-256, then those files in order, then one line after the
archive's end with the SHA-256 of all before it. So any altered byte is found, wherever it is.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec

from engine.artifacts import disk_errors, file_hash
from engine.catalog import Catalog, ModelSpec
from engine.downloads import check_room
from engine.errors import ModelMissing, PackRefused
from engine.pulling import Say, Staging, check_made, untold
from engine.safe_names import clash, name_problem, shown
from engine.types import Frozen
from engine.weights import CHECKSUMS, check_weights, fetched_folder, find_weights, with_places, write_checksums

MANIFEST = "pack.json"
FORMAT = 1
LARGEST_MANIFEST = 32 << 20
TRAILER = 65
"""Bytes of the last line: 64 hex digits and a line feed."""
BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Hears how many bytes of the pack are done, of how many."""


class PackedModel(Frozen, frozen=True):
    """`folder` below `models/`; `files` maps names below it to (bytes, SHA-256)."""

    folder: str
    licence: str
    files: dict[str, tuple[int, str]]


class Manifest(Frozen, frozen=True):
    format: int
    models: dict[str, PackedModel]


class _Hashing(io.RawIOBase):
    """The bytes of `file` up to `end`, counted and hashed as they pass."""

    def __init__(self, file: IO[bytes], end: int, progress: Progress) -> None:
        self._file, self._end, self._progress = file, end, progress
        self.at = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        left = self._end - self.at
        data = self._file.read(left if size < 0 else min(size, left))
        self.at += len(data)
        self.digest.update(data)
        self._progress(self.at, self._end)
        return data


class _Writing(io.RawIOBase):
    """Writes to `file` and hashes what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.digest.update(data)
        return self._file.write(data)


def export_pack(specs: list[ModelSpec], home: Path, out: Path, progress: Progress = lambda done, total: None) -> int:
    """Write these models as one pack to `out`; its bytes. The same models give the same bytes anywhere.

    Raises `ModelMissing` or `ModelCorrupt` for a model that is not here or not whole, `StorageFull`,
    `StorageUnwritable`.
    """
    packed: dict[str, PackedModel] = {}
    sources: dict[str, Path] = {}
    for spec in sorted(specs, key=lambda one: one.id):
        folder = _whole_folder(spec, home)
        files = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS):
            name = path.relative_to(folder).as_posix()
            files[name] = (path.stat().st_size, file_hash(path))
            sources[f"{folder.name}/{name}"] = path
        packed[spec.id] = PackedModel(folder=folder.name, licence=spec.licence, files=files)
    manifest = msgspec.json.format(msgspec.json.encode(Manifest(format=FORMAT, models=packed)), indent=1)
    total = sum(path.stat().st_size for path in sources.values())
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        check_room(out.parent, total)
        temporary = out.with_name(f".{out.name}.tmp-{secrets.token_hex(4)}")
        try:
            with temporary.open("wb") as file:
                _write(file, manifest, sources, total, progress)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    return out.stat().st_size


def _whole_folder(spec: ModelSpec, home: Path) -> Path:
    folder, path = fetched_folder(spec, home), find_weights(spec, home)
    if folder is None or path is None:
        raise ModelMissing(f"Model {spec.id} comes over no network, so it goes into no pack: it is there anyway.")
    if not folder.is_dir():
        raise ModelMissing(f"Model {spec.id} is not on this machine: run `reelhouse models pull {spec.id}` first.")
    check_weights(with_places(spec, home), path)
    return folder


def _write(file: IO[bytes], manifest: bytes, sources: dict[str, Path], total: int, progress: Progress) -> None:
    through = _Writing(file)
    done = 0
    with tarfile.open(fileobj=through, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BLOCK) as tar:
        tar.addfile(_member(MANIFEST, len(manifest)), io.BytesIO(manifest))
        for name, path in sorted(sources.items()):
            with path.open("rb") as source:
                tar.addfile(_member(name, path.stat().st_size), source)
            done += path.stat().st_size
            progress(done, total)
    file.write(f"{through.digest.hexdigest()}\n".encode())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def import_pack(
    pack: Path,
    catalog: Catalog,
    home: Path,
    *,
    allow: Callable[[ModelSpec], None] = untold,
    say: Say = untold,
    progress: Progress = lambda done, total: None,
) -> list[ModelSpec]:
    """Install every model of `pack`. `allow` may refuse one before anything is written.

    Raises `PackRefused` naming what is wrong with it, `ModelCorrupt` if a model is not what models.yaml pins,
    `StorageFull`, `StorageUnwritable`; nothing of the pack is installed then.
    """
    half = home / "models" / ".pulling" / f"pack-{secrets.token_hex(4)}"
    with disk_errors(home):
        if not pack.is_file():
            raise PackRefused(f"{pack} is not there.")
        try:
            manifest = _unpack(pack, half, catalog, home, allow, progress)
            specs = [catalog.model(name) for name in manifest.models]
            for spec in specs:
                write_checksums(half / spec.id)
                check_made(spec, half / spec.id, "have the pack exported anew where its models verify")
            for spec in specs:
                _install(spec, half / spec.id, home, say)
            return specs
        except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
            raise PackRefused(f"{pack.name} is damaged or no pack ({error}): copy it here again.") from error
        finally:
            shutil.rmtree(half, ignore_errors=True)


def _unpack(
    pack: Path, half: Path, catalog: Catalog, home: Path, allow: Callable[[ModelSpec], None], progress: Progress
) -> Manifest:
    end = pack.stat().st_size - TRAILER
    if end <= 0:
        raise PackRefused(f"{pack.name} is damaged or no pack: copy it here again.")
    with pack.open("rb") as file:
        through = _Hashing(file, end, progress)
        with tarfile.open(fileobj=through, mode="r|", bufsize=BLOCK) as tar:
            manifest = _manifest(pack, tar, catalog, home)
            for name in manifest.models:
                allow(catalog.model(name))
            half.mkdir(parents=True)
            expected = {
                f"{m.folder}/{n}": (key, *facts) for key, m in manifest.models.items() for n, facts in m.files.items()
            }
            while (member := tar.next()) is not None:
                key, size, digest = expected.pop(member.name, (None, 0, ""))
                if key is None:
                    raise PackRefused(
                        f"{pack.name} is refused: {shown(member.name)} is not in its list, or comes twice."
                    )
                _judge(pack, member, size)
                target = half / key / member.name.partition("/")[2]
                _copy(pack, tar, member, target, digest)
        while through.read(BLOCK):
            pass
        if file.read() != f"{through.digest.hexdigest()}\n".encode():
            raise PackRefused(f"{pack.name} is damaged: it is not the file that was exported; copy it here again.")
    if expected:
        raise PackRefused(f"{pack.name} is refused: {shown(next(iter(expected)))} is in its list and not in it.")
    return manifest


def _manifest(pack: Path, tar: tarfile.TarFile, catalog: Catalog, home: Path) -> Manifest:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > LARGEST_MANIFEST:
        raise PackRefused(f"{pack.name} is no pack of Reelhouse: it does not begin with {MANIFEST}.")
    source = tar.extractfile(first)
    assert source is not None
    try:
        manifest = msgspec.json.decode(source.read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise PackRefused(f"{pack.name} is damaged: {MANIFEST} cannot be read ({error}).") from error
    if manifest.format != FORMAT:
        raise PackRefused(f"{pack.name} has format {manifest.format}; this release reads {FORMAT}: update Reelhouse.")
    for key, model in manifest.models.items():
        spec = catalog.models.get(key)
        place = None if spec is None else fetched_folder(spec, home)
        if spec is None or place is None or place.name != model.folder:
            raise PackRefused(
                f"{pack.name} is refused: it holds {shown(key)} in the folder {shown(model.folder)}, and models.yaml "
                "here has no such entry; take the models.yaml of the machine that it comes from."
            )
        for name in model.files:
            problem = name_problem(name)
            if problem or PurePosixPath(name).name == CHECKSUMS:
                raise PackRefused(f"{pack.name} is refused: {shown(name)} {problem or 'is not for a pack'}.")
        doubled = clash(model.files)
        if doubled:
            raise PackRefused(f"{pack.name} is refused: {shown(doubled)} is in it twice.")
    total = sum(size for model in manifest.models.values() for size, _ in model.files.values())
    if (
        any(size < 0 for model in manifest.models.values() for size, _ in model.files.values())
        or total > pack.stat().st_size
    ):
        raise PackRefused(
            f"{pack.name} is refused: it lists {total} bytes and has {pack.stat().st_size}; copy it here again."
        )
    check_room(home / "models", total)
    return manifest


def _judge(pack: Path, member: tarfile.TarInfo, size: int) -> None:
    if not member.isreg() or member.issparse() or member.linkname:
        raise PackRefused(f"{pack.name} is refused: {shown(member.name)} is a link, a device or a folder, not a file.")
    if member.size != size:
        raise PackRefused(f"{pack.name} is refused: {shown(member.name)} has {member.size} bytes, listed are {size}.")


def _copy(pack: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, digest: str) -> None:
    source = tar.extractfile(member)
    assert source is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    found = hashlib.sha256()
    with target.open("xb") as file:
        for block in iter(lambda: source.read(BLOCK), b""):
            found.update(block)
            file.write(block)
    if found.hexdigest() != digest:
        raise PackRefused(
            f"{pack.name} is damaged at {shown(member.name)}: its SHA-256 is not the one listed; copy it here again."
        )


def _install(spec: ModelSpec, made: Path, home: Path, say: Say) -> None:
    folder = fetched_folder(spec, home)
    assert folder is not None
    staging = Staging(folder)
    with staging.hold(say):
        shutil.rmtree(staging.made, ignore_errors=True)
        made.replace(staging.made)
        staging.install()
