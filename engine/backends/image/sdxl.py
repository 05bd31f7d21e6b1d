"""Artist family `sdxl`: Stable Diffusion XL in diffusers' layout or in one file, at the full schedule or in few steps.

An entry's parts are what it swaps or adds: a VAE that stays in half precision (`vae`), the UNet of a distilled model
(`unet`), an adapter that keeps a face (`ip_adapter`), LoRAs of any name, and for a checkpoint in one file its
architecture and tokenizers (`config`). Knows no story: prompts come whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from engine.backends.blank import opened
from engine.backends.conditioning import Tensors
from engine.backends.diffusion import Diffusion
from engine.backends.ip_adapter import IPAdapter
from engine.backends.params import read_params
from engine.backends.protocols import StillJob, Tick, no_tick
from engine.backends.torch_env import (
    Decision,
    choose_device,
    diffusers_quietly,
    memory_guard,
    on_step_end,
    sealed,
    seeded,
)
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, BadRequest, ModelCorrupt, ModelMissing
from engine.made import Still
from engine.types import Frozen
from engine.weights import part_place

STRONGEST = 4

FRAMING = {"wide": "wide shot", "medium": "medium shot", "close": "close-up"}

SIDE = 8
"""Of each side of a picture, in pixels, the VAE makes one of its latents'."""


class Params(Frozen, frozen=True):
    """`guidance` above 1 costs a second pass a step; distilled weights are made for 0. `unet` is a safetensors file in
    the part `unet`. `trailing` timesteps are what Lightning was distilled on. `offload` as in `torch_env.Placement`.

    `ip_adapter` is a safetensors file in the part `ip_adapter`, `image_encoder` a folder there; `ip_adapter_scale` 0–1.
    `loras` maps names of parts to how much each counts, −4 to 4.

    `fuse_qkv` multiplies by queries', keys' and values' weights at once; auto does so on a GPU, where it pays."""

    steps: int = 30
    guidance: float = 5.0
    scheduler: Literal["own", "euler_trailing", "dpmpp_2m_karras"] = "own"
    unet: str | None = None
    offload: Literal["none", "model", "layer"] = "none"
    ip_adapter: str | None = None
    image_encoder: str = "models/image_encoder"
    ip_adapter_scale: float = 0.6
    loras: dict[str, float] = {}
    fuse_qkv: Literal["auto", "never", "always"] = "auto"


def load(spec: ModelSpec, weights: Path | None) -> Artist:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family sdxl needs a checkpoint folder.")
    if spec.limits.size_step % SIDE:
        raise BadCatalog(f"models.{spec.id}.limits.size_step is {spec.limits.size_step}: give a multiple of {SIDE}")
    if params.ip_adapter is not None and params.offload == "layer":
        raise BadCatalog(f"models.{spec.id}.params.offload is layer, which an ip_adapter does not go with; take model")
    for name, weight in params.loras.items():
        if name not in spec.parts and not (weights / "parts" / name).exists():
            known = ", ".join(spec.parts) or "none"
            raise BadCatalog(f"models.{spec.id}.params.loras: {name!r} is none of its parts ({known})")
        if not -STRONGEST <= weight <= STRONGEST:
            raise BadCatalog(f"models.{spec.id}.params.loras.{name} is {weight}, outside −{STRONGEST} to {STRONGEST}")
    if weights.is_file() and weights.suffix != ".safetensors":
        raise BadCatalog(f"models.{spec.id}.weights: {weights.name} is no safetensors file")
    return Artist(spec, params, weights)


