"""Films are written, read and cancelled through one door to ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine import media
from engine.errors import Cancelled, MediaFailed, StorageFull
from engine.media import FrameWriter, probe, run_ffmpeg, segment_codec
from engine.progress import Control
from tests.conftest import ROOT

GREY = np.full((64, 96, 3), 128, np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    out = tmp_path / "clip.mp4"
    with FrameWriter(out, 96, 64, 16) as writer:
        for number in range(20):
            writer.write(np.full((64, 96, 3), (number * 12, 60, 200), np.uint8))
    return out


def test_frames_that_were_written_are_the_frames_that_are_read(clip: Path):
    facts = probe(clip, decode=True)
    assert (facts.width, facts.height, facts.fps, facts.frames) == (96, 64, 16, 20)
    assert (facts.seconds, facts.video_codec, facts.pix_fmt, facts.audio_codec) == (1.25, "h264", "yuv420p", None)


def test_colours_survive_the_way_into_the_film_and_back(clip: Path):
    import av

    with av.open(str(clip)) as file:
        last = list(file.decode(video=0))[-1].to_ndarray(format="rgb24")
    assert np.abs(last.reshape(-1, 3).mean(axis=0) - (228, 60, 200)).max() < 6


def test_a_film_with_odd_sides_is_refused_before_anything_is_started(tmp_path: Path):
    with pytest.raises(MediaFailed, match="even sides"):
        FrameWriter(tmp_path / "odd.mp4", 95, 64, 16)


def test_a_frame_of_another_size_is_refused_and_the_half_made_film_removed(tmp_path: Path):
    out = tmp_path / "half.mp4"
    with pytest.raises(MediaFailed, match="uint8"), FrameWriter(out, 96, 64, 16) as writer:
        writer.write(GREY)
        writer.write(GREY[:-2])
    assert list(tmp_path.iterdir()) == []


def test_cancelling_between_frames_leaves_no_file_and_no_process(tmp_path: Path):
    with pytest.raises(Cancelled), FrameWriter(tmp_path / "half.mp4", 96, 64, 16) as writer:
        writer.write(GREY)
        raise Cancelled()
    assert list(tmp_path.iterdir()) == []
    assert not _ffmpegs()


def test_cancelling_ends_a_running_ffmpeg(tmp_path: Path):
    control = Control()
    threading.Timer(0.4, control.cancel).start()
    endless = ["-re", "-f", "lavfi", "-i", "color=black:s=64x64:r=16", "-f", "null", "-"]
    with pytest.raises(Cancelled):
        run_ffmpeg(endless, cwd=tmp_path, control=control)
    assert not _ffmpegs()


def test_what_the_listener_raises_ends_ffmpeg_too(tmp_path: Path):
    def listen(frame: int) -> None:
        raise Cancelled()

    endless = ["-re", "-f", "lavfi", "-i", "color=black:s=64x64:r=16", "-f", "null", "-"]
    with pytest.raises(Cancelled):
        run_ffmpeg(endless, cwd=tmp_path, on_frame=listen)
    assert not _ffmpegs()


def test_a_failure_carries_what_ffmpeg_said_last(tmp_path: Path):
    with pytest.raises(MediaFailed, match="No such file"):
        run_ffmpeg(["-i", tmp_path / "nothing.mp4", "-f", "null", "-"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_from_a_refusal():
    noise = ["-f", "lavfi", "-i", "testsrc=s=640x360:d=1", "-c:v", "rawvideo", "-f", "rawvideo"]
    with pytest.raises(StorageFull):
        run_ffmpeg([*noise, "/dev/full"])
    with pytest.raises(StorageFull):  # as when its own words have no room either
        run_ffmpeg(["-loglevel", "quiet", *noise, "/dev/full"])


def test_a_file_that_is_no_film_is_named(tmp_path: Path):
    (tmp_path / "words.mp4").write_text("not a film")
    with pytest.raises(MediaFailed, match=r"words\.mp4"):
        probe(tmp_path / "words.mp4")


def test_ffmpeg_tells_how_many_frames_are_done(clip: Path, tmp_path: Path):
    heard: list[int] = []
    run_ffmpeg(["-i", clip, *segment_codec(16), tmp_path / "again.mp4"], on_frame=heard.append)
    assert heard == sorted(heard)
    assert probe(tmp_path / "again.mp4").frames == 20


def _ffmpegs() -> list[psutil.Process]:
    """ffmpegs that this test process started and that still run, after a moment to be reaped."""
    deadline = time.monotonic() + 2
    while True:
        alive = [
            child
            for child in psutil.Process().children(recursive=True)
            if "ffmpeg" in child.name() and child.status() != psutil.STATUS_ZOMBIE
        ]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.05)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="util-linux is not installed")
def test_ffmpeg_ends_with_a_process_that_is_killed(tmp_path):
    endless = ["-f", "lavfi", "-i", "testsrc2=size=64x64:rate=5", "-t", "100000", str(tmp_path / "endless.mp4")]
    program = f"from engine.media import run_ffmpeg; run_ffmpeg({endless!r})"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)

    def children() -> list[psutil.Process]:
        return [one for one in psutil.Process(parent.pid).children() if "ffmpeg" in one.name()]

    while not (found := children()):
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    assert psutil.wait_procs(found, timeout=10)[1] == []


# ---- the encoder of clips -------------------------------------------------------------------------------------------


def test_an_encoder_is_believed_in_when_one_frame_came_through_it() -> None:
    assert media._fails(media.X264) == ""
    assert "Encoder not found" in media._fails(("-c:v", "no_such_encoder"))
    black = media._fails((*media.X264[:2], "-vf", "lutyuv=y=16", *media.X264[2:]))
    assert "of 255" in black


def test_without_an_nvidia_gpu_clips_are_encoded_on_the_cpu_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media.shutil, "which", lambda name: None)
    monkeypatch.setattr(media.Path, "exists", lambda path: False)
    chosen = media.clip_codec.__wrapped__()
    assert (chosen.arguments, "no NVIDIA GPU" in chosen.sentence) == (media.X264, True)


def test_a_gpu_whose_encoder_fails_its_one_frame_leaves_clips_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(media, "NVENC", ("-c:v", "no_such_encoder"))
    chosen = media.clip_codec.__wrapped__()
    assert chosen.arguments == media.X264
    assert "h264_nvenc does not work" in chosen.sentence
    monkeypatch.setattr(media, "NVENC", media.X264)
    assert "encoded one frame rightly" in media.clip_codec.__wrapped__().sentence
