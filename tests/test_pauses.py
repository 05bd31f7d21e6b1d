"""How long a line pauses at its marks, and that the times of its words follow."""

from __future__ import annotations

import numpy as np
import pytest

from engine.formats import format_names, load_format
from engine.made import Word
from engine.speech import LONGEST_PAUSE, LONGEST_PLAIN, LONGEST_WANTED, silences, tighten, wanted_pauses

RATE = 8000


def a_line(*gaps: float) -> tuple[np.ndarray, list[Word]]:
    """Words of 0.3 s of noise with so many seconds of near silence after each but the last."""
    noise = np.random.default_rng(3)
    pieces, words, at = [], [], 0.0
    for gap in (*gaps, 0.0):
        pieces += [noise.normal(0, 0.2, round(0.3 * RATE)), noise.normal(0, 1e-5, round(gap * RATE))]
        words.append(Word(text="word", start=at, end=at + 0.3))
        at += 0.3 + gap
    return np.concatenate(pieces).astype(np.float32), words


def gaps_of(samples: np.ndarray) -> list[float]:
    return [(b - a) / RATE for a, b in silences(samples, RATE) if a > 0 and b < len(samples)]


def test_each_mark_has_its_own_pause_and_stronger_ones_longer() -> None:
    comma, colon, semicolon, stop, trailing, ellipsis = wanted_pauses("a, b: c; d. e… f... g")[:6]
    assert 0 < comma < colon < semicolon < stop < trailing == ellipsis
    assert wanted_pauses("one two—three") == (0.0, 0.0)
    assert wanted_pauses('He said "no." Then') == (0.0, 0.0, stop, 0.0)
    assert wanted_pauses("End.\n\nNew")[0] > stop == wanted_pauses("End.\nNew")[0]


@pytest.mark.parametrize("gap", [0.1, 0.3, 0.9])
@pytest.mark.parametrize(("mark", "seconds"), [(",", 0.18), (".", 0.42), ("…", 0.48)])
def test_a_pause_becomes_as_long_as_its_mark_asks_for(gap: float, mark: str, seconds: float) -> None:
    samples, words = a_line(gap)
    kept, heard = tighten(samples, RATE, words, wanted_pauses(f"word{mark} word"))
    assert gaps_of(kept) == [pytest.approx(seconds, abs=0.02)]
    assert heard[1].start - heard[0].end == pytest.approx(seconds, abs=0.03)
    assert heard[1].end == pytest.approx(len(kept) / RATE, abs=0.09)


def test_a_pause_without_a_mark_is_bounded_and_never_made_longer() -> None:
    for gap, kept_gap in ((0.1, 0.1), (0.9, LONGEST_PLAIN)):
        samples, words = a_line(gap)
        kept, _ = tighten(samples, RATE, words, wanted_pauses("word word"))
        assert gaps_of(kept) == [pytest.approx(kept_gap, abs=0.02)]
    samples, words = a_line(0.9)
    assert gaps_of(tighten(samples, RATE, words)[0]) == [pytest.approx(LONGEST_PAUSE, abs=0.02)]


def test_a_dash_that_stands_alone_counts_for_the_word_before_it() -> None:
    samples, (first, last) = a_line(0.1)
    dash = Word(text="—", start=first.end, end=first.end)
    kept, heard = tighten(samples, RATE, [first, dash, last], wanted_pauses("word — word"))
    assert gaps_of(kept) == [pytest.approx(0.28, abs=0.02)]
    assert [word.text for word in heard] == ["word", "—", "word"]
    assert heard[1].start == heard[1].end == heard[0].end


def test_several_pauses_move_the_words_behind_them_together() -> None:
    samples, words = a_line(0.1, 0.7, 0.1)
    kept, heard = tighten(samples, RATE, words, wanted_pauses("word. word, word; word"))
    assert gaps_of(kept) == [pytest.approx(seconds, abs=0.02) for seconds in (0.42, 0.18, 0.3)]
    assert [w.end - w.start for w in heard] == [pytest.approx(0.3, abs=0.03)] * 4


@pytest.mark.parametrize("name", format_names())
def test_no_format_pauses_so_long_that_the_review_hears_a_hole(name: str) -> None:
    scale = load_format(name).pacing.pauses
    assert 0.5 <= scale <= 1.5
    assert max(wanted_pauses("word.\n\nword", scale / 0.7)) <= LONGEST_WANTED < 0.8


def test_news_are_brisker_than_a_story() -> None:
    assert load_format("news_analysis").pacing.pauses < 1 < load_format("cinematic_story").pacing.pauses
