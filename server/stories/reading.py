"""Stories and their assets as their owner may see them. Reads only; knows no HTTP and no addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.errors import NotFound
from server.stories.models import (
    Story,
    StoryCharacter,
    StoryClip,
    StoryCount,
    StoryItem,
    StoryScene,
)

Asset = TypeVar("Asset", StoryCharacter, StoryScene, StoryItem, StoryClip)


def find_story(session: Session, user_id: str, story_id: str) -> Story:
    """Raises `NotFound`, also for somebody else's."""
    story = session.get(Story, story_id)
    if story is None or story.user_id != user_id:
        raise NotFound(f"There is no story {story_id}.")
    return story


def page_of_stories(
    session: Session, user_id: str, page: int, limit: int, status: str | None
) -> tuple[Sequence[Story], int]:
    """The newest first, and how many there are in all. `page` counts from 1."""
    rows = select(Story).where(Story.user_id == user_id)
    count = select(func.coalesce(func.sum(StoryCount.total), 0)).where(StoryCount.user_id == user_id)
    if status is not None:
        rows, count = rows.where(Story.status == status), count.where(StoryCount.status == status)
    rows = rows.order_by(Story.created_at.desc(), Story.id.desc()).offset((page - 1) * limit).limit(limit)
    return session.scalars(rows).all(), int(session.scalar(count) or 0)


def assets(session: Session, kind: type[Asset], story_id: str) -> Sequence[Asset]:
    """All of that kind, in order."""
    return session.scalars(select(kind).where(kind.story_id == story_id).order_by(kind.order)).all()


def first_videos(session: Session, story_ids: Iterable[str]) -> dict[str, str]:
    """The media id of each story's first clip's video, of those that have one."""
    ids = list(story_ids)
    rows = session.execute(
        select(StoryClip.story_id, StoryClip.video_id).where(
            StoryClip.story_id.in_(ids), StoryClip.order == 0, StoryClip.video_id.is_not(None)
        )
    )
    return {story_id: video_id for story_id, video_id in rows if video_id is not None}
