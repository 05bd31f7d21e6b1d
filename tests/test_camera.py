"""The camera: exact frames, smooth and sub-pixel motion, parallax, and never an edge."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from engine.backends.protocols import ClipJob, VideoModel
from engine.backends.video import camera
from engine.backends.video.camera.motion import camera_path, ease, nearness, place
from engine.catalog import ModelSpec, load_catalog
from engine.errors import BadCatalog, Cancelled, MediaFailed
from engine.made import Still
from engine.media import probe
from engine.types import CAMERA_MOVES

W, H, OVER = 192, 108, 24
KEY = np.array([255, 0, 255])
"""Painted where nobody may ever look."""


@pytest.fixture
def animator() -> camera.Camera:
    return camera.load(load_catalog().model("camera"), None)


def flat(folder: Path, pixels: np.ndarray) -> Still:
    path = folder / "still.png"
    Image.fromarray(pixels).save(path)
    return Still(image=path)


def dot(width: int, height: int, x: float, y: float, radius: float = 7.0) -> np.ndarray:
    """A soft disc, 0–1."""
    down, across = np.mgrid[:height, :width]
    return np.clip(radius - np.hypot(across + 0.5 - x, down + 0.5 - y), 0, 1)


def dotted_layers(folder: Path) -> Still:
    """A green far layer with a red dot, and a near layer with a blue dot, a third of the film to either side."""
    width, height = W + 2 * OVER, H + 2 * OVER
    far = np.zeros((height, width, 4), np.uint8)
    far[..., 1], far[..., 3] = 60, 255
    far[..., 0] = 255 * dot(width, height, width / 2 - W / 4, height / 2)
    near = np.zeros_like(far)
    near[..., 2] = 255
    near[..., 3] = 255 * dot(width, height, width / 2 + W / 4, height / 2)
    paths = (folder / "layer-0.png", folder / "layer-1.png")
    for path, layer in zip(paths, (far, near), strict=True):
        Image.fromarray(layer).save(path)
    Image.new("RGB", (W, H)).save(folder / "still.png")
    return Still(image=folder / "still.png", layers=paths)


def job(still: Still, move="hold", frames=24, width=W, height=H, seed=1) -> ClipJob:
    return ClipJob(still=still, prompt="", width=width, height=height, frames=frames, fps=24, seed=seed, camera=move)


def film(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24").astype(float) for frame in file.decode(video=0)]


def centre(frame: np.ndarray, channel: int) -> np.ndarray:
    """Centre of mass (x, y) of a channel above the background, in pixels."""
    weight = np.clip(frame[..., channel] - 110, 0, None)
    down, across = np.mgrid[: frame.shape[0], : frame.shape[1]]
    return np.array([(across * weight).sum(), (down * weight).sum()]) / weight.sum()


def test_it_is_a_video_model(animator) -> None:
    assert isinstance(animator, VideoModel)


def test_an_entry_with_params_is_refused() -> None:
    spec = ModelSpec(id="c", role="animator", family="camera", licence="x", commercial=True, params={"zoom": 2})
    with pytest.raises(BadCatalog, match="zoom"):
        camera.load(spec, None)


@pytest.mark.parametrize("move", CAMERA_MOVES)
@pytest.mark.parametrize("frames", [1, 2, 37])
def test_a_clip_has_exactly_the_frames_asked_for(animator, tmp_path: Path, move: str, frames: int) -> None:
    out = tmp_path / "clip.mp4"
    animator.animate(job(dotted_layers(tmp_path), move, frames), out)
    facts = probe(out)
    assert (facts.frames, facts.width, facts.height, facts.fps) == (frames, W, H, 24)


@pytest.mark.parametrize("size", [(128, 128), (301, 77), (77, 301), (1, 1), (4096, 2304)])
def test_a_still_of_any_size_fills_the_film(animator, tmp_path: Path, size: tuple[int, int]) -> None:
    still = flat(tmp_path, np.full((size[1], size[0], 3), 200, np.uint8))
    animator.animate(job(still, "pan_left", 6), tmp_path / "clip.mp4")
    for frame in film(tmp_path / "clip.mp4"):
        assert frame.min() > 190


@pytest.mark.parametrize("move", CAMERA_MOVES)
@pytest.mark.parametrize("overscan", [0, OVER])
@pytest.mark.parametrize("frames", [8, 240])
def test_no_move_ever_shows_what_lies_outside_the_layers(move: str, overscan: int, frames: int) -> None:
    path = camera_path(move, frames, 24, 5)
    layer = (W + 2 * overscan, H + 2 * overscan)
    scale = camera.magnification(path, nearness(5), layer, (W, H), 1.0)
    for pose in path:
        for near in nearness(5):
            there = place(pose, near, W, H)
            assert there.scale * scale * layer[0] / 2 - abs(there.x) >= W / 2
            assert there.scale * scale * layer[1] / 2 - abs(there.y) >= H / 2


@pytest.mark.parametrize("move", CAMERA_MOVES)
def test_a_near_layer_that_fills_the_picture_hides_the_far_one_to_the_very_edge(
    animator, tmp_path: Path, move: str
) -> None:
    size = (W + 2 * OVER, H + 2 * OVER)
    Image.new("RGB", (W, H)).save(tmp_path / "still.png")
    Image.new("RGBA", size, (*KEY, 255)).save(tmp_path / "far.png")
    near = Image.new("RGBA", size, (40, 160, 40, 255))
    near.putpixel((0, 0), (40, 160, 40, 254))  # not quite opaque: drawn by blending
    near.save(tmp_path / "near.png")
    still = Still(image=tmp_path / "still.png", layers=(tmp_path / "far.png", tmp_path / "near.png"))
    animator.animate(job(still, move, 16), tmp_path / "clip.mp4")
    for frame in film(tmp_path / "clip.mp4"):
        assert np.abs(frame - [40, 160, 40]).max() < 12


def test_near_layers_move_more_than_far_ones_and_against_the_pan(animator, tmp_path: Path) -> None:
    animator.animate(job(dotted_layers(tmp_path), "pan_right", 48), tmp_path / "clip.mp4")
    frames = film(tmp_path / "clip.mp4")
    far, near = (centre(frames[-1], channel)[0] - centre(frames[0], channel)[0] for channel in (0, 2))
    assert near < 3 * far < 0


def test_a_push_brings_the_near_layer_closer_than_the_far_one(animator, tmp_path: Path) -> None:
    animator.animate(job(dotted_layers(tmp_path), "push_in", 96), tmp_path / "clip.mp4")
    first, last = (film(tmp_path / "clip.mp4")[i] for i in (0, -1))
    far, near = (abs(centre(last, channel)[0] - W / 2) / abs(centre(first, channel)[0] - W / 2) for channel in (0, 2))
    assert near > far > 1.01


@pytest.mark.parametrize("move", ["pan_left", "tilt_up", "hold"])
def test_motion_is_smooth_below_a_pixel(animator, tmp_path: Path, move: str) -> None:
    frames = 72
    animator.animate(job(dotted_layers(tmp_path), move, frames), tmp_path / "clip.mp4")
    seen = np.array([centre(frame, 2) for frame in film(tmp_path / "clip.mp4")])
    wanted = np.array([place(pose, 1.0, W, H)[1:] for pose in camera_path(move, frames, 24, 1)])
    drift = (seen - seen.mean(axis=0)) - (wanted - wanted.mean(axis=0))
    assert np.abs(drift).max() < 0.35
    assert np.abs(np.diff(drift, axis=0)).max() < 0.15


def test_moves_start_and_end_at_rest() -> None:
    way = np.array([ease(i / 200) for i in range(201)])
    speed = np.diff(way)
    assert way[0] == 0 and way[-1] == 1
    assert speed[0] < 0.01 * speed.max() and speed[-1] < 0.01 * speed.max()
    assert (speed >= 0).all() and np.abs(np.diff(speed)).max() < 0.05 * speed.max()


def test_a_held_camera_barely_breathes() -> None:
    path = camera_path("hold", 240, 24, 9)
    across = [pose.x * 1280 for pose in path]
    assert 1 < max(across) - min(across) < 12


def test_a_drawings_rim_is_not_darkened(animator, tmp_path: Path) -> None:
    """Pixels under full transparency may hold any colour, black mostly; none of it may show."""
    size = (W + 2 * OVER, H + 2 * OVER)
    Image.new("RGB", (W, H)).save(tmp_path / "still.png")
    Image.new("RGBA", size, (200, 200, 200, 255)).save(tmp_path / "far.png")
    near = np.zeros((size[1], size[0], 4), np.uint8)
    shape = dot(*size, size[0] / 2, size[1] / 2, 30)
    near[shape > 0] = 200
    near[..., 3] = 255 * shape
    Image.fromarray(near).save(tmp_path / "near.png")
    still = Still(image=tmp_path / "still.png", layers=(tmp_path / "far.png", tmp_path / "near.png"))
    animator.animate(job(still, "push_in", 12), tmp_path / "clip.mp4")
    for frame in film(tmp_path / "clip.mp4"):
        assert frame.min() > 194


def test_the_same_job_gives_the_same_bytes_and_another_seed_another_drift(animator, tmp_path: Path) -> None:
    still = dotted_layers(tmp_path)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        animator.animate(job(still, "hold", seed=seed), tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("damage", ["text", "cut", "empty", "jpeg"])
def test_a_picture_that_cannot_be_read_is_named_and_leaves_no_file(animator, tmp_path: Path, damage: str) -> None:
    still = flat(tmp_path, np.random.default_rng(0).integers(0, 255, (H, W, 3), np.uint8))
    whole = still.image.read_bytes()
    if damage == "jpeg":
        Image.new("RGB", (W, H)).save(still.image, format="JPEG")
    else:
        still.image.write_bytes({"text": b"not a picture", "cut": whole[: len(whole) // 2], "empty": b""}[damage])
    with pytest.raises(MediaFailed, match=r"still\.png"):
        animator.animate(job(still), tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()


def test_layers_of_different_sizes_are_refused(animator, tmp_path: Path) -> None:
    still = dotted_layers(tmp_path)
    Image.new("RGBA", (W, H)).save(still.layers[1])
    with pytest.raises(MediaFailed, match="same size"):
        animator.animate(job(still), tmp_path / "clip.mp4")


def test_a_layer_on_which_nothing_is_drawn_does_no_harm(animator, tmp_path: Path) -> None:
    still = dotted_layers(tmp_path)
    Image.new("RGBA", (W + 2 * OVER, H + 2 * OVER)).save(still.layers[1])
    animator.animate(job(still, frames=4), tmp_path / "clip.mp4")
    assert probe(tmp_path / "clip.mp4").frames == 4


def test_cancelling_leaves_no_file(animator, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled()

    with pytest.raises(Cancelled):
        animator.animate(job(dotted_layers(tmp_path), frames=48), tmp_path / "clip.mp4", tick=stop)
    assert not (tmp_path / "clip.mp4").exists()


def test_it_ticks_every_eight_frames_and_at_the_end(animator, tmp_path: Path) -> None:
    ticks = []
    animator.animate(
        job(dotted_layers(tmp_path), frames=20), tmp_path / "clip.mp4", tick=lambda d, t: ticks.append((d, t))
    )
    assert ticks == [(0, 20), (8, 20), (16, 20), (20, 20)]
