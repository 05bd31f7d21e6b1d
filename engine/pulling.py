"""Brings the files of an entry onto this machine: all of them, verified, at once in their place, or none.

Knows sources and folders, not what a model is. Below `models/.pulling` lies what has come so far, file by file under
names of our own, so that a pull that was stopped anywhere goes on there; the model's folder appears by one rename.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from engine.archives import unpack_zip
from engine.artifacts import disk_errors, file_hash, flush
from engine.catalog import ModelSpec, Weights
from engine.downloads import Network, Wanted, check_room
from engine.errors import ModelCorrupt, ModelMissing, NotPinned, ReelhouseError
from engine.hub import file_at
from engine.pins import read_pins
from engine.types import Frozen
from engine.weights import (
    CHECKSUMS,
    check_weights,
    fetched_folder,
    find_weights,
    sources_of,
    with_places,
    write_checksums,
)

ARCHIVE_GROWS = 3
"""How much room is kept free for an archive, what is in it, and what that is turned into, in sizes of the archive."""

OTHER_SOURCE = "this is how its source has it, so name another one in models.yaml"

Progress = Callable[[str, int, int], None]
"""Hears the file that is coming, how many bytes of the model are there, and how many there will be."""
Prepare = Callable[[ModelSpec, Path], None]
"""Turns what was fetched into what the family opens."""
Say = Callable[[str], None]


def untold(*_: object) -> None:
    """For whoever wants to hear nothing."""


class Pulled(Frozen, frozen=True):
    """`fetched` bytes came over the network; `fresh` False: it was here, whole."""

    folder: Path
    fetched: int
    fresh: bool


class _File(Frozen, frozen=True):
    place: str
    name: str
    wanted: Wanted

    @property
    def path(self) -> PurePosixPath:
        """Below the model's folder."""
        return PurePosixPath(self.place) / self.name


