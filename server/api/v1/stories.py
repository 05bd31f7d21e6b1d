"""Stories: generate, plan, list, read, delete, and the texts that belong to them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, Parameter
from sqlalchemy.orm import Session

from engine.types import Script
from server.accounts.caller import Caller
from server.api.origin import base_url
from server.api.v1.accepted import accepted_answer
from server.api.v1.orders import check_key, check_webhook, plan_generation
from server.api.v1.paging import USUALLY_PER_PAGE, Limit, Page
from server.api.v1.paths import IdempotencyKey, request_id
from server.api.v1.structs import (
    Counts,
    Deleted,
    Generate,
    PageOf,
    PlanAnswer,
    Queued,
    StoryAnswer,
    pagination,
)
from server.clock import iso
from server.errors import BadInput, NotFound
from server.jobs.accept import accept, answered
from server.media.library import path_of, urls_of
from server.media.models import Media
from server.place import Place
from server.series.models import Series
from server.stories import removal
from server.stories.models import STORY_STATUSES, Story
from server.stories.reading import find_story, first_videos, page_of_stories

SRT, VTT, PLAIN = "application/x-subrip; charset=utf-8", "text/vtt", "text/plain"


@post("/stories/generate", opt={"access": "stories:generate"}, status_code=202, sync_to_thread=True)
def generate_story(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    data: JSONBody[Generate],
    idempotency_key: IdempotencyKey = None,
) -> Response[Queued]:
    """Enqueue a story. Poll the job until it is completed; its videoUrl is then the film."""
    key = check_key(idempotency_key)
    order = plan_generation(place, data, base_url(request, place.settings)).order
    given = answered(place, caller.user_id, order, key) if key is not None else None
    if given is not None:  # whatever has become of the address for webhooks since
        return accepted_answer(given)
    check_webhook(place, data)
    return accepted_answer(accept(place, caller.user_id, order, key=key, request_id=request_id(request)))


@post("/stories/plan", opt={"access": "stories:read"}, status_code=200, sync_to_thread=True)
def plan_story(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    data: JSONBody[Generate],
) -> PlanAnswer:
    """Say what generating would take: shots, seconds per stage, memory, disk, credits. Makes nothing."""
    planned = plan_generation(place, data, base_url(request, place.settings))
    check_webhook(place, data)
    if data.series_id is not None:
        with place.db.reading() as session:
            series = session.get(Series, data.series_id)
            if series is None or series.user_id != caller.user_id:
                raise NotFound(f"There is no series {data.series_id}.")
    report = planned.report
    told = {name: getattr(report, name) for name in report.__struct_fields__}
    return PlanAnswer(**told, credits=place.settings.credits_story)


@get("/stories", opt={"access": "stories:read"}, sync_to_thread=True)
def list_stories(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    page: Page = 1,
    limit: Limit = USUALLY_PER_PAGE,
    status: Annotated[
        str | None,
        Parameter(description="Only stories in this status.", schema_extra={"enum": list(STORY_STATUSES)}),
    ] = None,
) -> PageOf[StoryAnswer]:
    """List your stories, newest first."""
    if status is not None and status not in STORY_STATUSES:
        raise BadInput.of("status", f"it must be one of {', '.join(STORY_STATUSES)}")
    with place.db.reading() as session:
        rows, total = page_of_stories(session, caller.user_id, page, limit, status)
        return PageOf(
            data=spell_stories(session, rows, base_url(request, place.settings)),
            pagination=pagination(page, limit, total),
        )


@get("/stories/{story_id:str}", opt={"access": "stories:read"}, sync_to_thread=True)
def get_story(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> StoryAnswer:
    """One story, with the counts of its characters, scenes, items and clips."""
    with place.db.reading() as session:
        story = find_story(session, caller.user_id, story_id)
        return spell_stories(session, [story], base_url(request, place.settings))[0]


@delete("/stories/{story_id:str}", opt={"access": "stories:generate"}, status_code=200, sync_to_thread=True)
def delete_story(place: NamedDependency[Place], caller: NamedDependency[Caller], story_id: FromPath[str]) -> Deleted:
    """Delete a story with all its files. Not while a job works on it."""
    removal.delete_story(place, caller.user_id, story_id)
    return Deleted(id=story_id)


@get("/stories/{story_id:str}/script", opt={"access": "assets:read"}, sync_to_thread=True)
def get_script(place: NamedDependency[Place], caller: NamedDependency[Caller], story_id: FromPath[str]) -> Script:
    """The script, as `script` of a generate request takes it."""
    with place.db.reading() as session:
        return find_story(session, caller.user_id, story_id).script


@get("/stories/{story_id:str}/captions.srt", opt={"access": "assets:read"}, media_type=SRT, sync_to_thread=True)
def get_srt(place: NamedDependency[Place], caller: NamedDependency[Caller], story_id: FromPath[str]) -> bytes:
    """The captions as SubRip. 404 until they are made, and where nothing is said."""
    return _told(place, caller, story_id, "srt")


@get("/stories/{story_id:str}/captions.vtt", opt={"access": "assets:read"}, media_type=VTT, sync_to_thread=True)
def get_vtt(place: NamedDependency[Place], caller: NamedDependency[Caller], story_id: FromPath[str]) -> bytes:
    """The captions as WebVTT. 404 until they are made, and where nothing is said."""
    return _told(place, caller, story_id, "vtt")


@get(
    "/stories/{story_id:str}/transcript.txt",
    opt={"access": "assets:read", "text": "transcript"},
    media_type=PLAIN,
    sync_to_thread=True,
)
def get_transcript(place: NamedDependency[Place], caller: NamedDependency[Caller], story_id: FromPath[str]) -> bytes:
    """What is said, as a text to read, by act and scene with times. 404 until it is made, and where nothing is said."""
    return _told(place, caller, story_id, "transcript")


def _told(place: Place, caller: Caller, story_id: str, kind: Literal["srt", "vtt", "transcript"]) -> bytes:
    """The text of what is said in the film, in one of its forms."""
    there = "is no transcript" if kind == "transcript" else "are no captions"
    with place.db.reading() as session:
        story = find_story(session, caller.user_id, story_id)
        media_id = {"srt": story.srt_id, "vtt": story.vtt_id, "transcript": story.transcript_id}[kind]
        media = session.get(Media, media_id) if media_id else None
    if media is None:
        raise NotFound(f"There {there}: the film is not made yet, or nothing is said in it.")
    try:
        return path_of(place.folders, media).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There {there}: the file has been deleted.") from error


def spell_stories(session: Session, rows: Any, base: str) -> list[StoryAnswer]:
    """Stories as the contract spells them. Of one that was not to be rendered, the video is its first clip's."""
    stories: list[Story] = list(rows)
    videos = {story.id: story.film_id for story in stories if story.render_video}
    videos |= first_videos(session, [story.id for story in stories if not story.render_video])
    urls = urls_of(session, base, videos.values())
    return [
        StoryAnswer(
            id=story.id,
            title=story.title,
            status=story.status,  # type: ignore[arg-type]
            aspect_ratio=story.aspect_ratio,
            locale=story.locale,
            content_type=story.content_type,
            series_id=story.series_id,
            prompt=story.prompt,
            render_video=story.render_video,
            video_url=urls.get(videos.get(story.id) or "") if story.status == "completed" else None,
            duration_seconds=story.duration,
            counts=Counts(characters=story.characters, scenes=story.scenes, items=story.items, clips=story.clips),
            created_at=iso(story.created_at),
        )
        for story in stories
    ]


HANDLERS = (
    generate_story,
    plan_story,
    list_stories,
    get_story,
    delete_story,
    get_script,
    get_srt,
    get_vtt,
    get_transcript,
)
