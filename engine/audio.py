"""WAV files, loudness, true peaks and the limiter. Knows no model, no voice and no music.

Loudness and true peak are those of ITU-R BS.1770-4 (K-weighting at 48 kHz, gates at -70 LUFS and -10 LU; peaks at four
times the rate). Samples are float32 with full scale 1; stereo is (2, n).
"""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.lib.stride_tricks import sliding_window_view

from engine.errors import MediaFailed
from engine.filters import (
    REACH,
    filtered,
    filtered_stretches,
    kaiser_sinc,
    lowest_around,
    multiplied,
    resampled,
    sections,
    taps,
)

RATE = 48_000
FILM_LUFS = -16.0
CEILING_DBTP = -2.5
"""1 dB under what is promised (-1.5 dBTP), because AAC at film bit rates adds up to about 0.7 dB of overshoot; a film
to which it adds more is mixed again."""

LINE_LUFS = -20.0
BLOCK = 10 * RATE
"""What is filtered at once: ten seconds, so that a long film needs no more memory than its own samples."""

# BS.1770-4, tables 1 and 2: the head's shelf and the low cut, at 48 kHz.
K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)


STRETCH = 48
"""How many samples are interpolated together."""


@cache
def _between() -> np.ndarray:
    """What gives, of `STRETCH` samples with `REACH` more on either side, the values a quarter, half and three quarters
    behind each: (`STRETCH` + 2 `REACH`, 3 × `STRETCH`)."""
    low_pass = kaiser_sinc(4)
    at = 4 * np.arange(STRETCH) + np.arange(1, 4)[:, None] + 8 * REACH
    reached = at.ravel() - 4 * np.arange(STRETCH + 2 * REACH)[:, None]
    inside = (reached >= 0) & (reached < len(low_pass))
    return (low_pass[np.clip(reached, 0, len(low_pass) - 1)] * inside).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int) -> None:
    """Write float samples, (n,) mono or (2, n), as 16-bit PCM. Silence stays digital silence."""
    channels = 1 if samples.ndim == 1 else len(samples)
    with path.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        for start in range(0, samples.shape[-1], BLOCK):
            block = np.clip(samples[..., start : start + BLOCK], -1, 1)
            out.writeframes(np.round(block.T * 32767).astype("<i2").tobytes())


def read_wav(path: Path, rate: int = RATE) -> np.ndarray:
    """The samples of a sound file at `rate`, float32, (channels, n). Raises `MediaFailed` if it is not one."""
    samples, found = read_recorded(path)
    return resample(samples, found, rate)


def read_recorded(path: Path) -> tuple[np.ndarray, int]:
    """The samples of a sound file, float32, (channels, n), and their rate. Raises `MediaFailed` if it is not one."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise MediaFailed(f"{path} cannot be read as sound: delete it and run again.") from error
    return samples.T, rate


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """`samples` (…, n) at another rate, by a linear-phase polyphase filter: nothing moves in time."""
    if rate == wanted:
        return np.ascontiguousarray(samples)
    divisor = int(np.gcd(rate, wanted))
    return resampled(samples, wanted // divisor, rate // divisor)


def loudness(samples: np.ndarray) -> float:
    """Integrated loudness in LUFS of samples at 48 kHz, (n,) or (channels, n); -inf for silence.

    A mono signal counts once, as BS.1770 has it. What is shorter than one 400 ms block counts as if it went on.
    """
    channels = np.atleast_2d(samples)
    if channels.shape[-1] and channels.shape[-1] < RATE * 4 // 10:
        channels = np.tile(channels, (1, -(-RATE * 4 // 10 // channels.shape[-1]) + 1))
    tenths = power_per_tenth(channels)
    if len(tenths) < 4:
        return float("-inf")
    blocks = np.convolve(tenths, np.full(4, 0.25), mode="valid")
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(blocks):
        return float("-inf")
    blocks = blocks[blocks > blocks.mean() * 0.1]
    return float(-0.691 + 10 * np.log10(blocks.mean()))


def power_per_tenth(channels: np.ndarray) -> np.ndarray:
    """K-weighted power of each whole tenth of a second, summed over channels."""
    step = RATE // 10
    whole = channels.shape[-1] // step * step
    power = [
        np.square(stretch).reshape(len(channels), -1, step).mean(axis=-1).sum(axis=0)
        for _, stretch in filtered_stretches(channels[:, :whole], sections(K_WEIGHTING))
    ]
    return np.concatenate(power) if power else np.zeros(0)


def true_peak(samples: np.ndarray) -> float:
    """The highest peak between the samples, in dBTP, seen at four times the rate; -inf for silence."""
    highest = float(peaks_between(np.atleast_2d(samples)).max(initial=0.0))
    return 20 * float(np.log10(highest)) if highest > 0 else float("-inf")


def peaks_between(channels: np.ndarray) -> np.ndarray:
    """The peak at and after each sample up to the next, over all of `channels` (c, n) at four times the rate; (n,)."""
    count = channels.shape[-1]
    peaks = np.abs(channels).max(axis=0)
    for start in range(0, count, BLOCK):
        here = peaks[start : start + BLOCK]
        first, last = max(0, start - REACH), min(count, start + BLOCK + REACH)
        ends = (REACH - (start - first), REACH + -len(here) % STRETCH - (last - start - len(here)))
        around = np.pad(channels[:, first:last], ((0, 0), ends))
        stretches = sliding_window_view(around, STRETCH + 2 * REACH, axis=-1)[:, ::STRETCH]
        # One product of matrices for all stretches takes a small part of what filtering them does.
        between = np.abs(multiplied(stretches, _between())).reshape(*stretches.shape[:2], 3, STRETCH)
        np.maximum(here, between.max(axis=2).max(axis=0).ravel()[: len(here)], out=here)
    return peaks


def limit(samples: np.ndarray, ceiling_dbtp: float = CEILING_DBTP) -> np.ndarray:
    """`samples` (channels, n) with true peaks held under the ceiling, by gain that moves smoothly over ±6 ms.

    The needed gain's minimum over a window, averaged by a Hann window of the same width, is never more than what is
    needed at any sample; both channels share it, so the image stays.
    """
    ceiling = 10 ** (ceiling_dbtp / 20)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks_between(samples), 1e-9))
    if needed.min() >= 1:
        return samples
    width = 2 * round(0.006 * RATE) + 1
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    lowest = np.pad(lowest_around(needed, width), width // 2, mode="edge")
    return samples * filtered(lowest, taps(window / window.sum()))[width - 1 :]


def level_speech(samples: np.ndarray, rate: int) -> np.ndarray:
    """A line at `LINE_LUFS`, softer if its peaks would pass -1 dBFS: lines of one film sound equally loud."""
    found = loudness(resample(samples, rate, RATE))
    if found == float("-inf"):
        return samples
    gain = 10 ** ((LINE_LUFS - found) / 20)
    return samples * np.float32(min(gain, 0.89 / float(np.abs(samples).max())))
