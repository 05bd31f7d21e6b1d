"""What a worker publishes: each file under one address for as long as it is the same, and nothing once it lost its
claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from engine.findings import Finding, Review
from engine.types import Character, Item, Scene, Script, Shot
from server.jobs.accept import accept
from server.jobs.claims import Claim, ClaimLost, claim_wave
from server.jobs.control import cancel
from server.jobs.document import poll
from server.jobs.publish import publish_artefact, publish_film, publish_script
from server.media.library import path_of
from server.media.models import Media
from server.place import Place
from server.series.service import create_series, delete_series
from server.stories.models import Story, StoryCharacter, StoryClip, StoryItem
from server.wire import Artefact, Filmed, Written
from tests.server.making import a_place, an_order, submit
from tests.server.media_rooms import files_below
from tests.server.people import a_user


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = a_place(tmp_path)
    yield place
    place.close()


@pytest.fixture
def ada(place: Place) -> str:
    return a_user(place)


def begun(place: Place, ada: str) -> Claim:
    """A claimed job whose script, of two shots, is published."""
    submit(place, ada, "A fox ran.", "It saw a lamp.")
    (claim,) = claim_wave(place, "w", 1)
    script = an_order("A fox ran.", "It saw a lamp.").request.script
    assert script is not None
    publish_script(place, claim, Written(claim.job_id, script, (2.0, 3.0)))
    return claim


def made(place: Place, name: str, content: bytes) -> str:
    path = place.folders.root / name
    path.write_bytes(content)
    return str(path)


def filmed(place: Place, claim: Claim, still: bytes = b"png") -> Filmed:
    stills = tuple(made(place, f"{number}.png", still + bytes([number])) for number in range(2))
    videos = tuple(made(place, f"{number}.mp4", b"mp4" + bytes([number])) for number in range(2))
    film, audio = made(place, "film.mp4", b"film"), (made(place, "0.wav", b"wav"), None)
    read = made(place, "transcript.txt", b"A fox\n")
    return Filmed(claim.job_id, "A fox", film, 5.0, None, None, stills, videos, audio, (), {}, transcript=read)


def test_what_was_published_early_keeps_its_address_in_the_end(place: Place, ada: str) -> None:
    claim = begun(place, ada)
    whole = filmed(place, claim)
    publish_artefact(place, claim, Artefact(claim.job_id, 0, "still", whole.stills[0]))
    with place.db.reading() as session:
        early = session.scalars(select(StoryClip.image_id).where(StoryClip.order == 0)).one()
    publish_film(place, claim, whole)
    with place.db.reading() as session:
        clips = session.scalars(select(StoryClip).order_by(StoryClip.order)).all()
        assert clips[0].image_id == early
        assert [clip.status for clip in clips] == ["completed", "completed"]
        ids = [one for clip in clips for one in (clip.image_id, clip.video_id, clip.audio_id)]
        assert [one is not None for one in ids] == [True, True, True, True, True, False]
        kept = session.scalars(select(Media)).all()
        transcript = session.get_one(Media, session.scalars(select(Story.transcript_id)).one())
        assert path_of(place.folders, transcript).read_bytes() == b"A fox\n"
        assert len(files_below(place.folders.media)) == len(kept) == 7
        assert all(path_of(place.folders, media).stat().st_size == media.bytes for media in kept)


def test_a_product_is_shown_by_the_first_still_of_its_advertisement_and_people_by_those_that_they_are_in(
    place: Place, ada: str
) -> None:
    submit(place, ada, "It folds.", "Mira rides.", content_type="ad_spot")
    (claim,) = claim_wave(place, "w", 1)
    script = Script(
        title="Swift",
        characters=(Character(name="Mira", description="a rider"),),
        scenes=(Scene(description="a street"),),
        items=(Item(name="Swift", description="a bicycle"),),
        shots=(
            Shot(narration="It folds.", visual="Mira waits", beat="product"),  # a beat that shows the product alone
            Shot(narration="Mira rides.", visual="Mira on the street", beat="benefit"),
        ),
    )
    publish_script(place, claim, Written(claim.job_id, script, (2.0, 3.0)))
    for number in range(2):
        path = made(place, f"{number}.png", b"png" + bytes([number]))
        publish_artefact(place, claim, Artefact(claim.job_id, number, "still", path))
    with place.db.reading() as session:
        first, second = session.scalars(select(StoryClip.image_id).order_by(StoryClip.order))
        assert session.scalars(select(StoryItem.image_id)).one() == first
        assert session.scalars(select(StoryCharacter.image_id)).one() == second


def test_what_the_review_found_is_told_with_the_job(place: Place, ada: str) -> None:
    claim = begun(place, ada)
    found = Finding(check="frozen", sentence="shot 2 stands still", shot=1, at=2.0)
    review = Review(passed=False, checks=("frozen",), findings=(found,), figures={"seconds": 5.0})
    assert poll(place.db, ada, claim.job_id, "").review is None
    publish_film(place, claim, msgspec.structs.replace(filmed(place, claim), review=review))
    assert poll(place.db, ada, claim.job_id, "").review == review


def test_a_file_that_is_made_anew_takes_the_place_of_the_one_before(place: Place, ada: str) -> None:
    claim = begun(place, ada)
    for content in (b"one", b"two"):
        still = made(place, f"{content.decode()}.png", content)
        publish_artefact(place, claim, Artefact(claim.job_id, 0, "still", still))
    assert [path.read_bytes() for path in files_below(place.folders.media)] == [b"two"]


def test_who_has_lost_a_claim_publishes_nothing_and_leaves_no_file(place: Place, ada: str) -> None:
    claim = begun(place, ada)
    whole = filmed(place, claim)
    cancel(place, ada, claim.job_id)
    with pytest.raises(ClaimLost):
        publish_artefact(place, claim, Artefact(claim.job_id, 0, "still", whole.stills[0]))
    with pytest.raises(ClaimLost):
        publish_film(place, claim, whole)
    assert files_below(place.folders.media) == []


def test_a_story_whose_series_was_deleted_meanwhile_belongs_to_none(place: Place, ada: str) -> None:
    series = create_series(place, ada, "Foxes").id
    accept(place, ada, an_order("A fox ran.")._replace(series_id=series))
    (claim,) = claim_wave(place, "w", 1)
    delete_series(place, ada, series)
    script = an_order("A fox ran.").request.script
    assert script is not None
    publish_script(place, claim, Written(claim.job_id, script, (2.0,)))
    with place.db.reading() as session:
        assert session.scalars(select(Story.series_id)).all() == [None]
