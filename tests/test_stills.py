"""Stage stills: what the artist is asked for, what is kept, and what an edit costs."""

from pathlib import Path

import msgspec
import pytest
from PIL import Image

from engine.artifacts import Store
from engine.burned_captions import clear_above
from engine.catalog import load_catalog
from engine.errors import BadRequest, Cancelled, MediaFailed, OutOfMemory
from engine.formats import format_names, load_format
from engine.ladder import Ladder
from engine.machine import Machine
from engine.made import Still
from engine.progress import Control, Event
from engine.shots import pictured, still_prompt
from engine.stages.plan import make_plan
from engine.stages.stills import paint_stills
from engine.types import Character, Item, Scene, Script, Shot, StoryRequest
from tests.fake_models.pictures import FakeArtist, FakeHandle

FMT = load_format("cinematic_story")
SCRIPT = Script(
    title="The lantern",
    characters=(
        Character(name="Ember", role="dragon", description="small and green"),
        Character(name="Sir Rowan", role="knight", description="a young man in silver"),
    ),
    items=(Item(name="Brass lantern", description="old, with a blue flame"),),
    scenes=(
        Scene(description="a hill above the sea", time_of_day="dusk", weather="clear", lighting="warm"),
        Scene(description="a cave", time_of_day="night"),
    ),
    shots=(
        Shot(scene=0, narration="Ember sat and waited.", visual="Ember sits on a rock", beat="opening"),
        Shot(scene=0, narration="Then the knight came.", visual="Rowan climbs the hill", beat="trial"),
        Shot(scene=1, speaker="Ember", narration="Hold the lantern!", visual="a dark tunnel", beat="trial"),
    ),
)


def request(**fields) -> StoryRequest:
    return StoryRequest(**{"prompt": "A dragon teaches a knight", "profile": "tiny", "seed": 7, **fields})


