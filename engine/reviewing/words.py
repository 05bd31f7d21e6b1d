"""Captions as a reader meets them: short enough, slow enough, inside the film, in step with what is said."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pysubs2
from pysubs2.exceptions import Pysubs2Error

from engine.captions import shot_words
from engine.errors import MediaFailed
from engine.findings import Finding
from engine.made import Timing, Voice
from engine.reading import CHARACTERS_PER_SECOND, reading_speed
from engine.types import Script
from engine.typeset import columns

LETTERS, LINES = 42, 2
"""Latin letters a line, lines a caption: what players and broadcasters agree on."""
LATE, EARLY = 0.5, 1.0
"""Seconds that a caption may come after, and before, its first word is heard."""
ROUNDING = 0.05
"""Times in files are whole milliseconds, and the film's end is a whole frame."""


class Caption(NamedTuple):
    """Shown from `start` to `end` in film time."""

    start: float
    end: float
    lines: tuple[str, ...]


class Said(NamedTuple):
    """A word of a shot, and when it is heard in the film."""

    shot: int
    text: str
    start: float


def read_captions(path: Path) -> list[Caption]:
    """The captions of an SRT or WebVTT file. Raises `MediaFailed` if it is none."""
    try:
        file = pysubs2.load(str(path), encoding="utf-8", keep_unknown_html_tags=True)
    except (OSError, ValueError, Pysubs2Error) as error:
        raise MediaFailed(f"{path.name} cannot be read as captions ({error}): make it again.") from error
    return [
        Caption(event.start / 1000, event.end / 1000, tuple(event.text.replace("\u2060", "").split("\\N")))
        for event in file
        if not event.is_comment
    ]


def words_said(script: Script, voices: Sequence[Voice], timings: Sequence[Timing], fps: int) -> list[Said]:
    """Every word of the film, in order; those of lines that nobody speaks are spread over their shot."""
    return [
        Said(number, word.text, timing.start + word.start)
        for number, (shot, voice, timing) in enumerate(zip(script.shots, voices, timings, strict=True))
        for word in shot_words(shot.narration, voice, timing, fps)
    ]


def judge_captions(captions: Sequence[Caption], seconds: float, said: Sequence[Said]) -> Iterator[Finding]:
    """Of a film that lasts `seconds`. Each kind of fault is told once, at its worst."""
    yield from _shape(captions)
    yield from _times(captions, seconds)
    yield from _in_step(captions, said)


def _shape(captions: Sequence[Caption]) -> Iterator[Finding]:
    widest = max(captions, key=lambda one: max(map(columns, one.lines)), default=None)
    if widest is not None and (letters := max(map(columns, widest.lines))) > LETTERS:
        yield _finding(f"a caption's line has {letters:g} letters, more than {LETTERS}", widest, letters, LETTERS)
    tallest = max(captions, key=lambda one: len(one.lines), default=None)
    if tallest is not None and len(tallest.lines) > LINES:
        yield _finding(
            f"a caption has {len(tallest.lines)} lines, more than {LINES}", tallest, len(tallest.lines), LINES
        )
    fastest = max(captions, key=letters_a_second, default=None)
    if fastest is not None and (rate := letters_a_second(fastest)) > CHARACTERS_PER_SECOND + ROUNDING:
        limit = CHARACTERS_PER_SECOND
        yield _finding(
            f"a caption is to be read at {rate:.1f} letters a second, more than {limit}", fastest, rate, limit
        )


def letters_a_second(caption: Caption) -> float:
    return reading_speed(" ".join(caption.lines), caption.end - caption.start)


def _times(captions: Sequence[Caption], seconds: float) -> Iterator[Finding]:
    for caption in captions:
        if caption.end <= caption.start:
            yield _finding("a caption ends before it begins", caption, caption.end, caption.start)
            return
    for before, after in pairwise(captions):
        if after.start < before.end - ROUNDING:
            yield _finding("two captions are shown at once", after, after.start, before.end)
            break
    last = max(captions, key=lambda one: one.end, default=None)
    if last is not None and last.end > seconds + ROUNDING:
        yield _finding("a caption is shown after the film's end", last, last.end, seconds)


def _in_step(captions: Sequence[Caption], said: Sequence[Said]) -> Iterator[Finding]:
    """Captions say all that is said, in order, so the first letter of each tells its word, and that its time."""
    starts = [(word.start, word.shot, letter) for word in said for letter in _letters(word.text)]
    at, worst = 0, None
    for caption in captions:
        letters = _letters("".join(caption.lines))
        if letters != "".join(letter for _, _, letter in starts[at : at + len(letters)]):
            shot = starts[at][1] if at < len(starts) else None
            yield _finding("a caption says something else than is said", caption, None, None, shot)
            return
        if letters:
            off = caption.start - starts[at][0]
            if (off > LATE or off < -EARLY) and (worst is None or abs(off) > abs(worst[1])):
                worst = caption, off, starts[at][1]
        at += len(letters)
    if worst is not None:
        caption, off, shot = worst
        word, limit = ("after", LATE) if off > 0 else ("before", EARLY)
        yield _finding(f"a caption comes {abs(off):.1f} s {word} its words", caption, off, limit, shot)
    if at < len(starts):
        missing = starts[at]
        sentence = "what is said from here on has no captions"
        yield Finding(check="captions", shot=missing[1], at=round(missing[0], 3), sentence=sentence)


def _letters(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def _finding(
    sentence: str, caption: Caption, measured: float | None, limit: float | None, shot: int | None = None
) -> Finding:
    rounded = None if measured is None else round(measured, 2)
    at = round(caption.start, 3)
    return Finding(check="captions", shot=shot, at=at, measured=rounded, limit=limit, sentence=sentence)
