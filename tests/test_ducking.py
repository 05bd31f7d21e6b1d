"""Music gives way to whoever speaks: by at least 12 dB, before the first sound, in the real mix of every format."""

from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from engine.audio import FILM_LUFS, RATE, loudness, power_per_tenth, read_wav, write_wav
from engine.backends.music import bed
from engine.backends.protocols import MusicJob, SpeechJob
from engine.backends.voice import hibari
from engine.catalog import load_catalog
from engine.ducking import bed_gain, speaking
from engine.formats import format_names, load_format
from engine.made import Music, Timing, Voice
from engine.mixing import mix_film_audio

LINES = (
    "A dragon taught a young knight how to fly, and the whole valley looked up to see it.",
    "He fell twice. Nobody laughed.",
    "On the third morning the wind turned, and he stayed in the air until noon.",
    "That is how the tower got its name.",
)
SPOKEN = [name for name in format_names() if load_format(name).narration]


class Take(NamedTuple):
    voice: Voice
    seconds: float


class Mix(NamedTuple):
    """The film's sound, its speech alone and its music alone, all at the film's level; (n,) each."""

    film: np.ndarray
    speech: np.ndarray
    music: np.ndarray


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """Real lines of the real narrator."""
    folder = tmp_path_factory.mktemp("lines")
    narrator = hibari.load(load_catalog().model("hibari"), None)
    made = []
    for number, line in enumerate(LINES):
        out = folder / f"{number}.wav"
        speech = narrator.speak(SpeechJob(text=line, voice="heart"), out)
        made.append(Take(Voice(audio=out, seconds=speech.seconds, words=speech.words), speech.seconds))
    narrator.close()
    return made


@pytest.fixture(scope="module")
def mixes(takes, tmp_path_factory):
    """The real mix of those lines in each format, with its own pauses, cards and music, pulled apart again."""
    folder = tmp_path_factory.mktemp("mixes")
    composer = bed.load(load_catalog().model("bed"), None)
    made: dict[str, Mix] = {}

    def mix(name: str) -> Mix:
        if name not in made:
            fmt = load_format(name)
            timings, at = [], fmt.overlays.title_seconds
            for take in takes:
                lead, tail = 0.8 * fmt.pacing.pause[1], 1.2 * fmt.pacing.pause[1]
                seconds = lead + take.seconds + tail
                timings.append(Timing(start=at, lead=lead, speech=take.seconds, tail=tail, frames=round(seconds * 24)))
                at += seconds
            total = at + fmt.overlays.end_seconds
            score = folder / f"{name}-score.wav"
            composer.compose(MusicJob(mood=fmt.music.mood, tempo=fmt.music.tempo, seconds=total, seed=3), score)
            made[name] = _apart(folder, [take.voice for take in takes], timings, score, fmt, total)
        return made[name]

    yield mix
    composer.close()


def _apart(folder, voices, timings, score, fmt, total):
    """What is not speech in the mix is music: the speech is known from a mix without any, up to the film's level."""
    out = folder / "film.wav"
    title = fmt.overlays.title_seconds
    mix_film_audio(voices, timings, Music(audio=None, seconds=0), title, total, fmt.music, out)
    speech = read_wav(out).mean(axis=0)
    mix_film_audio(voices, timings, Music(audio=score, seconds=total), title, total, fmt.music, out)
    film = read_wav(out).mean(axis=0)
    level = float(film @ speech / (speech @ speech))
    return Mix(film, level * speech, film - level * speech)


