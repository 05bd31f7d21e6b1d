"""What a worker publishes of a job while it is made: script, assets and files, each readable as soon as it exists.

Every function is one fenced transaction: a worker that has lost its claim publishes nothing (`ClaimLost`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.artifacts import disk_errors, file_hash
from engine.errors import ReelhouseError
from engine.types import Script
from server.clock import now
from server.fault import fault
from server.jobs.claims import Claim, ClaimLost, holding
from server.jobs.events import tell
from server.jobs.models import Job
from server.jobs.outcomes import complete
from server.jobs.progress import Progress
from server.media.library import Laid, lay, own, remove_some, take_back
from server.media.models import Media
from server.place import Place
from server.series.models import Series
from server.stories.cast import clip_at, move_picture, put_cast, put_clips, rows_of, show_in
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
            _describe(session, story, job, written.script)
            add_story(session, story)
        else:
            _describe(session, story, job, written.script)
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
    with _at_hand(place, claim, [artefact.path]) as (file,), holding(place, claim) as (session, job):
        story = session.get_one(Story, claim.work_id)
        clip = clip_at(session, story, artefact.shot)
        if clip is None or file is None:
            return
        _put_file(place, session, story, clip, artefact.kind, file)
        tell(session, job, "clip", id=clip.id, order=clip.order, status=clip.status, made=artefact.kind)
    fault("artefact-published")


def publish_film(place: Place, claim: Claim, filmed: Filmed) -> None:
    """The film, and with it the end of the job: files, state, event and webhook in one step."""
    fault("before-terminal")
    texts = (filmed.film, filmed.srt, filmed.vtt, filmed.transcript)
    shots = [*zip(filmed.stills, filmed.videos, filmed.audio, strict=True)]
    paths = [*texts, *(path for shot in shots for path in shot)]
    with _at_hand(place, claim, paths) as (film, srt, vtt, read, *files), holding(place, claim) as (session, job):
        story = session.get_one(Story, claim.work_id)
        there = {media.id: media.sha256 for media in session.scalars(select(Media).where(Media.owner == story.id))}
        for clip in rows_of(session, StoryClip, story):
            for kind, file in zip(("still", "video", "audio"), files[3 * clip.order :], strict=False):
                if file is not None and there.get(getattr(clip, ID_OF[kind])) != file.sha256:
                    _put_file(place, session, story, clip, kind, file)
            clip.status = "completed"
        story.film_id = _exchange(place, session, story, film, story.film_id)
        story.srt_id = _exchange(place, session, story, srt, story.srt_id)
        story.vtt_id = _exchange(place, session, story, vtt, story.vtt_id)
        story.transcript_id = _exchange(place, session, story, read, story.transcript_id)
        story.duration = filmed.seconds
        job.warnings = list(dict.fromkeys([*job.warnings, *filmed.warnings]))
        job.review = filmed.review
        complete(session, job)
        fault("terminal")
    fault("after-terminal")


def _describe(session: Session, story: Story, job: Job, script: Script) -> None:
    request = job.request
    series = session.get(Series, job.series_id) if job.series_id else None  # it may have been deleted meanwhile
    story.job_id, story.series_id = job.id, series and series.id
    story.title = request.title or script.title
    story.prompt, story.aspect_ratio, story.locale = request.prompt, request.aspect_ratio, request.locale
    story.content_type, story.render_video = request.content_type, job.render_video
    story.request, story.script = request, script
    story.characters, story.scenes, story.items = len(script.characters), len(script.scenes), len(script.items)
    story.clips = len(script.shots)


class File(NamedTuple):
    """A file that is to be published. `laid`: where it lies by now, None if the story had the same one before."""

    path: Path
    sha256: str
    laid: Laid | None


@contextmanager
def _at_hand(place: Place, claim: Claim, paths: Sequence[str | None]) -> Iterator[list[File | None]]:
    """These files, hashed and laid before a transaction begins: a film takes seconds, and others want to write too."""
    files: list[File | None] = []
    with place.db.reading() as session:
        known = set(session.scalars(select(Media.sha256).where(Media.owner == claim.work_id)))
    try:
        for path in map(Path, (path or "" for path in paths)):
            files.append(_file(place, path, known) if path.name else None)
        yield files
    except (ClaimLost, ReelhouseError):  # no row names them; after anything else one cannot be sure, and `gc` looks
        for file in files:
            if file is not None and file.laid is not None:
                take_back(place.folders, file.laid)
        raise


def _file(place: Place, path: Path, known: set[str]) -> File:
    with disk_errors(path):
        sha256 = file_hash(path)
    return File(path, sha256, None if sha256 in known else lay(place.folders, path, path.suffix))


ID_OF = {"still": "image_id", "video": "video_id", "audio": "audio_id"}
"""Which column of a clip holds which kind of file."""


def _put_file(place: Place, session: Session, story: Story, clip: StoryClip, kind: str, file: File) -> None:
    before = getattr(clip, ID_OF[kind])
    after = _exchange(place, session, story, file, before)
    setattr(clip, ID_OF[kind], after)
    if kind == "still":
        clip.status = "generating" if clip.status == "pending" else clip.status
        move_picture(session, story, before, after)
        show_in(session, story, clip)
    elif kind == "video":
        clip.status = "completed"


def _exchange(place: Place, session: Session, story: Story, file: File | None, old: str | None) -> str | None:
    """The public file that `file` is from now on: the one that was there, if it is the same to the byte."""
    before = session.get(Media, old) if old else None
    if file is not None and before is not None and before.sha256 == file.sha256:
        return before.id
    fresh = None
    if file is not None:
        laid = file.laid or lay(place.folders, file.path, file.path.suffix)  # the same picture in two shots
        fresh = own(session, laid, user_id=story.user_id, owner=story.id).id
    remove_some(session, place.folders, [old])
    return fresh
