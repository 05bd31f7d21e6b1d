"""Shots: look at them, change one, add one, take one out. Each change is a new job on the same story."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec.structs import replace

from engine.types import Shot
from server.accounts.caller import Caller
from server.api.origin import base_url
from server.api.v1.accepted import accepted_answer
from server.api.v1.orders import plan_order
from server.api.v1.paths import DryRun, request_id
from server.api.v1.structs import Many, NewShot, Queued, Remade, ShotAnswer, ShotChange
from server.errors import BadInput, NotFound
from server.jobs.accept import Order, accept
from server.jobs.control import idle
from server.jobs.models import Job
from server.media.library import urls_of
from server.place import Place
from server.stories.edits import Edit, change, insert, seconds_again, take_out
from server.stories.models import Story, StoryClip
from server.stories.reading import assets, find_story

Remaking = Response[Queued] | Response[Remade]


@get("/stories/{story_id:str}/shots", opt={"access": "assets:read"}, sync_to_thread=True)
def list_shots(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
) -> Many[ShotAnswer]:
    """List a story's shots as its script has them, each with its clip's id and state."""
    with place.db.reading() as session:
        story = find_story(session, caller.user_id, story_id)
        clips = assets(session, StoryClip, story.id)
        ids = [one for clip in clips for one in (clip.image_id, clip.video_id)]
        urls = urls_of(session, base_url(request, place.settings), ids)
    return Many(
        data=[
            ShotAnswer(
                id=clip.id,
                order=clip.order,
                scene=shot.scene,
                speaker=shot.speaker,
                narration=shot.narration,
                visual=shot.visual,
                camera=shot.camera,
                beat=shot.beat,
                duration=clip.duration,
                status=clip.status,  # type: ignore[arg-type]
                image_url=urls.get(clip.image_id or ""),
                video_url=urls.get(clip.video_id or ""),
            )
            for clip, shot in zip(clips, story.script.shots, strict=False)
        ]
    )


@patch("/stories/{story_id:str}/shots/{clip_id:str}", opt={"access": "stories:generate"}, sync_to_thread=True)
def change_shot(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
    clip_id: FromPath[str],
    data: JSONBody[ShotChange],
    dry_run: DryRun = False,
) -> Remaking:
    """Change one shot; only what follows from it is made again. With dryRun: say what that is."""

    def edit(story: Story, clips: list[str]) -> Edit:
        index = _index(clips, clip_id)
        return change(story.script, index, _changed(story.script.shots[index], data))

    return _remake(request, place, caller, story_id, edit, dry_run)


@post("/stories/{story_id:str}/shots", opt={"access": "stories:generate"}, status_code=202, sync_to_thread=True)
def add_shot(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
    data: JSONBody[NewShot],
    dry_run: DryRun = False,
) -> Remaking:
    """Add a shot behind the one that `after` names. With dryRun: say what is made again."""

    def edit(story: Story, clips: list[str]) -> Edit:
        before = len(clips) - 1 if data.after is None else _index(clips, data.after)
        scene = story.script.shots[before].scene if data.scene is None else data.scene
        return insert(story.script, before + 1, _changed(Shot(scene=scene), data))

    return _remake(request, place, caller, story_id, edit, dry_run)


@delete(
    "/stories/{story_id:str}/shots/{clip_id:str}",
    opt={"access": "stories:generate"},
    status_code=202,
    sync_to_thread=True,
)
def remove_shot(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    story_id: FromPath[str],
    clip_id: FromPath[str],
    dry_run: DryRun = False,
) -> Remaking:
    """Take a shot out of the film. With dryRun: say what is made again."""

    def edit(story: Story, clips: list[str]) -> Edit:
        return take_out(story.script, _index(clips, clip_id))

    return _remake(request, place, caller, story_id, edit, dry_run)


def _remake(
    request: Request[Any, Any, Any],
    place: Place,
    caller: Caller,
    story_id: str,
    make_edit: Callable[[Story, list[str]], Edit],
    dry_run: bool,
) -> Remaking:
    unknown = [name for name in request.query_params if name != "dryRun"]
    if unknown:  # a misspelt dryRun would be paid for
        raise BadInput.of(unknown[0][:100], "there is no such parameter here; there is dryRun, true or false")
    with place.db.reading() as session:
        story = find_story(session, caller.user_id, story_id)
        latest = session.get_one(Job, story.job_id)
        idle(session, latest.work_id)
        clips = [clip.id for clip in assets(session, StoryClip, story.id)]
    edit = make_edit(story, clips)
    order = Order(
        request=replace(story.request, script=edit.script),
        render_video=story.render_video,
        estimate={},
        series_id=story.series_id,
        webhook_url=latest.webhook_url,
        work_id=latest.work_id,
        story_id=story.id,
        base_url=base_url(request, place.settings),
    )
    order = plan_order(place, order).order
    again = seconds_again(edit, order.estimate)
    if dry_run:
        told = Remade(shots=_again(edit, clips), stages=again, credits=place.settings.credits_story)
        return Response(told, status_code=200)
    order = order._replace(estimate=dict.fromkeys(order.estimate, 0.0) | again)
    return accepted_answer(accept(place, caller.user_id, order, request_id=request_id(request)))


def _again(edit: Edit, clips: list[str]) -> list[str | None]:
    if edit.shot is None:
        return []
    return [None] if len(edit.script.shots) > len(clips) else [clips[edit.shot]]


def _index(clips: list[str], clip_id: str) -> int:
    if clip_id not in clips:
        raise NotFound(f"The story has no shot {clip_id}.")
    return clips.index(clip_id)


def _changed(shot: Shot, data: ShotChange) -> Shot:
    return replace(
        shot,
        narration=shot.narration if data.narration is None else data.narration,
        visual=shot.visual if data.visual is None else data.visual,
        camera=shot.camera if data.camera is None else data.camera,
        speaker=shot.speaker if data.speaker is None else (data.speaker or None),
    )


HANDLERS = (list_shots, change_shot, add_shot, remove_shot)
