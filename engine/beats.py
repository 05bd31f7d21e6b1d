"""When the beats of a track are: onsets, the tempo that they keep, and the beats that fit both. Knows no film.

The way of D. Ellis, "Beat Tracking by Dynamic Programming" (Journal of New Music Research 36, 2007): of all rows of
times the one with the strongest onsets that keeps the tempo best. Whether the tempo is felt twice as fast or half is
asked of the onsets themselves (see `_octave`), since an autocorrelation cannot tell.
"""

from __future__ import annotations

import numpy as np

from engine.filters import highest_around, mean_around, smoothed

RATE = 24_000
"""What is listened to: mono at this rate."""

HOP = 240
FRAMES = RATE / HOP
WINDOW = 1024
BANDS = 36
LOWEST, HIGHEST = 40.0, 10_000.0
BASS, DEEP = 150.0, 0.4
"""Hertz under which drums and bass begin, and how much more their onsets count: they tell where a beat is."""

BLOCK = 4096
"""Frames whose spectra are held at once."""

EARLY = 0.008
"""Seconds by which the rise of a spectrum precedes its onset, because the window sees it come (measured by clicks)."""

SLOWEST, FASTEST = 50.0, 210.0
USUAL, SPREAD = 115.0, 0.9
"""The tempo that listeners tap most, and how many octaves from it their taps scatter (after Moelants, 2002)."""

AS_MUCH, NOTHING = 0.89, 0.1
"""Shares of what begins on the beats: so much between them is as much, and so little on every other one is nothing."""

TIGHT = 400.0
"""How much a beat that leaves the tempo must be stronger: the weight of the squared logarithm of the ratio."""

WIDE, STEADY = 0.02, 0.85
"""How far from the tempo an even grid is looked for, and how much must begin on it, as a share of what begins on the
beats that were found one by one."""


def find_beats(samples: np.ndarray) -> tuple[float, ...]:
    """Seconds of each beat of `samples`, (n,) mono float at `RATE`, in order; none where nothing has a beat.

    The first and the last may be missing. What lies before the first onset and after the last has no beats.
    """
    onsets = onset_strength(samples)
    if len(onsets) < FRAMES or onsets.max() <= 0:
        return ()
    period = _period(onsets)
    if period is None:
        return ()
    beats = _sounding(_follow(onsets, period), onsets)
    return tuple(float(time) for time in _even(beats, onsets))


