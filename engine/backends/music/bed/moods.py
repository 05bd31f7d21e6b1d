"""The six moods as written music: keys, scales, chord progressions, and which parts play from which intensity on."""

from __future__ import annotations

from typing import NamedTuple

from engine.types import Frozen

Chord = tuple[int, ...]
"""Semitones above the key's tonic, the bass note first."""


class Tune(NamedTuple):
    """What sings over the band: `motifs`, of which the seed picks one, are two bars each, eighth by eighth: a digit is
    a step of the scale up from where the tune sits, a point goes on with what sounds."""

    instrument: str
    gain: float
    motifs: tuple[tuple[str, str], ...]


class Mood(Frozen, frozen=True):
    """`tonics`: MIDI numbers the seed picks from; `progressions`: of which it picks two; `bars` a chord lasts; `parts`
    the intensity, 0 to 1, from which each plays; `scale` in semitones above the tonic, for what is between chords."""

    tonics: tuple[int, ...]
    progressions: tuple[tuple[Chord, ...], ...]
    parts: dict[str, float]
    scale: tuple[int, ...]
    tune: Tune | None = None
    bars: int = 1
    room: float = 2.0


MAJOR, LYDIAN = (0, 2, 4, 5, 7, 9, 11), (0, 2, 4, 6, 7, 9, 11)
DORIAN, PHRYGIAN = (0, 2, 3, 5, 7, 9, 10), (0, 1, 3, 5, 7, 8, 10)
ONE, FOUR, FIVE, SIX = (0, 4, 7), (5, 9, 12), (7, 11, 14), (9, 12, 16)
MOODS: dict[str, Mood] = {
    # Open fifths and added ninths, nothing that presses.
    "calm": Mood(
        tonics=(58, 60, 62, 63, 65),
        progressions=(
            ((0, 7, 14, 16), (9, 12, 16, 19), (5, 9, 12, 19), (7, 12, 14, 19)),
            ((0, 4, 7, 14), (5, 9, 12, 16), (9, 12, 16, 19), (5, 9, 12, 14)),
        ),
        parts={"pad": 0, "slow_plucks": 0.3, "low_pad": 0.5, "melody": 0.9},
        scale=MAJOR,
        tune=Tune("keys", 0.075, (("0.....12", "4......."), ("0...1...", "3.....2."))),
        bars=2,
        room=2.8,
    ),
    # Lydian: the major second degree over the tonic is what sounds like looking up.
    "wonder": Mood(
        tonics=(58, 60, 61, 63, 65),
        progressions=(
            ((0, 4, 7, 11), (2, 6, 9, 14), (9, 12, 16, 19), (5, 9, 12, 16)),
            ((0, 4, 7, 14), (4, 7, 11, 16), (5, 9, 12, 16), (2, 6, 9, 12)),
        ),
        parts={"high_pad": 0, "rising_bells": 0.3, "harp": 0.4, "long_bass": 0.5, "melody": 0.9, "swell": 0.6},
        scale=LYDIAN,
        tune=Tune("bell", 0.05, (("0...2...", "4.....3."), ("0.....4.", "3...2..."))),
        room=3.0,
    ),
    # Minor over a held tonic; the flat second and the tritone do not resolve.
    "tense": Mood(
        tonics=(55, 56, 57, 58, 60),
        progressions=(
            ((0, 3, 7, 12), (0, 3, 8, 12), (0, 1, 5, 8), (0, 3, 6, 11)),
            ((0, 3, 7, 10), (0, 1, 5, 10), (0, 3, 8, 11), (0, 2, 5, 8)),
        ),
        parts={"strings": 0, "drone": 0, "ticking": 0.3, "far_drum": 0.5, "ostinato": 0.6},
        scale=PHRYGIAN,
        room=2.4,
    ),
    "bright": Mood(
        tonics=(60, 62, 63, 64, 65, 67),
        progressions=(
            (ONE, FIVE, SIX, FOUR),
            ((0, 4, 7, 14), (9, 12, 16), (5, 9, 12, 16), FIVE),
            (SIX, FOUR, ONE, FIVE),
        ),
        parts={
            "keys_on_beats": 0,
            "fast_plucks": 0.3,
            "walking_bass": 0.5,
            "beat": 0.5,
            "claps": 0.9,
            "melody": 0.9,
            "swell": 0.5,
            "arrival": 0.9,
        },
        scale=MAJOR,
        tune=Tune("pluck", 0.11, (("0.1.2.4.", "3..2...."), ("0..2..4.", "2..1..0."), ("4.3.2...", "0.1.2..."))),
        room=1.2,
    ),
    # Dorian and static: news must go forward without telling what to feel.
    "pulse": Mood(
        tonics=(57, 58, 59, 60, 62),
        progressions=(
            ((0, 3, 7, 10), (0, 3, 7, 14), (10, 14, 17), (5, 9, 12)),
            ((0, 3, 7, 14), (3, 7, 10, 14), (10, 14, 17), (0, 5, 7, 10)),
        ),
        parts={"low_pad": 0, "sixteenths": 0.2, "eighth_bass": 0.5, "light_beat": 0.6},
        scale=DORIAN,
        bars=2,
        room=1.0,
    ),
    # Sevenths that fall by fifths, played by hands.
    "warm": Mood(
        tonics=(58, 60, 61, 63, 65),
        progressions=(
            ((0, 4, 7, 11), (9, 12, 16, 19), (2, 5, 9, 12), (7, 11, 14, 17)),
            ((5, 9, 12, 16), (4, 7, 11, 14), (2, 5, 9, 12), (0, 4, 7, 11)),
        ),
        parts={"pad": 0, "keys_swung": 0.2, "soft_bass": 0.5, "shakers": 0.5, "melody": 0.9},
        scale=MAJOR,
        tune=Tune("pluck", 0.085, (("0.....2.", "3...1..."), ("4...2...", "1.....0."))),
        room=1.5,
    ),
}
