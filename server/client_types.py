"""What the client reads: the contract's documents, field by field. Fields that a later server adds are ignored."""

from __future__ import annotations

from typing import Any

import msgspec


class Document(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Base of what the server answers."""


class Finding(Document, frozen=True):
    """Something a viewer would complain about. `shot` counts from 0, None for the whole film; `at` in seconds."""

    check: str
    sentence: str
    shot: int | None = None
    at: float | None = None
    measured: float | None = None
    limit: float | None = None


class Review(Document, frozen=True):
    """What was found when the finished film was looked at; `figures` are the film's own, by name."""

    passed: bool
    checks: list[str] = []
    findings: list[Finding] = []
    figures: dict[str, float] = {}


class Job(Document, frozen=True):
    """`status` goes queued → generating_story → generating_videos → rendering_video → completed or failed."""

    job_id: str
    status: str
    progress: int
    render_video: bool
    created_at: str
    story_id: str | None = None
    video_url: str | None = None
    error: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    stage: str | None = None
    eta_seconds: float | None = None
    queue_position: int | None = None
    attempt: int = 1
    warnings: list[str] = []
    review: Review | None = None
    error_code: str | None = None
    retry_of: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed")


class Counts(Document, frozen=True):
    characters: int
    scenes: int
    items: int
    clips: int


class Story(Document, frozen=True):
    id: str
    title: str
    status: str
    aspect_ratio: str
    locale: str
    content_type: str
    prompt: str
    render_video: bool
    counts: Counts
    created_at: str
    series_id: str | None = None
    video_url: str | None = None
    duration_seconds: float | None = None


class Character(Document, frozen=True):
    id: str
    name: str
    role: str
    description: str
    order: int
    image_url: str | None = None
    voice_name: str | None = None


class Scene(Document, frozen=True):
    id: str
    order: int
    description: str
    time_of_day: str
    weather: str
    lighting: str
    image_url: str | None = None


class Item(Document, frozen=True):
    id: str
    order: int
    name: str
    description: str
    significance: str
    image_url: str | None = None


class Clip(Document, frozen=True):
    """`duration` in seconds; `video_url` is the shot with its narration, `audio_url` the narration alone."""

    id: str
    order: int
    duration: float
    status: str
    narration: str | None = None
    video_url: str | None = None
    image_url: str | None = None
    audio_url: str | None = None


class CharacterImage(Document, frozen=True):
    id: str
    series_id: str
    character_name: str
    image_url: str
    created: bool


class Happening(msgspec.Struct, frozen=True):
    """One event of a job; `kind` is status, stage, clip, warning or done."""

    id: int
    kind: str
    data: dict[str, Any]


class Accepted(Document, frozen=True):
    job_id: str
    status: str
    poll_url: str


# msgspec looks at a type's fields when it is first read, and crashes if a second thread comes meanwhile (0.22.0).
for _kind in (Job, Story, Character, Scene, Item, Clip, CharacterImage, Happening, Accepted, Counts):
    msgspec.json.Decoder(_kind)
