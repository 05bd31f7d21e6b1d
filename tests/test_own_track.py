"""A track of one's own: whatever holds sound will do; what will not is named; it lasts as long as the film does."""

import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.audio import RATE, read_wav, resample, write_wav
from engine.beats import RATE as LISTENING_RATE
from engine.beats import find_beats
from engine.errors import BadRequest, ReelhouseError
from engine.made import Film
from engine.media import run_ffmpeg
from engine.own_track import beats_laid, check_track, hear_track, lay_track
from engine.pipeline import make_stories
from engine.progress import Control, ignore_events
from engine.types import StoryRequest
from tests.small_stories import small_catalog, small_request
from tests.test_beats import click_track

CONTROL = Control(ignore_events)


def song(seconds, tempo=120.0, rate=RATE):
    """A tick on each beat over a chord that swells with each bar, in stereo."""
    clicks = np.arange(0.25, seconds - 0.05, 60 / tempo)
    ticks = resample(click_track(clicks, seconds), LISTENING_RATE, rate)[: round(seconds * rate)]
    t = np.arange(len(ticks)) / rate
    chord = sum(np.sin(2 * np.pi * hertz * t) for hertz in (220, 277.2, 329.6)) / 12
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * t * tempo / 240)
    return np.stack([ticks + chord * swell, ticks + chord]).astype(np.float32)


def saved(path: Path, seconds=8.0, tempo=120.0) -> Path:
    write_wav(path, song(seconds, tempo), RATE)
    return path


def heard(path: Path, folder: Path, most=60.0):
    return hear_track(path, most, folder, CONTROL)


def laid(path: Path, folder: Path, seconds: float):
    track = heard(path, folder)
    out = folder / "laid.wav"
    lay_track(path, track, seconds, out, CONTROL)
    return track, read_wav(out)


@pytest.mark.parametrize("seconds", [21.0, 37.37])
@pytest.mark.parametrize("tempo", [97.0, 120.0])
def test_a_track_that_is_shorter_than_the_film_goes_round_at_a_bar_line_and_keeps_its_beat(tmp_path, tempo, seconds):
    track, samples = laid(saved(tmp_path / "song.wav", 8.0, tempo), tmp_path, seconds)
    assert samples.shape == (2, round(seconds * RATE))
    known = np.array(beats_laid(track, seconds))
    assert np.diff(known) == pytest.approx(60 / tempo, abs=0.02)
    found = np.array(find_beats(resample(samples.mean(axis=0), RATE, LISTENING_RATE)))
    assert len(found) >= (seconds - 4) * tempo / 60
    assert np.abs(known[:, None] - found).min(axis=0).max() < 0.04


def test_there_is_no_click_where_it_goes_round(tmp_path):
    t = np.arange(8 * RATE) / RATE
    pad = 0.2 * np.sin(2 * np.pi * 220.5 * t) + 0.2 * np.sin(2 * np.pi * 331.3 * t)
    write_wav(tmp_path / "pad.wav", np.stack([pad, pad]).astype(np.float32), RATE)
    _, samples = laid(tmp_path / "pad.wav", tmp_path, 30.0)
    assert np.abs(np.diff(samples, n=2)).max() < 2 * np.abs(np.diff(pad, n=2)).max()


def test_a_track_that_is_longer_than_the_film_goes_out(tmp_path):
    _, samples = laid(saved(tmp_path / "song.wav", 30.0), tmp_path, 12.0)
    level = [np.sqrt(np.square(samples[:, round(a * RATE) : round((a + 1) * RATE)]).mean()) for a in (7, 9.5, 11)]
    assert level[0] > level[1] > level[2]
    assert np.abs(samples[:, -48:]).max() < 1e-3


def test_its_own_fade_is_not_gone_round_over(tmp_path):
    samples = song(24.0)
    samples[:, 16 * RATE :] *= np.linspace(1, 0, 8 * RATE, dtype=np.float32) ** 2
    write_wav(tmp_path / "song.wav", samples, RATE)
    track = heard(tmp_path / "song.wav", tmp_path)
    assert track.loop is not None
    assert track.loop[1] < 21


CODINGS = {
    "tone.mp3": [],
    "tone.flac": [],
    "tone.ogg": ["-c:a", "libvorbis"],
    "tone.opus": ["-c:a", "libopus"],
    "tone.m4a": [],
    "mono 8 kHz.wav": ["-ac", "1", "-ar", "8000"],
    "96 kHz.wav": ["-ar", "96000", "-c:a", "pcm_s24le"],
    "surround.wav": ["-ac", "6"],
    "Ünïcode – 'quoted' %d & #1; [x].mp3": [],
    "-dash.mp3": [],
    "no ending": ["-f", "mp3"],
}


