"""Stories are told stage by stage; a wave opens each model once, and what is kept is never made again."""

import json
import threading
from pathlib import Path

import pytest

from engine.errors import BadRequest, Cancelled, MediaFailed, ReelhouseError
from engine.made import Film
from engine.media import probe
from engine.models import Residents
from engine.pipeline import make_stories
from engine.progress import Event
from engine.types import STAGES, StoryRequest
from tests.small_stories import LINES, small_catalog, small_request


class Room:
    """A home, a catalog and an ear."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.catalog = folder, small_catalog()
        self.events: list[Event] = []
        self.residents = Residents(self.catalog, folder / "home", vram_gb=0)
        self.cancelled = threading.Event()

    def tell(self, *requests: StoryRequest, works: list[str] | None = None) -> list[Film | ReelhouseError]:
        self.events.clear()
        folders = [self.folder / name for name in works or [f"work-{i}" for i in range(len(requests))]]
        return make_stories(
            requests,
            folders,
            home=self.folder / "home",
            catalog=self.catalog,
            on_event=self.events.append,
            cancelled=[self.cancelled] * len(requests),
            residents=self.residents,
        )

    def made(self, stage: str) -> list[int | None]:
        """The shots of that stage that were really made."""
        return [e.shot for e in self.events if e.kind == "shot" and e.stage == stage and not e.reused]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def film_of(outcome: Film | ReelhouseError) -> Film:
    assert isinstance(outcome, Film), outcome
    return outcome


def test_a_request_becomes_a_film_whose_length_is_the_sum_of_its_parts(room: Room) -> None:
    film = film_of(room.tell(small_request())[0])
    facts = probe(film.video)
    frames = sum(timing.frames for timing in film.timings)
    assert facts.frames == frames + round((film.plan.title_seconds + film.plan.end_seconds) * film.fps)
    assert facts.seconds == pytest.approx(film.seconds, abs=0.1)
    assert (facts.width, facts.height) == (film.width, film.height)
    record = json.loads(film.record.read_bytes())
    assert [shot["narration"] for shot in record["shots"]] == list(LINES)
    assert record["models"]["artist"]["family"] == "noop"
    assert all((film.record.parent / shot["video"]).is_file() for shot in record["shots"])


def test_a_wave_of_three_opens_each_model_once_and_tells_stage_by_stage(room: Room) -> None:
    requests = [small_request(f"The {word} one.", "It was good.") for word in ("first", "second", "third")]
    films = [film_of(outcome) for outcome in room.tell(*requests)]
    assert [film.script.shots[0].narration for film in films] == [r.script.shots[0].narration for r in requests]
    assert set(room.residents.loads.values()) == {1}
    painted = [i for i, e in enumerate(room.events) if e.kind == "shot" and e.stage == "stills"]
    filmed = [i for i, e in enumerate(room.events) if e.kind == "shot" and e.stage == "clips"]
    assert len(painted) == len(filmed) == 6
    assert max(painted) < min(filmed)


def test_a_wave_of_eight_loads_as_often_as_there_are_models(room: Room) -> None:
    requests = [small_request(f"Fox {number} ran.") for number in range(8)]
    films = [film_of(outcome) for outcome in room.tell(*requests)]
    used = {name for film in films for role, name in film.plan.models.items() if role != "writer"}
    assert dict(room.residents.loads) == dict.fromkeys(used, 1)


def test_a_story_that_fails_leaves_the_others_alone(room: Room) -> None:
    first, second, third = room.tell(
        small_request("One."), small_request("Two.", locale="fr"), small_request("Three.", voice="nobody")
    )
    assert isinstance(first, Film)
    assert isinstance(second, BadRequest) and second.field == "locale"
    assert isinstance(third, BadRequest) and third.field == "voice"


def test_a_story_that_fails_in_the_middle_leaves_the_others_alone_and_keeps_what_it_had(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.backends.image.noop import Quilter

    paint = Quilter.paint

    def faint(self, job, folder, **rest):
        if "cursed" in job.prompt:
            raise MediaFailed("the artist fainted")
        return paint(self, job, folder, **rest)

    monkeypatch.setattr(Quilter, "paint", faint)
    cursed = small_request("Good start.", "A cursed line.")
    failed, fine = room.tell(cursed, small_request("All is well."))
    assert isinstance(failed, MediaFailed)
    assert isinstance(fine, Film)
    monkeypatch.undo()
    film_of(room.tell(cursed)[0])
    assert room.made("stills") == [1]


def test_the_same_request_again_makes_nothing_and_opens_nothing(room: Room) -> None:
    before = film_of(room.tell(small_request())[0])
    room.residents.loads.clear()
    room.residents.close()
    again = film_of(room.tell(small_request())[0])
    assert not room.residents.loads
    for stage in ("voices", "stills", "clips", "segments"):
        assert room.made(stage) == [], stage
    assert again.video.read_bytes() == before.video.read_bytes()


def test_one_edited_line_makes_only_its_own_shot_again(room: Room) -> None:
    film_of(room.tell(small_request())[0])
    lines = list(LINES)
    lines[1] = "It found an old lamp."
    film_of(room.tell(small_request(*lines))[0])
    assert room.made("stills") == room.made("clips") == [1]
    assert len(room.made("segments")) == 1


LONG_LINE = "It saw an old lamp by the river."


@pytest.mark.parametrize("seconds", [None, 16.0])
def test_an_edited_line_that_is_longer_leaves_the_other_shots_as_long_as_they_were(
    room: Room, seconds: float | None
) -> None:
    first = film_of(room.tell(small_request(target_seconds=16.0))[0])
    assert first.pauses is not None and first.pauses.seconds == 16
    edited = small_request(LINES[0], LONG_LINE, *LINES[2:], target_seconds=seconds)
    film = film_of(room.tell(edited)[0])
    assert film.timings[1].frames > first.timings[1].frames
    assert room.made("clips") == [1]
    assert [shot for shot in room.made("segments") if shot is not None] == [1]


@pytest.mark.parametrize(
    "record", [b"", b"not JSON", b"[]", b'{"format": "news_analysis"}', b'{"pauses": {"speed": 1}}']
)
def test_a_record_that_cannot_be_read_or_is_of_another_film_does_no_harm(room: Room, record: bytes) -> None:
    first = film_of(room.tell(small_request(target_seconds=16.0))[0])
    first.record.write_bytes(record)
    again = film_of(room.tell(small_request(target_seconds=16.0))[0])
    assert again.timings == first.timings
    assert again.pauses == first.pauses


def test_a_line_taken_out_makes_no_shot_again(room: Room) -> None:
    film_of(room.tell(small_request())[0])
    film_of(room.tell(small_request(*LINES[:1], *LINES[2:]))[0])
    assert room.made("stills") == room.made("clips") == []


def test_the_same_seed_gives_the_same_film_and_another_seed_another(room: Room) -> None:
    one, two, other = (film_of(film) for film in room.tell(small_request(), small_request(), small_request(seed=8)))
    assert one.video.read_bytes() == two.video.read_bytes()
    assert one.stills[0].image.read_bytes() != other.stills[0].image.read_bytes()


def test_what_a_story_is_made_of_is_told_as_soon_as_it_exists_whether_made_or_kept(room: Room) -> None:
    for made_before in (False, True):
        film = film_of(room.tell(small_request())[0])
        shots = [event for event in room.events if event.kind == "shot" and event.stage != "review"]
        assert {event.reused for event in shots} == {made_before}
        made = {stage: [event.made for event in shots if event.stage == stage] for stage in STAGES}
        assert (tuple(made["voices"]), tuple(made["stills"]), tuple(made["clips"])) == (
            film.voices,
            film.stills,
            film.clips,
        )
        assert {segment.shot for segment in made["segments"] if segment.shot} == set(film.shots)
        assert [files.video for files in made["film"]] == [film.video]
        assert [event.made for event in room.events if event.kind == "done"] == [film]


def test_what_is_filmed_is_told_before_the_first_picture(room: Room) -> None:
    film = film_of(room.tell(small_request())[0])
    kinds = [(event.kind, event.stage) for event in room.events]
    (told,) = [event.made for event in room.events if event.kind == "script"]
    assert kinds.index(("script", "voices")) < kinds.index(("shot", "stills"))
    assert (told.script, told.voices, told.timings) == (film.script, film.voices, film.timings)
    assert told.plan.end_seconds == film.plan.end_seconds


def test_one_story_of_a_wave_is_stopped_while_the_others_go_on(room: Room) -> None:
    stops = [threading.Event() for _ in range(3)]

    def stop_the_second_at_its_second_still(event: Event) -> None:
        room.events.append(event)
        if (event.story, event.stage, event.kind, event.done) == (1, "stills", "shot", 2):
            stops[1].set()

    requests = [small_request(f"The {word} one.", *LINES) for word in ("first", "second", "third")]
    works = [room.folder / f"work-{i}" for i in range(3)]
    first, second, third = make_stories(
        requests,
        works,
        home=room.folder / "home",
        catalog=room.catalog,
        on_event=stop_the_second_at_its_second_still,
        cancelled=stops,
    )
    assert isinstance(first, Film) and isinstance(third, Film)
    assert isinstance(second, Cancelled)
    assert [event.story for event in room.events if event.kind == "failed"] == [1]
    film_of(room.tell(requests[1], works=["work-1"])[0])
    assert room.made("stills") == [2, 3, 4]


def test_cancelling_ends_every_story_and_keeps_the_finished_shots(room: Room) -> None:
    def stop_after_two_stills(event: Event) -> None:
        if event.stage == "stills" and event.kind == "shot" and event.done == 2:
            room.cancelled.set()

    outcomes = make_stories(
        [small_request()],
        [room.folder / "work-0"],
        home=room.folder / "home",
        catalog=room.catalog,
        on_event=stop_after_two_stills,
        cancelled=[room.cancelled],
    )
    assert isinstance(outcomes[0], Cancelled)
    assert not list((room.folder / "work-0").rglob("*.tmp-*"))
    room.cancelled.clear()
    film_of(room.tell(small_request())[0])
    assert room.made("stills") == [2, 3]
