"""Sound as a listener hears it: loudness, peaks, silence, and whether each line is there. Knows files and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from engine.audio import loudness, read_recorded, resample, true_peak
from engine.errors import MediaFailed
from engine.filters import convolved
from engine.findings import Finding
from engine.made import Timing, Voice
from engine.reviewing.runs import longest_run
from engine.types import Frozen

HEARD_VERSION = 2
"""Part of the key of whatever carries a `Heard`."""

RATE = 48_000
NOTHING = -99
"""Decibels of digital silence: JSON knows no infinity."""

LUFS, LUFS_TOLERANCE = -16.0, 1.0
PEAK = -1.5
PAUSE = 0.8
"""Seconds of silence inside a line before it sounds as if the narrator had gone."""
QUIET_UNDER_LOUD = 40
"""Decibels under a line's loud parts: breath and room noise lie lower."""
STEP, SILENT = 0.05, -60
"""Level is measured per step of so many seconds; below that it is silence."""
MATCH, LATE = 0.3, 0.15
"""A line is heard where the mix resembles its recording (correlation, 0–1: beds of our formats leave 0.8, none 0.1)
and begins no more than so many seconds off."""
REACH = 0.6
"""Seconds to either side in which a line is looked for."""
COARSE = 8_000
LENGTH = 0.1
"""Seconds by which sound may be shorter or longer than the picture: a frame of AAC lasts 0.02."""


class Line(Frozen, frozen=True):
    """How a shot's narration is heard: `pause` is its longest silence, at `pause_at` (film time); `match` its
    correlation with the mix, 0–1, best at `late` seconds after its time."""

    shot: int
    start: float
    seconds: float
    pause: float
    pause_at: float
    match: float
    late: float


class Heard(Frozen, frozen=True):
    """A film's sound: integrated loudness (LUFS), true peak (dBTP), level (dBFS) each twentieth of a second."""

    seconds: float
    lufs: float
    peak: float
    level: tuple[int, ...]
    lines: tuple[Line, ...] = ()
    spoiled: bool = False


def hear(path: Path, voices: Sequence[Voice] = (), timings: Sequence[Timing] = ()) -> Heard:
    """Decode and measure the sound of `path`; of `voices` how they are heard in it.

    Raises `MediaFailed` if it holds no sound.
    """
    samples, spoiled = decode(path)
    step = round(STEP * RATE)
    blocks = samples[:, : samples.shape[1] // step * step].reshape(2, -1, step)
    power = np.square(blocks, dtype=np.float64).mean(axis=(0, 2))
    return Heard(
        seconds=samples.shape[1] / RATE,
        lufs=_finite(loudness(samples)),
        peak=_finite(true_peak(samples)),
        level=tuple(int(level) for level in 10 * np.log10(np.maximum(power, 10 ** (NOTHING / 10)))),
        lines=tuple(hear_lines(samples.mean(axis=0), voices, timings)),
        spoiled=spoiled,
    )


def decode(path: Path) -> tuple[np.ndarray, bool]:
    """(2, n) samples at 48 kHz, and whether decoding ended early. Raises `MediaFailed` if it holds no sound."""
    pieces: list[np.ndarray] = []
    spoiled = False
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            if not file.streams.audio:
                raise MediaFailed(f"{path.name} holds no sound: make it again.")
            stream = file.streams.audio[0]
            stream.codec_context.options = {"err_detect": "explode"}
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
            try:
                for frame in file.decode(stream):
                    pieces += [piece.to_ndarray() for piece in resampler.resample(frame)]
                pieces += [piece.to_ndarray() for piece in resampler.resample(None)]
            except FFmpegError:
                spoiled = True
    except (FFmpegError, OSError) as error:
        raise MediaFailed(f"{path.name} cannot be read as a film ({error}): make it again.") from error
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32), spoiled


def hear_lines(mix: np.ndarray, voices: Sequence[Voice], timings: Sequence[Timing]) -> Iterator[Line]:
    """Each voice's recording looked for in `mix` (mono, 48 kHz), around the time when it is to be heard."""
    coarse = resample(mix, RATE, COARSE)
    for shot, (voice, timing) in enumerate(zip(voices, timings, strict=True)):
        if voice.audio is None:
            continue
        samples, rate = read_recorded(voice.audio)
        line = samples.mean(axis=0)
        start = timing.start + timing.lead
        first, last = (round((start + off) * COARSE) for off in (-REACH, len(line) / rate + REACH))
        window = np.zeros(last - first, np.float32)
        inside = coarse[max(first, 0) : max(last, 0)]  # of a film that was cut off, perhaps nothing
        before = max(-first, 0)
        window[before : before + len(inside)] = inside
        match, late = _found(resample(line, rate, COARSE), window)
        pause_at, pause = _longest_pause(line, rate)
        yield Line(
            shot=shot,
            start=start,
            seconds=len(line) / rate,
            pause=round(pause, 3),
            pause_at=round(start + pause_at, 3),
            match=round(match, 3),
            late=round(late - REACH, 3),
        )


