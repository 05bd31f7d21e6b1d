"""Linear filters: by what they do to each frequency, by convolution, to another rate. Knows no sound, only samples.

All of it is numpy: scipy.signal, which has these too, takes half a second to import, and every film needs them. A
filter with feedback is applied to the spectra of stretches that begin so early that its ringing is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

RINGING = 12_000
"""Samples after which a filter must have died away: a low cut at 32 Hz, at 48 kHz, has lost 300 dB by then."""

STRETCH = 48_000
"""Samples filtered at once: with the ringing before them a product of 2, 3 and 5, as FFTs like it, and small enough
for a processor's cache."""

REACH = 10
"""How far the filter between samples reaches to either side, in samples of the lower rate."""

TOGETHER, BLOCK = 48, 480_000
"""How many samples at least are interpolated by one row of a product of matrices, and how many by one product."""

ON_ONE_THREAD = 262_144
"""Multiplications up to which OpenBLAS makes a product on one thread (65536 * GEMM_MULTITHREAD_THRESHOLD)."""

Response = Callable[[int], np.ndarray]
"""What a filter does to each frequency: the n // 2 + 1 complex factors for the spectrum of n real samples."""


def sections(coefficients: np.ndarray) -> Response:
    """Second-order sections one after another, (sections, 6): b0, b1, b2, a0, a1, a2, as standards give them."""

    def response(size: int) -> np.ndarray:
        back = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
        whole = np.ones_like(back)
        for b0, b1, b2, a0, a1, a2 in coefficients.tolist():
            whole *= ((b2 * back + b1) * back + b0) / ((a2 * back + a1) * back + a0)
        return whole

    return response


