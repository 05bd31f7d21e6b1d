"""The bed lasts exactly as long as it is asked to, repeats itself for the same seed, and each mood is its own."""

import wave
from itertools import combinations, pairwise

import msgspec
import numpy as np
import pytest

from engine.audio import RATE, loudness, read_wav
from engine.backends.music import bed
from engine.backends.music.bed.form import _near
from engine.backends.music.bed.moods import MOODS
from engine.backends.music.bed.score import write_score
from engine.backends.protocols import MusicJob, MusicModel
from engine.catalog import load_catalog
from engine.errors import BadCatalog, BadRequest, Cancelled
from engine.formats import format_names, load_format

TEMPO = {load_format(name).music.mood: load_format(name).music.tempo for name in format_names()}


@pytest.fixture(scope="module")
def composer():
    return bed.load(load_catalog().model("bed"), None)


def track(composer, tmp_path, mood="warm", seconds=12.0, seed=1, tempo=None):
    out = tmp_path / f"{mood}-{seed}.wav"
    composer.compose(MusicJob(mood=mood, tempo=tempo or TEMPO.get(mood, 70), seconds=seconds, seed=seed), out)
    return out


def test_it_is_a_music_model(composer):
    assert isinstance(composer, MusicModel)


@pytest.mark.parametrize("seconds", [0.5, 3.21, 12.0])
@pytest.mark.parametrize("mood", MOODS)
def test_a_track_has_its_exact_length_in_stereo_and_never_clips(composer, tmp_path, mood, seconds):
    out = track(composer, tmp_path, mood, seconds)
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        assert file.getnframes() == round(seconds * RATE)
    samples = read_wav(out)
    assert 0.02 < np.abs(samples).max() <= 0.9
    assert np.isfinite(samples).all()
    assert np.abs(samples[:, -24:]).max() < 0.02


@pytest.mark.parametrize("mood", MOODS)
def test_every_mood_is_as_loud_as_the_others_and_wide(composer, tmp_path, mood):
    samples = read_wav(track(composer, tmp_path, mood, 16))
    assert loudness(samples) == pytest.approx(bed.TRACK_LUFS, abs=1.5)
    assert np.corrcoef(samples)[0, 1] < 0.95


def test_the_same_seed_gives_the_same_bytes_and_another_another(composer, tmp_path):
    first = track(composer, tmp_path, seed=3).read_bytes()
    assert track(composer, tmp_path, seed=3).read_bytes() == first
    assert track(composer, tmp_path, seed=4).read_bytes() != first


def character(path):
    """Where a track's energy lies (in dB over eight octave bands) and how its level moves from tenth to tenth."""
    samples = read_wav(path).mean(axis=0)[2 * RATE : 14 * RATE]
    power = np.square(np.abs(np.fft.rfft(samples)))
    edges = np.searchsorted(np.fft.rfftfreq(len(samples), 1 / RATE), [40, 80, 160, 320, 640, 1280, 2560, 5120, 12000])
    bands = np.array([power[a:b].sum() for a, b in pairwise(edges)])
    level = np.sqrt(np.square(samples[: len(samples) // 2400 * 2400]).reshape(-1, 2400).mean(axis=1))
    onsets = np.maximum(np.diff(level), 0).mean() / level.mean() * 60
    return np.append(10 * np.log10(bands / bands.sum()), onsets)


def test_the_six_moods_sound_clearly_different(composer, tmp_path):
    heard = {mood: character(track(composer, tmp_path, mood, 16)) for mood in MOODS}
    for a, b in combinations(MOODS, 2):
        assert np.linalg.norm(heard[a] - heard[b]) > 6, (a, b)


@pytest.mark.parametrize("mood", MOODS)
def test_no_voice_of_the_harmony_leaps(mood):
    for progression in MOODS[mood].progressions:
        voicing = _near(progression[0], 60, None)
        for chord in progression * 2:
            following = _near(chord, 60, voicing)
            assert abs(following[-1] - voicing[-1]) <= 5
            assert {p % 12 for p in following} == {(60 + s) % 12 for s in chord}
            voicing = following


@pytest.mark.parametrize("tempo", [60.0, 118.0])
def test_kicks_fall_on_the_beats_of_the_tempo(tempo):
    notes = write_score(MOODS["bright"], tempo, 20, np.random.default_rng(0))
    kicks = [note.start * tempo / 60 for note in notes if note.instrument == "kick"]
    assert len(kicks) > 8
    assert all(abs(beat - round(beat)) < 1e-6 for beat in kicks)


@pytest.mark.parametrize(
    ("field", "job"),
    [
        ("mood", MusicJob(mood="angry", tempo=90, seconds=5, seed=0)),
        ("tempo", MusicJob(mood="calm", tempo=5, seconds=5, seed=0)),
        ("seconds", MusicJob(mood="calm", tempo=90, seconds=0, seed=0)),
    ],
)
def test_what_it_cannot_play_is_refused_by_the_field(composer, tmp_path, field, job):
    with pytest.raises(BadRequest) as refused:
        composer.compose(job, tmp_path / "x.wav")
    assert refused.value.field == field


def test_it_stops_when_somebody_asks(composer, tmp_path):
    def stop(done, total):
        raise Cancelled()

    with pytest.raises(Cancelled):
        composer.compose(MusicJob(mood="calm", tempo=70, seconds=5, seed=0), tmp_path / "x.wav", tick=stop)
    assert not (tmp_path / "x.wav").exists()


def test_an_unknown_param_is_an_error_of_the_catalog():
    spec = load_catalog().model("bed")
    with pytest.raises(BadCatalog):
        bed.load(msgspec.structs.replace(spec, params={"swing": 1}), None)