class Staging:
    """The folder of one model in the making. `hold` keeps others out of it."""

    def __init__(self, folder: Path) -> None:
        self.target = folder
        self.root = folder.parent / ".pulling" / folder.name
        self.made = self.root.with_name(f"{folder.name}.made")
        self.old = self.root.with_name(f"{folder.name}.old")

    @contextmanager
    def hold(self, say: Say = untold) -> Iterator[None]:
        """Wait until nobody else pulls this model. The lock goes with the process that holds it."""
        with disk_errors(self.root):
            self.root.parent.mkdir(parents=True, exist_ok=True)
            with self.root.with_name(f"{self.root.name}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say(f"another process brings {self.target.name} already: waiting for it")
                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield

    def place_of(self, place: str, name: str) -> Path:
        return self.root / hashlib.sha256(f"{place}\n{name}".encode()).hexdigest()[:24]

    def install(self) -> None:
        """Put what was made in the model's place, flushed; whatever was there goes."""
        for path in [*self.made.rglob("*"), self.made]:
            flush(path)
        shutil.rmtree(self.old, ignore_errors=True)
        if self.target.exists():
            self.target.replace(self.old)
        self.made.replace(self.target)
        flush(self.target.parent)
        shutil.rmtree(self.old, ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)


def pull_model(
    spec: ModelSpec,
    home: Path,
    network: Network,
    hub: str,
    *,
    unpinned: bool = False,
    prepare: Prepare = untold,
    progress: Progress = untold,
    say: Say = untold,
) -> Pulled:
    """Bring `spec` onto this machine, or find it whole there.

    Raises `NotPinned` unless it is pinned or `unpinned` says to take what is there now; `DownloadFailed`,
    `PackRefused`, `ModelCorrupt`, `StorageFull`, `StorageUnwritable`, with nothing in the model's place then.
    """
    folder = fetched_folder(spec, home)
    if folder is None:
        raise ModelMissing(f"Model {spec.id} comes over no network: nothing is to be pulled.")
    staging = Staging(folder)
    with staging.hold(say):
        if _is_whole(spec, home):
            return Pulled(folder=folder, fetched=0, fresh=False)
        if not spec.pinned and not unpinned:
            raise NotPinned(
                f"models.yaml does not say which files of model {spec.id} are meant: run `reelhouse models pin "
                f"{spec.id}` first, or take what is there now with --unpinned."
            )
        with disk_errors(folder):
            staging.root.mkdir(parents=True, exist_ok=True)
            pinned = spec if spec.pinned else read_pins(spec, network, hub, staging.place_of)
            files = _files(pinned, hub)
            fetched = _fetch(files, staging, home, network, progress)
            progress("", 1, 1)
            _assemble(pinned, files, staging, prepare)
            staging.install()
    return Pulled(folder=folder, fetched=fetched, fresh=True)


def _is_whole(spec: ModelSpec, home: Path) -> bool:
    path = find_weights(spec, home)
    root = fetched_folder(spec, home)
    if path is None or root is None or not (root / CHECKSUMS).is_file():
        return False
    try:
        check_weights(with_places(spec, home), path, home)
    except (ModelMissing, ModelCorrupt):
        return False
    return True


def _files(spec: ModelSpec, hub: str) -> list[_File]:
    files = []
    for place, weights in sources_of(spec).items():
        for name, digest in sorted(weights.sha256.items()):
            size = weights.sizes[name]
            if weights.url is not None:
                wanted = Wanted(name=name, url=weights.url, size=size, sha256=digest)
            else:
                wanted = file_at(hub, str(weights.repo), str(weights.revision), name, size, digest)
            files.append(_File(place=place, name=name, wanted=wanted))
    return files


def _fetch(files: list[_File], staging: Staging, home: Path, network: Network, progress: Progress) -> int:
    """Every file into the staging folder, verified; how many bytes came over the network."""
    total = sum(file.wanted.size or 0 for file in files)
    kept = {str(file.wanted.sha256): path for file in files if (path := _here_already(file, staging))}
    kept |= _elsewhere(home, {str(file.wanted.sha256) for file in files} - set(kept))
    missing = [file for file in files if str(file.wanted.sha256) not in kept]
    room = sum(file.wanted.size or 0 for file in missing) - sum(_started(file, staging) for file in missing)
    archives = sum(file.wanted.size or 0 for file in files if file.wanted.url.lower().endswith(".zip"))
    check_room(staging.root, room + ARCHIVE_GROWS * archives)
    done = fetched = 0
    for file in files:
        target = staging.place_of(file.place, file.name)
        source = kept.get(str(file.wanted.sha256))
        if source is None:
            before = _started(file, staging)
            network.fetch(file.wanted, target, lambda at, file=file, done=done: progress(file.name, done + at, total))
            fetched += target.stat().st_size - before
            kept[str(file.wanted.sha256)] = target
        elif source != target:
            _link(source, target)
        done += file.wanted.size or 0
        progress(file.name, done, total)
    return fetched


def _started(file: _File, staging: Staging) -> int:
    part = staging.place_of(file.place, file.name)
    part = part.with_name(f"{part.name}.part")
    return part.stat().st_size if part.is_file() else 0


def _here_already(file: _File, staging: Staging) -> Path | None:
    path = staging.place_of(file.place, file.name)
    if not path.is_file():
        return None
    if file_hash(path) == file.wanted.sha256:
        return path
    path.unlink()
    return None


def _elsewhere(home: Path, wanted: set[str]) -> dict[str, Path]:
    """Files of these hashes in models that are here: another entry's, or an older commit's."""
    found: dict[str, Path] = {}
    for record in sorted((home / "models").glob(f"*/{CHECKSUMS}")):
        try:
            digests = msgspec.json.decode(record.read_bytes(), type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # that model is spoilt, which is told where it is opened
        for name, digest in digests.items():
            path = record.parent / name
            if digest in wanted - set(found) and path.is_file() and file_hash(path) == digest:
                found[digest] = path
    return found


def _link(source: Path, target: Path) -> None:
    """One content in two places, without its bytes twice where the disk can do that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _assemble(spec: ModelSpec, files: list[_File], staging: Staging, prepare: Prepare) -> None:
    shutil.rmtree(staging.made, ignore_errors=True)
    staging.made.mkdir()
    known = {}
    try:
        sources = sources_of(spec)
        for file in files:
            staged = staging.place_of(file.place, file.name)
            if sources[file.place].url is not None:
                unpack_zip(staged, staging.made / file.place)
            else:
                _link(staged, staging.made / file.path)
                known[str(file.path)] = str(file.wanted.sha256)
        prepare(spec, staging.made)
        write_checksums(staging.made, known)
        check_made(spec, staging.made, OTHER_SOURCE)
    except ReelhouseError:
        shutil.rmtree(staging.made, ignore_errors=True)
        raise


def check_made(spec: ModelSpec, folder: Path, mend: str) -> None:
    """Raise `ModelCorrupt` unless `folder`, which is about to be put in its place, is what the entry means; `mend` says
    what to do then."""
    parts = {
        name: msgspec.structs.replace(part, local=str(folder / "parts" / name))
        for name, part in spec.parts.items()
        if part.source is not None
    }
    main = spec.weights or Weights()
    if main.source is None:
        main = Weights(local=str(folder))
    there = folder / main.file if main.file else folder
    check_weights(msgspec.structs.replace(spec, weights=main, parts=parts), there, mend=mend)
