"""How a story's row changes: its status and the counters kept beside it, together in the caller's transaction."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from server.stories.models import Story, StoryCount


def add_story(session: Session, story: Story) -> None:
    session.add(story)
    session.flush()
    _count(session, story.user_id, story.status, 1)


def set_status(session: Session, story: Story, status: str) -> None:
    if story.status != status:
        # Always in the same order: two that change places would wait for each other.
        for counted, change in sorted({story.status: -1, status: 1}.items()):
            _count(session, story.user_id, counted, change)
        story.status = status


def remove_story(session: Session, story: Story) -> None:
    """The row and its assets' rows; files are the media library's to remove."""
    _count(session, story.user_id, story.status, -1)
    session.delete(story)
    session.flush()


def _count(session: Session, user_id: str, status: str, change: int) -> None:
    """Add to a counter that may not be there yet. In one statement, since two workers may count at once."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    row = insert(StoryCount).values(user_id=user_id, status=status, total=max(change, 0))
    if change > 0:
        session.execute(
            row.on_conflict_do_update(index_elements=["user_id", "status"], set_={"total": StoryCount.total + change})
        )
    else:
        session.execute(
            update(StoryCount)
            .where(StoryCount.user_id == user_id, StoryCount.status == status)
            .values(total=StoryCount.total + change)
        )
