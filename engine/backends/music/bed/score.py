"""What is played: a mood is a key, chord progressions and parts; a score is their notes in seconds. Makes no sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.types import Frozen

BEATS_A_BAR = 4


class Note(NamedTuple):
    """`start` and `seconds` in time, `pitch` a MIDI number, `gain` linear, `pan` -1 to 1, `space` its share of room."""

    start: float
    seconds: float
    instrument: str
    pitch: float
    gain: float
    pan: float = 0.0
    space: float = 0.3


Chord = tuple[int, ...]
"""Semitones above the key's tonic, the bass note first."""


class Mood(Frozen, frozen=True):
    """`tonics`: MIDI numbers the seed picks from; `progressions`: of which it picks two; `bars` a chord lasts."""

    tonics: tuple[int, ...]
    progressions: tuple[tuple[Chord, ...], ...]
    parts: tuple[str, ...]
    bars: float = 1.0
    room: float = 2.0


class Bar(NamedTuple):
    """A chord in time: its notes as `voicing` near the last one's, `bass` below; `index` counts chords from 0."""

    start: float
    seconds: float
    beat: float
    voicing: tuple[int, ...]
    bass: int
    index: int
    level: float


ONE, FOUR, FIVE, SIX = (0, 4, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16)
MOODS: dict[str, Mood] = {
    # Open fifths and added ninths, nothing that presses.
    "calm": Mood(
        tonics=(60, 62, 65),
        progressions=(
            ((0, 7, 14, 16), (9, 12, 16, 19), (5, 9, 12, 19), (7, 12, 14, 19)),
            ((0, 4, 7, 14), (5, 9, 12, 16), (9, 12, 16, 19), (5, 9, 12, 14)),
        ),
        parts=("pad", "low_pad", "slow_plucks"),
        bars=2.0,
        room=2.8,
    ),
    # Lydian: the major second degree over the tonic is what sounds like looking up.
    "wonder": Mood(
        tonics=(60, 63, 65),
        progressions=(
            ((0, 4, 7, 11), (2, 6, 9, 14), (9, 12, 16, 19), (5, 9, 12, 16)),
            ((0, 4, 7, 14), (4, 7, 11, 16), (5, 9, 12, 16), (2, 6, 9, 12)),
        ),
        parts=("high_pad", "rising_bells", "harp", "long_bass"),
        room=3.0,
    ),
    # Minor over a held tonic; the flat second and the tritone do not resolve.
    "tense": Mood(
        tonics=(57, 58, 60),
        progressions=(
            ((0, 3, 7, 12), (0, 3, 8, 12), (0, 1, 5, 8), (0, 3, 6, 11)),
            ((0, 3, 7, 10), (0, 1, 5, 10), (0, 3, 8, 11), (0, 2, 5, 8)),
        ),
        parts=("strings", "drone", "ticking", "far_drum", "ostinato"),
        room=2.4,
    ),
    "bright": Mood(
        tonics=(60, 62, 64, 67),
        progressions=(
            (ONE, FIVE, SIX, FOUR),
            ((0, 4, 7, 14), (9, 12, 16), (5, 9, 12, 16), FIVE),
            (SIX, FOUR, ONE, FIVE),
        ),
        parts=("keys_on_beats", "fast_plucks", "walking_bass", "beat", "claps"),
        room=1.2,
    ),
    # Dorian and static: news must go forward without telling what to feel.
    "pulse": Mood(
        tonics=(57, 59, 62),
        progressions=(
            ((0, 3, 7, 10), (0, 3, 7, 14), (10, 14, 17), (5, 9, 12)),
            ((0, 3, 7, 14), (3, 7, 10, 14), (10, 14, 17), (0, 5, 7, 10)),
        ),
        parts=("low_pad", "sixteenths", "eighth_bass", "light_beat"),
        bars=2.0,
        room=1.0,
    ),
    # Sevenths that fall by fifths, played by hands.
    "warm": Mood(
        tonics=(60, 63, 65),
        progressions=(
            ((0, 4, 7, 11), (9, 12, 16, 19), (2, 5, 9, 12), (7, 11, 14, 17)),
            ((5, 9, 12, 16), (4, 7, 11, 14), (2, 5, 9, 12), (0, 4, 7, 11)),
        ),
        parts=("pad", "keys_swung", "soft_bass", "shakers"),
        room=1.5,
    ),
}


