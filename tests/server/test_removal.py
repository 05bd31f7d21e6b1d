"""What is removed goes whole, what is old goes by itself, and nothing of a job that is not over ever goes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.accounts.models import Login
from server.clock import DAY, HOUR, now
from server.errors import Conflict, NotFound
from server.ids import cuid
from server.jobs.models import Delivery, Idempotency, Job, JobEvent
from server.media.library import path_of
from server.media.models import Media
from server.place import Place
from server.stories.models import Story, StoryCharacter, StoryCount
from server.stories.removal import delete_old_stories, delete_story
from server.sweep import Freed, sweep
from tests.server.media_rooms import a_file, a_job, a_story, files_below
from tests.server.people import a_user, place_on

pytest_plugins = ["tests.server.databases"]

ACTIVE = ["queued", "generating_story", "generating_videos", "rendering_video"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    with place_on(database_url, tmp_path) as place:
        yield place


@pytest.fixture
def user(place: Place) -> str:
    return a_user(place)


def count(place: Place, table: type) -> int:
    with place.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def add(place: Place, *rows: object) -> None:
    with place.db.writing() as session:
        session.add_all(rows)


# ---- a story --------------------------------------------------------------------------------------------------------


def test_a_deleted_story_leaves_no_row_no_file_and_no_work_folder(place: Place, user: str) -> None:
    story_id, other = a_story(place, user), a_story(place, user)
    add(
        place,
        StoryCharacter(id="char_1", story_id=story_id, order=0, name="Axon", role="", description="", voice=None),
    )
    before = len(files_below(place.folders.media))
    assert delete_story(place, user, story_id) == 400 + 5
    assert (count(place, Story), count(place, StoryCharacter), count(place, Media)) == (1, 0, 1)
    assert len(files_below(place.folders.media)) == before - 1
    assert [folder.name for folder in place.folders.work.iterdir()] == [other]
    with place.db.reading() as session:
        assert session.scalar(select(StoryCount.total).where(StoryCount.status == "completed")) == 1
        (job,) = session.scalars(select(Job).where(Job.work_id == story_id))
        assert (job.status, job.story_id) == ("completed", None)
    with pytest.raises(NotFound):
        delete_story(place, user, story_id)


def test_another_owners_story_is_not_found(place: Place, user: str) -> None:
    story_id = a_story(place, user)
    with pytest.raises(NotFound):
        delete_story(place, a_user(place), story_id)
    assert delete_story(place, None, story_id) > 0


@pytest.mark.parametrize("status", ACTIVE)
def test_a_story_stays_whole_while_one_of_its_jobs_is_not_over(place: Place, user: str, status: str) -> None:
    story_id = a_story(place, user)
    a_job(place, user, story_id, status, story_id=story_id)
    files = files_below(place.folders.root)
    with pytest.raises(Conflict, match="cancel it"):
        delete_story(place, user, story_id)
    assert count(place, Story) == 1
    assert [path for path in files if not path.exists() and "app.db" not in path.name] == []


# ---- retention ------------------------------------------------------------------------------------------------------


def test_stories_past_their_time_go_and_younger_and_active_ones_stay(database_url: str, tmp_path: Path) -> None:
    with place_on(database_url, tmp_path, retain_days=7.0) as place:
        user = a_user(place)
        old, active, young = (a_story(place, user, created_at=now() - days * DAY) for days in (8, 8, 6))
        a_job(place, user, active, "rendering_video")
        assert delete_old_stories(place, dry_run=True) == (1, 0)
        assert count(place, Story) == 3
        assert delete_old_stories(place) == (1, 405)
        with place.db.reading() as session:
            assert set(session.scalars(select(Story.id))) == {active, young}
        assert not (place.folders.work / old).exists()


def test_without_a_limit_films_are_kept_for_ever(place: Place, user: str) -> None:
    a_story(place, user, created_at=1)
    assert delete_old_stories(place) == (0, 0)


# ---- the sweep ------------------------------------------------------------------------------------------------------


def later(place: Place, hours: float = 2) -> Freed:
    return sweep(place, moment=now() + int(hours * HOUR))


def test_there_is_nothing_to_sweep_where_all_is_well(place: Place, user: str) -> None:
    a_story(place, user)
    a_file(place, user, "char_1", b"picture", ".png")
    files = files_below(place.folders.media) + files_below(place.folders.work)
    assert later(place, hours=24 * 365) == Freed(dry_run=False)
    assert files_below(place.folders.media) + files_below(place.folders.work) == files


def test_files_without_a_row_go_after_an_hour_and_not_before(place: Place, user: str) -> None:
    kept, orphan = a_file(place, user, "story", b"kept"), a_file(place, user, "story", b"orphan")
    with place.db.writing() as session:
        session.delete(session.get_one(Media, orphan.id))
    half = place.folders.media / "aa" / ".aaaa.mp4.tmp-1234"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    scratch = place.folders.media / ".tmp-abc"
    scratch.mkdir()
    (scratch / "picture.png").write_bytes(b"picture")
    assert sweep(place) == Freed(dry_run=False)
    expected = Freed(dry_run=True, media_files=3, media_bytes=6 + 4 + 7)
    assert sweep(place, dry_run=True, moment=now() + 2 * HOUR) == expected
    assert path_of(place.folders, orphan).exists()
    assert later(place) == Freed(dry_run=False, media_files=3, media_bytes=17)
    assert files_below(place.folders.media) == [path_of(place.folders, kept)]
    assert not scratch.exists()


def test_a_file_linked_just_now_is_young_however_old_its_source_is(place: Place, user: str) -> None:
    source = place.folders.work / "film.mp4"
    source.write_bytes(b"film")
    os.utime(source, (1, 1))
    link = place.folders.media / "aa" / ("a" * 31 + ".mp4")
    link.parent.mkdir()
    link.hardlink_to(source)
    assert sweep(place).media_files == 0
    assert link.exists()


def test_rows_whose_file_is_gone_or_cut_off_are_reported_and_left_alone(place: Place, user: str) -> None:
    gone, cut, _ = (a_file(place, user, "story", b"film") for _ in range(3))
    path_of(place.folders, gone).unlink()
    os.truncate(path_of(place.folders, cut), 2)
    assert sorted(later(place).missing_files) == sorted(f"{media.id}.mp4" for media in (gone, cut))
    assert count(place, Media) == 3


def a_work_folder(place: Place, work_id: str) -> Path:
    folder = place.folders.work / work_id
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"12345")
    return folder


def test_work_folders_that_nobody_can_use_any_more_go(place: Place, user: str) -> None:
    nobodys, deleted, forgotten, recent, foreign = cuid(), cuid(), cuid(), cuid(), "not-ours"
    a_job(place, user, deleted, "completed", completed_at=now())
    a_job(place, user, forgotten, "failed", completed_at=now() - 31 * DAY)
    a_job(place, user, recent, "failed", completed_at=now() - DAY)
    active = [cuid() for _ in ACTIVE]
    for work_id, status in zip(active, ACTIVE, strict=True):
        a_job(place, user, work_id, status, created_at=now() - 90 * DAY)
    for work_id in (nobodys, deleted, forgotten, recent, foreign, ".removed-1", *active):
        a_work_folder(place, work_id)
    assert sweep(place).work_folders == 1  # what was being removed; all others are younger than an hour
    assert later(place) == Freed(dry_run=False, work_folders=3, work_bytes=15)
    assert {folder.name for folder in place.folders.work.iterdir()} == {recent, foreign, *active}


def test_expired_rows_go(place: Place, user: str) -> None:
    moment = now()
    old = a_job(place, user, cuid(), "completed", completed_at=moment - 31 * DAY)
    recent = a_job(place, user, cuid(), "failed", completed_at=moment - 29 * DAY)
    running = a_job(place, user, cuid(), "rendering_video", created_at=moment - 90 * DAY)
    for job_id in (old, recent, running):
        add(place, JobEvent(job_id=job_id, seq=1, kind="status", data={}, created_at=moment - 90 * DAY))
    for age in (23, 25):
        kept = {"key": str(age), "request_hash": "", "job_id": recent, "created_at": moment - age * HOUR}
        add(place, Idempotency(id=cuid(), user_id=user, **kept))
    for number, next_at in enumerate((None, moment)):  # one is settled, one still owed
        told = {"kind": "story.completed", "url": "http://ear", "body": "{}", "created_at": moment - 31 * DAY}
        add(place, Delivery(id=f"msg_{number}", user_id=user, job_id=old, next_at=next_at, **told))
    for number, (began, seen) in enumerate([(1, 1), (90, 1), (1, 90 * 24)]):
        add(
            place,
            Login(
                id_hash=str(number),
                user_id=user,
                csrf_token="",
                created_at=moment - began * DAY,
                seen_at=moment - seen * HOUR,
            ),
        )
    expected = Freed(dry_run=True, idempotency_keys=1, job_events=1, deliveries=1, logins=2)
    assert sweep(place, dry_run=True) == expected
    assert count(place, JobEvent) == 3
    assert sweep(place) == Freed(dry_run=False, idempotency_keys=1, job_events=1, deliveries=1, logins=2)
    with place.db.reading() as session:
        assert set(session.scalars(select(JobEvent.job_id))) == {recent, running}
        assert session.scalars(select(Idempotency.key)).all() == ["23"]
        assert session.scalars(select(Login.id_hash)).all() == ["0"]
    assert sweep(place) == Freed(dry_run=False)
