"""How one note sounds: additive and subtractive voices, mono float32 at 48 kHz. Knows no rhythm and no harmony."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from engine.filters import butterworth, filtered

RATE = 48_000
TABLE = 2048

Voice = Callable[[float, int, np.random.Generator], np.ndarray]


def play(instrument: str, pitch: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """`pitch` as a MIDI note number (69 is 440 Hz), `length` in samples; the sound may ring on after it."""
    return BAND[instrument](440 * 2 ** ((pitch - 69) / 12), length, rng).astype(np.float32)


@cache
def _wave(partials: tuple[float, ...]) -> np.ndarray:
    """One period of a sum of sines, for looking up."""
    phase = 2 * np.pi * np.arange(TABLE) / TABLE
    return sum((a * np.sin((k + 1) * phase) for k, a in enumerate(partials)), np.zeros(TABLE)).astype(np.float32)


def _tone(hertz: float, length: int, partials: tuple[float, ...], start: float = 0.0) -> np.ndarray:
    """A steady tone of those partials, as many of them as lie under 10 kHz."""
    heard = partials[: max(1, int(10_000 / hertz))]
    steps = (np.arange(length) * (hertz * TABLE / RATE) + start * TABLE).astype(np.int64)
    return _wave(heard)[steps & (TABLE - 1)]


def _decay(length: int, seconds: float) -> np.ndarray:
    """Falls by 60 dB in `seconds`."""
    return np.power(10, -3 * np.arange(length, dtype=np.float32) / (seconds * RATE))


def _soft_ends(sound: np.ndarray, attack: float, release: float) -> np.ndarray:
    up, down = min(round(attack * RATE), len(sound)), min(round(release * RATE), len(sound))
    if up:
        sound[:up] *= np.sin(np.linspace(0, np.pi / 2, up, dtype=np.float32)) ** 2
    if down:
        sound[-down:] *= np.cos(np.linspace(0, np.pi / 2, down, dtype=np.float32)) ** 2
    return sound


def _noise(length: int, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    return filtered(rng.standard_normal(length), butterworth(2, RATE, low, high))


SAW = tuple(1 / k for k in range(1, 13))
DARK = tuple(1 / k**2.2 for k in range(1, 9))
HOLLOW = tuple((1 / k**1.8 if k % 2 else 0.05 / k) for k in range(1, 9))


def pad(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """Three voices a few cents apart, swelling in and out beyond the chord's own length."""
    length += round(0.9 * RATE)
    voices = [_tone(hertz * 2 ** (cents / 1200), length, DARK, rng.random()) for cents in (-6, 0, 7)]
    return _soft_ends(np.mean(voices, axis=0), 0.8, 1.4)


