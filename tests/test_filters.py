"""Filters do what scipy's do, which takes half a second to import and so stands in no film's way."""

import subprocess
import sys
from typing import Literal

import numpy as np
import pytest
from scipy import ndimage, signal

from engine.audio import K_WEIGHTING, RATE
from engine.filters import (
    RINGING,
    STRETCH,
    butterworth,
    convolved,
    filtered,
    filtered_stretches,
    highest_around,
    lowest_around,
    mean_around,
    resampled,
    sections,
    smoothed,
    taps,
)

LENGTHS = [1, 100, RINGING, STRETCH - 1, STRETCH, STRETCH + 1, STRETCH + RINGING + 1, 3 * STRETCH + 777]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape[-1]).standard_normal(shape)


@pytest.mark.parametrize("count", LENGTHS)
def test_second_order_sections_give_what_they_give_sample_by_sample(count: int):
    samples = noise(2, count)
    expected = np.asarray(signal.sosfilt(K_WEIGHTING, samples, axis=-1))
    np.testing.assert_allclose(filtered(samples, sections(K_WEIGHTING)), expected, atol=1e-10)


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize(
    ("order", "low", "high"),
    [(1, None, 1800), (2, None, 300), (2, 32, None), (3, 500, None), (1, 1800, 7000), (2, 60, 400), (2, 7000, 14_000)],
)
def test_a_butterworth_filter_is_the_one_that_scipy_designs(order: int, low: float, high: float, count: int):
    kind = "lowpass" if low is None else "highpass" if high is None else "bandpass"
    edges = [hertz for hertz in (low, high) if hertz is not None]
    sos = signal.butter(order, edges if len(edges) == 2 else edges[0], kind, fs=RATE, output="sos")
    samples = noise(count)
    expected = np.asarray(signal.sosfilt(sos, samples))
    np.testing.assert_allclose(filtered(samples, butterworth(order, RATE, low, high)), expected, atol=1e-10)


@pytest.mark.parametrize("count", LENGTHS)
def test_taps_are_a_convolution(count: int):
    samples, window = noise(count), np.hanning(577)
    expected = signal.fftconvolve(samples, window)[:count]
    np.testing.assert_allclose(filtered(samples, taps(window)), expected, atol=1e-9)


def test_stretches_are_the_whole_in_order():
    samples = noise(2, 2 * STRETCH + 5)
    starts, stretches = zip(*filtered_stretches(samples, sections(K_WEIGHTING)), strict=True)
    assert starts == (0, STRETCH, 2 * STRETCH)
    np.testing.assert_array_equal(np.concatenate(stretches, axis=-1), filtered(samples, sections(K_WEIGHTING)))


def test_nothing_is_not_filtered():
    assert filtered(np.zeros((2, 0), np.float32), sections(K_WEIGHTING)).shape == (2, 0)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (5, 900), (900, 5), (48_000, 31_111)])
def test_a_convolution_is_whole(first: int, second: int):
    one, other = noise(2, first), noise(2, second)
    np.testing.assert_allclose(convolved(one, other), signal.fftconvolve(one, other, axes=-1), atol=1e-9)


@pytest.mark.parametrize("count", [1, 5, 47, 48, 49, 1000, 24_001, 600_011])
@pytest.mark.parametrize(("up", "down"), [(2, 1), (1, 2), (1, 6), (3, 1), (160, 147), (320, 147), (147, 320), (8, 7)])
def test_another_rate_is_the_one_of_scipys_polyphase_filter(up: int, down: int, count: int):
    samples = noise(2, count).astype(np.float32)
    np.testing.assert_allclose(
        resampled(samples, up, down), signal.resample_poly(samples, up, down, axis=-1), atol=1e-5
    )


@pytest.mark.parametrize("count", [1, 2, 9, 300, 576, 577, 578, 5000])
@pytest.mark.parametrize("width", [1, 7, 577])
def test_the_lowest_and_the_highest_around_are_exact(width: int, count: int):
    values = noise(count)
    np.testing.assert_array_equal(highest_around(values, width), ndimage.maximum_filter1d(values, width))
    np.testing.assert_array_equal(lowest_around(values, width), ndimage.minimum_filter1d(values, width, mode="nearest"))


@pytest.mark.parametrize(("beyond", "mode"), [("edge", "nearest"), ("symmetric", "reflect")])
@pytest.mark.parametrize("width", [1, 4, 5, 30])
def test_the_mean_around_goes_on_beyond_the_ends(width: int, beyond: Literal["edge", "symmetric"], mode: str):
    for count in (30, 31, 400):
        values = noise(count)
        expected = ndimage.uniform_filter1d(values, width, mode=mode)
        np.testing.assert_allclose(mean_around(values, width, beyond=beyond), expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [1.5, 2.0])
def test_smoothing_is_gaussian(sigma: float):
    for count in (3, 30, 4000):
        values = noise(count)
        np.testing.assert_allclose(smoothed(values, sigma), ndimage.gaussian_filter1d(values, sigma), atol=1e-12)


def test_mixing_and_hearing_a_film_imports_no_scipy():
    program = """
import sys
import engine.backends.music.bed, engine.backends.voice.noop, engine.mixing, engine.pipeline, engine.reviewing.sound
print([name for name in sys.modules if name.partition(".")[0] == "scipy"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
