"""Composer family `bed`: a seeded little band of pad, keys, bass and percussion, played by numpy. No model, no samples.

`moods.py` is the written music, `form.py` its sections and chords, `parts.py` who plays what over a chord, `score.py`
the notes; `instruments.py` is how one note sounds, and this file puts the notes into a room. Everything random comes
from the job's seed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.audio import BLOCK, limit, loudness, write_wav
from engine.backends.music.bed.instruments import RATE, play
from engine.backends.music.bed.moods import MOODS
from engine.backends.music.bed.parts import Note
from engine.backends.music.bed.score import write_score
from engine.backends.params import read_params
from engine.backends.protocols import MusicJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.errors import BadRequest
from engine.filters import butterworth, convolved, filtered
from engine.types import Frozen

INTRO, OUTRO = 1.2, 2.5
"""Seconds over which the track comes and goes; less in a very short one."""

TRACK_LUFS = -18.0
PEAK_DBTP = -1.0


class Params(Frozen, frozen=True):
    """This family has no knobs."""


def load(spec: ModelSpec, weights: Path | None) -> Bed:
    read_params(spec, Params)
    return Bed(spec)


class Bed:
    """A `MusicModel`; a minute takes about a second."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def compose(self, job: MusicJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Raises `BadRequest` for an unknown mood, a tempo outside 40 to 200 or a length outside 0 to 3600 seconds."""
        if job.mood not in MOODS:
            raise BadRequest("mood", f"{job.mood!r} is not one of {', '.join(MOODS)}")
        if not 40 <= job.tempo <= 200:
            raise BadRequest("tempo", f"{job.tempo} is outside 40 to 200 beats a minute")
        if not 0 < job.seconds <= 3600:
            raise BadRequest("seconds", f"{job.seconds} is outside 0 to 3600")
        mood, rng = MOODS[job.mood], np.random.default_rng(job.seed)
        notes = write_score(mood, job.tempo, job.seconds, rng, job.sections)
        mix, wet = _play_all(notes, round(job.seconds * RATE), rng, tick)
        _into_the_room(mix, wet, _room(mood.room, rng))
        del wet
        _finish(mix)
        write_wav(out, mix, RATE)

    def close(self) -> None:
        """There is nothing to free."""


def _play_all(notes: list[Note], count: int, rng: np.random.Generator, tick: Tick) -> tuple[np.ndarray, np.ndarray]:
    """The notes as they are, and what of them goes into the room; (2, count) each."""
    dry, wet = np.zeros((2, count), np.float32), np.zeros((2, count), np.float32)
    sounds: dict[tuple[str, float, int], np.ndarray] = {}
    for done, note in enumerate(notes):
        if done % 64 == 0:
            tick(done, len(notes))
        length = round(note.seconds * RATE)
        key = (note.instrument, note.pitch, length)
        if key not in sounds:
            sounds[key] = play(note.instrument, note.pitch, length, rng)
        start = round(note.start * RATE)
        sound = sounds[key][: max(0, count - start)]
        # Constant power, so that a note is as loud at the side as in the middle.
        left, right = np.cos((note.pan + 1) * np.pi / 4), np.sin((note.pan + 1) * np.pi / 4)
        for channel, side in enumerate((left, right)):
            part = sound * np.float32(note.gain * side)
            dry[channel, start : start + len(sound)] += part * np.float32(1 - note.space / 2)
            wet[channel, start : start + len(sound)] += part * np.float32(note.space)
    tick(len(notes), len(notes))
    return dry, wet


def _room(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A stereo impulse response: noise that dies by 60 dB in `seconds`, its treble sooner, after 18 ms; (2, n)."""
    length = round(seconds * RATE)
    fall = 10 ** (-3 * np.arange(length) / length)
    noise = rng.standard_normal((2, length)).astype(np.float32)
    dark = filtered(noise, butterworth(1, RATE, None, 1800))
    bright = filtered(noise, butterworth(1, RATE, 1800, 7000))
    response = np.pad(dark * fall + 0.5 * bright * fall**2.5, ((0, 0), (round(0.018 * RATE), 0)))
    return (response / np.sqrt(np.square(response).sum(axis=-1, keepdims=True))).astype(np.float32)


def _into_the_room(mix: np.ndarray, wet: np.ndarray, room: np.ndarray) -> None:
    """Add what the room gives back of `wet`, and take away what lies under hearing; block by block, in place."""
    count = mix.shape[-1]
    for start in range(0, count, BLOCK):
        back = convolved(wet[:, start : start + BLOCK], room)[:, : count - start]
        mix[:, start : start + back.shape[-1]] += back
    mix[:] = filtered(mix, butterworth(2, RATE, 32, None))


def _finish(mix: np.ndarray) -> None:
    """Level, peaks and ends of the track, in place."""
    count = mix.shape[-1]
    found = loudness(mix)
    if found > float("-inf"):
        mix *= np.float32(10 ** ((TRACK_LUFS - found) / 20))
    mix[:] = limit(mix, PEAK_DBTP)
    intro = round(min(INTRO, count / RATE / 4) * RATE)
    outro = round(min(OUTRO, count / RATE / 3) * RATE)
    if intro:
        mix[:, :intro] *= np.sin(np.linspace(0, np.pi / 2, intro, dtype=np.float32))
    if outro:
        mix[:, -outro:] *= np.linspace(1, 0, outro, dtype=np.float32) ** 1.5
