"""What a story is made of, readable as soon as it exists: characters, scenes, items, clips."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from server.accounts.caller import Caller
from server.api.origin import base_url
from server.api.v1.structs import CharacterAnswer, ClipAnswer, ItemAnswer, Many, SceneAnswer
from server.media.library import urls_of
from server.place import Place
from server.stories.models import StoryCharacter, StoryClip, StoryItem, StoryScene
from server.stories.reading import assets, find_story


@get("/stories/{story_id:str}/characters", opt={"access": "assets:read"}, sync_to_thread=True)
def list_characters(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> Many[CharacterAnswer]:
    """List a story's characters."""
    with place.db.reading() as session:
        rows = assets(session, StoryCharacter, find_story(session, caller.user_id, story_id).id)
        urls = urls_of(session, base_url(request, place.settings), [row.image_id for row in rows])
    return Many(
        data=[
            CharacterAnswer(
                id=row.id,
                name=row.name,
                role=row.role,
                description=row.description,
                image_url=urls.get(row.image_id or ""),
                voice_name=row.voice,
                order=row.order,
            )
            for row in rows
        ]
    )


@get("/stories/{story_id:str}/scenes", opt={"access": "assets:read"}, sync_to_thread=True)
def list_scenes(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> Many[SceneAnswer]:
    """List a story's scenes."""
    with place.db.reading() as session:
        rows = assets(session, StoryScene, find_story(session, caller.user_id, story_id).id)
        urls = urls_of(session, base_url(request, place.settings), [row.image_id for row in rows])
    return Many(
        data=[
            SceneAnswer(
                id=row.id,
                order=row.order,
                description=row.description,
                time_of_day=row.time_of_day,
                weather=row.weather,
                lighting=row.lighting,
                image_url=urls.get(row.image_id or ""),
            )
            for row in rows
        ]
    )


@get("/stories/{story_id:str}/items", opt={"access": "assets:read"}, sync_to_thread=True)
def list_items(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> Many[ItemAnswer]:
    """List a story's items."""
    with place.db.reading() as session:
        rows = assets(session, StoryItem, find_story(session, caller.user_id, story_id).id)
        urls = urls_of(session, base_url(request, place.settings), [row.image_id for row in rows])
    return Many(
        data=[
            ItemAnswer(
                id=row.id,
                order=row.order,
                name=row.name,
                description=row.description,
                significance=row.significance,
                image_url=urls.get(row.image_id or ""),
            )
            for row in rows
        ]
    )


@get("/stories/{story_id:str}/clips", opt={"access": "assets:read"}, sync_to_thread=True)
def list_clips(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> Many[ClipAnswer]:
    """List a story's clips, each with its video, still and narration."""
    with place.db.reading() as session:
        rows = assets(session, StoryClip, find_story(session, caller.user_id, story_id).id)
        ids = [one for row in rows for one in (row.video_id, row.image_id, row.audio_id)]
        urls = urls_of(session, base_url(request, place.settings), ids)
    return Many(
        data=[
            ClipAnswer(
                id=row.id,
                order=row.order,
                narration=row.narration,
                duration=row.duration,
                video_url=urls.get(row.video_id or ""),
                image_url=urls.get(row.image_id or ""),
                audio_url=urls.get(row.audio_id or ""),
                status=row.status,  # type: ignore[arg-type]
            )
            for row in rows
        ]
    )


HANDLERS = (list_characters, list_scenes, list_items, list_clips)
