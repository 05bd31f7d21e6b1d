"""Files with public addresses: kept, found, named and removed together with their rows. Knows no story and no HTTP.

A file comes before its row and goes after it, so that no row ever points at nothing: what a rolled-back transaction or
a crash leaves on the disk has no row, and `server.sweep` sweeps it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, event, select
from sqlalchemy.orm import Session

from engine.artifacts import disk_errors, file_hash, flush
from server.clock import now
from server.errors import NotFound
from server.ids import media_token
from server.media.models import Media
from server.place import Folders

TYPES = {
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".srt": "application/x-subrip; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
"""What may be kept, and what it is served as. Nothing that a browser would run (HTML, SVG) ever belongs here."""

NAME = re.compile(r"([a-z0-9]{31})(\.[a-z0-9]{3,4})")
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}
GOING = "media files that go when this transaction is committed"


class Laid(NamedTuple):
    """A file that lies where it is to be public. Nobody knows of it until it has a row."""

    id: str
    suffix: str
    bytes: int
    sha256: str


def lay(folders: Folders, source: Path, suffix: str) -> Laid:
    """Put the finished file `source` where it is to be public, by a hard link where the disk allows one, else by a
    copy. It is hashed and flushed, which takes long: to be done before a transaction, not in it.

    Whoever wrote `source` must never write into it again: it is replaced, not changed. Raises `ValueError` for a suffix
    that is not in `TYPES`, `StorageFull`, `StorageUnwritable`; then nothing is left behind.
    """
    if suffix not in TYPES:
        raise ValueError(f"{suffix!r} is none of {', '.join(TYPES)}")
    media_id = media_token()
    path = path_of_name(folders, media_id, suffix)
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            place_file(source, path)
            laid = Laid(media_id, suffix, path.stat().st_size, file_hash(path))
            flush(path.parent)
            flush(folders.media)  # or the two-letter folder itself could be lost
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return laid


def own(session: Session, laid: Laid, *, user_id: str, owner: str) -> Media:
    """The row of a file that was laid: from the end of this transaction on, it is public."""
    media = Media(**laid._asdict(), user_id=user_id, owner=owner, created_at=now())
    session.add(media)
    session.flush()
    return media


def take_back(folders: Folders, laid: Laid) -> None:
    """Remove what got no row after all."""
    path_of_name(folders, laid.id, laid.suffix).unlink(missing_ok=True)


def keep(session: Session, folders: Folders, source: Path, *, user_id: str, owner: str, suffix: str) -> Media:
    """`lay` and `own` at once, for a file that is small. Raises what `lay` does."""
    return own(session, lay(folders, source, suffix), user_id=user_id, owner=owner)


def place_file(source: Path, path: Path) -> None:
    """Make `path` the same file as `source`, whole and on the disk, or not there at all."""
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        half = path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")
        try:
            shutil.copyfile(source, half)
            flush(half)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    else:
        flush(path)


def path_of(folders: Folders, media: Media) -> Path:
    return path_of_name(folders, media.id, media.suffix)


def path_of_name(folders: Folders, media_id: str, suffix: str) -> Path:
    """Where such a file lies. Both parts come from a row, never from a client."""
    return folders.media / media_id[:2] / f"{media_id}{suffix}"


def url_of(base_url: str, media_id: str, suffix: str) -> str:
    return f"{base_url}/media/{media_id}{suffix}"


def url_of_id(session: Session | Connection, base_url: str, media_id: str | None) -> str | None:
    """The address of one file; None if there is no such file (any more)."""
    return None if media_id is None else urls_of(session, base_url, [media_id]).get(media_id)


def urls_of(session: Session | Connection, base_url: str, media_ids: Iterable[str | None]) -> dict[str, str]:
    """The addresses of many, by id, in one query; those that are not there are left out."""
    wanted = {media_id for media_id in media_ids if media_id is not None}
    if not wanted:
        return {}
    rows = session.execute(select(Media.id, Media.suffix).where(Media.id.in_(wanted)))
    return {media_id: url_of(base_url, media_id, suffix) for media_id, suffix in rows}


def find(session: Session, name: str) -> Media:
    """The row that the last part of a public address names. Raises `NotFound`."""
    parts = NAME.fullmatch(name)
    media = session.get(Media, parts[1]) if parts else None
    if media is None or parts is None or media.suffix != parts[2]:
        raise NotFound("There is no such file; it may have been deleted.")
    return media


def remove(session: Session, folders: Folders, owner: str) -> int:
    """Remove all that belongs to `owner`: rows now, files once the transaction is committed. How many bytes go."""
    return _remove(session, folders, session.scalars(select(Media).where(Media.owner == owner)).all())


def remove_some(session: Session, folders: Folders, media_ids: Iterable[str | None]) -> int:
    """The same for single files."""
    wanted = [media_id for media_id in media_ids if media_id is not None]
    return _remove(session, folders, session.scalars(select(Media).where(Media.id.in_(wanted))).all())


def _remove(session: Session, folders: Folders, rows: Iterable[Media]) -> int:
    rows = list(rows)
    if not rows:
        return 0
    if GOING not in session.info:
        session.info[GOING] = []
        event.listen(session, "after_commit", _unlink)
        event.listen(session, "after_soft_rollback", _forget)
    session.info[GOING] += [path_of(folders, media) for media in rows]
    session.execute(delete(Media).where(Media.id.in_([media.id for media in rows])))
    return sum(media.bytes for media in rows)


def _unlink(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released; the promise itself is not yet kept
    for path in session.info[GOING]:
        # What cannot be removed now is swept later: the rows are gone, so nobody sees it.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    session.info[GOING].clear()


def _forget(session: Session, _: object) -> None:
    """An undone savepoint forgets all, the outer transaction's too: then the sweep removes what should have gone."""
    session.info[GOING].clear()
