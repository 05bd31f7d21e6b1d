"""Animator family `wan`: image to video with Wan 2.1, 2.2 A14B (two experts) and 2.2 TI2V-5B, in diffusers' layout.

The checkpoint says which of them it is: `transformer_2` and `boundary_ratio` make two experts, `expand_timesteps` puts
the still in place of the first latent frame. Knows no story.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine.backends.blank import opened
from engine.backends.clip_frames import ExposedFrames, check_job, frames_of, open_still
from engine.backends.conditioning import PICTURES_IN_MEMORY, Conditioning, Tensors, remember_pictures
from engine.backends.diffusion import Diffusion
from engine.backends.experts import HIGH, LOW, Experts, Resumed, UpTo, park, unpark
from engine.backends.params import read_params
from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.backends.renoising import renoising_scheduler
from engine.backends.torch_env import choose_device, diffusers_quietly, memory_guard, sealed, seeded
from engine.backends.tuning import Tuning, TuningParams
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, ModelMissing, OutOfMemory
from engine.weights import part_place

if TYPE_CHECKING:
    import numpy as np


T = TypeVar("T")

SIDE = 16
"""Pixels of a side that are one token at least: the VAE packs 8 or 16, the transformer 2 of its latents."""


class Params(TuningParams, frozen=True):
    """`guidance` above 1 costs a second pass a step; `guidance_low` is the second expert's. `flow_shift` moves steps
    towards noise (3 at 480p, 5 at 720p). `loras` are files in `parts/lora`, melted into the experts, high noise first.
    `renoise` noises each step's guess anew, at `noise_levels` from 1 down, one a step: what weights distilled by
    matching distributions are made for. `transformer` is a folder in the part `transformer`, such weights in place of
    the checkpoint's own. `text_tokens` is how far the prompt is padded. `tile` decodes piecewise: slower, less memory.
    `vae` is the type in which pictures are encoded and decoded: bfloat16 takes half the memory and a third of the time,
    and may band in even skies. `offload` as in `torch_env.Placement`."""

    steps: int = 40
    guidance: float = 3.5
    guidance_low: float | None = None
    flow_shift: float | None = None
    scheduler: Literal["own", "euler", "renoise"] = "own"
    noise_levels: tuple[float, ...] = ()
    transformer: str | None = None
    loras: tuple[str, ...] = ()
    text_tokens: int = 512
    tile: bool = False
    vae: Literal["float32", "bfloat16"] = "float32"
    offload: Literal["none", "model", "layer"] = "none"


def load(spec: ModelSpec, weights: Path | None) -> Animator:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family wan needs a checkpoint folder.")
    if spec.limits.size_step % SIDE:
        raise BadCatalog(f"models.{spec.id}.limits.size_step is {spec.limits.size_step}: give a multiple of {SIDE}")
    levels = params.noise_levels
    if (params.scheduler == "renoise") != bool(levels) or list(levels) != sorted(set(levels), reverse=True):
        raise BadCatalog(f"models.{spec.id}.params.noise_levels belong to the scheduler renoise, and fall from 1")
    if levels and not (len(levels) == params.steps and levels[0] == 1 and levels[-1] > 0):
        raise BadCatalog(
            f"models.{spec.id}.params.noise_levels are {list(levels)}: give one for each of {params.steps} steps, from "
            "1 down, above 0"
        )
    return Animator(spec, params, weights)


class Animator(Diffusion[ClipJob]):
    """A `VideoModel`. Frames are 4k+1, because the VAE packs time by 4 and keeps the first frame by itself."""

    def __init__(self, spec: ModelSpec, params: Params, folder: Path) -> None:
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            decision = choose_device()
            # The VAE is 0.5 GB; everything else takes the fast type.
            fast_vae = params.vae == "bfloat16" and decision.dtype == "bfloat16"
            vae = opened(
                diffusers.AutoencoderKLWan,
                folder,
                subfolder="vae",
                torch_dtype=torch.bfloat16 if fast_vae else torch.float32,
                use_safetensors=True,
                local_files_only=True,
            )
            pipeline: Any = opened(
                diffusers.WanImageToVideoPipeline,
                folder,
                vae=vae,
                **_swapped(diffusers, spec, params, folder, getattr(torch, decision.dtype)),
                torch_dtype=getattr(torch, decision.dtype),
                use_safetensors=True,
                local_files_only=True,
            )
            pipeline.scheduler = _scheduler(diffusers, params, pipeline.scheduler)
            _melt_loras(pipeline, [part_place(spec, folder, "lora") / name for name in params.loras])
            pipeline.set_progress_bar_config(disable=True)
            experts = [pipeline.transformer, pipeline.transformer_2]
            tuning = Tuning(spec, params, decision, experts, steps=params.steps)
            if params.vae == "bfloat16" and not fast_vae:
                tuning.tell(f"{spec.id} decodes in float32, because {decision.device} computes no bfloat16")
            # Hooks would bring each expert anew for every clip; the halves of a clip say themselves whom they need.
            # Noise that is drawn between steps would have to be gone on with.
            takes_turns = params.offload == "model" and pipeline.transformer_2 is not None
            takes_turns = takes_turns and params.scheduler != "renoise"
            self._experts = Experts(pipeline, decision.device) if takes_turns else None
            where = f"{decision.device} {decision.dtype} {pipeline.vae.dtype}"
            super().__init__(
                spec,
                pipeline,
                decision,
                where=where,
                encoders=["text_encoder"],
                offload="turns" if takes_turns else params.offload,
                tile=params.tile,
                tuning=tuning,
            )
            self._pictures = Conditioning(spec, where, PICTURES_IN_MEMORY)  # many of them drive out no text
            remember_pictures(pipeline.vae, self._pictures)

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """As `expose`, and written. Raises `MediaFailed`, `StorageFull` besides."""
        self.expose(job, tick=tick).write(out)

    def expose(self, job: ClipJob, *, tick: Tick = no_tick) -> ExposedFrames:
        """Raises `BadRequest` for a size or frame count that the model does not make, `OutOfMemory`,
        and what `tick` raises. Wan was trained at 16 or 24 frames a second; `fps` only says how fast they play."""
        if self._experts is not None:
            with TemporaryDirectory() as folder:
                begun = Path(folder) / "begun.safetensors"
                self.begin(job, begun, tick=tick)
                return self.finish(job, begun, tick=tick)
        check_job(self.spec, job)
        tick(0, self._params.steps)
        with memory_guard(self.spec):
            frames = self._run(job, tick, lambda callback: frames_of(self._denoise(job, callback)[0]))
        return ExposedFrames(frames, job)

    @property
    def in_turns(self) -> bool:
        """Whether there are two experts that do not lie on the device together."""
        return self._experts is not None

    def begin(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """The noisy steps, which are the first expert's. Raises as `expose` does."""
        check_job(self.spec, job)
        tick(0, self._params.steps)
        assert self._experts is not None
        pipeline = self._pipeline
        boundary = pipeline.config.boundary_ratio * pipeline.scheduler.config.num_train_timesteps
        with memory_guard(self.spec):
            conditions = self._conditions(job)
            self._experts.hold(HIGH)

            def denoise(callback: Any) -> Any:
                return self._denoise(job, UpTo(callback, boundary), conditions, output_type="latent")

            park(pipeline.scheduler, self._run(job, tick, denoise), out)

    def finish(self, job: ClipJob, begun: Path, *, tick: Tick = no_tick) -> ExposedFrames:
        """The other steps, which are the second expert's, from where the first one stopped. Raises as `expose` does."""
        check_job(self.spec, job)
        assert self._experts is not None
        with memory_guard(self.spec):
            conditions = self._conditions(job)
            self._experts.hold(LOW)
            latents, state = unpark(begun, self.decision.device)
            done, own = int(state["_step_index"]), self._pipeline.scheduler

            def later(step: int, steps: int) -> None:
                tick(min(done + step, steps), steps)

            def denoise(callback: Any) -> np.ndarray:
                return frames_of(self._denoise(job, callback, conditions, latents=latents)[0])

            self._pipeline.scheduler = Resumed(own, state)
            try:
                frames = self._run(job, later, denoise)
            finally:
                self._pipeline.scheduler = own
        return ExposedFrames(frames, job)

    def close(self) -> None:
        self._experts = None
        vars(self).pop("_pictures", None)
        super().close()

    def _run(self, job: ClipJob, tick: Tick, denoise: Callable[[Any], T]) -> T:
        """`denoise(callback_on_step_end)`, placed and tuned."""
        assert self._tuning is not None
        self._placement.fit(job.memory)
        shape = (job.width, job.height, job.frames)
        return self._tuning.run(shape, tick, self._params.steps, denoise, resident=self._placement.resident)

    def _denoise(
        self,
        job: ClipJob,
        callback: Any,
        conditions: Tensors | None = None,
        *,
        output_type: str = "pt",
        latents: Any = None,
    ) -> Any:
        """What the pipeline makes: a batch of one video, or of its latents."""
        if self._params.scheduler == "renoise":
            self._pipeline.scheduler.generator = seeded(job.seed + 1)
        return self._pipeline(
            image=open_still(job),
            width=job.width,
            height=job.height,
            num_frames=job.frames,
            num_inference_steps=self._params.steps,
            guidance_scale=self._params.guidance,
            guidance_scale_2=self._second_guidance(),
            generator=seeded(job.seed),
            latents=latents,
            max_sequence_length=self._params.text_tokens,
            output_type=output_type,
            callback_on_step_end=callback,
            **(self._conditions(job) if conditions is None else conditions),
        ).frames

    def _read_all(self, jobs: Sequence[ClipJob]) -> None:
        try:
            super()._read_all(jobs)
        except OutOfMemory:
            if self._experts is None:
                raise
            self._experts.release()  # the text encoder needs the room
            super()._read_all(jobs)

    def _conditions(self, job: ClipJob) -> Tensors:
        """The pipeline's embeddings of what is to be seen and, where guidance asks for it, of what is not."""
        conditions = {"prompt_embeds": self._read(job.prompt, lasting=False)["embeds"]}
        if self._params.guidance > 1:
            conditions["negative_prompt_embeds"] = self._read(job.negative, lasting=True)["embeds"]
        return self._on_device(conditions)

    def _encode(self, text: str) -> Tensors:
        embeds, _ = self._pipeline.encode_prompt(
            text, do_classifier_free_guidance=False, max_sequence_length=self._params.text_tokens
        )
        return {"embeds": embeds}

    def _second_guidance(self) -> float | None:
        """Only a checkpoint of two experts may be told."""
        return self._params.guidance_low if self._pipeline.config.boundary_ratio is not None else None