class Studio:
    """Paints scripts into one work folder and hears what is said."""

    def __init__(self, folder: Path, artist: FakeArtist | None = None, ladder: Ladder | None = None) -> None:
        self.handle = FakeHandle(artist or FakeArtist())
        self.store, self.ladder = Store(folder / "work"), ladder
        self.events: list[Event] = []
        self.control = Control(self.events.append)

    def paint(self, script: Script = SCRIPT, **fields) -> tuple[Still, ...]:
        asked, plan = make_plan(
            request(script=script, **fields), load_catalog(), Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)
        )
        plan = msgspec.structs.replace(plan, width=224, height=128)
        return paint_stills(
            asked, plan, script, FMT, artist=self.handle, store=self.store, control=self.control, ladder=self.ladder
        )

    @property
    def jobs(self):
        return self.handle.model.jobs

    def said(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


def with_shot(number: int, **fields) -> Script:
    shots = list(SCRIPT.shots)
    shots[number] = msgspec.structs.replace(shots[number], **fields)
    return msgspec.structs.replace(SCRIPT, shots=tuple(shots))


def test_every_shot_gets_a_picture_of_the_films_size(tmp_path: Path) -> None:
    stills = Studio(tmp_path).paint()
    assert len(stills) == 3
    for still in stills:
        with Image.open(still.image) as picture:
            assert (picture.size, picture.mode) == ((224, 128), "RGB")


def test_the_artist_hears_what_is_seen_who_they_are_where_and_in_which_look(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.paint(style="watercolour", negative_prompt="text")
    first = studio.jobs[0]
    assert first.prompt.startswith("Ember sits on a rock")
    for part in ("dragon, small and green", "a hill above the sea", "dusk", "clear", "warm"):
        assert part in first.prompt
    assert first.style.startswith("watercolour") and FMT.look in first.style
    assert (first.scene, first.framing, first.negative) == (SCRIPT.scenes[0], "wide", "text")
    assert first.descriptions == {"Ember": "dragon, small and green"}


def test_subjects_are_found_by_name_by_part_of_a_name_by_speaker_and_in_the_line(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.paint()
    assert [job.subjects for job in studio.jobs] == [("Ember",), ("Sir Rowan",), ("Ember", "Brass lantern")]


def picture(path: Path, colour: str) -> Path:
    Image.new("RGB", (32, 32), colour).save(path)
    return path


def test_a_reference_reaches_the_shots_in_which_its_character_is_seen_however_the_name_is_spelled(
    tmp_path: Path,
) -> None:
    studio, red = Studio(tmp_path), picture(tmp_path / "red.png", "red")
    studio.paint(references={" EMBER": red})
    assert [job.references for job in studio.jobs] == [{"Ember": red}, {}, {"Ember": red}]


def test_another_reference_repaints_the_shots_of_its_character_and_no_other(tmp_path: Path) -> None:
    studio, face = Studio(tmp_path), picture(tmp_path / "face.png", "red")
    before = studio.paint(references={"Ember": face})
    assert studio.paint(references={"Ember": face}) == before
    picture(face, "blue")
    after = studio.paint(references={"Ember": face})
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False]


def test_an_artist_that_keeps_no_faces_is_told_of_once_and_paints_as_without_them(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeArtist(references=0))
    before = studio.paint()
    assert studio.paint(references={"Ember": picture(tmp_path / "face.png", "red")}) == before
    assert studio.said("warning") == ["fake-artist keeps no faces: the pictures of Ember are not used."]


def test_of_more_faces_than_the_artist_keeps_the_first_are_taken_and_that_is_told(tmp_path: Path) -> None:
    studio, face = Studio(tmp_path, FakeArtist(references=1)), picture(tmp_path / "face.png", "red")
    studio.paint(references={"Ember": face, "Brass lantern": face})
    assert [list(job.references) for job in studio.jobs] == [["Ember"], [], ["Ember"]]
    assert studio.said("warning") == ["fake-artist keeps 1 of the faces in a picture: in shots 3 only the first named."]


@pytest.mark.parametrize(
    "references",
    [
        {"Ember": "nothing.png"},
        {"Ember": "words.png"},
        {"": "face.png"},
        {"Ember": "face.png", "ember ": "face.png"},
        {"Ember": "huge.png"},
    ],
)
def test_references_that_no_picture_can_be_made_of_are_refused_before_anything_is_made(
    tmp_path: Path, references: dict[str, str]
) -> None:
    picture(tmp_path / "face.png", "red")
    (tmp_path / "words.png").write_text("no picture")
    Image.new("1", (9000, 1)).save(tmp_path / "huge.png")
    studio = Studio(tmp_path)
    with pytest.raises(BadRequest, match="references"):
        studio.paint(references={name: tmp_path / file for name, file in references.items()})
    assert studio.jobs == []


def test_a_second_run_paints_nothing_and_opens_no_model(tmp_path: Path) -> None:
    first, again = Studio(tmp_path), Studio(tmp_path)
    assert first.paint() == again.paint()
    assert again.handle.opened == 0 and again.jobs == []
    assert [event.reused for event in again.events if event.kind == "shot"] == [True] * 3


def test_an_edited_line_repaints_nothing_while_the_picture_stays(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.paint()
    studio.paint(with_shot(1, narration="At last somebody came."))
    assert len(studio.jobs) == 3


def test_an_edited_visual_repaints_its_own_shot_only(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    before = studio.paint()
    after = studio.paint(with_shot(1, visual="Rowan falls into the sea"))
    assert len(studio.jobs) == 4
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_a_shot_put_in_front_changes_no_other_picture(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    before = studio.paint()
    new = Shot(scene=1, narration="Long ago.", visual="stars over the cave", beat="opening")
    after = studio.paint(msgspec.structs.replace(SCRIPT, shots=(new, *SCRIPT.shots)))
    assert after[1:] == before and len(studio.jobs) == 4


def test_two_shots_alike_in_all_get_two_pictures(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    one, other = studio.paint(msgspec.structs.replace(SCRIPT, shots=(SCRIPT.shots[0],) * 2))
    assert studio.jobs[0].seed != studio.jobs[1].seed and one != other


def test_another_seed_gives_other_pictures_and_the_same_seed_the_same(tmp_path: Path) -> None:
    one, same, other = Studio(tmp_path / "a"), Studio(tmp_path / "b"), Studio(tmp_path / "c")
    one.paint(seed=1)
    same.paint(seed=1)
    other.paint(seed=2)
    seeds = [[job.seed for job in studio.jobs] for studio in (one, same, other)]
    assert seeds[0] == seeds[1]
    assert not set(seeds[0]) & set(seeds[2])


def test_an_artist_of_coarser_sizes_is_asked_for_the_next_one_and_cropped_with_a_word(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeArtist(size_step=96))
    still = studio.paint()[0]
    assert {(job.width, job.height) for job in studio.jobs} == {(288, 192)}
    with Image.open(still.image) as picture:
        assert picture.size == (224, 128)
    assert any("288×192" in message for message in studio.said("decision"))


def test_layers_are_kept_with_the_picture(tmp_path: Path) -> None:
    stills = Studio(tmp_path, FakeArtist(layers=3)).paint()
    assert all(path.is_file() and path.parent == still.image.parent for still in stills for path in still.layers)
    assert len(stills[0].layers) == 3


def test_out_of_memory_steps_down_with_a_warning_and_begins_lower_the_next_time(tmp_path: Path) -> None:
    artist, ladder = FakeArtist(fits=lambda job: job.width < 200), Ladder()
    studio = Studio(tmp_path, artist, ladder)
    stills = studio.paint()
    assert len(stills) == 3 and len(studio.said("warning")) == 3
    assert [job.memory for job in studio.jobs][:3] == [0, 1, 2]
    assert len(studio.jobs) == 4 + 2
    with Image.open(stills[0].image) as picture:
        assert picture.size == (224, 128)
    again = Studio(tmp_path, FakeArtist(), ladder)
    assert again.paint() == stills and again.jobs == []
    assert len(again.said("warning")) == 3


def test_a_degraded_picture_is_not_taken_for_a_full_one(tmp_path: Path) -> None:
    Studio(tmp_path, FakeArtist(fits=lambda job: job.width < 200)).paint()
    larger_gpu = Studio(tmp_path)
    larger_gpu.paint()
    assert len(larger_gpu.jobs) == 3 and larger_gpu.said("warning") == []


def test_an_artist_that_fits_nowhere_ends_in_its_own_error_and_leaves_nothing(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeArtist(fits=lambda job: False))
    with pytest.raises(OutOfMemory):
        studio.paint()
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]


def test_a_broken_picture_is_a_typed_error_and_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(MediaFailed, match="fake-artist"):
        Studio(tmp_path, FakeArtist(broken=True)).paint()
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]


def test_cancelling_between_two_steps_keeps_the_finished_pictures(tmp_path: Path) -> None:
    studio = Studio(tmp_path)

    def listen(event: Event) -> None:
        studio.events.append(event)
        if event.kind == "step" and event.shot == 1:
            studio.control.cancel()

    studio.control = Control(listen)
    with pytest.raises(Cancelled):
        studio.paint()
    again = Studio(tmp_path)
    again.paint()
    assert len(again.jobs) == 2


def test_progress_is_told_in_order(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.paint()
    assert (studio.events[0].kind, studio.events[0].total) == ("stage", 3)
    assert [event.done for event in studio.events if event.kind == "shot"] == [1, 2, 3]
    assert {event.shot for event in studio.events if event.kind == "step"} == {0, 1, 2}


def test_a_black_picture_is_painted_once_more_with_another_seed_and_both_takes_are_kept(tmp_path: Path) -> None:
    first = {job.seed for job in _jobs(tmp_path / "good")}
    studio = Studio(tmp_path, FakeArtist(spoils=lambda job: job.seed in list(first)[:1]))
    stills = studio.paint()
    assert len(studio.jobs) == 4 and len({job.seed for job in studio.jobs}) == 4
    assert all(still.look and still.look.light[0] > 50 for still in stills)
    (told,) = [said for said in studio.said("decision") if "nearly black" in said]
    assert told.endswith("it was painted again with another seed") and studio.said("warning") == []
    again = Studio(tmp_path)
    assert again.paint() == stills and again.handle.opened == 0


def test_a_picture_that_stays_black_is_painted_twice_and_no_more(tmp_path: Path) -> None:
    studio = Studio(tmp_path, FakeArtist(spoils=lambda job: "climbs" in job.prompt))
    stills = studio.paint()
    assert len(studio.jobs) == 4
    assert [still.look.light[0] == 0 for still in stills if still.look] == [False, True, False]


def _jobs(folder: Path):
    studio = Studio(folder)
    studio.paint()
    return studio.jobs


def test_an_advertisement_shows_its_product_in_every_picture_and_alone_where_the_beat_is_about_it() -> None:
    fmt = load_format("ad_spot")
    shots = (
        Shot(visual="Swift, a folding bicycle", narration="This is Swift.", beat="product"),
        Shot(visual="Mira", narration="It is easy to pack.", beat="benefit"),
        Shot(visual="Swift", narration="It folds in ten seconds.", beat="proof"),
        Shot(visual="Swift, medium shot", narration="Get Swift today.", beat="call to action"),
    )
    people = (Character(name="Swift", role="customer"), Character(name="Mira", role="customer"))
    bicycle = Item(name="Folding Bicycle", description="a folding bicycle")
    script = Script(title="Swift", characters=people, items=(bicycle,), shots=shots)
    seen = [[subject.name for subject in pictured(shot, script, fmt)] for shot in shots]
    assert seen == [["Folding Bicycle"], ["Mira", "Folding Bicycle"], ["Folding Bicycle"], ["Folding Bicycle"]]
    assert all("folding bicycle" in still_prompt(shot, script, fmt).lower() for shot in shots)
    alone = msgspec.structs.replace(script, characters=())
    benefit = Shot(visual="Swift", narration="It is easy to pack.", beat="benefit")
    assert still_prompt(benefit, alone, fmt).startswith("somebody with a folding bicycle")
    story = load_format("cinematic_story")
    assert [s.name for s in pictured(shots[1], script, story)] == ["Mira"]


@pytest.mark.parametrize("name", format_names())
def test_an_artist_is_told_where_captions_begin(name: str) -> None:
    fmt = load_format(name)
    assert 0.6 < clear_above(720, 1280, fmt) < 0.75
    assert 0.7 < clear_above(1280, 720, fmt) < 0.85
