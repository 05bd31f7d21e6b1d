"""What every diffusion animator does around its model: the job against the limits, the still in, the frames out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from engine.backends.protocols import ClipJob
from engine.catalog import ModelSpec
from engine.errors import BadRequest
from engine.media import FrameWriter, clip_codec

if TYPE_CHECKING:
    import torch


def check_job(spec: ModelSpec, job: ClipJob) -> None:
    """Raise `BadRequest` unless size and frame count are ones that the model makes."""
    limits = spec.limits
    if job.width % limits.size_step or job.height % limits.size_step:
        raise BadRequest(
            "size", f"{job.width}×{job.height}: the sides of {spec.id} are multiples of {limits.size_step} pixels"
        )
    if job.frames < 1 or (job.frames - limits.frames_plus) % limits.frames_step:
        raise BadRequest(
            "frames", f"{job.frames}: {spec.id} makes {limits.frames_step}k+{limits.frames_plus} frames, k ≥ 0"
        )
    if limits.max_frames is not None and job.frames > limits.max_frames:
        raise BadRequest("frames", f"{job.frames}: {spec.id} makes at most {limits.max_frames} at once")


def open_still(job: ClipJob) -> Image.Image:
    """The still as RGB at the clip's size, cropped evenly where its shape is another."""
    with Image.open(job.still.image, formats=("PNG", "JPEG", "WEBP")) as picture:
        return ImageOps.fit(picture.convert("RGB"), (job.width, job.height), Image.Resampling.LANCZOS)


def frames_of(video: torch.Tensor) -> np.ndarray:
    """`video` (n, 3, height, width; 0–1, on any device) as frames (n, height, width, 3; uint8): what leaves the GPU
    is a quarter of what would in float32. What is no number is black."""
    import torch

    levels = torch.nan_to_num(video.float()).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


@dataclass(frozen=True)
class ExposedFrames:
    """An `Exposure`: the job, and at least its frames (n, height, width, 3; uint8)."""

    frames: np.ndarray
    job: ClipJob

    def write(self, out: Path) -> None:
        """Encode them. Raises `MediaFailed`, `StorageFull`."""
        job = self.job
        with FrameWriter(out, job.width, job.height, job.fps, codec=clip_codec().arguments) as writer:
            for frame in self.frames[: job.frames]:
                writer.write(frame)