def _swapped(diffusers: Any, spec: ModelSpec, params: Params, folder: Path, dtype: Any) -> dict[str, Any]:
    """The component that a part brings in place of the checkpoint's own."""
    if params.transformer is None:
        return {}
    place = part_place(spec, folder, "transformer") / params.transformer
    opened = diffusers.WanTransformer3DModel.from_pretrained(
        place, torch_dtype=dtype, use_safetensors=True, local_files_only=True
    )
    return {"transformer": opened}


def _scheduler(diffusers: Any, params: Params, own: Any) -> Any:
    if params.scheduler == "renoise":
        return renoising_scheduler(diffusers, params.noise_levels)
    if params.scheduler == "euler":
        shift = params.flow_shift if params.flow_shift is not None else own.config.get("flow_shift", 3.0)
        return diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    if params.flow_shift is not None:
        return type(own).from_config(own.config, flow_shift=params.flow_shift)
    return own


def _melt_loras(pipeline: Any, files: list[Path]) -> None:
    """Add each LoRA to the weights of its expert, so that it costs nothing when the model runs."""
    for file, transformer in zip(files, ("transformer", "transformer_2"), strict=False):
        into_second = transformer == "transformer_2"
        pipeline.load_lora_weights(
            file.parent, weight_name=file.name, local_files_only=True, load_into_transformer_2=into_second
        )
        pipeline.fuse_lora(components=[transformer])
        pipeline.unload_lora_weights()
