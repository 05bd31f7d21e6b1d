"""Series and their characters: one name, one picture, one owner; on each database."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select

from engine.errors import BadRequest
from server.errors import BadInput, NotFound, Unavailable
from server.ids import cuid
from server.media.library import path_of
from server.media.models import Media
from server.place import Place
from server.series import service
from server.series.models import Series, SeriesCharacter
from server.series.service import ensure_character_image, references
from server.series.sound import keep_voices, sound_of
from server.stories.models import Story, StoryCharacter
from tests.server.media_rooms import a_story, data_url, files_below, gives, picture, web_server
from tests.server.people import a_user, place_on

pytest_plugins = ["tests.server.databases"]

TEAL, RED = data_url(picture()), data_url(picture(colour="red"))


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


def colours(place: Place, series_id: str) -> dict[str, object]:
    with place.db.reading() as session:
        found = references(session, place.folders, series_id)
    return {name: Image.open(path).getpixel((1, 1)) for name, path in found.items()}


def test_a_series_that_does_not_exist_yet_is_created_with_its_first_character(place: Place, user: str) -> None:
    series_id = cuid()
    character, created = ensure_character_image(place, user, series_id, "Chef Axon", TEAL)
    assert created
    assert (character.series_id, character.name) == (series_id, "Chef Axon")
    assert colours(place, series_id) == {"Chef Axon": (0, 128, 128)}
    with place.db.reading() as session:
        assert service.find_series(session, user, series_id).title == ""


def test_the_same_again_changes_nothing(place: Place, user: str) -> None:
    series_id = cuid()
    first, _ = ensure_character_image(place, user, series_id, "Chef Axon", TEAL)
    again, created = ensure_character_image(place, user, series_id, "Chef Axon", TEAL)
    assert not created
    assert (again.id, again.image_id, again.created_at) == (first.id, first.image_id, first.created_at)
    assert len(files_below(place.folders.media)) == 1


def test_another_picture_takes_the_place_of_the_first_and_its_file_goes(place: Place, user: str) -> None:
    series_id = cuid()
    first, _ = ensure_character_image(place, user, series_id, "Chef Axon", TEAL)
    again, created = ensure_character_image(place, user, series_id, "Chef Axon", RED)
    assert not created
    assert again.id == first.id
    assert again.image_id != first.image_id
    assert colours(place, series_id) == {"Chef Axon": (255, 0, 0)}
    assert len(files_below(place.folders.media)) == count(place, Media) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Chef Axon", "  chef AXON\n"),
        ("Ren\u00e9", "Rene\u0301"),
        ("STRASSE", "straße"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("\u1fb3x", "\u03b1\u0345X"),
    ],
)
def test_a_name_is_the_same_however_it_is_spelt(place: Place, user: str, first: str, second: str) -> None:
    series_id = cuid()
    one, _ = ensure_character_image(place, user, series_id, first, TEAL)
    two, created = ensure_character_image(place, user, series_id, second, TEAL)
    assert (one.id, created) == (two.id, False)
    assert one.name == service.read_name(first)[0]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\0b", "a\u202eb", "a\ud800"])
def test_what_is_no_name_is_refused(place: Place, user: str, name: str) -> None:
    with pytest.raises(BadInput, match="characterName"):
        ensure_character_image(place, user, cuid(), name, TEAL)
    assert count(place, Series) == 0


@pytest.mark.parametrize(
    "series_id", ["", "series", "C" + "a" * 24, "c" * 24, "c" * 26, "../" + "c" * 22, "c" + "é" * 24]
)
def test_what_is_no_id_is_refused(place: Place, user: str, series_id: str) -> None:
    with pytest.raises(BadInput, match="seriesId"):
        ensure_character_image(place, user, series_id, "Axon", TEAL)


def test_somebody_elses_series_is_not_found_and_nothing_is_fetched_for_it(place: Place, user: str) -> None:
    series_id = cuid()
    ensure_character_image(place, user, series_id, "Axon", TEAL)

    def never(*_: object) -> bytes:
        raise AssertionError("fetched")

    with pytest.raises(NotFound):
        ensure_character_image(place, a_user(place), series_id, "Axon", RED, fetch=never)
    assert colours(place, series_id) == {"Axon": (0, 128, 128)}


def test_a_series_that_somebody_else_takes_while_the_picture_is_fetched_is_not_found(place: Place, user: str) -> None:
    series_id, other = cuid(), a_user(place)

    def slow(*_: object) -> bytes:
        ensure_character_image(place, other, series_id, "Axon", TEAL)
        return picture(colour="red")

    with pytest.raises(NotFound):
        ensure_character_image(place, user, series_id, "Axon", "http://a.example/", fetch=slow)
    assert colours(place, series_id) == {"Axon": (0, 128, 128)}


def test_what_is_no_picture_changes_nothing(place: Place, user: str) -> None:
    with pytest.raises(BadInput, match="imageUrl"):
        ensure_character_image(place, user, cuid(), "Axon", data_url(b"no picture"))
    assert (count(place, Series), count(place, Media), files_below(place.folders.media)) == (0, 0, [])


def test_calls_in_parallel_for_one_name_make_one_character(place: Place, user: str) -> None:
    series_id = cuid()
    start, done, failed = threading.Barrier(8), [], []

    def call(number: int) -> None:
        start.wait()
        try:
            done.append(ensure_character_image(place, user, series_id, "Axon", TEAL if number % 2 else RED))
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sum(created for _, created in done) == 1
    assert len({character.id for character, _ in done}) == 1
    assert count(place, SeriesCharacter) == count(place, Series) == count(place, Media) == 1
    assert len(colours(place, series_id)) == 1


def test_only_so_many_pictures_are_on_their_way_at_once(place: Place, user: str) -> None:
    together, go_on = threading.Barrier(service.RECEIVED_AT_ONCE + 1), threading.Event()

    def slow(*_: object) -> bytes:
        together.wait(60)
        go_on.wait(60)
        return picture()

    series_id, made = cuid(), []

    def call(number: int) -> None:
        made.append(ensure_character_image(place, user, series_id, f"Axon {number}", "http://a.example/", fetch=slow))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(service.RECEIVED_AT_ONCE)]
    for thread in threads:
        thread.start()
    together.wait(60)
    with pytest.raises(Unavailable) as refused:
        ensure_character_image(place, user, series_id, "One more", TEAL)
    assert refused.value.retry_after == 5
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(made) == service.RECEIVED_AT_ONCE
    ensure_character_image(place, user, series_id, "One more", TEAL)


def test_a_deleted_series_takes_its_pictures_along_and_leaves_its_stories(place: Place, user: str) -> None:
    series_id, story_id = cuid(), a_story(place, user)
    for name in ("Axon", "Brix"):
        ensure_character_image(place, user, series_id, name, TEAL)
    with place.db.writing() as session:
        story = session.get(Story, story_id)
        assert story is not None
        story.series_id = series_id
    kept = [path for path in files_below(place.folders.media) if path.suffix == ".mp4"]
    service.delete_series(place, user, series_id)
    assert (count(place, Series), count(place, SeriesCharacter), count(place, Media)) == (0, 0, 1)
    assert files_below(place.folders.media) == kept
    with place.db.reading() as session:
        story = session.get(Story, story_id)
        assert story is not None
        assert story.series_id is None
        assert references(session, place.folders, series_id) == {}
    with pytest.raises(NotFound):
        service.delete_series(place, user, series_id)


@pytest.mark.parametrize("how", ["another picture", "the series deleted"])
def test_stories_that_show_a_picture_keep_it_when_the_series_does_not(place: Place, user: str, how: str) -> None:
    series_id, stories = cuid(), [a_story(place, user), a_story(place, user)]
    shown, _ = ensure_character_image(place, user, series_id, "Axon", TEAL)
    with place.db.writing() as session:
        for number, story_id in enumerate(stories):
            session.add(
                StoryCharacter(
                    id=f"char_{number}",
                    story_id=story_id,
                    order=0,
                    name="Axon",
                    role="",
                    description="",
                    voice=None,
                    image_id=shown.image_id,
                )
            )
    if how == "another picture":
        ensure_character_image(place, user, series_id, "Axon", RED)
    else:
        service.delete_series(place, user, series_id)
    with place.db.reading() as session:
        own = [session.get_one(StoryCharacter, f"char_{number}").image_id for number in (0, 1)]
        kept = [session.get_one(Media, image_id) for image_id in own]
        assert [media.owner for media in kept] == stories
        assert [Image.open(path_of(place.folders, media)).getpixel((1, 1)) for media in kept] == [(0, 128, 128)] * 2
        assert session.get(Media, shown.image_id) is None


def test_series_are_listed_newest_first_a_page_at_a_time_each_for_its_owner(place: Place, user: str) -> None:
    made = [service.create_series(place, user, f"Series {number}").id for number in range(5)]
    service.create_series(place, a_user(place), "Another's")
    ensure_character_image(place, user, made[4], "Axon", TEAL)
    with place.db.reading() as session:
        first, total = service.list_series(session, user, 1, 2)
        last, _ = service.list_series(session, user, 3, 2)
        nothing, _ = service.list_series(session, user, 9, 2)
    assert total == 5
    assert {row.series.id for row in first} <= set(made)
    assert [row.characters for row in first if row.series.id == made[4]] in ([1], [])
    assert (len(first), len(last), nothing) == (2, 1, [])


def test_a_picture_whose_file_has_gone_is_no_reference(place: Place, user: str) -> None:
    series_id = cuid()
    ensure_character_image(place, user, series_id, "Axon", TEAL)
    files_below(place.folders.media)[0].unlink()
    assert colours(place, series_id) == {}


def test_a_picture_is_fetched_from_where_it_lies(database_url: str, tmp_path: Path) -> None:
    with web_server(gives(picture())) as port, place_on(database_url, tmp_path, allowed_fetch=("127.0.0.1",)) as place:
        user, series_id = a_user(place), cuid()
        _, created = ensure_character_image(place, user, series_id, "Axon", f"http://127.0.0.1:{port}/a.png")
        assert created
        assert colours(place, series_id) == {"Axon": (0, 128, 128)}


def test_the_first_voice_of_a_character_is_theirs_in_the_series(place: Place, user: str) -> None:
    series = service.create_series(place, user, "The wood")
    with place.db.writing() as session:
        keep_voices(session, series.id, {"Ann": "heart-low", "Bob": "heart"})
        keep_voices(session, series.id, {"ANN": "heart"})
        keep_voices(session, cuid(), {"Ann": "heart"})
    with place.db.reading() as session:
        assert sound_of(session, series.id).voices == {"Ann": "heart-low", "Bob": "heart"}
        assert sound_of(session, cuid()) == ({}, {})


def test_a_character_that_only_spoke_so_far_is_new_to_whoever_brings_their_face(place: Place, user: str) -> None:
    series = service.create_series(place, user, "The wood")
    with place.db.writing() as session:
        keep_voices(session, series.id, {"Ann": "heart"})
    assert colours(place, series.id) == {}
    character, created = ensure_character_image(place, user, series.id, "Ann", TEAL)
    assert (created, character.voice) == (True, "heart")
    assert not ensure_character_image(place, user, series.id, "Ann", RED)[1]


def test_a_series_keeps_how_words_are_said(place: Place, user: str) -> None:
    series = service.create_series(place, user, "The wood", {" Nguyen ": "win"})
    service.change_series(place, user, series.id, title="The old wood")
    with place.db.reading() as session:
        assert sound_of(session, series.id).lexicon == {"Nguyen": "win"}
    with pytest.raises(BadRequest, match="markup"):
        service.change_series(place, user, series.id, lexicon={"Nguyen": "<b>win</b>"})
    service.change_series(place, user, series.id, lexicon={})
    with place.db.reading() as session:
        assert sound_of(session, series.id).lexicon == {}
        assert service.find_series(session, user, series.id).title == "The old wood"
