"""How a music bed gives way to speech: a side-chain that hears the speech signal itself. Knows no words and no files.

Everything is reckoned at 200 frames a second and interpolated to samples. The whole film is known beforehand, so the
chain looks ahead: the bed is down before the first sound of a line, not while it is heard.
"""

from __future__ import annotations

import numpy as np

from engine.audio import FILM_LUFS, RATE, loudness, power_per_tenth
from engine.filters import mean_around
from engine.formats import MusicStyle

FRAME = RATE // 200
LOOK_AHEAD, HOLD = 0.25, 0.2
"""Seconds: how long before a sound the bed begins to go down, and how long after one it stays there."""

ATTACK, RELEASE = 0.06, 0.22
"""Time constants in seconds, in decibels: 98 % of the way down within the look-ahead, 90 % up half a second after."""

BREATH = 0.7
"""Seconds of silence that are a breath within what is said, through which the bed stays down: else it would pump."""

HEARD_DB = 30.0
"""How far under its loud parts speech is still speech; room tone and the tail of a voice lie deeper."""

RIDE_SECONDS, RIDE_SHARE, RIDE_DB = 3.0, 0.7, 6.0
"""A passage louder or softer than the rest is evened out by this share of it, up to so many decibels."""

TITLE_LIFT, TITLE_FADE = 3.0, 0.9
"""Decibels of the bed over the title card, where nobody speaks yet, and the seconds in which they go."""


def bed_gain(bed: np.ndarray, speech: np.ndarray, style: MusicStyle, title_seconds: float) -> np.ndarray:
    """The factor of each sample of `bed`, (2, n) at 48 kHz, under `speech`, (n,), which is at the film's loudness.

    Where nobody speaks the bed lies `style.level` dB against speech, under speech `style.ducked` dB, each as its own
    passage is loud: a chorus is taken down further than a verse. A bed without any speech is the programme itself and
    keeps its dynamics. float32, (n,); all 1 for a silent bed.
    """
    count = bed.shape[-1]
    found = loudness(bed)
    if found == float("-inf"):
        return np.ones(count, np.float32)
    heard = speaking(speech)
    base = FILM_LUFS - found
    if not heard.any():
        return np.full(count, 10 ** (base / 20), np.float32)
    louder = _louder_than(bed, found, len(heard))
    seconds = np.arange(len(heard)) * FRAME / RATE
    lift = np.interp(seconds, [title_seconds, title_seconds + TITLE_FADE], [TITLE_LIFT, 0])
    up = style.level + lift - np.clip(RIDE_SHARE * louder, -RIDE_DB, RIDE_DB)
    down = style.ducked - np.maximum(louder, 0)
    share = _follow(heard)
    gain = base + up + (np.minimum(down, up) - up) * share
    return _to_samples(10 ** (gain / 20), count)


def speaking(speech: np.ndarray) -> np.ndarray:
    """Whether somebody speaks, per frame of 5 ms, breaths included; what is softer than a voice is nobody."""
    frames = max(1, -(-len(speech) // FRAME))
    padded = np.zeros(frames * FRAME, np.float32)
    padded[: len(speech)] = speech
    power = mean_around(np.square(padded).reshape(frames, FRAME).mean(axis=1), 5, beyond="symmetric")
    loud = power[power > 1e-8]
    if not len(loud):
        return np.zeros(frames, bool)
    heard = power > np.percentile(loud, 90) * 10 ** (-HEARD_DB / 10)
    at = np.arange(frames)
    before = np.maximum.accumulate(np.where(heard, at, -np.inf))
    after = np.minimum.accumulate(np.where(heard, at, np.inf)[::-1])[::-1]
    return after - before <= round(BREATH * RATE / FRAME)


def _follow(heard: np.ndarray) -> np.ndarray:
    """How far down the bed is, 0 to 1, per frame: an envelope follower with look-ahead, hold, attack and release."""
    ahead, hold = (round(seconds * RATE / FRAME) for seconds in (LOOK_AHEAD, HOLD))
    count = np.cumsum(np.pad(heard, (hold + 1, ahead)))  # of the frames heard until `ahead` after each
    wanted = count[hold + 1 + ahead :] > count[: len(heard)]
    attack, release = (1 - np.exp(-FRAME / RATE / constant) for constant in (ATTACK, RELEASE))
    share, at = np.empty(len(wanted)), 0.0
    for i, down in enumerate(wanted):
        at += (1.0 - at) * attack if down else -at * release
        share[i] = at
    return share


def _louder_than(bed: np.ndarray, found: float, frames: int) -> np.ndarray:
    """By how many dB the passage around each frame is louder than the whole bed."""
    tenths = power_per_tenth(bed)
    if not len(tenths):
        return np.zeros(frames)
    smooth = mean_around(tenths, round(RIDE_SECONDS * 10), beyond="edge")
    over = -0.691 + 10 * np.log10(np.maximum(smooth, 1e-10)) - found
    return np.interp(np.arange(frames) * FRAME, (np.arange(len(over)) + 0.5) * RATE / 10, np.clip(over, -20, 20))


def _to_samples(frames: np.ndarray, count: int) -> np.ndarray:
    at = np.arange(count, dtype=np.float32) / FRAME
    return np.interp(at, np.arange(len(frames)), frames).astype(np.float32)
