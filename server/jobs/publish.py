"""What a worker publishes of a job while it is made: script, assets and files, each readable as soon as it exists.

Every function is one fenced transaction: a worker that has lost its claim publishes nothing (`ClaimLost`).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from engine.artifacts import file_hash
from engine.types import Script
from server.clock import now
from server.fault import fault
from server.jobs.claims import Claim, holding
from server.jobs.events import tell
from server.jobs.models import Job
from server.jobs.outcomes import complete
from server.jobs.progress import Progress
from server.media.library import keep, remove_some
from server.media.models import Media
from server.place import Place
from server.stories.cast import clip_at, move_picture, put_cast, put_clips, show_in
from server.stories.models import Story, StoryClip
from server.stories.writing import add_story, set_status
from server.wire import Artefact, Filmed, Written


def publish_progress(place: Place, claim: Claim, progress: Progress) -> None:
    with holding(place, claim) as (session, job):
        job.eta_seconds = progress.eta_seconds
        job.progress = max(job.progress, progress.percent)
        if progress.stage != job.stage:
            job.stage = progress.stage
            tell(session, job, "stage", stage=job.stage, progress=job.progress, etaSeconds=job.eta_seconds)
        if progress.status != job.status:
            job.status = progress.status
            tell(session, job, "status", status=job.status, progress=job.progress)
            story = session.get(Story, job.story_id) if job.story_id else None
            if story is not None and story.job_id == job.id:
                set_status(session, story, job.status)


def publish_warning(place: Place, claim: Claim, message: str) -> None:
    with holding(place, claim) as (session, job):
        if message not in job.warnings:
            job.warnings = [*job.warnings, message]
            tell(session, job, "warning", message=message)


def publish_script(place: Place, claim: Claim, written: Written) -> None:
    """From here on the story exists."""
    with holding(place, claim) as (session, job):
        story = session.get(Story, claim.work_id)
        if story is None:
            story = Story(id=claim.work_id, user_id=job.user_id, status=job.status, created_at=now())
            _describe(story, job, written.script)
            add_story(session, story)
        else:
            _describe(story, job, written.script)
            set_status(session, story, job.status)
        put_cast(session, story, written.script, written.voices)
        for gone in put_clips(session, story, written.script, written.seconds):
            move_picture(session, story, gone.image_id, None)
            remove_some(session, place.folders, [gone.image_id, gone.video_id, gone.audio_id])
        job.story_id = story.id
        tell(session, job, "status", status=job.status, progress=job.progress, storyId=story.id)
    fault("script-published")


def publish_artefact(place: Place, claim: Claim, artefact: Artefact) -> None:
    """A still, a shot with its narration (`video`) or a narration alone (`audio`)."""
    with holding(place, claim) as (session, job):
        story = session.get_one(Story, claim.work_id)
        clip = clip_at(session, story, artefact.shot)
        if clip is None:
            return
        _put_file(place, session, story, clip, artefact.kind, artefact.path)
        tell(session, job, "clip", id=clip.id, order=clip.order, status=clip.status, made=artefact.kind)
    fault("artefact-published")


def publish_film(place: Place, claim: Claim, filmed: Filmed) -> None:
    """The film, and with it the end of the job: files, state, event and webhook in one step."""
    fault("before-terminal")
    with holding(place, claim) as (session, job):
        story = session.get_one(Story, claim.work_id)
        for order, paths in enumerate(zip(filmed.stills, filmed.videos, filmed.audio, strict=True)):
            clip = clip_at(session, story, order)
            for kind, path in zip(("still", "video", "audio"), paths, strict=True):
                if clip is not None and path is not None:
                    _put_file(place, session, story, clip, kind, path)
        story.film_id = _exchange(place, session, story, filmed.film, story.film_id)
        story.srt_id = _exchange(place, session, story, filmed.srt, story.srt_id)
        story.vtt_id = _exchange(place, session, story, filmed.vtt, story.vtt_id)
        story.duration = filmed.seconds
        job.warnings = list(dict.fromkeys([*job.warnings, *filmed.warnings]))
        complete(session, job)
        fault("terminal")
    fault("after-terminal")


def _describe(story: Story, job: Job, script: Script) -> None:
    request = job.request
    story.job_id, story.series_id = job.id, job.series_id
    story.title = request.title or script.title
    story.prompt, story.aspect_ratio, story.locale = request.prompt, request.aspect_ratio, request.locale
    story.content_type, story.render_video = request.content_type, job.render_video
    story.request, story.script = request, script
    story.characters, story.scenes, story.items = len(script.characters), len(script.scenes), len(script.items)
    story.clips = len(script.shots)


def _put_file(place: Place, session: Session, story: Story, clip: StoryClip, kind: str, path: str) -> None:
    if kind == "still":
        before, clip.image_id = clip.image_id, _exchange(place, session, story, path, clip.image_id)
        clip.status = "generating" if clip.status == "pending" else clip.status
        move_picture(session, story, before, clip.image_id)
        show_in(session, story, clip)
    elif kind == "audio":
        clip.audio_id = _exchange(place, session, story, path, clip.audio_id)
    else:
        clip.video_id = _exchange(place, session, story, path, clip.video_id)
        clip.status = "completed"


def _exchange(place: Place, session: Session, story: Story, path: str | None, old: str | None) -> str | None:
    """The public file that `path` is from now on: the one that was there, if it is the same to the byte."""
    before = session.get(Media, old) if old else None
    if path is not None and before is not None and before.sha256 == file_hash(Path(path)):
        return before.id
    fresh = None
    if path is not None:
        made = Path(path)
        fresh = keep(session, place.folders, made, user_id=story.user_id, owner=story.id, suffix=made.suffix).id
    remove_some(session, place.folders, [old])
    return fresh