def butterworth(order: int, rate: int, low: float | None, high: float | None) -> Response:
    """A filter that lets through what lies between `low` and `high` hertz at that rate; None: no edge on that side.

    The analogue prototype, 1 / Π (s − s_k) with the s_k spread over the left half of the unit circle, at the analogue
    frequency that the bilinear transform gives each digital one: s = j tan(ω / 2), the edges likewise (Oppenheim and
    Schafer, Discrete-Time Signal Processing, section 7.2 and appendix B).
    """
    angles = np.pi * (2 * np.arange(order) + order + 1) / (2 * order)
    poles = np.exp(1j * angles)
    lower, upper = (None if hertz is None else np.tan(np.pi * hertz / rate) for hertz in (low, high))

    def response(size: int) -> np.ndarray:
        at = np.tan(np.pi * np.maximum(np.arange(size // 2 + 1), 1e-30) / size)  # at 0 Hz itself some would divide by 0
        if lower is None:
            along = at / upper
        elif upper is None:
            along = -lower / at
        else:
            along = (at**2 - lower * upper) / (at * (upper - lower))
        return 1 / np.prod(1j * along - poles[:, None], axis=0)

    return response


def taps(response: np.ndarray) -> Response:
    """Convolution with an impulse response of at most `RINGING` samples, (n,)."""
    return lambda size: np.fft.rfft(response, size)


def filtered(samples: np.ndarray, response: Response) -> np.ndarray:
    """`samples` (…, n) through a filter that looks back only and was at rest before; float32 stays float32."""
    out = np.empty_like(samples)
    for start, stretch in filtered_stretches(samples, response):
        out[..., start : start + stretch.shape[-1]] = stretch
    return out


def filtered_stretches(samples: np.ndarray, response: Response) -> Iterator[tuple[int, np.ndarray]]:
    """What `filtered` gives, `STRETCH` after `STRETCH` with where each begins, for those who need not keep it."""
    factors = cache(response)
    for start in range(0, samples.shape[-1], STRETCH):
        first = max(0, start - RINGING)
        heard = samples[..., first : start + STRETCH]
        # What rings on beyond the end comes round to the beginning: into nothing, or into what is not used.
        size = min(STRETCH, RINGING * -(-heard.shape[-1] // RINGING)) + RINGING
        stretch = np.fft.irfft(np.fft.rfft(heard.astype(np.float64), size) * factors(size), size)
        yield start, stretch[..., start - first : heard.shape[-1]]


def convolved(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The whole convolution along the last axis, (…, n + m - 1), of (…, n) and (…, m) of any length; float64."""
    count = samples.shape[-1] + response.shape[-1] - 1
    size = _transformed_fast(count)
    spectrum = np.fft.rfft(samples.astype(np.float64), size) * np.fft.rfft(response.astype(np.float64), size)
    return np.fft.irfft(spectrum, size)[..., :count]


def _transformed_fast(count: int) -> int:
    """A length from `count` on whose only prime factors are 2, 3 and 5."""
    doubled = 2 ** max(0, count.bit_length() - 4)
    return next(doubled * part for part in (8, 9, 10, 12, 15, 16) if doubled * part >= count)


def resampled(samples: np.ndarray, up: int, down: int) -> np.ndarray:
    """`samples` (…, n) at `up` / `down` of their rate (small whole numbers), (…, ceil(n up / down)) float32. The filter
    looks as far forward as back: nothing moves in time."""
    matrix, inputs, outputs = _polyphase(up, down)
    count = -(-samples.shape[-1] * up // down)
    rows = -(-count // outputs)
    reach = (len(matrix) - inputs) // 2
    ends = (reach, rows * inputs - samples.shape[-1] + reach)
    padded = np.pad(samples.astype(np.float32), [(0, 0)] * (samples.ndim - 1) + [ends])
    around = sliding_window_view(padded, len(matrix), axis=-1)[..., ::inputs, :]
    out = np.empty((*samples.shape[:-1], rows, outputs), np.float32)
    at_once = max(1, BLOCK // inputs)
    for first in range(0, rows, at_once):
        out[..., first : first + at_once, :] = multiplied(around[..., first : first + at_once, :], matrix)
    return out.reshape(*samples.shape[:-1], -1)[..., :count]


def multiplied(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`rows` (…, n, k) times `matrix` (k, m), float32, in products that BLAS makes on one thread: shared among
    threads, their waiting for each other, at full load, costs several times what the work does."""
    flat = np.ascontiguousarray(rows).reshape(-1, len(matrix))
    out = np.empty((len(flat), matrix.shape[1]), np.float32)
    together = max(1, ON_ONE_THREAD // matrix.size)
    whole = len(flat) // together * together
    if whole:
        pieces = flat[:whole].reshape(-1, together, len(matrix))
        np.matmul(pieces, matrix, out=out[:whole].reshape(-1, together, matrix.shape[1]))
    np.matmul(flat[whole:], matrix, out=out[whole:])
    return out.reshape(*rows.shape[:-1], -1)


def kaiser_sinc(wide: int) -> np.ndarray:
    """The low-pass between samples that are `wide` taps apart, (2 REACH wide + 1,): a sinc in a Kaiser window of beta
    5, as `scipy.signal.resample_poly` has it, 1 in its middle."""
    along = np.arange(-REACH * wide, REACH * wide + 1)
    return np.sinc(along / wide) * np.kaiser(len(along), 5.0)


@cache
def _polyphase(up: int, down: int) -> tuple[np.ndarray, int, int]:
    """What makes of some samples, with the filter's reach on either side, those of the other rate: a matrix (taken,
    given), how many samples one row of windows is further than the last, and how many are given for them."""
    wide = max(up, down)
    low_pass = kaiser_sinc(wide)
    low_pass *= up / low_pass.sum()  # its gain is 1 at 0 Hz
    turns = -(-TOGETHER // down)
    inputs, outputs, reach = down * turns, up * turns, -(-REACH * wide // up)
    # In time steps of `up` times the first rate: given sample k is at k * down, taken sample j at j * up.
    apart = np.arange(outputs) * down - np.arange(-reach, inputs + reach)[:, None] * up + REACH * wide
    inside = (apart >= 0) & (apart < len(low_pass))
    return (low_pass[np.clip(apart, 0, len(low_pass) - 1)] * inside).astype(np.float32), inputs, outputs


def lowest_around(values: np.ndarray, width: int) -> np.ndarray:
    """The lowest of the `width` (odd) values around each, (n,); the ends go on as they are.

    A window of a row's width spans the end of one row and the beginning of the next, whose lowest values so far are
    known (M. van Herk, "A fast algorithm for local minimum and maximum filters", 1992).
    """
    count, half = len(values), width // 2
    rows = np.pad(values, (half, half + -(count + 2 * half) % width), mode="edge").reshape(-1, width)
    from_beginning = np.minimum.accumulate(rows, axis=1).ravel()
    to_end = np.minimum.accumulate(rows[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.minimum(to_end[:count], from_beginning[width - 1 : width - 1 + count])


def highest_around(values: np.ndarray, width: int) -> np.ndarray:
    """The highest of the `width` (odd) values around each, (n,); the ends go on as they are."""
    return -lowest_around(-values, width)


def mean_around(values: np.ndarray, width: int, *, beyond: Literal["edge", "symmetric"]) -> np.ndarray:
    """The mean of the `width` values around each, (n,), of which an even number has one more before it than behind;
    `beyond` says how the ends go on, as `numpy.pad` names it."""
    padded = np.pad(values, (width // 2, (width - 1) // 2), mode=beyond)
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """`values` (n,) under a Gaussian window of that standard deviation, cut off at four of them; the ends mirrored."""
    reach = round(4 * sigma)
    window = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma))
    return np.convolve(np.pad(values, reach, mode="symmetric"), window / window.sum(), mode="valid")