def decibels(samples, where):
    """K-weighted level of those tenths of a second that are wholly `where`."""
    power = power_per_tenth(np.atleast_2d(samples))
    step = RATE // 10
    whole = where[: len(where) // step * step].reshape(-1, step).all(axis=1)[: len(power)]
    assert whole.sum() >= 5
    return 10 * np.log10(power[whole].mean())


def sounding(speech):
    """Where the voice is heard, sample by sample: within a fifth of a second of a sound."""
    loud = np.abs(speech) > 0.01 * np.abs(speech).max()
    around = RATE // 5
    total = np.concatenate([[0], np.cumsum(loud)])
    index = np.arange(len(loud))
    return total[np.minimum(index + around, len(loud))] - total[np.maximum(index - around, 0)] > 0


@pytest.mark.parametrize("name", SPOKEN)
def test_music_is_twelve_decibels_lower_while_somebody_speaks_than_where_nobody_does(mixes, name):
    mix = mixes(name)
    spoken = sounding(mix.speech)
    assert decibels(mix.music, ~spoken) - decibels(mix.music, spoken) >= 12


@pytest.mark.parametrize("name", SPOKEN)
def test_music_lies_twelve_decibels_under_the_speech(mixes, name):
    mix = mixes(name)
    spoken = sounding(mix.speech)
    assert decibels(mix.speech, spoken) - decibels(mix.music, spoken) >= 12


@pytest.mark.parametrize("name", SPOKEN)
def test_music_is_heard_where_nobody_speaks(mixes, name):
    mix = mixes(name)
    assert decibels(mix.music, ~sounding(mix.speech)) > -40


STYLE = msgspec.structs.replace(load_format("cinematic_story").music, level=-6, ducked=-22)


def steady(seconds, level=0.1):
    return level * np.random.default_rng(1).standard_normal((2, round(seconds * RATE))).astype(np.float32)


def said(count, *spans, level=0.1):
    speech = np.zeros(count, np.float32)
    for start, end in spans:
        a, b = round(start * RATE), round(end * RATE)
        speech[a:b] = level * np.random.default_rng(2).standard_normal(b - a)
    return speech


def gain_at(gain, *seconds):
    return [20 * np.log10(gain[round(s * RATE)]) for s in seconds]


def test_the_bed_is_down_when_the_first_sound_comes_and_goes_down_no_sooner_than_it_must():
    bed = steady(12)
    gain = bed_gain(bed, said(bed.shape[1], (6, 8)), STYLE, 0)
    before, at, within, after, long_after = gain_at(gain, 5.7, 6.0, 7.0, 8.15, 10)
    assert before - within == pytest.approx(16, abs=0.6)
    assert at - within < 0.6
    assert after - within < 0.6
    assert long_after - within == pytest.approx(16, abs=0.6)


def test_it_hears_the_speech_and_not_the_borders_of_the_recording():
    bed = steady(12)
    quiet_ends = said(bed.shape[1], (4, 8), level=0.0005) + said(bed.shape[1], (5, 6))
    waits, heard = gain_at(bed_gain(bed, quiet_ends, STYLE, 0), 4.5, 5.5)
    assert waits - heard == pytest.approx(16, abs=0.6)


def test_it_does_not_pump_in_a_breath():
    bed = steady(12)
    gain = bed_gain(bed, said(bed.shape[1], (4, 5), (5.5, 7)), STYLE, 0)
    assert max(gain_at(gain, 5.1, 5.25, 5.4)) - gain_at(gain, 4.5)[0] < 0.6


def test_a_louder_passage_goes_down_further():
    bed = steady(20)
    bed[:, 10 * RATE :] *= 4
    gain = bed_gain(bed, said(bed.shape[1], (4, 6), (14, 16)), STYLE, 0)
    soft, loud = gain_at(gain, 5, 15)
    assert soft - loud > 2
    under = bed[:, round(14.5 * RATE) : round(15.5 * RATE)] * gain[round(14.5 * RATE) : round(15.5 * RATE)]
    assert loudness(under) == pytest.approx(FILM_LUFS + STYLE.ducked, abs=1)


def test_gain_moves_without_a_click():
    bed = steady(12)
    gain = bed_gain(bed, said(bed.shape[1], (3, 4), (6, 8)), STYLE, 2)
    assert np.abs(np.diff(20 * np.log10(gain))).max() < 0.02


def test_a_silent_bed_and_silent_speech_have_their_own_answers():
    silence = np.zeros((2, RATE), np.float32)
    assert (bed_gain(silence, said(RATE, (0.2, 0.8)), STYLE, 0) == 1).all()
    assert not speaking(silence[0]).any()
    assert len(set(bed_gain(steady(2), np.zeros(2 * RATE, np.float32), STYLE, 0))) == 1


def test_music_alone_is_not_evened_out(tmp_path):
    bed = steady(10)
    bed[:, : 5 * RATE] *= 0.25
    write_wav(tmp_path / "bed.wav", bed, RATE)
    timing = Timing(start=0, lead=0, speech=10, tail=0, frames=240)
    voice = Voice(audio=None, seconds=0)
    mix_film_audio([voice], [timing], Music(audio=tmp_path / "bed.wav", seconds=10), 0, 10, STYLE, tmp_path / "out.wav")
    mixed = read_wav(tmp_path / "out.wav")[0]
    soft, loud = (np.square(mixed[a * RATE : b * RATE]).mean() for a, b in ((1, 4), (6, 8)))
    assert 10 * np.log10(loud / soft) == pytest.approx(12, abs=1)
