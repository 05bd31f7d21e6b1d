"""The form of a piece: its sections on whole bars, a chord for each stretch of them, and how full the band plays there.

Knows harmony and form, no instrument and no rhythm.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.backends.music.bed.moods import Chord, Mood
from engine.made import MusicSection
from engine.types import SectionName

BEATS_A_BAR = 4
INTENSITY: dict[SectionName, tuple[float, float]] = {
    "intro": (0.25, 0.35),
    "build": (0.5, 0.8),
    "drop": (1.0, 1.0),
    "breakdown": (0.4, 0.4),
    "outro": (0.25, 0.2),
}
"""At a section's begin and end: from which of a mood's parts play follows (see `Mood.parts`)."""

PHRASE = 4
"""Chords of a phrase."""


class Bar(NamedTuple):
    """A chord in time: its notes as `voicing` near the last one's, `bass` below; `index` counts chords from 0.

    `first` is the number of its first bar within the section; `coming` the section that begins after it, if one does;
    `level` how loud the band plays, about 1; `between` are pitch classes that may be played beside the chord's own;
    `figure`, 0 to 2, is which of its rhythms each part plays, the same in a whole piece.
    """

    start: float
    seconds: float
    beat: float
    voicing: tuple[int, ...]
    bass: int
    index: int
    level: float
    intensity: float
    first: int
    section: SectionName
    coming: SectionName | None
    between: frozenset[int]
    last: bool
    figure: int


class _Stretch(NamedTuple):
    """A section in bars of the piece."""

    name: SectionName
    start: int
    end: int


def lay_bars(
    mood: Mood, tempo: float, seconds: float, sections: Sequence[MusicSection], rng: np.random.Generator
) -> list[Bar]:
    """The chords of a piece of `seconds`. Sections begin at the bar nearest to where they are wanted; one for which no
    bar is left vanishes. The last chord is the tonic's, and rings to the end."""
    tonic = int(rng.choice(mood.tonics))
    order = rng.permutation(len(mood.progressions))
    figure = int(rng.integers(3))
    themes = [mood.progressions[order[i % len(order)]] for i in range(3)]
    home = next(chord for chord in themes[0] if chord[0] == 0)
    beat = 60 / tempo
    length = BEATS_A_BAR * beat
    count = max(1, round(seconds / length))
    bars: list[Bar] = []
    voicing = _near(themes[0][0], tonic, None)
    for stretch, following in _pairs(_stretches(sections, count, length)):
        theme = _theme(stretch.name, themes)
        at, number = stretch.start, 0
        while at < stretch.end:
            ends = min(at + mood.bars, stretch.end)
            last = ends == count
            form = themes[1] if (number // PHRASE) % 4 == 2 and theme is themes[0] else theme
            chord = home if last and count > 1 else form[number % len(form)]
            voicing = _near(chord, tonic, voicing)
            share = (at - stretch.start) / max(1, stretch.end - stretch.start - 1)
            bars.append(
                Bar(
                    start=at * length,
                    seconds=(seconds if last else ends * length) - at * length,
                    beat=beat,
                    voicing=voicing,
                    bass=into(tonic + chord[0], 36, 47),
                    index=len(bars),
                    level=_level(stretch.name, share, number, len(bars)),
                    intensity=0.0 if last and count > 1 else _intensity(stretch, share, number),
                    first=at - stretch.start,
                    section=stretch.name,
                    coming=following if ends == stretch.end else None,
                    between=_between(chord, mood.scale, tonic),
                    last=last and count > 1,
                    figure=figure,
                )
            )
            at, number = ends, number + 1
    return bars


def own_form(count: int, seconds_a_bar: float) -> tuple[MusicSection, ...]:
    """What a piece of `count` bars does where nobody says what it is for."""
    if count < 8:
        return (MusicSection(name="drop", start=0),)
    begins: dict[int, SectionName] = {0: "intro", 2: "build", 2 + max(2, count // 6): "drop"}
    if count >= 24:
        begins |= {count * 5 // 8: "breakdown", count * 6 // 8: "drop"}
    begins[count - 2] = "outro"
    return tuple(MusicSection(name=name, start=bar * seconds_a_bar) for bar, name in begins.items())


def _stretches(sections: Sequence[MusicSection], count: int, length: float) -> list[_Stretch]:
    begins: dict[int, SectionName] = {}
    for section in sections or own_form(count, length):
        bar = round(section.start / length)
        if bar < count:
            begins[bar] = section.name  # of two that fall on one bar the later one is what is heard from there on
    if 0 not in begins:
        begins[0] = "intro"
    edges = [*sorted(begins), count]
    return [_Stretch(begins[a], a, b) for a, b in pairwise(edges)]


def _pairs(stretches: Sequence[_Stretch]) -> list[tuple[_Stretch, SectionName | None]]:
    return list(zip(stretches, [*(s.name for s in stretches[1:]), None], strict=True))


def _theme(name: SectionName, themes: Sequence[Sequence[Chord]]) -> Sequence[Chord]:
    """The first theme is where the piece is at home; a build leads there from the second, a breakdown leaves it."""
    return {"build": themes[1], "breakdown": themes[2]}.get(name, themes[0])


def _intensity(stretch: _Stretch, share: float, number: int) -> float:
    begin, end = INTENSITY[stretch.name]
    full = begin + (end - begin) * share
    # A long passage at full strength lets its third phrase breathe, so that the fourth is an arrival again.
    return 0.8 if full == 1 and (number // PHRASE) % 4 == 2 else full


def _level(name: SectionName, share: float, number: int, index: int) -> float:
    level = {"intro": 0.85, "build": 0.85 + 0.15 * share, "drop": 1.0, "breakdown": 0.85, "outro": 0.8}[name]
    entering = 0.8 if index == 0 else 1.0
    return level * entering * (0.95 if (number // PHRASE) % 2 else 1.0)


def _between(chord: Chord, scale: tuple[int, ...], tonic: int) -> frozenset[int]:
    """Pitch classes of the scale that are no semitone away from a note of the chord: those would rub."""
    tones = {(tonic + semitone) % 12 for semitone in chord}
    free = {(tonic + semitone) % 12 for semitone in scale}
    return frozenset(p for p in free if p in tones or not {(p - 1) % 12, (p + 1) % 12} & tones)


def _near(chord: Chord, tonic: int, last: tuple[int, ...] | None) -> tuple[int, ...]:
    """The chord's notes in the inversion that moves least from `last`, around middle C: no voice leaps."""
    classes = sorted({(tonic + semitone) % 12 for semitone in chord})
    best: tuple[float, tuple[int, ...]] | None = None
    for turn in range(len(classes)):
        turned = classes[turn:] + classes[:turn]
        for base in (48, 60):
            notes, at = [], base
            for pitch_class in turned:
                at += (pitch_class - at) % 12
                notes.append(at)
            middle = sum(notes) / len(notes)
            cost = abs(middle - 62) * 0.5
            cost += sum(1.5 for a, b in pairwise(notes) if b - a == 1)  # seconds that low sound like mud
            if last is not None:
                cost += sum(min(abs(note - other) for other in last) for note in notes) / len(notes)
                cost += abs(notes[-1] - last[-1]) * 0.3
            if best is None or cost < best[0]:
                best = (cost, tuple(notes))
    assert best is not None
    return best[1]


def into(pitch: int, low: int, high: int) -> int:
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch
