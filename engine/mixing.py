"""The mix of a film's voices and music: each line at its sample, the bed under them, one loudness. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.audio import CEILING_DBTP, FILM_LUFS, RATE, limit, loudness, read_wav, write_wav
from engine.ducking import bed_gain
from engine.formats import MusicStyle
from engine.made import Music, Timing, Voice

FADE_IN, FADE_OUT = 0.25, 0.9
"""Seconds at the film's ends, never over a word."""


def mix_film_audio(
    voices: Sequence[Voice],
    timings: Sequence[Timing],
    music: Music,
    title_seconds: float,
    total_seconds: float,
    music_style: MusicStyle,
    out: Path,
    ceiling_dbtp: float = CEILING_DBTP,
) -> None:
    """Write the film's whole sound: 48 kHz stereo WAV of `total_seconds` (to the sample), -16 LUFS ± 1, no true peak
    over the ceiling; digital silence if there is neither voice nor music.

    `timings[i].start` is film time. The bed lies `music_style.level` dB against speech, `ducked` dB under it, and a
    little fuller over the title card's `title_seconds` (see `engine.ducking`). Raises `MediaFailed` for a file that
    holds no sound.
    """
    count = round(total_seconds * RATE)
    speech, spoken = _lay_voices(voices, timings, count)
    mix = np.zeros((2, count), np.float32)
    if spoken:
        speech *= np.float32(10 ** ((FILM_LUFS - loudness(np.stack([speech, speech]))) / 20))
        mix += speech
    if music.audio is not None:
        mix += _lay_bed(music.audio, speech, title_seconds, music_style)
    _fade(mix, spoken)
    for turn in range(3):  # limiting takes a little loudness away, which the next round gives back
        found = loudness(mix)
        if found == float("-inf") or (turn and abs(found - FILM_LUFS) < 0.2):
            break
        mix *= np.float32(10 ** ((FILM_LUFS - found) / 20))
        limited = limit(mix, ceiling_dbtp)
        if limited is mix:
            break
        mix = limited
    write_wav(out, mix, RATE)


def _lay_voices(
    voices: Sequence[Voice], timings: Sequence[Timing], count: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """One mono track with each line at its sample, and where the lines are."""
    track = np.zeros(count, np.float32)
    spoken = []
    for voice, timing in zip(voices, timings, strict=True):
        if voice.audio is None:
            continue
        samples = read_wav(voice.audio).mean(axis=0)
        start = round((timing.start + timing.lead) * RATE)
        end = min(start + len(samples), count)
        if end > start and np.abs(samples).max() > 0:
            track[start:end] += samples[: end - start]
            spoken.append((start, end))
    return track, sorted(spoken)


def _lay_bed(audio: Path, speech: np.ndarray, title_seconds: float, style: MusicStyle) -> np.ndarray:
    """The bed at its level, down under speech; (2, count). A bed that is shorter than the film ends earlier."""
    count = len(speech)
    bed = np.zeros((2, count), np.float32)
    samples = read_wav(audio)[:2, :count]
    bed[:, : samples.shape[-1]] = samples
    bed *= bed_gain(bed, speech, style, title_seconds)
    return bed


def _fade(mix: np.ndarray, spoken: Sequence[tuple[int, int]]) -> None:
    """Gentle ends, never over a word."""
    count = mix.shape[-1]
    first = min(round(FADE_IN * RATE), spoken[0][0] if spoken else count)
    last = min(round(FADE_OUT * RATE), count - max(end for _, end in spoken) if spoken else count)
    if first > 0:
        mix[:, :first] *= np.sin(np.linspace(0, np.pi / 2, first, dtype=np.float32)) ** 2
    if last > 0:
        mix[:, -last:] *= np.cos(np.linspace(0, np.pi / 2, last, dtype=np.float32)) ** 2