def strings(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """Brighter and edgier than the pad; for tension."""
    length += round(0.5 * RATE)
    voices = np.sum([_tone(hertz * 2 ** (cents / 1200), length, SAW, rng.random()) for cents in (-9, 8)], axis=0)
    dark = filtered(voices * 0.4, butterworth(2, RATE, None, min(2600, hertz * 5)))
    tremble = 1 - 0.25 * (0.5 + 0.5 * np.sin(2 * np.pi * 5.3 * np.arange(length) / RATE))
    return _soft_ends(dark * tremble, 0.35, 0.6)


def pluck(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A nylon string: its upper partials die first."""
    length = max(length, round(1.1 * RATE))
    body = _tone(hertz, length, (1, 0.5, 0.22), 0.0) * _decay(length, 1.6)
    edge = _tone(hertz, length, (0, 0, 0, 0.3, 0.25, 0.18, 0.12, 0.08), 0.0) * _decay(length, 0.35)
    return _soft_ends(body + edge, 0.002, 0.1)


def bell(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A small struck bar, with the partials of a free bar (1 : 2.76 : 5.40)."""
    length = max(length, round(2.2 * RATE))
    low = _tone(hertz, length, (1.0,)) * _decay(length, 3.2)
    middle = _tone(hertz * 2.76, length, (0.35,)) * _decay(length, 1.2)
    high = _tone(min(hertz * 5.40, 12_000), length, (0.15,)) * _decay(length, 0.5)
    return _soft_ends(low + middle + high, 0.002, 0.2)


def keys(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """An electric piano: a tine that rings over a warm tone."""
    length += round(0.35 * RATE)
    body = _tone(hertz, length, (1, 0.28, 0.1)) * _decay(length, 3.0)
    tine = _tone(hertz * 7, length, (0.09,)) * _decay(length, 0.3)
    waver = 1 - 0.12 * (0.5 + 0.5 * np.sin(2 * np.pi * 4.6 * np.arange(length) / RATE))
    return _soft_ends((body + tine) * waver, 0.004, 0.3)


def lead(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A short hollow blip that repeats well."""
    length = max(length, round(0.25 * RATE))
    return _soft_ends(_tone(hertz, length, HOLLOW) * _decay(length, 0.45), 0.003, 0.05)


def bass(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    tone = _tone(hertz, length, (1, 0.45, 0.2, 0.1)) * (0.35 + 0.65 * _decay(length, 1.8))
    return _soft_ends(tone, 0.006, 0.06)


def drone(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A low note that opens and closes slowly."""
    length += round(0.6 * RATE)
    swell = 0.7 + 0.3 * np.sin(2 * np.pi * 0.21 * np.arange(length) / RATE)
    voices = _tone(hertz, length, DARK, 0.0) + _tone(hertz * 1.004, length, SAW[:6], 0.3) * 0.4
    return _soft_ends(voices * swell, 0.5, 0.8)


def kick(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    length = round(0.28 * RATE)
    seconds = np.arange(length) / RATE
    sweep = 48 * seconds + 90 * 0.03 * (1 - np.exp(-seconds / 0.03))
    return _soft_ends(np.sin(2 * np.pi * sweep) * _decay(length, 0.35), 0.001, 0.03)


def hat(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    length = round(0.07 * RATE)
    return _noise(length, rng, 7000, 14_000) * _decay(length, 0.08)


def shaker(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    length = round(0.11 * RATE)
    return _soft_ends(_noise(length, rng, 3500, 9000) * _decay(length, 0.2), 0.03, 0.04)


def clap(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """Three bursts within 25 ms and a short tail."""
    length = round(0.2 * RATE)
    bursts = sum(
        np.pad(_decay(length - at, 0.06 if k < 2 else 0.22), (at, 0))
        for k, at in enumerate((0, round(0.011 * RATE), round(0.023 * RATE)))
    )
    return _noise(length, rng, 900, 5000) * bursts


def clock(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A dry tick."""
    length = round(0.04 * RATE)
    return (_noise(length, rng, 1800, 6000) + _tone(1900, length, (0.6,))) * _decay(length, 0.03)


def boom(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """A far drum."""
    length = round(1.2 * RATE)
    seconds = np.arange(length) / RATE
    tone = np.sin(2 * np.pi * (38 * seconds + 1.2 * (1 - np.exp(-seconds / 0.05)))) * _decay(length, 1.3)
    return _soft_ends(tone + 0.3 * _noise(length, rng, 60, 400) * _decay(length, 0.4), 0.004, 0.2)


def swell(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    """Air that rises by 40 dB and is cut off where something else begins."""
    rise = np.power(10, 2 * (np.arange(length, dtype=np.float32) / max(1, length) - 1))
    return _soft_ends(_noise(length, rng, 1500, 9000) * rise, 0.01, 0.02)


def cymbal(hertz: float, length: int, rng: np.random.Generator) -> np.ndarray:
    length = round(1.6 * RATE)
    return _soft_ends(_noise(length, rng, 3000, 12_000) * _decay(length, 1.4), 0.003, 0.3)


BAND: dict[str, Voice] = {
    voice.__name__: voice
    for voice in (
        pad,
        strings,
        pluck,
        bell,
        keys,
        lead,
        bass,
        drone,
        kick,
        hat,
        shaker,
        clap,
        clock,
        boom,
        swell,
        cymbal,
    )
}
