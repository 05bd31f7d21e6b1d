"""A music video is cut on the beats of its track, as its finished film's own picture and sound show."""

from itertools import pairwise
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from engine.audio import RATE, write_wav
from engine.beats import RATE as LISTENING_RATE
from engine.beats import find_beats
from engine.bench_rig import PROFILE
from engine.made import Film
from engine.media import run_ffmpeg
from engine.pipeline import make_stories
from tests.small_stories import LINES, small_catalog, small_request
from tests.test_own_track import song

NEAR = 0.040


def cuts_of(film: Path) -> np.ndarray:
    """Seconds at which the picture becomes another one altogether: twice the usual change and half of all pixels."""
    frames, times = [], []
    with av.open(str(film)) as file:
        for frame in file.decode(video=0):
            frames.append(frame.to_ndarray(format="gray").astype(np.int16))
            times.append(float(frame.time or 0))
    changed = np.array([(np.abs(b - a) > 16).mean() for a, b in pairwise(frames)])
    return np.array(times[1:])[changed > 0.35]


def beats_of(film: Path, folder: Path) -> np.ndarray:
    raw = (folder / "film.raw").absolute()
    run_ffmpeg(["-i", film, "-vn", "-ac", "1", "-ar", str(LISTENING_RATE), "-f", "f32le", raw])
    return np.array(find_beats(np.fromfile(raw, np.float32)))


@pytest.mark.parametrize(("own", "fps"), [(None, 24), (None, 16), (97.0, 24), (131.5, 24), (131.5, 16)])
def test_every_cut_of_the_film_lies_on_a_beat_that_is_heard(tmp_path, own, fps):
    catalog = small_catalog()
    profile = catalog.profiles[PROFILE]
    small = msgspec.structs.replace(profile, fps=fps, models={**profile.models, "composer": "bed"})
    catalog = msgspec.structs.replace(catalog, profiles={**catalog.profiles, PROFILE: small})
    track = None
    if own is not None:
        track = tmp_path / "song.wav"
        write_wav(track, song(11.0, own), RATE)
    request = small_request(*LINES, content_type="music_video", music_file=track, target_seconds=20.0, captions="none")
    (film,) = make_stories([request], [tmp_path / "work"], home=tmp_path / "home", catalog=catalog)
    assert isinstance(film, Film), film
    cuts, beats = cuts_of(film.video), beats_of(film.video, tmp_path)
    assert len(cuts) >= len(LINES)
    distances = np.abs(cuts[:, None] - beats).min(axis=1)
    assert distances.max() <= NEAR