@pytest.mark.parametrize("name", CODINGS)
def test_whatever_holds_sound_is_heard_under_whatever_name(tmp_path, name):
    run_ffmpeg(["-i", saved(tmp_path / "song.wav"), *CODINGS[name], (tmp_path / name).absolute()])
    track, samples = laid(tmp_path / name, tmp_path, 10.0)
    assert track.seconds == pytest.approx(8, abs=0.1)
    assert 60 * (len(track.beats) - 1) / (track.beats[-1] - track.beats[0]) == pytest.approx(120, abs=0.7)
    assert samples.shape == (2, 10 * RATE)
    assert np.abs(samples).max() > 0.1


def test_the_sound_of_a_video_is_heard_and_a_link_is_followed(tmp_path):
    video = tmp_path / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "color=c=red:s=64x64:r=12:d=8"]
    run_ffmpeg([*picture, "-i", saved(tmp_path / "song.wav"), "-shortest", video.absolute()])
    (tmp_path / "link").symlink_to(video)
    assert heard(tmp_path / "link", tmp_path).seconds == pytest.approx(8, abs=0.2)


def test_of_an_hour_no_more_is_read_than_a_film_can_need(tmp_path):
    path = tmp_path / "hour.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        minute = (128 + 60 * song(60.0, rate=8000).mean(axis=0)).astype(np.uint8).tobytes()
        for _ in range(60):
            file.writeframes(minute)
    assert heard(path, tmp_path, most=40.0).seconds == pytest.approx(40, abs=0.01)
    assert not list(tmp_path.glob("*.raw"))


def broken(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp3"
    if kind == "missing":
        return path
    if kind == "folder":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(np.random.default_rng(1).bytes(5000))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "silent":
        path = folder / "silent.wav"
        write_wav(path, np.zeros((2, 4 * RATE), np.float32), RATE)
    elif kind == "short":
        path = saved(folder / "short.wav", 0.4)
    elif kind == "without sound":
        path = folder / "mute.mp4"
        run_ffmpeg(["-f", "lavfi", "-i", "color=c=red:s=64x64:r=12:d=2", path.absolute()])
    elif kind == "playlist":
        path = folder / "list.m3u8"
        saved(folder / "song.wav")
        path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\nsong.wav\n#EXT-X-ENDLIST\n")
    elif kind == "dangling link":
        path.symlink_to(folder / "nothing.mp3")
    return path


KINDS = (
    "missing",
    "folder",
    "garbage",
    "empty",
    "silent",
    "short",
    "without sound",
    "playlist",
    "dangling link",
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_used_is_named_before_anything_is_made(tmp_path, kind):
    path = broken(tmp_path, kind)
    (outcome,), made = told(tmp_path, small_request(music_file=path))
    assert isinstance(outcome, BadRequest)
    assert outcome.field == "music"
    assert not made


def test_a_track_and_no_music_exclude_each_other(tmp_path):
    path = saved(tmp_path / "song.wav")
    (outcome,), _ = told(tmp_path, small_request(music_file=path, music=False))
    assert isinstance(outcome, BadRequest)
    assert outcome.field == "music"


def test_a_pipe_is_no_track(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadRequest, match="no ordinary file"):
        check_track(tmp_path / "pipe")


def test_a_name_that_is_no_text_is_told_in_text(tmp_path):
    path = Path(f"{tmp_path}/odd-\udcff.mp3")
    with pytest.raises(BadRequest) as refused:
        check_track(path)
    refused.value.message.encode()


def told(folder: Path, request: StoryRequest) -> tuple[list[Film | ReelhouseError], list[str]]:
    """The outcome, and of which stages something was made."""
    made: list[str] = []

    def listen(event) -> None:
        if event.kind in ("shot", "script"):
            made.append(event.stage)

    outcome = make_stories([request], [folder / "work"], home=folder / "home", catalog=small_catalog(), on_event=listen)
    return outcome, made


def test_a_film_says_that_its_music_is_an_own_track_and_names_no_composer(tmp_path):
    path = saved(tmp_path / "song.wav")
    (film,), _ = told(tmp_path, small_request(music_file=path))
    assert isinstance(film, Film), film
    record = msgspec.json.decode(film.record.read_bytes())
    assert record["music"] == "own track"
    assert "composer" not in record["models"]
    said = film.video.read_bytes()
    assert b"Music: own track." in said
    assert b"composer" not in said
