"""Removes stories with all that they have, on request or once they are old. Nothing of a job that still runs."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from pathlib import Path

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from server.clock import DAY, now
from server.db.database import wait_turn
from server.errors import Conflict, NotFound
from server.jobs.models import ENDED, Job
from server.media.library import remove
from server.place import Place
from server.stories.models import Story
from server.stories.writing import remove_story

GOING = ".removed-"
"""What a work folder is called from when it counts as gone until its last file is."""


def delete_story(place: Place, user_id: str | None, story_id: str) -> int:
    """Remove the story, its assets, files and work folder; how many bytes that freed. `user_id` None: whoever's.

    Its jobs stay in the history, without a story. Raises `NotFound`, and `Conflict` while one of its jobs is not over.
    """
    with place.db.writing() as session:
        wait_turn(session, story_id)
        story = session.get(Story, story_id, with_for_update=True)
        if story is None or user_id not in (None, story.user_id):
            raise NotFound("There is no such story.")
        if job_on(session, story_id):
            raise Conflict("A job of this story is not over yet: cancel it, or wait for its end.")
        freed = remove(session, place.folders, story_id)
        session.execute(update(Job).where(Job.story_id == story_id).values(story_id=None))
        remove_story(session, story)
    return freed + remove_work(place, story_id)


def delete_old_stories(place: Place, *, dry_run: bool = False, moment: int | None = None) -> tuple[int, int]:
    """Remove what is older than the setting `retain_days`: how many stories, how many bytes (0 in a dry run)."""
    if place.settings.retain_days is None:
        return 0, 0
    oldest = (now() if moment is None else moment) - int(place.settings.retain_days * DAY)
    active = exists().where(Job.work_id == Story.id, Job.status.not_in(ENDED))
    with place.db.reading() as session:
        old = list(session.scalars(select(Story.id).where(Story.created_at < oldest, ~active).order_by(Story.id)))
    if dry_run:
        return len(old), 0
    count = freed = 0
    for story_id in old:
        # Somebody may have removed it meanwhile, or asked for it again; then it is left alone.
        with contextlib.suppress(Conflict, NotFound):
            freed += delete_story(place, None, story_id)
            count += 1
    return count, freed


def job_on(session: Session, work_id: str) -> str | None:
    """The job that waits or runs and uses this work folder."""
    return session.scalar(select(Job.id).where(Job.work_id == work_id, Job.status.not_in(ENDED)).limit(1))


def remove_work(place: Place, work_id: str) -> int:
    """Remove a work folder unless a job uses it; how many bytes it had. What cannot be removed now, the sweep does."""
    gone = place.folders.work / f"{GOING}{secrets.token_hex(8)}"
    # In a transaction that writes, so that no job can be accepted for this folder while it goes.
    with place.db.writing() as session:
        wait_turn(session, work_id)
        if job_on(session, work_id):
            return 0
        try:
            (place.folders.work / work_id).rename(gone)
        except OSError:
            return 0
    return remove_folder(gone)


def remove_folder(folder: Path) -> int:
    """Remove all of it that can be removed; how many bytes it had."""
    size = bytes_below(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return size


def bytes_below(folder: Path) -> int:
    """What its files count on the disk, as far as they can be looked at."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size += path.lstat().st_size if not path.is_dir() else 0
    return size
