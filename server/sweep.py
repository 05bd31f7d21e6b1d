"""Sweeps up what crashes, rolled-back transactions and the passing of time leave: `reelhouse gc`.

Whatever may still be on its way into a transaction is younger than an hour, and is left alone; so is all of a job that
is not over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from server.accounts.logins import ABSOLUTE, IDLE
from server.accounts.models import Login
from server.clock import DAY, HOUR, now
from server.ids import is_cuid
from server.jobs.models import ANSWERS_KEPT, ENDED, Delivery, Idempotency, Job, JobEvent
from server.media.library import NAME, path_of
from server.media.models import Media
from server.place import Place
from server.series.service import SCRATCH
from server.stories.models import Story
from server.stories.removal import GOING, bytes_below, delete_old_stories, remove_folder, remove_work

SETTLED = HOUR
HISTORY = 30 * DAY
"""How long a job's events can be replayed, a failed one resumed, and its webhook sent again, after its end."""
BATCH = 500


class Freed(msgspec.Struct, rename="camel"):
    """What went, or would go in a dry run. `missing_files` are rows whose file is not there or not whole: they are only
    reported, since a backup may still have it."""

    dry_run: bool
    stories: int = 0
    story_bytes: int = 0
    media_files: int = 0
    media_bytes: int = 0
    work_folders: int = 0
    work_bytes: int = 0
    idempotency_keys: int = 0
    job_events: int = 0
    deliveries: int = 0
    logins: int = 0
    missing_files: list[str] = msgspec.field(default_factory=list)


def sweep(place: Place, *, dry_run: bool = False, moment: int | None = None) -> Freed:
    """Remove what nobody needs any more as of `moment` (milliseconds; None: now). Safe beside a running server."""
    moment = now() if moment is None else moment
    freed = Freed(dry_run=dry_run)
    freed.stories, freed.story_bytes = delete_old_stories(place, dry_run=dry_run, moment=moment)
    _sweep_media(place, freed, moment)
    _sweep_work(place, freed, moment)
    _sweep_rows(place, freed, moment)
    freed.missing_files = list(_missing(place))
    return freed


def _sweep_media(place: Place, freed: Freed, moment: int) -> None:
    for folder in _entries(place.folders.media):
        if not folder.is_dir():
            continue
        if folder.name.startswith(SCRATCH):
            if _settled(folder, moment):
                freed.media_files += 1
                freed.media_bytes += bytes_below(folder) if freed.dry_run else remove_folder(folder)
            continue
        files = [path for path in _entries(folder) if _settled(path, moment)]
        for start in range(0, len(files), BATCH):
            _sweep_files(place, freed, files[start : start + BATCH])


def _sweep_files(place: Place, freed: Freed, files: list[Path]) -> None:
    ids = {path: parts[1] for path in files if (parts := NAME.fullmatch(path.name))}
    with place.db.reading() as session:
        known = set(session.scalars(select(Media.id).where(Media.id.in_(set(ids.values())))))
    for path in files:
        if ids.get(path) in known:
            continue
        size = path.lstat().st_size
        if not freed.dry_run:
            path.unlink(missing_ok=True)
        freed.media_files += 1
        freed.media_bytes += size


def _missing(place: Place) -> Iterator[str]:
    last = ""
    while True:
        with place.db.reading() as session:
            rows = list(session.scalars(select(Media).where(Media.id > last).order_by(Media.id).limit(BATCH)))
        if not rows:
            return
        last = rows[-1].id
        suspects = [media for media in rows if not _is_whole(place, media)]
        with place.db.reading() as session:  # a row that was removed since then is not missing its file
            still = set(session.scalars(select(Media.id).where(Media.id.in_([media.id for media in suspects]))))
        yield from (f"{media.id}{media.suffix}" for media in suspects if media.id in still)


def _is_whole(place: Place, media: Media) -> bool:
    try:
        return path_of(place.folders, media).stat().st_size == media.bytes
    except OSError:
        return False


def _sweep_work(place: Place, freed: Freed, moment: int) -> None:
    folders = [folder for folder in _entries(place.folders.work) if folder.is_dir()]
    gone = [folder for folder in folders if folder.name.startswith(GOING)]
    old = [folder for folder in folders if is_cuid(folder.name) and _settled(folder, moment)]
    needed: set[str] = set()
    with place.db.reading() as session:
        for start in range(0, len(old), BATCH):
            needed |= _needed(session, [folder.name for folder in old[start : start + BATCH]], moment)
    for folder in gone + [folder for folder in old if folder.name not in needed]:
        freed.work_folders += 1
        if freed.dry_run:
            freed.work_bytes += bytes_below(folder)
        else:
            freed.work_bytes += remove_folder(folder) if folder in gone else remove_work(place, folder.name)


def _needed(session: Session, names: list[str], moment: int) -> set[str]:
    """Work folders of stories that can be edited, of jobs that are not over, and of failed ones that may be resumed."""
    recent = Job.status == "failed", func.coalesce(Job.completed_at, Job.created_at) >= moment - HISTORY
    jobs = select(Job.work_id).where(Job.work_id.in_(names), or_(Job.status.not_in(ENDED), recent[0] & recent[1]))
    return {*session.scalars(jobs), *session.scalars(select(Story.id).where(Story.id.in_(names)))}


def _sweep_rows(place: Place, freed: Freed, moment: int) -> None:
    over = Job.status.in_(ENDED) & (func.coalesce(Job.completed_at, Job.created_at) < moment - HISTORY)
    with place.db.writing() as session:
        freed.idempotency_keys = _gone(
            session, freed.dry_run, Idempotency, Idempotency.created_at < moment - ANSWERS_KEPT
        )
        freed.job_events = _gone(
            session, freed.dry_run, JobEvent, exists().where(Job.id == JobEvent.job_id).where(over)
        )
        settled = Delivery.next_at.is_(None) & (Delivery.created_at < moment - HISTORY)
        freed.deliveries = _gone(session, freed.dry_run, Delivery, settled)
        ended = or_(Login.seen_at <= moment - IDLE, Login.created_at <= moment - ABSOLUTE)
        freed.logins = _gone(session, freed.dry_run, Login, ended)


def _gone(session: Session, dry_run: bool, table: type, condition: ColumnElement[bool]) -> int:
    count = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    if count and not dry_run:
        session.execute(delete(table).where(condition).execution_options(synchronize_session=False))
    return count


def _settled(path: Path, moment: int) -> bool:
    """Whether it has lain there for an hour. A hard link has the age of what it links to; but linking is a change of
    the file, which `st_ctime` tells."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return max(found.st_mtime, found.st_ctime) * 1000 < moment - SETTLED


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry) for entry in os.scandir(folder))
    except OSError:
        return []