def onset_strength(samples: np.ndarray) -> np.ndarray:
    """How much begins in each frame of 10 ms: the rise of a logarithmic spectrum, summed over bands; (frames,).

    Each band's own rise is divided by how loud it is around, so that a soft piano has onsets as a loud drum has.
    """
    count = max(0, (len(samples) - 1) // HOP + 1)
    padded = np.pad(samples.astype(np.float32), (WINDOW // 2, WINDOW))
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    edges = np.searchsorted(np.fft.rfftfreq(WINDOW, 1 / RATE), np.geomspace(LOWEST, HIGHEST, BANDS + 1))
    starts = np.unique(edges[:-1])
    level = float(np.sqrt(np.square(samples).mean())) if len(samples) else 0.0
    if level < 1e-5:
        return np.zeros(count)
    strength, deep, before = np.zeros(count), np.zeros(count), None
    bass = int(np.searchsorted(starts, edges[0] + (BASS - LOWEST) * WINDOW / RATE))
    for first in range(0, count, BLOCK):
        at = np.arange(first, min(first + BLOCK, count))
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[at * HOP]
        spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) / (level * WINDOW)
        bands = np.log1p(1000 * np.add.reduceat(spectrum[:, : edges[-1]], starts, axis=1))
        history = bands[:1] if before is None else before
        rise = np.maximum(np.diff(bands, axis=0, prepend=history), 0)
        strength[at], deep[at] = rise.mean(axis=1), rise[:, :bass].mean(axis=1)
        before = bands[-1:]
    return _evened(strength) + DEEP * _evened(deep)


def _evened(rise: np.ndarray) -> np.ndarray:
    """What stands out of the four tenths of a second around it, against the four seconds around it."""
    around = mean_around(rise, round(4 * FRAMES), beyond="edge")
    return np.maximum(rise - mean_around(rise, round(0.4 * FRAMES), beyond="symmetric"), 0) / np.maximum(around, 1e-3)


def _period(onsets: np.ndarray) -> float | None:
    """Frames from beat to beat: where the autocorrelation peaks, weighed by how usual the tempo is, then its octave."""
    smooth = smoothed(onsets, 2.0)
    smooth = smooth - smooth.mean()
    longest = min(len(smooth) - 1, round(4 * 60 * FRAMES / SLOWEST))
    size = 1 << int(np.ceil(np.log2(2 * len(smooth))))
    power = np.abs(np.fft.rfft(smooth, size)) ** 2
    likeness = np.fft.irfft(power)[: longest + 1]
    if likeness[0] <= 0:
        return None
    likeness /= likeness[0] * np.maximum(1 - np.arange(longest + 1) / len(smooth), 0.1)
    lags = np.arange(round(60 * FRAMES / FASTEST), min(longest, round(60 * FRAMES / SLOWEST)) + 1)
    if not len(lags):
        return None
    # A beat comes again after two, three and four of them as well, which a subdivision does only by chance.
    comb = np.mean([np.interp(lags * k, np.arange(longest + 1), likeness) for k in (1, 2, 3, 4)], axis=0)
    usual = np.exp(-0.5 * np.square(np.log2(60 * FRAMES / lags / USUAL) / SPREAD))
    score = comb * usual
    best = int(score.argmax())
    if comb[best] <= 0.02:
        return None
    return _octave(smooth, _fine(score, best) + lags[0])


def _fine(values: np.ndarray, at: int) -> float:
    """The place of a peak between the frames, by the parabola through its neighbours."""
    if not 0 < at < len(values) - 1:
        return float(at)
    left, middle, right = values[at - 1 : at + 2]
    bend = left - 2 * middle + right
    return at + (0.5 * (left - right) / bend if bend < 0 else 0.0)


def _octave(smooth: np.ndarray, period: float) -> float:
    """`period`, halved while as much begins between its beats as on them, doubled while every other one is empty."""
    for _ in range(2):
        on, off = _strengths(smooth, period, 2)
        if off < AS_MUCH * on or 60 * FRAMES / (period / 2) > FASTEST:
            break
        period /= 2
    for _ in range(2):
        on, off = _strengths(smooth, period * 2, 2)
        if off > NOTHING * on or 60 * FRAMES / (period * 2) < SLOWEST:
            break
        period *= 2
    return period


def _strengths(smooth: np.ndarray, period: float, parts: int) -> tuple[float, float]:
    """Mean onset on the best grid of that period, and `1 / parts` of a period later."""
    peaks = highest_around(smooth, 5)
    steps = np.arange(int(len(smooth) / period) - 1) * period
    if not len(steps):
        return 1.0, 0.0
    phases = np.arange(int(period))
    found = [peaks[np.round(steps + phase).astype(int)].mean() for phase in phases]
    best = int(np.argmax(found))
    later = np.round(steps + best + period / parts).astype(int)
    return float(found[best]), float(peaks[np.minimum(later, len(peaks) - 1)].mean())


def _follow(onsets: np.ndarray, period: float) -> np.ndarray:
    """The frames of the row of beats with the best sum of onsets and even steps."""
    strength = smoothed(onsets, 1.5)
    strength = strength / max(float(strength.std()), 1e-9)
    back = np.arange(-round(2 * period), -round(period / 2) + 1)
    cost = TIGHT * np.square(np.log(-back / period))
    total, came = strength.copy(), np.full(len(strength), -1)
    for i in range(-int(back[-1]), len(strength)):
        first = max(0, -(i + int(back[0])))
        options = total[i + back[first] : i + back[-1] + 1] - cost[first:]
        best = int(options.argmax())
        if options[best] > 0:
            total[i] += options[best]
            came[i] = i + back[first + best]
    at = len(total) - 1 - int(total[::-1][: round(period) + 1].argmax())
    row = []
    while at >= 0:
        row.append(at)
        at = came[at]
    return np.array(row[::-1])


def _sounding(beats: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Without the beats at either end on which nothing is heard."""
    if len(beats) < 3:
        return beats
    heard = highest_around(onsets, 7)[beats]
    enough = np.flatnonzero(heard > 0.25 * np.median(heard[heard > 0])) if (heard > 0).any() else []
    return beats[enough[0] : enough[-1] + 1] if len(enough) else beats[:0]


def _even(beats: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Seconds of `beats`; those of an even grid, if as much begins on it as on themselves. A track that was made to a
    clock is given the clock's beats, also where nothing sounds."""
    if len(beats) < 8:
        return beats / FRAMES + EARLY
    strong = np.flatnonzero(onsets > onsets.mean())
    weights, count = onsets[strong], len(beats)
    usual = float(np.median(np.diff(beats)))
    best, period, phase = 0.0, usual, 0.0
    # As fine as lets the last beat move by half a frame; folded by the right period all onsets fall on one place.
    for wanted in np.arange(usual * (1 - WIDE), usual * (1 + WIDE), 0.5 / count):
        places = max(8, round(wanted))
        fallen = np.bincount((strong % wanted / wanted * places).astype(int) % places, weights, places)
        spread = fallen + np.roll(fallen, 1) + np.roll(fallen, -1)
        top = int(spread.argmax())
        if spread[top] > best:
            around = np.arange(top - 1, top + 2)
            share = fallen[around % places]
            best, period = float(spread[top]), float(wanted)
            phase = (float(share @ around / share.sum()) + 0.5) * period / places
    first = int(np.round((beats[0] - phase) / period))
    last = int(np.round((beats[-1] - phase) / period))
    grid = phase + period * np.arange(first, last + 1)
    grid = grid[grid >= 0]
    peaks = highest_around(onsets, 5)
    at = np.clip(np.round(grid).astype(int), 0, len(peaks) - 1)
    steady = peaks[at].mean() >= STEADY * peaks[beats].mean()
    return (grid - 0.5 if steady else beats) / FRAMES + EARLY
