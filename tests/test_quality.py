"""Quality is a choice of models; the film's size and rate are the profile's, whatever an animator was made for."""

from __future__ import annotations

from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.backends.protocols import ClipJob
from engine.catalog import Limits, load_catalog
from engine.errors import BadRequest
from engine.ladder import AS_ASKED, CLIP_RUNGS
from engine.machine import Machine
from engine.made import Still
from engine.media import FrameWriter
from engine.progress import Control
from engine.shooting import shoot
from engine.stages.plan import make_plan
from engine.takes import Take, clip_job
from engine.types import Plan, StoryRequest

LAPTOP = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)
GPU_PROFILES = [name for name in load_catalog().profiles if name.startswith("gpu")]


def plan(profile: str, quality: str = "standard", **fields) -> Plan:
    asked = StoryRequest(**{"prompt": "A fox", "profile": profile, "quality": quality, **fields})
    return make_plan(asked, load_catalog(), LAPTOP)[1]


@pytest.mark.parametrize("profile", [*GPU_PROFILES, "cpu", "tiny"])
def test_a_draft_moves_a_camera_over_stills_everywhere_and_speaks_with_the_same_voice(profile: str) -> None:
    usual, draft = plan(profile), plan(profile, "draft")
    assert draft.models["animator"] == "camera"
    assert draft.models["narrator"] == usual.models["narrator"]
    assert draft.clip_size is None, "a camera moves at the film's own size"
    assert draft.fps == usual.fps
    if profile == "cpu":
        assert "quality draft is the standard of profile cpu, which has nothing faster" in draft.decisions
    else:
        assert f"quality draft: camera instead of {usual.models['animator']}" in draft.decisions


@pytest.mark.parametrize("profile", GPU_PROFILES)
def test_high_takes_longer_schedules_of_the_same_roles(profile: str) -> None:
    catalog = load_catalog()

    def steps(of: Plan) -> tuple[int, int]:
        artist, animator = catalog.model(of.models["artist"]), catalog.model(of.models["animator"])
        return artist.params["steps"], animator.params["steps"]

    usual, high = plan(profile), plan(profile, "high")
    assert steps(high)[0] > steps(usual)[0]
    assert steps(high)[1] > steps(usual)[1]
    assert high.models["animator"] != usual.models["animator"]


def test_an_unknown_quality_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadRequest, match=r"quality: 'best' is not one of draft, standard, high"):
        plan("cpu", "best")


@pytest.mark.parametrize("profile", GPU_PROFILES)
@pytest.mark.parametrize(("aspect", "size"), [("16:9", (1920, 1080)), ("9:16", (1080, 1920)), ("1:1", (1080, 1080))])
def test_a_gpu_profile_makes_1080p_at_24_frames_from_what_its_models_make(
    profile: str, aspect: str, size: tuple[int, int]
) -> None:
    catalog, made = load_catalog(), plan(profile, aspect_ratio=aspect)
    assert (made.width, made.height, made.fps) == (*size, 24)
    artist, animator = catalog.model(made.models["artist"]), catalog.model(made.models["animator"])
    for asked, spec in ((made.still_size, artist), (made.clip_size, animator)):
        assert asked is not None
        step = spec.limits.size_step
        assert all(side % step == 0 for side in asked)
        assert asked[0] * asked[1] < size[0] * size[1]
        assert asked[0] / asked[1] == pytest.approx(size[0] / size[1], rel=0.05)


def a_take(folder: Path, **fields) -> Take:
    still = folder / "still.png"
    Image.new("RGB", (192, 108)).save(still)
    known = {"prompt": "", "negative": "", "camera": "hold", "seed": 1, "width": 384, "height": 216, "frames": 24}
    return Take(**{"still": Still(image=still), "fps": 24, "made": (192, 112), **known, **fields})


WAN = msgspec.structs.replace(
    load_catalog().model("toy-wan"),
    limits=Limits(size_step=16, frames_step=4, frames_plus=1, max_frames=81, fps=16),
)


def test_an_animator_is_asked_for_its_own_size_and_a_camera_for_the_films(tmp_path: Path) -> None:
    take = a_take(tmp_path)
    job = clip_job(take, WAN, AS_ASKED)
    assert job is not None
    assert (job.width, job.height, job.fps, job.frames) == (192, 112, 16, 17)
    camera = clip_job(take, load_catalog().model("camera"), CLIP_RUNGS[-1])
    assert camera is not None
    assert (camera.width, camera.height, camera.fps, camera.frames) == (384, 216, 24, 24)


def moving_bar(job: ClipJob, out: Path) -> None:
    """A white bar that goes 4 pixels to the right each frame."""
    with FrameWriter(out, job.width, job.height, job.fps) as writer:
        for number in range(job.frames):
            frame = np.zeros((job.height, job.width, 3), np.uint8)
            frame[:, 20 + 4 * number : 52 + 4 * number] = 255
            writer.write(frame)


def test_frames_between_two_are_made_from_what_moves_and_none_is_doubled(tmp_path: Path) -> None:
    take = a_take(tmp_path)
    job = clip_job(take, WAN, AS_ASKED)
    assert job is not None
    clip = shoot(WAN, lambda out: moving_bar(job, out), job, take, Control(), tmp_path)
    assert (clip.frames, clip.fps) == (24, 24)
    with av.open(str(clip.video)) as film:
        frames = [frame.to_ndarray(format="gray").astype(float).mean(axis=0) for frame in film.decode(video=0)]
    assert len(frames) == 24
    middles = [float((np.arange(384) * light).sum() / light.sum()) for light in frames]
    steps = np.diff(middles)
    # 4 of 192 pixels, 16 times a second, are 5.3 of 384 at 24 frames a second.
    assert steps[:-1].min() > 2.5, steps
    assert steps[:-1].max() < 8.5, steps
    assert middles[-2] - middles[0] == pytest.approx(22 * 16 / 3, abs=8)
