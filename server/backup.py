"""A copy of all that cannot be made again, taken while the server runs: database, media, secret; and the way back.

The database goes first, then the files that its rows name: files never change, and one that was removed in between
means only that the database is copied once more. Work folders and the queue stay behind: the first hold what can be
made again, the second rings again by itself. PostgreSQL has tools of its own for this.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import make_url

from engine.artifacts import disk_errors, flush, write_atomically
from engine.errors import ReelhouseError, UsageError
from server.clock import iso, now
from server.db.migrate import known_revisions
from server.media.library import path_of_name, place_file
from server.place import Folders, folders_of
from server.settings import Settings

DATABASE, SECRET, MANIFEST, MEDIA = "app.db", "secret.key", "backup.json", "media"
COPIES = 3
Tell = Callable[[str], None]


class Backup(msgspec.Struct, frozen=True, rename="camel"):
    """What was copied. `missing` are files that rows name and that were not there, or not whole, to begin with."""

    path: str
    created_at: str
    revision: str
    files: int
    bytes: int
    missing: tuple[str, ...] = ()


class Restored(msgspec.Struct, frozen=True, rename="camel"):
    """`moved_aside`: where what was there before lies now."""

    data: str
    created_at: str
    files: int
    bytes: int
    moved_aside: str | None


class Named(NamedTuple):
    """A file that a row of a copied database names."""

    id: str
    suffix: str
    bytes: int

    @property
    def name(self) -> str:
        return f"{self.id}{self.suffix}"


def back_up(settings: Settings, target: Path, tell: Tell) -> Backup:
    """Copy into the folder `target`, which must not exist or be empty. It is there whole, or not at all.

    Raises `UsageError`, `StorageFull`, `StorageUnwritable`.
    """
    folders = folders_of(settings)
    database, target = _database(settings, folders), target.expanduser().absolute()
    if not database.is_file():
        raise UsageError(f"{folders.root} holds no data of a server: name its folder with --data.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty: name a folder that does not exist yet.")
    if target.is_relative_to(folders.root):
        raise UsageError(f"{target} lies in the data folder itself: a backup belongs elsewhere.")
    half = target.with_name(f".{target.name}.tmp-{secrets.token_hex(4)}")
    with disk_errors(target):
        half.mkdir(parents=True, mode=0o700)
        try:
            made = _fill(half, target, folders, database, tell)
            if target.exists():
                target.rmdir()
            half.rename(target)
            flush(target.parent)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return made


def _fill(half: Path, target: Path, folders: Folders, database: Path, tell: Tell) -> Backup:
    created_at = iso(now())
    for left in reversed(range(COPIES)):
        tell("copying the database")
        _copy_database(database, half / DATABASE)
        rows, revision = _read_database(half / DATABASE)
        missing = _copy_media(rows, folders, Folders(half), tell)
        if not left or missing <= {row.name for row in _rows_of(database)}:
            break  # nothing was removed while it was copied
    _drop_unnamed(half, {row.name for row in rows})
    if (folders.root / SECRET).is_file():
        shutil.copyfile(folders.root / SECRET, half / SECRET)
        (half / SECRET).chmod(0o600)
        flush(half / SECRET)
    files = [row for row in rows if row.name not in missing]
    made = Backup(
        path=str(target),
        created_at=created_at,
        revision=revision,
        files=len(files),
        bytes=sum(row.bytes for row in files) + (half / DATABASE).stat().st_size,
        missing=tuple(sorted(missing)),
    )
    write_atomically(half / MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=2))
    flush(half)
    return made


def restore(settings: Settings, source: Path, tell: Tell, *, force: bool = False) -> Restored:
    """Put the backup `source` in the place of the data folder. With `force`, what is there is moved aside, into a
    folder `before-…` in it. The data folder itself stays, since it may be where a disk is mounted.

    Raises `UsageError` if there is data already or `source` is no backup, `ReelhouseError` while a server runs.
    """
    folders = folders_of(settings)
    if folders.elsewhere is not None:
        raise UsageError(
            "Restore with REELHOUSE_MEDIA_URL unset, then move media/ to where it is to lie, and set it again."
        )
    source, database = source.expanduser().absolute(), _database(settings, folders)
    made, rows = _checked(source)
    occupied = database.exists() or (folders.root.exists() and any(not p.is_dir() for p in folders.root.rglob("*")))
    if occupied and not force:
        raise UsageError(f"{folders.root} holds data already: say --force to move it aside.")
    with disk_errors(folders.root):
        folders.root.mkdir(parents=True, exist_ok=True)
        half = folders.root / f".restore-{secrets.token_hex(4)}"
        half.mkdir(mode=0o700)
        try:
            tell("copying the database")
            shutil.copyfile(source / DATABASE, half / DATABASE)
            flush(half / DATABASE)
            _copy_media(rows, Folders(source), Folders(half), tell)
            if (source / SECRET).is_file():
                shutil.copyfile(source / SECRET, half / SECRET)
                (half / SECRET).chmod(0o600)
            aside = _swap(half, folders.root, database, occupied)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return Restored(
        data=str(folders.root),
        created_at=made.created_at,
        files=made.files,
        bytes=made.bytes,
        moved_aside=None if aside is None else str(aside),
    )


def _swap(half: Path, root: Path, database: Path, occupied: bool) -> Path | None:
    aside = root / f"before-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    with _nobody_else_in(database):
        for entry in sorted(root.iterdir()):
            if entry == half or entry.name.startswith("before-"):
                continue
            if occupied:
                aside.mkdir(exist_ok=True, mode=0o700)
                entry.rename(aside / entry.name)
            else:
                shutil.rmtree(entry)  # folders without any file
        if occupied and database.exists():  # it lies elsewhere by its setting
            shutil.move(database, aside / database.name)
        # The database last: until it is there, nothing of this counts as data.
        for entry in sorted(half.iterdir(), key=lambda one: one.name == DATABASE):
            if entry.name != DATABASE:
                entry.rename(root / entry.name)
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(half / DATABASE, database)
        flush(database.parent)
        flush(root)
    return aside if occupied else None


def _checked(source: Path) -> tuple[Backup, list[Named]]:
    """Raises `UsageError` if it is no backup or not whole."""
    try:
        made = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Backup)
        rows, revision = _read_database(source / DATABASE)
    except (OSError, msgspec.DecodeError, _sqlite().Error) as error:
        raise UsageError(f"{source} is no whole backup: {error}.") from error
    if revision not in known_revisions():
        raise UsageError(f"{source} was made by a later release of reelhouse: install that one first.")
    folders = Folders(source)
    bad = [row.name for row in rows if row.name not in made.missing and not _is_whole(folders, row)]
    if bad:
        raise UsageError(f"{source} is damaged: {len(bad)} of its files are missing or not whole, as {bad[0]}.")
    return made, rows


def _database(settings: Settings, folders: Folders) -> Path:
    """Raises `UsageError` where the database is no file."""
    if settings.database_url is None:
        return folders.root / DATABASE
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UsageError(
            f"The database is PostgreSQL: back it up with pg_dump first, then copy {folders.media} and "
            f"{folders.root / SECRET}; restore them the same way."
        )
    return Path(url.database).absolute()


def _copy_database(database: Path, target: Path) -> None:
    """All that was committed, in one go: who writes meanwhile is not held up, WAL keeps both apart."""
    target.unlink(missing_ok=True)
    with contextlib.closing(_open(database)) as live, contextlib.closing(_open(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # or whoever looks at it would leave two more files beside it
    flush(target)


def _read_database(copy: Path) -> tuple[list[Named], str]:
    """What it names, and its revision. Raises what SQLite does if it is none, or damaged."""
    if not copy.is_file():
        raise FileNotFoundError(f"{copy.name} is not there")
    with contextlib.closing(_sqlite().connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise _sqlite().DatabaseError(f"{copy.name} is damaged ({verdict})")
        rows = [Named(*row) for row in connection.execute("SELECT id, suffix, bytes FROM media ORDER BY id")]
        return rows, connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def _rows_of(database: Path) -> list[Named]:
    with contextlib.closing(_open(database)) as connection:
        return [Named(*row) for row in connection.execute("SELECT id, suffix, bytes FROM media")]


def _copy_media(rows: list[Named], there: Folders, here: Folders, tell: Tell) -> set[str]:
    """Link or copy what is not here yet; the names of those that are not there, or not whole."""
    missing = set()
    here.media.mkdir(exist_ok=True)
    for count, row in enumerate(rows, start=1):
        if not _is_whole(here, row):
            path = path_of_name(here, row.id, row.suffix)
            path.parent.mkdir(exist_ok=True)
            if _is_whole(there, row):
                with contextlib.suppress(FileNotFoundError):  # removed just now
                    place_file(path_of_name(there, row.id, row.suffix), path)
            if not _is_whole(here, row):
                missing.add(row.name)
        if count % 500 == 0 or count == len(rows):
            tell(f"media: {count} of {len(rows)}")
    for folder in [*here.media.iterdir(), here.media]:
        flush(folder)
    return missing


def _is_whole(folders: Folders, row: Named) -> bool:
    try:
        return path_of_name(folders, row.id, row.suffix).stat().st_size == row.bytes
    except OSError:
        return False


def _drop_unnamed(half: Path, names: set[str]) -> None:
    """Files of a database that was copied before the last one."""
    for path in (half / MEDIA).glob("*/*"):
        if path.name not in names:
            path.unlink()


@contextlib.contextmanager
def _nobody_else_in(database: Path) -> Iterator[None]:
    """Have the database to itself: every server and worker keeps a connection open, so this is the lock that tells of
    them. Raises `ReelhouseError` if somebody has."""
    if not database.exists():
        yield
        return
    with contextlib.closing(_open(database)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            # Out of WAL mode: else closing would remove files by name, and by then the names are another database's.
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
        except _sqlite().OperationalError:
            mode = "busy"
        except _sqlite().DatabaseError:
            mode = "delete"  # not even a database any more: nobody works with it, and it is to be replaced
        if mode != "delete":
            raise ReelhouseError("A server or worker runs on this data: stop it first.")
        yield


def _open(database: Path) -> Any:
    return _sqlite().connect(str(database), timeout=1, isolation_level=None)


def _sqlite() -> Any:
    import pysqlite3.dbapi2

    return pysqlite3.dbapi2