def _found(line: np.ndarray, window: np.ndarray) -> tuple[float, float]:
    """The highest normalised correlation of `line` with a stretch of `window`, and where that stretch begins."""
    energy = float(np.square(line).sum())
    if not energy:
        return 0.0, REACH
    along = convolved(window, line[::-1])[len(line) - 1 : len(window)]
    there = np.cumsum(np.concatenate([[0.0], np.square(window, dtype=np.float64)]))
    there = np.maximum(there[len(line) :] - there[: -len(line)], 1e-9)[: len(along)]
    share = along / np.sqrt(energy * there)
    best = int(np.argmax(share))
    return float(min(1.0, share[best])), best / COARSE


def _longest_pause(line: np.ndarray, rate: int) -> tuple[float, float]:
    """(seconds from its start, seconds) of the longest silence between the first sound of a line and its last."""
    step = rate // 50
    whole = len(line) // step * step
    power = np.square(line[:whole], dtype=np.float64).reshape(-1, step).mean(axis=1)
    if not power.any():
        return 0.0, 0.0
    loud = power >= np.percentile(power, 95) * 10 ** (-QUIET_UNDER_LOUD / 10)
    first, last = np.flatnonzero(loud)[[0, -1]]
    at, length = longest_run([not one for one in loud[first : last + 1]])
    return (int(first) + at) * step / rate, length * step / rate


def _finite(decibels: float) -> float:
    return round(max(float(decibels), float(NOTHING)), 2)


# ---- judging --------------------------------------------------------------------------------------------------------


def judge_sound(heard: Heard, seconds: float, *, sounds: bool) -> Iterator[Finding]:
    """The whole film, which lasts `seconds`; `sounds`: there is something to hear in it."""
    if heard.spoiled:
        yield Finding(check="decodes", at=round(heard.seconds, 3), sentence="the sound does not decode to its end")
    if abs(heard.seconds - seconds) > LENGTH:
        yield Finding(
            check="sound",
            measured=round(heard.seconds, 3),
            limit=round(seconds, 3),
            sentence=f"the sound lasts {heard.seconds:.2f} s, the picture {seconds:.2f} s",
        )
    if not sounds:
        return
    if abs(heard.lufs - LUFS) > LUFS_TOLERANCE:
        word = "loud" if heard.lufs > LUFS else "quiet"
        told = "is silent" if heard.lufs <= NOTHING else f"is too {word}: {heard.lufs:.1f} LUFS, not {LUFS:.0f} ± 1"
        yield Finding(check="loudness", measured=heard.lufs, limit=LUFS, sentence=f"the film {told}")
    if heard.peak > PEAK:
        yield Finding(
            check="peaks",
            measured=heard.peak,
            limit=PEAK,
            sentence=f"the sound peaks at {heard.peak:.1f} dBTP, over {PEAK} dBTP: loud moments may crackle",
        )


def judge_lines(heard: Heard, spoken: Sequence[bool]) -> Iterator[Finding]:
    """The narration; `spoken[shot]`: somebody is to speak in that shot."""
    lines = {line.shot: line for line in heard.lines}
    for shot, wanted in enumerate(spoken):
        line = lines.get(shot)
        if line is None:
            if wanted:
                yield Finding(check="narration", shot=shot, sentence=f"nobody speaks the line of shot {shot + 1}")
            continue
        at = round(line.start, 3)
        if line.match < MATCH:
            yield Finding(
                check="narration",
                shot=shot,
                at=at,
                measured=line.match,
                limit=MATCH,
                sentence=f"the line of shot {shot + 1} is not heard in the film",
            )
            continue
        if abs(line.late) > LATE:
            word = "late" if line.late > 0 else "early"
            yield Finding(
                check="narration",
                shot=shot,
                at=at,
                measured=line.late,
                limit=LATE,
                sentence=f"the line of shot {shot + 1} is heard {abs(line.late):.2f} s too {word}",
            )
        pause_at, pause = max((line.pause_at, line.pause), _silence(heard, line), key=lambda found: found[1])
        if pause > PAUSE:
            yield Finding(
                check="silence",
                shot=shot,
                at=round(pause_at, 3),
                measured=round(pause, 3),
                limit=PAUSE,
                sentence=f"the narration of shot {shot + 1} falls silent for {pause:.1f} s",
            )


def _silence(heard: Heard, line: Line) -> tuple[float, float]:
    """(film time, seconds) of the longest silence of everything while a line is spoken."""
    first, last = round(line.start / STEP), round((line.start + line.seconds) / STEP)
    at, length = longest_run([level < SILENT for level in heard.level[first:last]])
    return (first + at) * STEP, length * STEP
