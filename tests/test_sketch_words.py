"""What words become in a sketch: place, time, weather, and who and what is drawn, how often."""

from __future__ import annotations

import pytest

from engine.backends.image.sketch.drawings import drawing_path
from engine.backends.image.sketch.reading import known_characters, read
from engine.backends.image.sketch.rooms import rooms
from engine.backends.image.sketch.words import member_called, members_in
from engine.types import Scene
from tests.sketching import job, placed


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("crosses a bridge", "bridge"), ("waits at the train station", "station"), ("lands at the airport", "airport"),
        ("buys fruit at the market", "market"), ("stands under a waterfall", "waterfall"),
        ("lives on a space station", "space_station"), ("reads in the library", "library"),
        ("works in a hospital", "hospital"), ("learns at school", "classroom"), ("plays in the stadium", "sports"),
        ("walks through a cave", "cave"), ("lives on an island", "island"),
        ("prays in a church", "village"), ("lives in a lighthouse", "harbour"),
        ("works in an office", "office"),
        ("sleeps on a farm", "farm"), ("sees the stock market fall", "office"), ("swims underwater", "underwater"),
    ],
)  # fmt: skip
def test_common_places_are_what_they_are_called(words, place) -> None:
    assert read(job(f"A girl {words}")).place == place


def test_a_thing_without_a_drawing_is_nobody() -> None:
    asked = job("A reporter speaks", subjects=("Bad Harvests",), descriptions={"Bad Harvests": "bad harvests"})
    assert [member.word for member in read(asked).main] == ["reporter"]


def test_every_drawing_that_the_data_names_is_there() -> None:
    assert [c for c in known_characters() if drawing_path(c) is None] == []
    named = [goods for room in rooms().values() for goods, *_ in room["things"]]
    named += [c for room in rooms().values() for key in ("shelf", "shelf2") if key in room for c in room[key][3]]
    assert [c for c in named if drawing_path(c) is None] == []


@pytest.mark.parametrize(
    ("text", "place", "time", "weather"),
    [
        ("A dragon teaches a knight in the village at dusk", "village", "dusk", ""),
        ("Three mice steal cheese from the kitchen", "kitchen", "", ""),
        ("An astronaut waves on the surface of the moon", "moon", "night", ""),
        ("A mermaid swims", "underwater", "", ""),
        ("Heavy rain falls on the city at night", "city", "night", "rain"),
        ("The sun rises over the snowy peaks, sunrise", "mountains", "dawn", "snow"),
    ],
)
def test_words_become_place_time_and_weather(text, place, time, weather) -> None:
    reading = read(job(text))
    assert (reading.place, reading.time, reading.weather) == (place, time, weather)


def test_the_scene_says_where_and_the_prompt_says_who() -> None:
    reading = read(job("The fox smiles", scene=Scene(description="an old library", time_of_day="night")))
    assert (reading.place, reading.time, reading.main[0].character) == ("library", "night", "🦊")


def test_film_makers_words_name_no_things() -> None:
    assert members_in("cinematic still, shallow depth of field, soft key light, window light, eye-level portrait") == ()


def test_plurals_and_numbers_are_counted() -> None:
    assert {m.word: m.count for m in members_in("two wolves and a rabbit")} == {"wolf": 2, "rabbit": 1}
    assert members_in("three mice")[0].count == 3
    assert len(placed("three mice")) == 3


def test_a_name_is_whoever_the_script_says() -> None:
    assert member_called("Ember", "Ember flies", "dragon, small and green").character == "🐉"
    assert member_called("Mira", "Mira the fox runs").character == "🦊"
    assert member_called("Queen Ada", "").word == "queen"
    assert member_called("Bob", "Bob waits").kind == "person"


@pytest.mark.parametrize(
    ("prompt", "people"),
    [
        ("a mayor and a Mayor", ["politician"]),
        ("children in a park", ["child"] * 3),
        ("a city council votes", ["delegates"] * 3),
        ("a host talks to the camera", ["host"]),
    ],
)
def test_whoever_is_named_is_drawn_once_each(prompt: str, people: list[str]) -> None:
    assert [m.word for m in read(job(prompt)).main for _ in range(m.count) if m.kind == "person"] == people


def test_a_character_who_is_several_is_drawn_several_times() -> None:
    asked = job("Children play", subjects=("Children",), descriptions={"Children": "children"})
    assert [m.count for m in read(asked).main] == [3]


def test_animals_are_animals_and_not_somebody() -> None:
    main = read(job("Animals meet", scene=Scene(description="a forest"))).main
    assert len(main) == 3 and all(m.kind != "person" and m.alive for m in main)


def test_no_boat_lies_on_a_street() -> None:
    street = Scene(description="a city street")
    assert not any(m.boat for m in read(job("a boat and a girl", scene=street)).main)
    alone = read(job("a boat", scene=street))
    assert alone.place == "harbour" and alone.main[0].boat


def test_one_being_with_two_names_is_drawn_once_and_two_beings_twice() -> None:
    def people(**called: str) -> list[str]:
        names = tuple(name.replace("_", " ") for name in called)
        asked = job("they meet", subjects=names, descriptions=dict(zip(names, called.values(), strict=True)))
        return [m.name for m in read(asked).main]

    assert people(Brave_Little_Girl="a brave little girl", Brave_Girl="brave girl") == ["Brave Little Girl"]
    assert people(Girl="a girl", Brave_Girl="a brave girl") == ["Girl"]
    assert people(Old_Fox="an old fox", Young_Fox="a young fox") == ["Old Fox", "Young Fox"]
    assert people(Ada="a girl", Mia="a girl") == ["Ada", "Mia"]


@pytest.mark.parametrize("word", ["water", "bicycle", "smoking", "littering", "phone", "entry"])
def test_a_word_is_never_drawn_as_the_sign_that_forbids_it(word: str) -> None:
    drawn = {member.character for member in members_in(word)}
    assert not drawn & {"🚱", "🚰", "🚳", "🚭", "🚯", "📵", "⛔", "🚫"}
