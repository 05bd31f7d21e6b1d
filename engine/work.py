"""What an entry of models.yaml has to do for one picture or clip, by arithmetic: FLOP, weights, memory of a GPU.

From the entry's `architecture` and params alone: nothing is opened or measured, so every figure is an estimate. Of an
entry that names no architecture it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engine.architectures import (
    Architecture,
    Cost,
    flops_of,
    live_bytes,
    read_architecture,
    read_costs,
    weight_bytes,
)
from engine.catalog import ModelSpec

LATENT_FRAMES_BY = 4
"""Wan's VAE packs so many frames into one latent frame, and keeps the first by itself."""
PATCH = 2
"""Wan's transformer takes squares of 2×2 latent pixels as one token."""
TILE_LATENT_SIDE = 32
"""Of the tiles that diffusers' VAEs decode, 256 pixels of the film at 8 to a latent pixel."""
CONTEXT_GB = 0.6
"""An allowance for what a process takes of a GPU before any model: driver context, libraries and their workspace."""
FRAGMENTS = 1.1
"""An allowance for memory that an allocator holds and cannot use."""
LAYERS_AHEAD = 2
"""Streamed by layers, one is at work while the next one is copied."""
LARGEST = {"artist": (1024, 1024, 1), "animator": (1280, 720, 81)}
"""Width, height, frames that an entry's memory is told for where no film says otherwise."""


def still_flops(spec: ModelSpec, width: int, height: int) -> float | None:
    """FLOP of one picture, from its prompt to its pixels; None if the entry's work cannot be told."""
    return _flops(spec, width, height, 1)


def clip_flops(spec: ModelSpec, width: int, height: int, frames: int) -> float | None:
    """FLOP of one clip of so many frames, at the model's own rate; None if the entry's work cannot be told."""
    return _flops(spec, width, height, frames)


def _flops(spec: ModelSpec, width: int, height: int, frames: int) -> float | None:
    steps = spec.params.get("steps")
    if spec.architecture is None or steps is None:
        return None
    arch, costs = read_architecture(spec.architecture), read_costs()[spec.architecture]
    return whole_flops(arch, costs, (width, height, frames), steps, spec.params.get("guidance", 1))


def step_flops(arch: Architecture, costs: Mapping[str, Cost], shape: tuple[int, int, int], guidance: float) -> float:
    """FLOP of one step, both passes of it where guidance asks for two; `shape` is width, height, frames."""
    denoiser = "unet" if "unet" in costs else "transformer"
    n = _size(arch, denoiser, *shape)
    return (2 if guidance > 1 else 1) * flops_of(costs[denoiser], "forward", n)


def whole_flops(
    arch: Architecture, costs: Mapping[str, Cost], shape: tuple[int, int, int], steps: int, guidance: float
) -> float:
    """FLOP of a picture or clip of `shape` (width, height, frames), from its prompt to its pixels."""
    width, height, frames = shape
    passes = 2 if guidance > 1 else 1
    texts = sum(flops_of(cost, "forward", 0) for name, cost in costs.items() if name.startswith("text_encoder"))
    pixels, latents = _latents(arch, width, height, frames)
    film = partial(_vae_flops, costs["vae"], pixels)
    given = 0.0
    if "transformer" in costs:  # the picture alone, or a whole film that begins with it
        given = film("encode", 1 if arch.pipeline.config.get("expand_timesteps") else latents)
    return passes * texts + given + steps * step_flops(arch, costs, shape, guidance) + film("decode", latents)


def _vae_flops(cost: Cost, pixels: int, which: str, latent_frames: int) -> float:
    more = flops_of(cost, f"{which}_more", pixels) * (latent_frames - 1) if latent_frames > 1 else 0.0
    return flops_of(cost, which, pixels) + more


def _latents(arch: Architecture, width: int, height: int, frames: int) -> tuple[int, int]:
    """Latent pixels of one frame, and latent frames."""
    across = arch.components["vae"].config.get("scale_factor_spatial", 8)
    return (width // across) * (height // across), (frames - 1) // LATENT_FRAMES_BY + 1


def _size(arch: Architecture, component: str, width: int, height: int, frames: int) -> int:
    """The n of `engine.architectures.Cost`."""
    pixels, latents = _latents(arch, width, height, frames)
    return pixels * latents // PATCH**2 if component.startswith("transformer") else pixels


def weights_gb(spec: ModelSpec) -> float | None:
    """GiB of all weights, in the types that they are kept in; adapters and image encoders not counted."""
    if spec.architecture is None:
        return None
    return sum(weight_bytes(spec.architecture, name) for name in read_costs()[spec.architecture]) / 2**30


def gpu_gb(spec: ModelSpec, shape: tuple[int, int, int] | None = None) -> float | None:
    """GiB of a GPU that the entry takes while it makes something of `shape` (width, height, frames; None: large).

    What models.yaml says comes first; 0 for what needs no GPU, None if nobody knows. Else the most of all passes: with
    `offload` none all weights lie there, those of text encoders until texts are read; with `model` those of the
    component at work, with `layer` two of its layers.
    """
    if spec.vram_gb is not None:
        return spec.vram_gb
    if spec.architecture is None:
        return _file_gb(spec)
    width, height, frames = shape or LARGEST[spec.role]
    arch, costs = read_architecture(spec.architecture), read_costs()[spec.architecture]
    offload, tiled = spec.params.get("offload", "none"), bool(spec.params.get("tile"))
    everything = sum(weight_bytes(spec.architecture, name) for name in costs)
    reading = sum(weight_bytes(spec.architecture, name) for name in costs if name.startswith("text_encoder"))
    most = 0.0
    for name, cost in costs.items():
        weights = {
            "none": everything if name.startswith("text_encoder") else everything - reading,
            "model": weight_bytes(spec.architecture, name),
            "layer": LAYERS_AHEAD * weight_bytes(spec.architecture, name) * cost.largest / cost.parameters,
        }[offload]
        most = max(most, weights + _live(spec, arch, name, cost, (width, height, frames), tiled))
    return round(CONTEXT_GB + FRAGMENTS * most / 2**30, 1)


def _live(
    spec: ModelSpec, arch: Architecture, name: str, cost: Cost, shape: tuple[int, int, int], tiled: bool
) -> float:
    """Bytes alive besides weights while that component works."""
    width, height, frames = shape
    n, (pixels, latents) = _size(arch, name, *shape), _latents(arch, *shape)
    if name != "vae":
        together = 2 if name == "unet" and spec.params.get("guidance", 1) > 1 else 1  # SDXL does both passes at once
        return together * live_bytes(cost, "forward", n)
    halved = 0.5 if spec.params.get("vae") == "bfloat16" else 1.0
    if not tiled:
        return halved * max(live_bytes(cost, which, pixels, latents) for which in cost.live)
    tile = min(pixels, TILE_LATENT_SIDE**2)
    whole = width * height * frames * 3 * 4  # float32: the film that tiles are laid into, and the one that is returned
    return halved * max(live_bytes(cost, which, tile, latents) for which in cost.live) + 2 * whole


def _file_gb(spec: ModelSpec) -> float | None:
    """Of a language model in one file: the file, which is copied to the GPU as it is; its context comes on top."""
    if spec.family != "llama" or spec.weights is None or not spec.weights.sizes:
        return None
    return round(CONTEXT_GB + FRAGMENTS * sum(spec.weights.sizes.values()) / 2**30, 1)
