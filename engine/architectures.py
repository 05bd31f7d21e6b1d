"""The full-size architectures that are shipped as data, and what each component costs: parameters, FLOP, live memory.

Reads the JSON files of `architectures/`: one file an architecture, and costs.json, which `python -m
engine.backends.counting` counts on the real classes. Imports no model library and knows no entry of models.yaml.
"""

from __future__ import annotations

from functools import cache
from math import ceil, prod
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.types import Frozen

FOLDER = Path(__file__).resolve().parent / "architectures"
COSTS_FILE = FOLDER / "costs.json"
BYTES = {"half": 2, "float32": 4}


class Part(Frozen, frozen=True):
    """A class of diffusers or transformers by name, the config that it is built from, and the type that its weights are
    kept in: `half` is whichever of float16 and bfloat16 the device computes in."""

    kind: str
    config: dict[str, Any]
    dtype: Literal["half", "float32"] = "half"


class Architecture(Frozen, frozen=True):
    """What a checkpoint in diffusers' layout is made of, without tokenizers; components by their names there."""

    pipeline: Part
    scheduler: Part
    components: dict[str, Part]


class Cost(Frozen, frozen=True):
    """What one component costs.

    `flops` maps passes to coefficients (2 FLOP per multiply-add, attention included). With n the latent pixels of one
    frame (UNet, VAE), the tokens (transformer) or, of music, the latent frames a pass costs c₀ + c₁n + c₂n²; of what
    reads texts c₀, at its full number of tokens. A VAE of films has `decode` for the first latent frame, `decode_more`
    for each further one, and likewise `encode`. `live` maps the same passes to bytes that are alive at once besides
    weights: c₀ + c₁n + c₂n(t − 1), with t latent frames. `largest` is how many of the parameters the largest single
    layer has.
    """

    parameters: int
    largest: int
    flops: dict[str, tuple[float, ...]]
    live: dict[str, tuple[float, ...]]


@cache
def read_architecture(name: str) -> Architecture:
    """Raises `KeyError` for a name that is none of `architecture_names()`."""
    if name not in architecture_names():
        raise KeyError(name)
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Architecture)


@cache
def architecture_names() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in FOLDER.glob("*.json") if file != COSTS_FILE))


@cache
def read_costs() -> dict[str, dict[str, Cost]]:
    """By architecture and component."""
    return msgspec.json.decode(COSTS_FILE.read_bytes(), type=dict[str, dict[str, Cost]])


def flops_of(cost: Cost, part: str, n: int) -> float:
    """FLOP of the pass `part` at size `n`."""
    return sum(coefficient * n**power for power, coefficient in enumerate(cost.flops[part]))


def live_bytes(cost: Cost, part: str, n: int, latent_frames: int = 1) -> float:
    """Bytes alive at once in the pass `part`, besides weights, at size `n`."""
    constant, each, later = (*cost.live[part], 0.0, 0.0)[:3]  # a text encoder's has one term, a picture's two
    return constant + each * n + later * n * (latent_frames - 1)


def weight_bytes(name: str, component: str) -> int:
    return read_costs()[name][component].parameters * BYTES[read_architecture(name).components[component].dtype]


def is_music(arch: Architecture) -> bool:
    return arch.components["vae"].kind == "AutoencoderOobleck"


def packing(vae: Part) -> tuple[int, int]:
    """How many pixels of a side, and how many frames, a VAE of pictures or films packs into one; of frames the first is
    kept by itself."""
    config = vae.config
    if vae.kind == "AutoencoderKLLTXVideo":
        halvings = 2 ** sum(config["spatio_temporal_scaling"])
        return config["patch_size"] * halvings, config["patch_size_t"] * halvings
    return config.get("scale_factor_spatial", 8), config.get("scale_factor_temporal", 4)


def tokens_by(transformer: Part) -> int:
    """How many latent pixels of a film are one token."""
    patch = transformer.config.get("patch_size", (1, 2, 2))
    return prod(patch) if isinstance(patch, (list, tuple)) else patch**2 * transformer.config.get("patch_size_t", 1)


def latents_of_sound(vae: Part, seconds: float) -> int:
    """Latent frames of so many seconds of music."""
    return ceil(seconds * vae.config["sampling_rate"] / prod(vae.config["downsampling_ratios"]))
