"""Written words against what a Coqui model says of them: sentences, and times. Knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import numpy as np

from engine.made import Word
from engine.speech import match_words, silences
from engine.types import Frozen

MAX_LETTERS = 200
"""XTTS is trained on up to about 250 letters at once, and VITS's attention is local: longer sentences are cut."""

SLIVER = 0.03
"""Seconds: what is shorter than a sound is not a word's beginning or end."""

CLOSERS = "\"”’')]}»"


class Group(Frozen, frozen=True):
    """A word as the model reads it: its symbols, and when they sound, in seconds."""

    text: str
    start: float
    end: float


def sentences(words: Sequence[str]) -> Iterator[list[str]]:
    """`words` in runs that end with a sentence, or where one grows too long, at a clause if there is one. None lacks a
    letter or a figure, so that each can be said."""
    run: list[str] = []
    for number, word in enumerate(words):
        run.append(word)
        rest = any(c.isalnum() for later in words[number + 1 :] for c in later)
        letters = sum(len(w) + 1 for w in run)
        ending = word.rstrip(CLOSERS)[-1:]
        full = ending in {".", "!", "?", "…", "。"} or letters >= MAX_LETTERS
        if (
            rest
            and any(c.isalnum() for w in run for c in w)
            and (full or (ending in ",;:—" and letters > MAX_LETTERS / 2))
        ):
            yield run
            run = []
    if run:
        yield run


def times_from_groups(words: Sequence[str], groups: Sequence[Group], shares: Sequence[int]) -> list[Word]:
    """When each written word sounds, given the groups that the model read; `shares` as in `match_words`."""
    placed: list[Word] = []
    for word, (first, last) in zip(words, match_words(words, [g.text for g in groups], shares), strict=True):
        before = placed[-1].end if placed else (groups[0].start if groups else 0.0)
        start, end = (groups[first].start, groups[last - 1].end) if last > first else (before, before)
        placed.append(Word(text=word, start=start, end=max(start, end)))
    return placed


def times_from_symbols(words: Sequence[str], symbols: Sequence[Group], alone: Sequence[str]) -> list[Word]:
    """When each written word sounds, given the phonemes that the model read and those of each word by itself.

    Between words there may be no blank ("of the" is read as one, "ʌvðə"), and in a sentence a word may sound otherwise
    than alone; so the two strings are laid side by side, and a word ends where its last phoneme comes to lie.
    """
    heard, expected = [symbol.text for symbol in symbols], [letter for part in alone for letter in part]
    place = [0] * len(expected) + [len(heard)]
    for _, i1, i2, j1, j2 in SequenceMatcher(None, expected, heard, autojunk=False).get_opcodes():
        for i in range(i1, i2):
            place[i] = j1 + (i - i1) * (j2 - j1) // (i2 - i1)
    placed: list[Word] = []
    last = 0
    for word, part in zip(words, alone, strict=True):
        first, last = last, last + len(part)
        a, b = place[first], place[last]
        before = placed[-1].end if placed else (symbols[0].start if symbols else 0.0)
        start, end = (symbols[a].start, symbols[b - 1].end) if b > a else (before, before)
        placed.append(Word(text=word, start=start, end=end))
    return placed


def times_by_letters(words: Sequence[str], samples: np.ndarray, rate: int) -> list[Word]:
    """An estimate for models that tell nothing: the heard stretches laid end to end, dealt out by letters and figures,
    then put back between the pauses. No word starts or ends with a sliver of a stretch."""
    quiet = silences(samples, rate)
    edges = [0, *(edge for pause in quiet for edge in pause), len(samples)]
    heard = [(a / rate, b / rate) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    heard = heard or [(0.0, len(samples) / rate)]
    weights = [sum(c.isalnum() for c in word) for word in words]
    share = sum(b - a for a, b in heard) / max(1, sum(weights))

    def start_at(position: float) -> float:
        for a, b in heard:
            if position < b - a - SLIVER:
                return a + max(0.0, position)
            position -= b - a
        return heard[-1][1]

    def end_at(position: float) -> float:
        before = heard[0][0]
        for a, b in heard:
            if position <= SLIVER:
                return before
            if position <= b - a + SLIVER:
                return min(b, a + position)
            position -= b - a
            before = b
        return before

    placed: list[Word] = []
    dealt = 0
    for word, weight in zip(words, weights, strict=True):
        start = max(start_at(dealt * share), placed[-1].end if placed else 0.0)
        dealt += weight
        placed.append(Word(text=word, start=start, end=max(start, end_at(dealt * share))))
    return placed
