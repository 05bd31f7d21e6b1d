"""Beats are found where they are, as many as there are: in click tracks, and in pieces whose score says where."""

import numpy as np
import pytest

from engine.audio import RATE as SOUND_RATE
from engine.audio import read_wav, resample
from engine.backends.music import bed
from engine.backends.protocols import MusicJob
from engine.beats import RATE, find_beats
from engine.catalog import load_catalog

NEAR = 0.040
PIECES = [
    ("bright", 100),
    ("bright", 118),
    ("bright", 120),
    ("bright", 132),
    ("pulse", 96),
    ("pulse", 104),
    ("warm", 84),
    ("warm", 92),
    ("wonder", 72),
    ("calm", 70),
    ("tense", 84),
    ("tense", 100),
]


def click_track(times, seconds, accents=4):
    """A tick at each of `times`, every so many of them higher and louder."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    t = np.arange(round(0.03 * RATE)) / RATE
    for number, time in enumerate(times):
        first = round(time * RATE)
        strong = number % accents == 0
        tick = (0.8 if strong else 0.5) * np.sin(2 * np.pi * (1500 if strong else 1000) * t) * np.exp(-t / 0.006)
        end = min(first + len(tick), len(samples))
        samples[first:end] += tick[: end - first].astype(np.float32)
    return samples


def check(beats, clicks):
    """Each beat is at its click, no click between is without, and only the first and the last may be."""
    nearest = np.abs(np.subtract.outer(np.array(beats), clicks)).argmin(axis=1)
    assert np.abs(np.array(beats) - clicks[nearest]).max() <= NEAR
    assert np.array_equal(np.diff(nearest), np.ones(len(beats) - 1))
    assert nearest[0] <= 1
    assert nearest[-1] >= len(clicks) - 2


@pytest.mark.parametrize("accents", [1, 3, 4])
@pytest.mark.parametrize("tempo", [60, 66.5, 75, 84, 90, 97.3, 105, 118, 120, 128, 133.3, 140, 150, 160, 172, 180])
def test_every_click_of_a_click_track_is_a_beat_and_nothing_else_is(tempo, accents):
    clicks = np.arange(0.35, 11.8, 60 / tempo)
    check(find_beats(click_track(clicks, 12, accents)), clicks)


def test_beats_follow_a_tempo_that_drifts():
    clicks = np.cumsum(np.linspace(0.55, 0.48, 40))
    check(find_beats(click_track(clicks, clicks[-1] + 0.5)), clicks)


def test_silence_before_and_after_has_no_beats():
    clicks = np.arange(4.0, 14.0, 0.5)
    check(find_beats(click_track(clicks, 20)), clicks)


@pytest.mark.parametrize(("mood", "tempo"), PIECES)
def test_the_beats_of_a_composed_piece_are_those_of_its_score(tmp_path, mood, tempo):
    out = tmp_path / "piece.wav"
    composer = bed.load(load_catalog().model("bed"), None)
    composer.compose(MusicJob(mood=mood, tempo=tempo, seconds=30, seed=5), out)
    beats = np.array(find_beats(resample(read_wav(out).mean(axis=0), SOUND_RATE, RATE)))
    step = 60 / tempo
    number = np.round(beats / step)
    assert np.abs(beats - number * step).max() <= NEAR
    assert (np.diff(number) == 1).all()
    assert len(beats) >= 0.85 * 30 / step


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(5 * RATE), np.full(5 * RATE, 0.2), np.ones(200)])
def test_what_has_no_onset_has_no_beat(samples):
    assert find_beats(samples.astype(np.float32)) == ()


def test_noise_is_no_error():
    noise = np.random.default_rng(1).standard_normal(8 * RATE).astype(np.float32)
    beats = find_beats(noise)
    assert list(beats) == sorted(beats)
