"""What each member of the band plays over a chord: rhythm and register. Knows no form and no sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from engine.backends.music.bed.form import BEATS_A_BAR, Bar
from engine.backends.music.bed.moods import Tune


class Note(NamedTuple):
    """`start` and `seconds` in time, `pitch` a MIDI number, `gain` linear, `pan` -1 to 1, `space` its share of room."""

    start: float
    seconds: float
    instrument: str
    pitch: float
    gain: float
    pan: float = 0.0
    space: float = 0.3


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
    """Eighths through two high octaves: up and back, down and back, or up again and again."""
    tones = (*bar.voicing, *(p + 12 for p in bar.voicing))
    path = ((*tones, *reversed(tones[1:-1])), (*reversed(tones), *tones[1:-1]), tones)[bar.figure]
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
    """A syncopated figure in sixteenths (as 3 + 3 + 2), the same in every bar so that it is a riff."""
    tones = (*bar.voicing, bar.voicing[0] + 12)
    for k, start in _steps(bar, 0.25):
        if k % 16 in ((0, 3, 6, 8, 11, 14), (0, 3, 6, 10, 12), (0, 2, 6, 8, 10, 14))[bar.figure]:
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
    """One, and two swung or straight places behind it: a hand that leans back, each note a little late."""
    second, third = ((1.66, 3.0), (1.66, 2.66), (2.0, 3.66))[bar.figure]
    for at, gain, length in ((0.0, 0.11, 1.5), (second, 0.07, 0.9), (third, 0.085, 0.9)):
        for i, pitch in enumerate(bar.voicing):
            late = rng.uniform(0, 0.012) + 0.008 * i
            start = bar.start + at * bar.beat + late
            yield Note(start, length * bar.beat, "keys", pitch, gain * bar.level, -0.35 + 0.23 * i, 0.3)


@part
def sixteenths(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """One note repeated, a second one above it on the accents."""
    low, high = bar.voicing[0], bar.voicing[-1]
    for k, start in _steps(bar, 0.25):
        accent = k % 16 in ((0, 3, 6, 8, 12), (0, 4, 7, 10, 12), (0, 4, 8, 11, 14))[bar.figure]
        yield Note(
            start, bar.beat / 4, "lead", high if accent else low, (0.10 if accent else 0.055) * bar.level, 0.25, 0.15
        )


@part
def ostinato(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """The tonic and, once in four, its flat second; low and close."""
    for k, start in _steps(bar, 0.5):
        if bar.index >= 1:
            pitch = bar.bass + 12 + (1 if k % 4 == (2, 3, 1)[bar.figure] else 0)
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
    """A kick on one and three, a dry tick on two and four, hats on the eighths."""
    for k, start in _steps(bar, 0.5):
        if k % 4 == 0:
            yield Note(start, 0.2, "kick", 36, 0.2 * bar.level, 0, 0.02)
        elif k % 4 == 2:
            yield Note(start, 0.1, "clap", 70, 0.035 * bar.level, -0.1, 0.15)
        yield Note(start, 0.1, "hat", 90, (0.04 if k % 2 == 0 else 0.025) * bar.level, 0.35, 0.06)


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


@part
def swell(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """Air that rises through the last bar before the band comes in."""
    if bar.coming == "drop":
        length = min(bar.seconds, BEATS_A_BAR * bar.beat)
        yield Note(bar.start + bar.seconds - length, length, "swell", 90, 0.05 * bar.level, 0, 0.4)


@part
def arrival(bar: Bar, rng: np.random.Generator) -> Iterator[Note]:
    """A cymbal where the band comes in."""
    if bar.first == 0 and bar.section == "drop":
        yield Note(bar.start, 1.5, "cymbal", 90, 0.05 * bar.level, 0.15, 0.5)


def sing(bar: Bar, tune: Tune, motif: tuple[str, str], home: int) -> Iterator[Note]:
    """The tune over this chord: its two bars in turn; on beats one and three a note of the chord, and never one that
    rubs with it. `home` is the pitch that it sits above."""
    tones = {pitch % 12 for pitch in bar.voicing}
    ladder = [pitch for pitch in range(home, home + 20) if pitch % 12 in bar.between]
    chordal = [pitch for pitch in range(home, home + 20) if pitch % 12 in tones]
    eighth = bar.beat / 2
    for number in range(round(bar.seconds / (BEATS_A_BAR * bar.beat))):
        line = motif[(bar.first + number) % 2]
        for k, step in enumerate(line):
            if step == ".":
                continue
            held = len(line[k + 1 :]) - len(line[k + 1 :].lstrip(".")) + 1
            pitch = ladder[min(int(step), len(ladder) - 1)]
            if k % 4 == 0:
                pitch = min(chordal, key=lambda tone: (abs(tone - pitch), tone))
            start = bar.start + (number * BEATS_A_BAR * 2 + k) * eighth
            gain = tune.gain * bar.level * (1.0 if k % 4 == 0 else 0.85)
            yield Note(start, 0.95 * held * eighth, tune.instrument, pitch, gain, 0.1, 0.45)
