"""Animator family `ltx`: image to video with LTX-Video, full or distilled, in diffusers' layout. Knows no story."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.backends.blank import opened
from engine.backends.clip_frames import ExposedFrames, check_job, frames_of, open_still
from engine.backends.conditioning import Tensors
from engine.backends.diffusion import Diffusion
from engine.backends.params import read_params
from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.backends.torch_env import choose_device, diffusers_quietly, memory_guard, sealed, seeded
from engine.backends.tuning import Tuning, TuningParams
from engine.catalog import ModelSpec
from engine.errors import ModelMissing

if TYPE_CHECKING:
    import numpy as np


class Params(TuningParams, frozen=True):
    """`guidance` above 1 costs a second pass a step; distilled weights are made for 1. `text_tokens` is how far the
    prompt is padded. `tile` decodes piecewise: slower, less memory. `offload` as in `torch_env.Placement`."""

    steps: int = 40
    guidance: float = 3.0
    text_tokens: int = 128
    tile: bool = False
    offload: Literal["none", "model", "layer"] = "none"


def load(spec: ModelSpec, weights: Path | None) -> Animator:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family ltx needs a checkpoint folder.")
    return Animator(spec, params, weights)


class Animator(Diffusion[ClipJob]):
    """A `VideoModel`. Sides are multiples of 32 and frames 8k+1: the VAE packs space by 32 and time by 8."""

    def __init__(self, spec: ModelSpec, params: Params, folder: Path) -> None:
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            decision = choose_device()
            pipeline: Any = opened(
                diffusers.LTXImageToVideoPipeline,
                folder,
                torch_dtype=getattr(torch, decision.dtype),
                use_safetensors=True,
                local_files_only=True,
            )
            pipeline.set_progress_bar_config(disable=True)
            super().__init__(
                spec,
                pipeline,
                decision,
                where=f"{decision.device} {decision.dtype}",
                encoders=["text_encoder"],
                offload=params.offload,
                tile=params.tile,
                tuning=Tuning(spec, params, decision, [pipeline.transformer], steps=params.steps, masked=True),
            )

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """As `expose`, and written. Raises `MediaFailed`, `StorageFull` besides."""
        self.expose(job, tick=tick).write(out)

    def expose(self, job: ClipJob, *, tick: Tick = no_tick) -> ExposedFrames:
        """Raises `BadRequest` for a size or frame count that the model does not make, `OutOfMemory`, and what
        `tick` raises."""
        check_job(self.spec, job)
        steps = self._params.steps
        tick(0, steps)
        assert self._tuning is not None
        with memory_guard(self.spec):
            self._placement.fit(job.memory)
            conditions = self._conditions(job)

            def denoise(callback: Any) -> np.ndarray:
                video = self._pipeline(
                    image=open_still(job),
                    width=job.width,
                    height=job.height,
                    num_frames=job.frames,
                    frame_rate=job.fps,
                    num_inference_steps=steps,
                    guidance_scale=self._params.guidance,
                    generator=seeded(job.seed),
                    max_sequence_length=self._params.text_tokens,
                    output_type="pt",
                    callback_on_step_end=callback,
                    **conditions,
                ).frames[0]
                return frames_of(video)

            shape = (job.width, job.height, job.frames)
            frames = self._tuning.run(shape, tick, steps, denoise, resident=self._placement.resident)
        return ExposedFrames(frames, job)

    def _conditions(self, job: ClipJob) -> Tensors:
        """The pipeline's embeddings and masks of what is to be seen and, where guidance asks for it, of what is not."""
        wanted = self._read(job.prompt, lasting=False)
        conditions = {"prompt_embeds": wanted["embeds"], "prompt_attention_mask": wanted["mask"]}
        if self._params.guidance > 1:
            not_wanted = self._read(job.negative, lasting=True)
            conditions["negative_prompt_embeds"] = not_wanted["embeds"]
            conditions["negative_prompt_attention_mask"] = not_wanted["mask"]
        return self._on_device(conditions)

    def _encode(self, text: str) -> Tensors:
        embeds, mask, _, _ = self._pipeline.encode_prompt(
            text, do_classifier_free_guidance=False, max_sequence_length=self._params.text_tokens
        )
        return {"embeds": embeds, "mask": mask}