class Artist(Diffusion[StillJob]):
    """An `ImageModel`. Sides are multiples of 8 pixels: the VAE packs space by 8."""

    def __init__(self, spec: ModelSpec, params: Params, weights: Path) -> None:
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            decision = choose_device()
            dtype = getattr(torch, decision.dtype)
            root = weights.parent if weights.is_file() else weights
            layout = _layout(spec, root) if weights.is_file() else weights
            swapped = _swapped(diffusers, spec, params, root, layout, dtype)
            told = {"torch_dtype": dtype, "local_files_only": True, "add_watermarker": False, **swapped}
            pipeline = _open_pipeline(diffusers, spec, weights, layout, told)
            _melt_loras(spec, pipeline, params.loras, root)
            pipeline.scheduler = _scheduler(diffusers, params.scheduler, pipeline.scheduler)
            pipeline.set_progress_bar_config(disable=True)
            if decision.device == "cuda":
                # Convolutions of half precision run on tensor cores only when channels come last.
                pipeline.unet.to(memory_format=torch.channels_last)
                pipeline.vae.to(memory_format=torch.channels_last)
            fuses = params.fuse_qkv == "always" or (params.fuse_qkv == "auto" and decision.device == "cuda")
            if fuses:
                pipeline.fuse_qkv_projections(vae=False)
            super().__init__(
                spec,
                pipeline,
                decision,
                where=f"{decision.device} {decision.dtype}",
                encoders=["text_encoder", "text_encoder_2"],
                offload=params.offload,
            )
            for sentence in _decisions(spec, pipeline, decision):
                self._decisions.tell(sentence)
            if fuses:
                self._decisions.tell(f"{spec.id} computes queries, keys and values at once ({params.fuse_qkv})")
            self._adapter = _adapter(spec, pipeline, decision.device, params, root)

    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        """Raises `BadRequest` for a size that is no multiple of 8 or a reference that is no picture, `OutOfMemory`, and
        what `tick` raises. Of several references that of the first subject is heeded: an adapter, which does not know
        where in the picture somebody stands, would make one face of two."""
        step = self.spec.limits.size_step
        if job.width % step or job.height % step:
            raise BadRequest("size", f"{job.width}×{job.height}: {self.spec.id} paints multiples of {step} pixels")
        steps = self._params.steps
        tick(0, steps)
        with memory_guard(self.spec):
            self._placement.fit(job.memory)
            looks = self._adapter.heed(_first_reference(job), self._params.guidance) if self._adapter else {}
            picture = self._pipeline(
                **self._conditions(job),
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
        vars(self).pop("_adapter", None)
        super().close()

    def _conditions(self, job: StillJob) -> Tensors:
        """The pipeline's embeddings of what is to be seen and, where guidance asks for it, of what is not."""
        import torch

        wanted = self._read(prompt_of(job), lasting=False)
        conditions = {"prompt_embeds": wanted["embeds"], "pooled_prompt_embeds": wanted["pooled"]}
        if self._params.guidance > 1:
            if not job.negative and self._pipeline.config.force_zeros_for_empty_prompt:
                not_wanted = {name: torch.zeros_like(tensor) for name, tensor in wanted.items()}
            else:
                not_wanted = self._read(job.negative, lasting=True)
            conditions["negative_prompt_embeds"] = not_wanted["embeds"]
            conditions["negative_pooled_prompt_embeds"] = not_wanted["pooled"]
        return self._on_device(conditions)

    def _encode(self, text: str) -> Tensors:
        embeds, _, pooled, _ = self._pipeline.encode_prompt(text, do_classifier_free_guidance=False)
        return {"embeds": embeds, "pooled": pooled}


def _decisions(spec: ModelSpec, pipeline: Any, decision: Decision) -> list[str]:
    said = [f"{spec.id} runs {decision.sentence}"]
    if decision.dtype == "float16" and pipeline.vae.config.force_upcast:
        said.append(
            f"{spec.id} decodes each picture in float32, because its VAE overflows in float16: the part vae of "
            "sdxl-lightning is one that does not"
        )
    return said


def prompt_of(job: StillJob) -> str:
    """What is seen, how near, in which style; CLIP reads 77 tokens, so what matters most comes first."""
    said = job.prompt.lower()
    parts = [job.prompt, FRAMING.get(job.framing, ""), job.style if job.style.lower() not in said else ""]
    return ", ".join(part for part in parts if part)


def _first_reference(job: StillJob) -> Path | None:
    return next((job.references[name] for name in job.subjects if name in job.references), None)


def _adapter(spec: ModelSpec, pipeline: Any, device: str, params: Params, root: Path) -> IPAdapter | None:
    if params.ip_adapter is None:
        return None
    place = part_place(spec, root, "ip_adapter")
    return IPAdapter(spec, pipeline, device, place, params.ip_adapter, params.image_encoder, params.ip_adapter_scale)


def _variant(folder: Path) -> str | None:
    """`fp16` where the checkpoint comes in halves, as SDXL's own does."""
    return "fp16" if any((folder / "unet").glob("*.fp16.safetensors")) else None


def _open_pipeline(diffusers: Any, spec: ModelSpec, weights: Path, layout: Path, told: dict[str, Any]) -> Any:
    kind = diffusers.StableDiffusionXLPipeline
    if weights.is_dir():
        return opened(kind, weights, variant=_variant(weights), use_safetensors=True, **told)
    from diffusers.loaders.single_file_utils import SingleFileComponentError

    try:
        return kind.from_single_file(str(weights), config=str(layout), **told)
    except SingleFileComponentError as error:
        raise ModelCorrupt(
            f"Model {spec.id} is not opened, because {weights} is no whole checkpoint of SDXL "
            f"({str(error).splitlines()[0]})."
        ) from error


def _layout(spec: ModelSpec, root: Path) -> Path:
    """The folder that says what a checkpoint in one file is made of, which diffusers would look for on the network."""
    layout = part_place(spec, root, "config")
    if not (layout / "model_index.json").is_file():
        raise ModelMissing(
            f"models.{spec.id} is a checkpoint in one file, and its part config, which names architecture and "
            f"tokenizers, is not at {layout}: give the entry one (docs/models.md shows how), and run `reelhouse models "
            f"pull {spec.id}`."
        )
    return layout


def _melt_loras(spec: ModelSpec, pipeline: Any, loras: dict[str, float], root: Path) -> None:
    """Add the LoRAs to the weights that they change, so that they cost nothing when the model runs."""
    for name in loras:
        place = part_place(spec, root, name)
        given = spec.parts[name].file if name in spec.parts else None
        files = [place / given] if given else sorted(place.glob("*.safetensors")) if place.is_dir() else [place]
        if len(files) != 1:
            raise BadCatalog(
                f"models.{spec.id}.parts.{name}: {place} holds {len(files)} safetensors files; name a file"
            )
        pipeline.load_lora_weights(
            files[0].parent, weight_name=files[0].name, adapter_name=name, local_files_only=True, use_safetensors=True
        )
        if name not in {one for adapters in pipeline.get_list_adapters().values() for one in adapters}:
            raise ModelCorrupt(
                f"Model {spec.id} is not opened, because {files[0]} changes nothing of SDXL: is it a LoRA?"
            )
    if loras:
        pipeline.set_adapters(list(loras), list(loras.values()))
        pipeline.fuse_lora(components=["unet", "text_encoder", "text_encoder_2"], adapter_names=list(loras))
        pipeline.unload_lora_weights()


def _swapped(diffusers: Any, spec: ModelSpec, params: Params, root: Path, layout: Path, dtype: Any) -> dict[str, Any]:
    """The components that parts bring in place of the checkpoint's own."""
    from safetensors.torch import load_file

    parts: dict[str, Any] = {}
    vae = part_place(spec, root, "vae")
    if vae.is_dir():
        parts["vae"] = diffusers.AutoencoderKL.from_pretrained(
            vae, torch_dtype=dtype, use_safetensors=True, local_files_only=True
        )
    if params.unet is not None:
        config = diffusers.UNet2DConditionModel.load_config(layout / "unet", local_files_only=True)
        unet: Any = diffusers.UNet2DConditionModel.from_config(config)
        unet.load_state_dict(load_file(part_place(spec, root, "unet") / params.unet))
        parts["unet"] = unet.to(dtype).eval()
    return parts


def _scheduler(diffusers: Any, name: str, own: Any) -> Any:
    if name == "euler_trailing":
        return diffusers.EulerDiscreteScheduler.from_config(own.config, timestep_spacing="trailing")
    if name == "dpmpp_2m_karras":
        return diffusers.DPMSolverMultistepScheduler.from_config(own.config, use_karras_sigmas=True)
    return own
