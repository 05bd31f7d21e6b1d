"""What must hold of a place whatever has died there. `broken` names what does not; an empty list is good.

Each accepted job has ended; one debit, and one refund iff it did not complete; completed ⇔ a film that decodes, whose
hash and length are as recorded; no stray file or lock; events in order; one job per idempotency key; no
secret in a log.
"""

from __future__ import annotations

import fcntl
import re
from collections import Counter

from sqlalchemy import func, select

from engine.artifacts import file_hash
from engine.media import probe
from server.accounts.models import Credit, User
from server.jobs.models import ENDED, Idempotency, Job, JobEvent
from server.media.library import path_of
from server.media.models import Media
from server.place import Place
from server.stories.models import Story, StoryClip, StoryCount

TOLERANCE_SECONDS = 0.1
SECRETS = re.compile(rb"sk_live_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9+/=]{20,}")
ORDER = ("queued", "generating_story", "generating_videos", "rendering_video")


def broken(place: Place) -> list[str]:
    """Sentences about what does not hold. Call it when nothing is in the making."""
    found: list[str] = []
    with place.db.reading() as session:
        jobs = list(session.scalars(select(Job)))
        for job in jobs:
            found += _of_ledger(session, job)
            found += _of_events(session, job)
            if job.status not in ENDED:
                found.append(f"job {job.id} has not ended: it is {job.status}")
            if job.status == "completed":
                found += _of_film(place, session, job)
            if (job.lease_until, job.worker) != (None, None):
                found.append(f"job {job.id} ended and is still leased")
        found += _of_balances(session)
        found += _of_counts(session)
        keys = session.execute(select(Idempotency.user_id, Idempotency.key)).all()
        if len(set(keys)) != len(keys):
            found.append("an idempotency key has two answers")
        found += _of_files(place, session)
    return found


def _of_ledger(session, job: Job) -> list[str]:
    reasons = Counter(session.scalars(select(Credit.reason).where(Credit.job_id == job.id)))
    wanted = Counter({"debit": 1, "refund": 1} if job.status == "failed" else {"debit": 1})
    return [] if reasons == wanted else [f"job {job.id} is {job.status} and its ledger says {dict(reasons)}"]


def _of_events(session, job: Job) -> list[str]:
    events = list(session.scalars(select(JobEvent).where(JobEvent.job_id == job.id).order_by(JobEvent.seq)))
    found = []
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        found.append(f"job {job.id}: its events are not numbered from 1 without a gap")
    if job.status in ENDED and [event.kind for event in events].count("done") != 1:
        found.append(f"job {job.id} was not told to be done exactly once")
    status, progress = "queued", 0
    for event in events:
        now = event.data.get("status", status) if event.kind == "status" else status
        if now in ORDER:
            if now == "queued":
                progress = 0
            elif ORDER.index(now) < ORDER.index(status):
                found.append(f"job {job.id} went from {status} back to {now}")
            status = now
        if event.kind in ("status", "stage"):
            if event.data.get("progress", progress) < progress:
                found.append(f"job {job.id}: progress went back from {progress} to {event.data['progress']}")
            progress = event.data.get("progress", progress)
    return found


def _of_film(place: Place, session, job: Job) -> list[str]:
    story = session.get(Story, job.story_id) if job.story_id else None
    media = session.get(Media, story.film_id) if story is not None and story.film_id else None
    if story is None or media is None:
        return [f"job {job.id} completed without a film"]
    if story.job_id != job.id:
        return []  # a later job has made it anew
    found = []
    path = path_of(place.folders, media)
    if not path.is_file() or path.stat().st_size != media.bytes or file_hash(path) != media.sha256:
        return [f"the film of job {job.id} is not the one that was recorded"]
    facts = probe(path, decode=True)
    if abs(facts.seconds - (story.duration or 0)) > TOLERANCE_SECONDS:
        found.append(f"the film of job {job.id} lasts {facts.seconds} s, not {story.duration} s")
    clips = list(session.scalars(select(StoryClip).where(StoryClip.story_id == story.id)))
    if len(clips) != story.clips or any(clip.status != "completed" or clip.video_id is None for clip in clips):
        found.append(f"job {job.id} completed with clips that are not")
    return found


def _of_balances(session) -> list[str]:
    sums = dict(session.execute(select(Credit.user_id, func.sum(Credit.amount)).group_by(Credit.user_id)).all())
    return [
        f"user {user.id} has {user.balance}, and their ledger says {sums.get(user.id, 0)}"
        for user in session.scalars(select(User))
        if user.balance != sums.get(user.id, 0)
    ]


def _of_counts(session) -> list[str]:
    real = {
        (user_id, status): number
        for user_id, status, number in session.execute(
            select(Story.user_id, Story.status, func.count()).group_by(Story.user_id, Story.status)
        )
    }
    kept = {(row.user_id, row.status): row.total for row in session.scalars(select(StoryCount)) if row.total}
    return [] if real == kept else [f"stories are {real} and their counters say {kept}"]


def _of_files(place: Place, session) -> list[str]:
    found = [f"{path} was left half made" for path in place.folders.root.rglob("*.tmp-*")]
    found += [f"{path} was left" for path in place.folders.work.rglob("scratch-*")]
    rows = {path_of(place.folders, media) for media in session.scalars(select(Media))}
    there = {path for path in place.folders.media.rglob("*") if path.is_file() and ".tmp-" not in path.name}
    found += [f"{path} has a row and is not there" for path in rows - there]
    found += [f"{path} is locked" for path in place.folders.root.rglob(".lock") if _is_locked(path)]
    for log in place.folders.logs.glob("*"):
        if SECRETS.search(log.read_bytes()):
            found.append(f"{log} holds a secret")
    return found


def _is_locked(path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
