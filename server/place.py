"""Where a server keeps what it has: its folders, its databases, its secret. Opened once per process."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url

from engine.artifacts import disk_errors
from engine.errors import BadSetting
from server.db.database import Database, sqlite_url
from server.settings import Settings


class Folders(NamedTuple):
    """The data folder. `media` holds what has public addresses, in a folder of its own if `elsewhere` is set; `work`
    the artefacts of every story by content."""

    root: Path
    elsewhere: Path | None = None

    @property
    def media(self) -> Path:
        return self.elsewhere or self.root / "media"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def locks(self) -> Path:
        return self.root / "locks"


class Place(NamedTuple):
    """`db` holds everything that matters; `limits` the rate limits, in a file of their own where that is SQLite, since
    every request writes them and nobody misses them."""

    settings: Settings
    folders: Folders
    db: Database
    limits: Database
    secret: bytes

    def close(self) -> None:
        self.db.close()
        if self.limits is not self.db:
            self.limits.close()


def whereabouts(place: Place) -> dict[str, str]:
    """What whoever reads the log at night wants to know first: where things are, without their passwords."""
    queue = place.settings.queue_url
    return {
        "data": str(place.folders.root),
        "media": str(place.folders.media),
        "database": place.db.url.render_as_string(),
        "queue": "queue.db in the data folder" if queue is None else make_url(queue).render_as_string(),
        "profile": place.settings.profile,
    }


def open_place(settings: Settings, *, migrate: bool = True) -> Place:
    """Make the folders, open the databases and bring their tables up to date.

    Raises `BadSetting`, `StorageUnwritable`, `StorageFull`.
    """
    from server.db.migrate import create, upgrade

    folders = folders_of(settings)
    with disk_errors(folders.root):
        for folder in (folders.media, folders.work, folders.logs, folders.locks):
            folder.mkdir(parents=True, exist_ok=True)
    db = Database(settings.database_url or sqlite_url(folders.root / "app.db"))
    limits = Database(sqlite_url(folders.root / "limits.db"), durable=False) if db.is_sqlite else db
    if migrate:
        upgrade(db)
    from server.accounts.limit_models import LimitTable

    create(limits, LimitTable.metadata)
    return Place(settings, folders, db, limits, _secret(settings, folders.root))


def folders_of(settings: Settings) -> Folders:
    """Where the settings say, whether it is there or not. Raises `BadSetting`."""
    root = (settings.data or settings.home / "data").expanduser().absolute()
    if settings.media_url is None:
        return Folders(root)
    url = urlsplit(settings.media_url)
    if url.scheme != "file" or url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise BadSetting(
            "REELHOUSE_MEDIA_URL must be as file:///srv/media; a folder is the only kind of store there is."
        )
    return Folders(root, Path(unquote(url.path)))


def _secret(settings: Settings, root: Path) -> bytes:
    """What signs messages on the queue: the setting, else 256 random bits made once, readable by their owner only."""
    if settings.secret:
        return settings.secret.encode()
    path = root / "secret.key"
    with disk_errors(path):
        if not path.exists():
            fresh = path.with_name(f".secret.key.tmp-{secrets.token_hex(4)}")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(handle, secrets.token_hex(32).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            try:
                os.link(fresh, path)  # unlike a rename, this never replaces the one that another process just made
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_bytes()
