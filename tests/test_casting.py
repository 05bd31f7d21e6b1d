"""Whose voice each speaker has: distinct, fitting, and the same in every story."""

from __future__ import annotations

import itertools

import pytest

from engine.catalog import Limits, VoiceTraits, load_catalog
from engine.errors import BadRequest, BadScript
from engine.formats import load_format
from engine.own_script import check_script
from engine.speaking.casting import choose_voices, traits_of
from engine.types import Character, Script, Shot

STORY, NEWS, HOST = (load_format(name) for name in ("cinematic_story", "news_analysis", "persona_channel"))
MANY = Limits(voices=tuple("abcdefgh"))
MIXED = Limits(
    voices=("n", "f1", "f2", "m1", "m2", "m3"),
    voice_traits={
        "f1": VoiceTraits(gender="female"),
        "f2": VoiceTraits(gender="female", age="old"),
        "m1": VoiceTraits(gender="male"),
        "m2": VoiceTraits(gender="male", age="old"),
        "m3": VoiceTraits(gender="male", age="young"),
    },
)


def a_play(*characters: Character | str, order: tuple[str, ...] | None = None) -> Script:
    cast = tuple(c if isinstance(c, Character) else Character(name=c) for c in characters)
    speakers = order or tuple(c.name for c in cast)
    return Script(title="T", characters=cast, shots=tuple(Shot(speaker=name, narration="Yes.") for name in speakers))


def test_everybody_has_another_voice_than_the_narrator_and_than_each_other_while_there_are_some() -> None:
    cast = choose_voices(a_play(*"ABCDEFG"), STORY, MANY, None)
    assert sorted(cast.values()) == list("abcdefgh")
    assert cast[None] == "a"
    crowd = choose_voices(a_play(*(f"P{i}" for i in range(14))), STORY, MANY, None)
    counts = [list(crowd.values()).count(v) for v in "bcdefgh"]
    assert counts == [2] * 7
    assert set(choose_voices(a_play("A", "B"), STORY, Limits(voices=("a",)), None).values()) == {"a"}
    assert set(choose_voices(a_play("A", "B"), STORY, Limits(voices=("a", "b")), None).values()) == {"a", "b"}


def test_neither_the_order_of_shots_nor_that_of_characters_matters() -> None:
    first = choose_voices(a_play("Ann", "Bob", "Cleo"), STORY, MANY, None)
    for order in itertools.permutations(("Ann", "Bob", "Cleo")):
        assert choose_voices(a_play(*order, order=order[::-1]), STORY, MANY, None) == first


def test_a_character_alone_has_the_voice_of_their_name_however_it_is_spelled() -> None:
    (one, two) = (choose_voices(a_play(name), STORY, MANY, None)[name] for name in ("Zoë", "ZOË"))
    assert one == two


def test_who_has_a_voice_in_the_series_keeps_it_and_nobody_new_takes_it() -> None:
    kept = {"ann": "d", "Absent": "e"}
    cast = choose_voices(a_play("Ann", *"BCDEF"), STORY, MANY, None, kept=kept)
    assert cast["Ann"] == "d"
    assert list(cast.values()).count("d") == 1
    assert "e" not in choose_voices(a_play(*"BCDEF"), STORY, MANY, None, kept=kept).values()


def test_a_voice_that_the_model_lacks_is_chosen_anew() -> None:
    assert choose_voices(a_play("Ann"), STORY, MANY, None, kept={"Ann": "heart"})["Ann"] in MANY.voices[1:]


def test_the_scripts_own_wish_comes_first() -> None:
    script = a_play(Character(name="Ann", voice="a"), "Bob")
    cast = choose_voices(script, STORY, MANY, "b", kept={"Ann": "c"})
    assert (cast[None], cast["Ann"]) == ("b", "a")
    assert cast["Bob"] not in ("a", "b")


def test_a_description_chooses_among_voices_that_declare_how_they_sound() -> None:
    script = a_play(
        Character(name="Mab", role="queen"),
        Character(name="Tom", description="an old man with a lantern"),
        Character(name="Pip", description="a small boy"),
    )
    cast = choose_voices(script, STORY, MIXED, None)
    assert cast["Mab"] in ("f1", "f2")
    assert (cast["Tom"], cast["Pip"]) == ("m2", "m3")


@pytest.mark.parametrize(
    ("locale", "description", "gender", "age"),
    [
        ("en", "a girl who fears her father", "female", "young"),
        ("en-GB", "the woman in red; mankind", "female", ""),
        ("de", "ein alter König", "male", "old"),
        ("fr", "une vieille sorcière", "female", "old"),
        ("es", "una niña", "female", "young"),
        ("it", "il vecchio re", "male", "old"),
        ("pt", "a rainha", "female", ""),
        ("nl", "een oude vrouw", "female", "old"),
        ("pl", "the boy", "male", "young"),
        ("en", "a dragon, small and green", "", ""),
    ],
)
def test_descriptions_are_read_in_the_films_language(locale: str, description: str, gender: str, age: str) -> None:
    assert traits_of(Character(name="X", description=description), locale) == VoiceTraits(gender=gender, age=age)  # type: ignore[arg-type]


@pytest.mark.parametrize("fmt", [NEWS, HOST], ids=lambda fmt: fmt.name)
def test_a_format_with_one_voice_has_one_voice(fmt) -> None:
    assert set(choose_voices(a_play("A", "B"), fmt, MANY, None).values()) == {"a"}


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="a, b, c"):
        choose_voices(a_play("A"), STORY, MANY, "z")


def test_voices_that_the_catalogue_describes_exist() -> None:
    for spec in load_catalog().models.values():
        assert set(spec.limits.voice_traits) <= set(spec.limits.voices)


def test_two_characters_of_one_name_are_refused() -> None:
    with pytest.raises(BadScript, match=r"characters\[1\].name 'ann' is 'Ann' again"):
        check_script(a_play("Ann", "ann", order=("Ann",)))
