"""A film sounds as loud as it promises, its narration is where the timing says, and silence stays silence."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from engine.audio import (
    CEILING_DBTP,
    FILM_LUFS,
    RATE,
    level_speech,
    limit,
    loudness,
    peaks_between,
    read_wav,
    resample,
    true_peak,
    write_wav,
)
from engine.errors import MediaFailed
from engine.formats import MusicStyle
from engine.made import Music, Timing, Voice
from engine.mixing import mix_film_audio

STYLE = MusicStyle(mood="calm", tempo=70, level=-14, ducked=-22)
TITLE = 2.0


def babble(seconds, rate=24_000, seed=0, level=0.1):
    """Noise in syllables: crests and gaps like speech."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    syllables = np.clip(np.sin(2 * np.pi * 3.7 * time), 0, 1) ** 0.5
    return (level * syllables * rng.standard_normal(len(time))).astype(np.float32)


@pytest.fixture
def film(tmp_path):
    """Three lines of 2.5 s in shots of 4 s after the title, and a bed; 16 s in all."""
    voices, timings = [], []
    for i in range(3):
        path = tmp_path / f"line-{i}.wav"
        write_wav(path, babble(2.5, seed=i), 24_000)
        voices.append(Voice(audio=path, seconds=2.5))
        timings.append(Timing(start=TITLE + 4 * i, lead=0.5, speech=2.5, tail=1.0, frames=96))
    bed = tmp_path / "bed.wav"
    rng = np.random.default_rng(9)
    write_wav(bed, 0.2 * rng.standard_normal((2, 16 * RATE)).astype(np.float32), RATE)
    return voices, timings, Music(audio=bed, seconds=16.0)


NO_MUSIC = Music(audio=None, seconds=0)


def mixed(tmp_path, voices, timings, music, style=STYLE, total=16.0):
    out = tmp_path / "film.wav"
    mix_film_audio(voices, timings, music, TITLE, total, style, out)
    return out


def ebur128(path):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"I:\s+(\S+) LUFS", report)[-1]), float(re.findall(r"Peak:\s+(\S+)", report)[-1])


@pytest.mark.parametrize("with_music", [True, False])
def test_a_film_is_at_sixteen_lufs_and_under_its_true_peak_as_ffmpeg_measures_it(tmp_path, film, with_music):
    voices, timings, music = film
    out = mixed(tmp_path, voices, timings, music if with_music else NO_MUSIC)
    integrated, peak = ebur128(out)
    assert integrated == pytest.approx(-16, abs=1)
    assert peak <= -1.5


def test_music_alone_meets_the_same_loudness(tmp_path, film):
    _, timings, music = film
    silent = [Voice(audio=None, seconds=0)] * 3
    samples = read_wav(mixed(tmp_path, silent, timings, music))
    assert loudness(samples) == pytest.approx(FILM_LUFS, abs=1)


def test_a_film_without_voice_and_music_is_digital_silence_of_its_length(tmp_path, film):
    _, timings, _ = film
    samples = read_wav(mixed(tmp_path, [Voice(audio=None, seconds=0)] * 3, timings, NO_MUSIC))
    assert samples.shape == (2, 16 * RATE)
    assert not samples.any()


def test_each_line_stands_at_its_sample(tmp_path, film):
    voices, timings, _ = film
    samples = read_wav(mixed(tmp_path, voices, timings, NO_MUSIC))[0]
    for voice, timing in zip(voices, timings, strict=True):
        line = read_wav(voice.audio)[0]
        start = round((timing.start + timing.lead) * RATE)
        window = samples[start - 480 : start + len(line) + 480]
        match = np.correlate(window, line, "valid")
        assert int(match.argmax()) == 480


