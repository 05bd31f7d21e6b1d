"""What the operations on stories take and answer, field by field as the contract spells it. Knows no table."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from engine.estimate import PlanReport
from engine.own_script import MAX_NARRATION
from engine.requests import MAX_PROMPT, MAX_SEED, MAX_STYLE, MAX_TITLE, SECONDS
from engine.types import AspectRatio, CameraMove, CaptionMode, Quality, Script, Use
from server.stories.models import StoryStatus

T = TypeVar("T")

MAX_PAGE = 10_000_000
MAX_VISUAL = 1000
MAX_URL = 2048
QUALITY = "draft: a camera moves over the stills; standard, the default: as the profile says; high: the long schedules."
URL = {"format": "uri", "pattern": r"^https?://[^\s/]+"}

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Seed = Annotated[int, Meta(ge=0, le=MAX_SEED)]
Locale = Annotated[str, Meta(min_length=2, max_length=35)]
ClipStatus = Literal["pending", "generating", "completed", "failed"]
ContentType = Literal["cinematic_story", "news_analysis", "music_video", "persona_channel", "youtube_clone", "ad_spot"]


class Taken(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of bodies: unknown fields are refused, null is absent."""


class Given(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """Base of answers: every field is always there."""


class Many(Given, Generic[T], frozen=True, kw_only=True):
    """A list that is not paginated."""

    data: list[T]


class Pagination(Given, frozen=True, kw_only=True):
    page: int
    limit: int
    total: int
    total_pages: int


class PageOf(Given, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    data: list[T]
    pagination: Pagination


def pagination(page: int, limit: int, total: int) -> Pagination:
    return Pagination(page=page, limit=limit, total=total, total_pages=-(-total // limit))


# ---- taken ----------------------------------------------------------------------------------------------------------


def _trimmed(longest: int) -> dict[str, Any]:
    """What the documentation says of a text that is trimmed before it is measured, which a decoder cannot."""
    return {"maxLength": longest, "pattern": r"\S"}


class Generate(Taken, frozen=True, kw_only=True):
    """A prompt and how to tell it. The bounds that depend on what is installed are checked by the plan."""

    prompt: Annotated[str, Meta(min_length=1, extra_json_schema=_trimmed(MAX_PROMPT), description="What it is about.")]
    aspect_ratio: AspectRatio | None = None
    render_video: bool | None = None
    title: Annotated[str, Meta(min_length=1, extra_json_schema=_trimmed(MAX_TITLE))] | None = None
    content_type: ContentType | None = None
    locale: Locale | None = None
    series_id: Id | None = None
    target_seconds: Annotated[float, Meta(ge=SECONDS[0], le=SECONDS[1])] | None = None
    style: Annotated[str, Meta(min_length=1, extra_json_schema=_trimmed(MAX_STYLE))] | None = None
    negative_prompt: Annotated[str, Meta(extra_json_schema={"maxLength": MAX_PROMPT})] | None = None
    script: Script | None = None
    seed: Seed | None = None
    profile: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    quality: Annotated[Quality, Meta(description=QUALITY)] | None = None
    voice: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    lexicon: Annotated[dict[str, str], Meta(description="How words are said: a respelling by word.")] | None = None
    music: bool | None = None
    captions: CaptionMode | None = None
    sdh: bool | None = None
    webhook_url: Annotated[str, Meta(min_length=1, max_length=MAX_URL, extra_json_schema=URL)] | None = None
    use: Use | None = None


class ShotChange(Taken, frozen=True, kw_only=True):
    """What is to be other in one shot; what is absent stays. An empty `speaker` is the narrator."""

    narration: Annotated[str, Meta(max_length=MAX_NARRATION)] | None = None
    visual: Annotated[str, Meta(max_length=MAX_VISUAL)] | None = None
    camera: CameraMove | None = None
    speaker: Annotated[str, Meta(max_length=200)] | None = None


class NewShot(ShotChange, frozen=True, kw_only=True):
    """A further shot. `after` names the clip that it follows; absent: it is the last one. `scene` is an index into the
    script's scenes; absent: that of the shot before it."""

    after: Id | None = None
    scene: Annotated[int, Meta(ge=0, le=10_000)] | None = None


# ---- given ----------------------------------------------------------------------------------------------------------


class Queued(Given, frozen=True, kw_only=True):
    """The job that was accepted; poll it every 5 s."""

    job_id: str
    status: Literal["queued"] = "queued"
    poll_url: str


class Counts(Given, frozen=True, kw_only=True):
    characters: int
    scenes: int
    items: int
    clips: int


class StoryAnswer(Given, frozen=True, kw_only=True):
    id: str
    title: str
    status: StoryStatus
    aspect_ratio: str
    locale: str
    content_type: str
    series_id: str | None
    prompt: str
    render_video: bool
    video_url: str | None
    duration_seconds: float | None
    counts: Counts
    created_at: str


class CharacterAnswer(Given, frozen=True, kw_only=True):
    id: str
    name: str
    role: str
    description: str
    image_url: str | None
    voice_name: str | None
    order: int


class SceneAnswer(Given, frozen=True, kw_only=True):
    id: str
    order: int
    description: str
    time_of_day: str
    weather: str
    lighting: str
    image_url: str | None


class ItemAnswer(Given, frozen=True, kw_only=True):
    id: str
    order: int
    name: str
    description: str
    significance: str
    image_url: str | None


class ClipAnswer(Given, frozen=True, kw_only=True):
    """`videoUrl` is the shot with its narration as sound; `audioUrl` the narration alone."""

    id: str
    order: int
    narration: str | None
    duration: float
    video_url: str | None
    image_url: str | None
    audio_url: str | None
    status: ClipStatus


class ShotAnswer(Given, frozen=True, kw_only=True):
    """A shot as the script has it; `id` is its clip's."""

    id: str
    order: int
    scene: int
    speaker: str | None
    narration: str
    visual: str
    camera: CameraMove | None
    beat: str
    duration: float
    status: ClipStatus
    image_url: str | None
    video_url: str | None


class Remade(Given, frozen=True, kw_only=True):
    """What a change would make again: ids of shots (null: one that does not exist yet), seconds by stage, credits."""

    shots: list[str | None]
    stages: dict[str, float]
    credits: int


class Deleted(Given, frozen=True, kw_only=True):
    id: str
    deleted: Literal[True] = True


class PlanAnswer(PlanReport, frozen=True, kw_only=True):
    """What making it would take, as `reelhouse plan --json` tells it, and the credits."""

    credits: int
