"""Tables of stories and their assets."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from engine.types import Script, StoryRequest
from server.db.columns import Json, Millis, Table

StoryStatus = Literal["generating_story", "generating_videos", "rendering_video", "completed", "failed"]
STORY_STATUSES: tuple[str, ...] = ("generating_story", "generating_videos", "rendering_video", "completed", "failed")


class Story(Table):
    """A story exists once it has a script. `job_id` is the latest job that works on it; `request` what that job was
    asked for; counts are those of its assets. Media columns hold ids of `server.media.models.Media`."""

    __tablename__ = "stories"
    __table_args__ = (
        Index("ix_stories_user_id_created_at_id", "user_id", "created_at", "id"),
        Index("ix_stories_user_id_status_created_at_id", "user_id", "status", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    job_id: Mapped[str] = mapped_column(String(25))
    series_id: Mapped[str | None] = mapped_column(String(25), index=True)
    title: Mapped[str]
    status: Mapped[str] = mapped_column(String(24))
    prompt: Mapped[str]
    aspect_ratio: Mapped[str] = mapped_column(String(8))
    locale: Mapped[str] = mapped_column(String(35))
    content_type: Mapped[str] = mapped_column(String(40))
    render_video: Mapped[bool]
    request: Mapped[StoryRequest] = mapped_column(Json(StoryRequest))
    script: Mapped[Script] = mapped_column(Json(Script))
    duration: Mapped[float | None]
    film_id: Mapped[str | None] = mapped_column(String(31))
    srt_id: Mapped[str | None] = mapped_column(String(31))
    vtt_id: Mapped[str | None] = mapped_column(String(31))
    transcript_id: Mapped[str | None] = mapped_column(String(31))
    characters: Mapped[int] = mapped_column(default=0)
    scenes: Mapped[int] = mapped_column(default=0)
    items: Mapped[int] = mapped_column(default=0)
    clips: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[int] = mapped_column(Millis)


class StoryCount(Table):
    """How many stories a user has in each status, so that a page of a million need not count them."""

    __tablename__ = "story_counts"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    status: Mapped[str] = mapped_column(String(24), primary_key=True)
    total: Mapped[int] = mapped_column(default=0)


class StoryCharacter(Table):
    __tablename__ = "story_characters"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    story_id: Mapped[str] = mapped_column(ForeignKey("stories.id", ondelete="CASCADE"), index=True)
    order: Mapped[int]
    name: Mapped[str]
    role: Mapped[str]
    description: Mapped[str]
    voice: Mapped[str | None]
    image_id: Mapped[str | None] = mapped_column(String(31))


class StoryScene(Table):
    __tablename__ = "story_scenes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    story_id: Mapped[str] = mapped_column(ForeignKey("stories.id", ondelete="CASCADE"), index=True)
    order: Mapped[int]
    description: Mapped[str]
    time_of_day: Mapped[str]
    weather: Mapped[str]
    lighting: Mapped[str]
    image_id: Mapped[str | None] = mapped_column(String(31))


class StoryItem(Table):
    __tablename__ = "story_items"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    story_id: Mapped[str] = mapped_column(ForeignKey("stories.id", ondelete="CASCADE"), index=True)
    order: Mapped[int]
    name: Mapped[str]
    description: Mapped[str]
    significance: Mapped[str]
    image_id: Mapped[str | None] = mapped_column(String(31))


class StoryClip(Table):
    """A shot. `narration` is whatever is spoken in it; `status` pending, generating, completed or failed."""

    __tablename__ = "story_clips"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    story_id: Mapped[str] = mapped_column(ForeignKey("stories.id", ondelete="CASCADE"), index=True)
    order: Mapped[int]
    narration: Mapped[str | None]
    duration: Mapped[float]
    status: Mapped[str] = mapped_column(String(16))
    image_id: Mapped[str | None] = mapped_column(String(31))
    video_id: Mapped[str | None] = mapped_column(String(31))
    audio_id: Mapped[str | None] = mapped_column(String(31))
