"""The `camera` animator: sets a still in motion by moving a camera past its layers; invents nothing that is not there.

The model of the CPU profiles, and for every other animator the last rung of the out-of-memory ladder. A flat still is
panned and zoomed; a layered one shows true parallax. No edge of the picture is ever seen: what a move needs beyond
the layers' overscan is gained by magnifying the picture a little.
"""

from __future__ import annotations

from pathlib import Path

from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.backends.video.camera.layers import Sheet, composite, density, picture_size, read_picture, sheet
from engine.backends.video.camera.motion import Pose, camera_path, magnification, nearness, place
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, MediaFailed
from engine.media import FrameWriter

TICK_FRAMES = 8


def load(spec: ModelSpec, weights: Path | None) -> Camera:
    """The camera needs no weights and has no knobs. Raises `BadCatalog` if the entry gives it some."""
    if spec.params:
        raise BadCatalog(f"models.{spec.id}.params: the family camera has none, not {', '.join(sorted(spec.params))}")
    return Camera(spec)


class Camera:
    """A `VideoModel` that holds nothing between two clips."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Write exactly `job.frames` frames of `job.width`×`job.height` at `job.fps`; ticks every 8 frames.

        The still may have any size and shape: it fills the film, centred. Raises `MediaFailed` if a picture cannot
        be read or the layers are not of one size, and whatever `tick` raises; either way `out` is then not there.
        """
        tick(0, job.frames)
        path = camera_path(job.camera, job.frames, job.fps, job.seed)
        sheets, scale = _prepare(job, path)
        with FrameWriter(out, job.width, job.height, job.fps) as film:
            for number, pose in enumerate(path, start=1):
                placed = [(layer, place(pose, near, job.width, job.height)) for layer, near in sheets]
                film.write(composite(placed, scale, job.width, job.height))
                if number % TICK_FRAMES == 0 or number == job.frames:
                    tick(number, job.frames)

    def close(self) -> None:
        """Nothing is held."""


def _prepare(job: ClipJob, path: list[Pose]) -> tuple[list[tuple[Sheet, float]], float]:
    """The layers at working size with their nearness, far to near, and the whole picture's magnification."""
    film = job.width, job.height
    pictures = [read_picture(layer) for layer in job.still.layers or (job.still.image,)]
    if len({one.shape for one in pictures}) > 1:
        raise MediaFailed("the still's layers are not all of the same size: paint it again.")
    # The composed picture fills the film; the layers are larger by their overscan, at the same magnification.
    composed = picture_size(job.still.image)
    cover = max(job.width / composed[0], job.height / composed[1])
    height, width = pictures[0].shape[:2]
    depths = nearness(len(pictures))
    scale = magnification(path, depths, (width, height), film, cover)
    drawn = [(sheet(one, density(film, scale)), near) for one, near in zip(pictures, depths, strict=True)]
    return [(one, near) for one, near in drawn if one is not None], scale
