"""Artist family `sdxl`: Stable Diffusion XL in diffusers' layout, with the full schedule or few-step weights.

`parts/` beside the checkpoint hold what an entry swaps or adds: a VAE that stays in half precision (`vae`), the UNet of
a distilled model (`unet`), an adapter that keeps a face (`ip_adapter`). Knows no story: prompts come whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from engine.backends.ip_adapter import IPAdapter
from engine.backends.params import read_params
from engine.backends.protocols import StillJob, Tick, no_tick
from engine.backends.torch_env import (
    Placement,
    choose_device,
    diffusers_quietly,
    free_memory,
    memory_guard,
    on_step_end,
    sealed,
    seeded,
)
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, BadRequest, ModelMissing
from engine.types import Frozen, Still

FRAMING = {"wide": "wide shot", "medium": "medium shot", "close": "close-up"}


class Params(Frozen, frozen=True):
    """`guidance` above 1 costs a second pass a step; distilled weights are made for 0. `unet` is a safetensors file in
    `parts/unet`. `trailing` timesteps are what Lightning was distilled on. `offload` as in `torch_env.Placement`.

    `ip_adapter` is a safetensors file in `parts/ip_adapter`, `image_encoder` a folder there; `ip_adapter_scale` 0–1."""

    steps: int = 30
    guidance: float = 5.0
    scheduler: Literal["own", "euler_trailing", "dpmpp_2m_karras"] = "own"
    unet: str | None = None
    offload: Literal["none", "model", "layer"] = "none"
    ip_adapter: str | None = None
    image_encoder: str = "models/image_encoder"
    ip_adapter_scale: float = 0.6


def load(spec: ModelSpec, weights: Path | None) -> Artist:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family sdxl needs a checkpoint folder.")
    if params.ip_adapter is not None and params.offload == "layer":
        raise BadCatalog(f"models.{spec.id}.params.offload is layer, which an ip_adapter does not go with; take model")
    return Artist(spec, params, weights)


class Artist:
    """An `ImageModel`. Sides are multiples of 8 pixels: the VAE packs space by 8."""

    def __init__(self, spec: ModelSpec, params: Params, folder: Path) -> None:
        self.spec = spec
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            self.decision = choose_device()
            dtype = getattr(torch, self.decision.dtype)
            swapped = _swapped(diffusers, params, folder, dtype)
            pipeline: Any = diffusers.StableDiffusionXLPipeline.from_pretrained(
                folder,
                torch_dtype=dtype,
                variant=_variant(folder),
                use_safetensors=True,
                local_files_only=True,
                add_watermarker=False,
                **swapped,
            )
            pipeline.scheduler = _scheduler(diffusers, params.scheduler, pipeline.scheduler)
            pipeline.set_progress_bar_config(disable=True)
            if self.decision.device == "cuda":
                # Convolutions of half precision run on tensor cores only when channels come last.
                pipeline.unet.to(memory_format=torch.channels_last)
                pipeline.vae.to(memory_format=torch.channels_last)
            self._placement: Placement | None = Placement(pipeline, self.decision, params.offload)
            self._pipeline: Any = pipeline
            self._adapter = _adapter(spec, pipeline, self.decision.device, params, folder)

    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        """Raises `BadRequest` for a size that is no multiple of 8 or a reference that is no picture, `OutOfMemory`, and
        what `tick` raises. Of several references that of the first subject is heeded: an adapter, which does not know
        where in the picture somebody stands, would make one face of two."""
        step = self.spec.limits.size_step
        if job.width % step or job.height % step:
            raise BadRequest("size", f"{job.width}×{job.height}: {self.spec.id} paints multiples of {step} pixels")
        steps = self._params.steps
        tick(0, steps)
        assert self._placement is not None
        with memory_guard(self.spec):
            self._placement.fit(job.memory)
            looks = self._adapter.heed(_first_reference(job), self._params.guidance) if self._adapter else {}
            picture = self._pipeline(
                prompt=prompt_of(job),
                negative_prompt=job.negative or None,
                width=job.width,
                height=job.height,
                num_inference_steps=steps,
                guidance_scale=self._params.guidance,
                generator=seeded(job.seed),
                callback_on_step_end=on_step_end(tick, steps),
                **looks,
            ).images[0]
        out = folder / "still.png"
        picture.save(out)
        return Still(image=out)

    def close(self) -> None:
        self._pipeline = self._placement = self._adapter = None
        free_memory()


def prompt_of(job: StillJob) -> str:
    """What is seen, how near, in which style; CLIP reads 77 tokens, so what matters most comes first."""
    said = job.prompt.lower()
    parts = [job.prompt, FRAMING.get(job.framing, ""), job.style if job.style.lower() not in said else ""]
    return ", ".join(part for part in parts if part)


def _first_reference(job: StillJob) -> Path | None:
    return next((job.references[name] for name in job.subjects if name in job.references), None)


def _adapter(spec: ModelSpec, pipeline: Any, device: str, params: Params, folder: Path) -> IPAdapter | None:
    if params.ip_adapter is None:
        return None
    place = folder / "parts" / "ip_adapter"
    return IPAdapter(spec, pipeline, device, place, params.ip_adapter, params.image_encoder, params.ip_adapter_scale)


def _variant(folder: Path) -> str | None:
    """`fp16` where the checkpoint comes in halves, as SDXL's own does."""
    return "fp16" if any((folder / "unet").glob("*.fp16.safetensors")) else None


def _swapped(diffusers: Any, params: Params, folder: Path, dtype: Any) -> dict[str, Any]:
    """The components that `parts/` bring in place of the checkpoint's own."""
    from safetensors.torch import load_file

    parts: dict[str, Any] = {}
    vae = folder / "parts" / "vae"
    if vae.is_dir():
        parts["vae"] = diffusers.AutoencoderKL.from_pretrained(
            vae, torch_dtype=dtype, use_safetensors=True, local_files_only=True
        )
    if params.unet is not None:
        config = diffusers.UNet2DConditionModel.load_config(folder / "unet", local_files_only=True)
        unet: Any = diffusers.UNet2DConditionModel.from_config(config)
        unet.load_state_dict(load_file(folder / "parts" / "unet" / params.unet))
        parts["unet"] = unet.to(dtype).eval()
    return parts


def _scheduler(diffusers: Any, name: str, own: Any) -> Any:
    if name == "euler_trailing":
        return diffusers.EulerDiscreteScheduler.from_config(own.config, timestep_spacing="trailing")
    if name == "dpmpp_2m_karras":
        return diffusers.DPMSolverMultistepScheduler.from_config(own.config, use_karras_sigmas=True)
    return own
