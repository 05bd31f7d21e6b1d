"""What viewers can read: 17 characters a second of an alphabet, fewer of scripts whose letters say more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reading import CHARACTERS_PER_SECOND, characters, reading_seconds, reading_speed


def test_seventeen_characters_take_a_second_and_what_files_round():
    assert reading_seconds("x" * 17) == pytest.approx(1, abs=0.02)
    assert reading_speed("x" * 17, reading_seconds("x" * 17)) < CHARACTERS_PER_SECOND


def test_spaces_and_marks_of_punctuation_count():
    assert characters("How to fly.") == 11


def test_marks_on_letters_joiners_and_controls_do_not_count():
    assert characters("a\u0302\u0323") == characters("a") == 1
    assert characters("\u0915\u093f\u200d") == 1
    assert characters(" a \n\t b\u202e ") == characters("a b")


@pytest.mark.parametrize(("text", "a_second"), [("한국어", 12), ("龙教骑士", 9), ("ドラゴンが教える", 4)])
def test_east_asian_letters_are_read_at_their_own_pace(text: str, a_second: int):
    assert characters(text) / CHARACTERS_PER_SECOND == pytest.approx(len(text) / a_second)


def test_an_emoji_is_one_look():
    assert characters("🐉") == 1


def test_nothing_takes_no_time():
    assert reading_seconds(" ") == 0 and reading_speed("", 0) == 0


@given(st.lists(st.text(max_size=12), max_size=8), st.integers(0, 8))
def test_the_parts_of_a_text_never_take_longer_than_the_whole(words: list[str], cut: int):
    parts = reading_seconds(" ".join(words[:cut])) + reading_seconds(" ".join(words[cut:]))
    assert parts <= reading_seconds(" ".join(words)) + 1e-9