def test_music_goes_down_before_a_line_and_comes_back_after_it(tmp_path, film):
    voices, timings, music = film
    last = timings[-1]
    # One line only, so that the bed has time to come back.
    out = mixed(tmp_path, [Voice(audio=None, seconds=0)] * 2 + voices[2:], timings, music)
    quiet = resample(babble(2.5, seed=2), 24_000, RATE) == 0
    samples = read_wav(out)[0]
    start = round((last.start + last.lead) * RATE)
    under = samples[start : start + len(quiet)][quiet]
    before = samples[start - 3 * RATE : start - RATE]
    if under.size > 1000:
        drop = 10 * np.log10(np.square(before).mean() / np.square(under).mean())
        assert drop == pytest.approx(STYLE.level - STYLE.ducked, abs=2.5)
    steps = np.abs(np.diff(np.convolve(np.square(samples[:start]), np.ones(4800) / 4800, "valid")))
    assert steps.max() < 1e-4


def test_ends_are_faded_but_no_word_is(tmp_path, film):
    voices, timings, music = film
    samples = read_wav(mixed(tmp_path, voices, timings, music))
    assert np.abs(samples[:, :48]).max() < 1e-3
    assert np.abs(samples[:, -48:]).max() < 1e-3


def test_the_same_film_gives_the_same_bytes(tmp_path, film):
    first = mixed(tmp_path, *film).read_bytes()
    assert mixed(tmp_path, *film).read_bytes() == first


def test_a_line_that_would_pass_the_films_end_is_cut_there(tmp_path, film):
    voices, timings, _ = film
    samples = read_wav(mixed(tmp_path, voices, timings, NO_MUSIC, total=11.5))
    assert samples.shape[-1] == round(11.5 * RATE)


def test_what_is_no_sound_file_is_named(tmp_path):
    (tmp_path / "voice.wav").write_text("not a sound")
    with pytest.raises(MediaFailed, match=r"voice\.wav"):
        read_wav(tmp_path / "voice.wav")


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0.003, 0.1, 0.5])
def test_loudness_agrees_with_another_meter(channels, level):
    samples = np.stack([babble(7.3, RATE, seed, level) for seed in range(channels)])
    other = pyloudnorm.Meter(RATE).integrated_loudness(samples.T.astype(np.float64))
    assert loudness(samples) == pytest.approx(other, abs=0.2)


def test_peaks_between_the_samples_are_seen_and_held():
    time = np.arange(RATE * 2)
    # A quarter of the rate, half way between its samples: they reach 0.707 of the true peak.
    tone = np.stack([np.sin(2 * np.pi * time / 4 + np.pi / 4)] * 2).astype(np.float32)
    assert np.abs(tone).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peak(tone[:, 1000:-1000]) == pytest.approx(0, abs=0.4)
    assert true_peak(limit(tone * np.hanning(len(time)).astype(np.float32))) <= CEILING_DBTP + 0.1


@pytest.mark.parametrize("count", [1, 9, 48, 49, 500, 10 * RATE - 1, 10 * RATE, 10 * RATE + 1, 10 * RATE + 7])
def test_peaks_are_those_of_a_signal_at_four_times_the_rate(count: int):
    channels = np.random.default_rng(count).standard_normal((2, count)).astype(np.float32)
    fine = np.abs(resample_poly(channels, 4, 1, axis=-1)).reshape(2, count, 4).max(axis=(0, 2))
    np.testing.assert_allclose(peaks_between(channels), fine, atol=0.005)


def test_what_is_under_the_ceiling_is_not_touched():
    tone = np.stack([babble(2, RATE, level=0.02)] * 2)
    assert limit(tone) is tone


def test_a_line_too_short_for_a_loudness_block_is_levelled_as_well():
    short, long = babble(0.2, 24_000), babble(4, 24_000, level=0.02)
    assert loudness(resample(level_speech(short, 24_000), 24_000, RATE)) == pytest.approx(
        loudness(resample(level_speech(long, 24_000), 24_000, RATE)), abs=2
    )


def test_silence_has_no_loudness_and_stays_itself():
    silence = np.zeros(24_000, np.float32)
    assert loudness(silence) == float("-inf")
    assert not level_speech(silence, 24_000).any()
    assert true_peak(silence) == float("-inf")