def write_score(mood: Mood, tempo: float, seconds: float, rng: np.random.Generator) -> list[Note]:
    """The notes of a piece of `seconds`, in order: harmony A A B A, and at the end the tonic's chord, which rings."""
    tonic = int(rng.choice(mood.tonics))
    order = rng.permutation(len(mood.progressions))
    first, second = (mood.progressions[order[i % len(order)]] for i in range(2))
    beat = 60 / tempo
    length = mood.bars * BEATS_A_BAR * beat
    count = max(1, int(np.ceil(seconds / length)))
    bars, voicing = [], _near(first[0], tonic, None)
    for index in range(count):
        form = second if (index // 4) % 4 == 2 else first
        chord = first[0] if index == count - 1 and count > 1 else form[index % 4]
        voicing = _near(chord, tonic, voicing)
        bass = _into(tonic + chord[0], 36, 47)
        # The band comes in over the first two chords, and breathes a little from phrase to phrase.
        level = (0.7 if index == 0 else 0.85 if index == 1 else 1.0) * (0.92 if (index // 4) % 2 else 1.0)
        bars.append(Bar(index * length, length, beat, voicing, bass, index, level))
    notes = [note for part in mood.parts for bar in bars for note in PARTS[part](bar, rng)]
    return sorted(note for note in notes if note.start < seconds)


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


def _into(pitch: int, low: int, high: int) -> int:
    while pitch > high:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


Part = Callable[[Bar, np.random.Generator], Iterator[Note]]
PARTS: dict[str, Part] = {}


def part(function: Part) -> Part:
    PARTS[function.__name__] = function
    return function


def _steps(bar: Bar, beats: float) -> Iterator[tuple[int, float]]:
    """(number, start) of each step of so many beats within the bar."""
    for k in range(round(bar.seconds / (beats * bar.beat))):
        yield k, bar.start + k * beats * bar.beat


def _chord(bar: Bar, instrument: str, gain: float, *, space: float, down: int = 0) -> Iterator[Note]:
    for i, pitch in enumerate(bar.voicing):
        pan = -0.5 + i / max(1, len(bar.voicing) - 1)
        yield Note(bar.start, bar.seconds, instrument, pitch - down, gain * bar.level, pan, space)


@part
def pad(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield from _chord(bar, "pad", 0.11, space=0.5)


@part
def high_pad(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield from _chord(bar, "pad", 0.06, space=0.6)
    yield from _chord(bar, "pad", 0.035, space=0.8, down=-12)


@part
def low_pad(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield from _chord(bar, "pad", 0.10, space=0.3, down=12)


@part
def strings(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield from _chord(bar, "strings", 0.07, space=0.5)


@part
def drone(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield Note(bar.start, bar.seconds, "drone", bar.bass - (12 if bar.bass >= 43 else 0), 0.2 * bar.level, 0, 0.2)


@part
def slow_plucks(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """A broken chord in quarters that leaves out about every third note."""
    tones = (*bar.voicing, *(p + 12 for p in bar.voicing))
    for k, start in _steps(bar, 1):
        if k % 4 == 0 or rng.random() < 0.62:
            pitch = tones[(k * 2 + int(rng.integers(2))) % len(tones)]
            yield Note(
                start, 1.6 * bar.beat, "pluck", pitch, rng.uniform(0.09, 0.13) * bar.level, rng.uniform(-0.4, 0.4), 0.5
            )


@part
def harp(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Eighths up through two high octaves and back."""
    tones = (*bar.voicing, *(p + 12 for p in bar.voicing))
    path = (*tones, *reversed(tones[1:-1]))
    for k, start in _steps(bar, 0.5):
        gain = (0.11 if k % 4 == 0 else 0.075) * rng.uniform(0.9, 1.1)
        yield Note(start, bar.beat, "pluck", path[k % len(path)] + 12, gain * bar.level, -0.35 + 0.7 * (k % 2), 0.55)


@part
def rising_bells(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Every other chord three bells climb, an octave above the harp."""
    if bar.index % 2 == 1 or bar.index == 0:
        for k, pitch in enumerate(sorted(bar.voicing)[-3:]):
            start = bar.start + (1.5 + k) * bar.beat
            yield Note(start, 2 * bar.beat, "bell", pitch + 24, 0.07 * bar.level, 0.5 - 0.5 * k, 0.8)


@part
def fast_plucks(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """A syncopated figure in sixteenths (3 + 3 + 2), the same in every bar so that it is a riff."""
    tones = (*bar.voicing, bar.voicing[0] + 12)
    for k, start in _steps(bar, 0.25):
        if k % 16 in (0, 3, 6, 8, 11, 14):
            yield Note(
                start, bar.beat / 2, "pluck", tones[k % len(tones)] + 12, 0.10 * bar.level, 0.4 if k % 2 else -0.4, 0.25
            )


@part
def keys_on_beats(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    for k, start in _steps(bar, 1):
        for i, pitch in enumerate(bar.voicing):
            yield Note(
                start, 0.8 * bar.beat, "keys", pitch, (0.085 if k % 2 == 0 else 0.06) * bar.level, -0.3 + 0.2 * i, 0.2
            )


@part
def keys_swung(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """One, the swung off-beat of two, and four: a hand that leans back, each note a little late."""
    for at, gain, length in ((0.0, 0.11, 1.5), (1.66, 0.07, 0.9), (3.0, 0.085, 0.9)):
        for i, pitch in enumerate(bar.voicing):
            late = rng.uniform(0, 0.012) + 0.008 * i
            start = bar.start + at * bar.beat + late
            yield Note(start, length * bar.beat, "keys", pitch, gain * bar.level, -0.35 + 0.23 * i, 0.3)


@part
def sixteenths(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """One note repeated, a second one above it on the accents."""
    low, high = bar.voicing[0], bar.voicing[-1]
    for k, start in _steps(bar, 0.25):
        accent = k % 16 in (0, 3, 6, 10, 12)
        yield Note(
            start, bar.beat / 4, "lead", high if accent else low, (0.10 if accent else 0.055) * bar.level, 0.25, 0.15
        )


@part
def ostinato(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Tonic, tonic, flat second, tonic, low and close."""
    for k, start in _steps(bar, 0.5):
        if bar.index >= 1:
            pitch = bar.bass + 12 + (1 if k % 4 == 2 else 0)
            yield Note(start, 0.45 * bar.beat, "lead", pitch, (0.10 if k % 4 == 0 else 0.065) * bar.level, -0.25, 0.3)


@part
def long_bass(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield Note(bar.start, bar.seconds * 0.96, "bass", bar.bass, 0.16 * bar.level, 0, 0.1)


@part
def soft_bass(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    yield Note(bar.start, 1.9 * bar.beat, "bass", bar.bass, 0.17 * bar.level, 0, 0.05)
    yield Note(bar.start + 2.66 * bar.beat, 1.1 * bar.beat, "bass", bar.bass + 7, 0.12 * bar.level, 0, 0.05)


@part
def walking_bass(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Eighths on the root, the octave before the next bar."""
    for k, start in _steps(bar, 0.5):
        pitch = bar.bass + (12 if k % 8 in (3, 7) else 0)
        yield Note(start, 0.42 * bar.beat, "bass", pitch, 0.15 * bar.level, 0, 0.03)


@part
def eighth_bass(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    for k, start in _steps(bar, 0.5):
        yield Note(start, 0.4 * bar.beat, "bass", bar.bass, (0.15 if k % 2 == 0 else 0.10) * bar.level, 0, 0.03)


@part
def beat(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Four on the floor from the second bar on, hats between."""
    for k, start in _steps(bar, 0.5):
        if k % 2 == 0 and bar.index >= 1:
            yield Note(start, 0.2, "kick", 36, 0.26 * bar.level, 0, 0.02)
        if k % 2 == 1:
            yield Note(start, 0.1, "hat", 90, 0.05 * bar.level, 0.3, 0.08)


@part
def light_beat(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    for k, start in _steps(bar, 0.25):
        if k % 8 == 0:
            yield Note(start, 0.2, "kick", 36, 0.2 * bar.level, 0, 0.02)
        elif k % 2 == 0:
            yield Note(start, 0.1, "hat", 90, (0.045 if k % 8 == 4 else 0.025) * bar.level, 0.35, 0.06)


@part
def claps(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    if bar.index >= 2:
        for k, start in _steps(bar, 1):
            if k % 2 == 1:
                yield Note(start, 0.2, "clap", 70, 0.06 * bar.level, -0.1, 0.3)


@part
def shakers(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Swung eighths: the second of each pair comes two thirds into the beat."""
    for k, start in _steps(bar, 1):
        yield Note(start, 0.1, "shaker", 90, (0.022 if k % 2 == 0 else 0.04) * bar.level, 0.4, 0.15)
        yield Note(start + 0.66 * bar.beat, 0.1, "shaker", 90, 0.022 * bar.level, -0.4, 0.15)


@part
def ticking(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    for k, start in _steps(bar, 0.5):
        yield Note(start, 0.05, "clock", 90, (0.05 if k % 2 == 0 else 0.028) * bar.level, 0.2 if k % 2 else -0.2, 0.25)


@part
def far_drum(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    if bar.index % 2 == 0:
        yield Note(bar.start, 1.0, "boom", 36, 0.3 * bar.level, 0, 0.5)
        if bar.index % 4 == 2:
            yield Note(bar.start + 1.5 * bar.beat, 1.0, "boom", 36, 0.17 * bar.level, 0, 0.5)
