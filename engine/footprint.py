"""How much of a GPU an entry of models.yaml takes at work, by arithmetic: weights, and what is alive beside them.

From the entry's `architecture` and params alone: nothing is opened or measured, so every figure is an estimate. Of an
entry that names no architecture it says nothing.
"""

from __future__ import annotations

from math import prod

from engine.architectures import (
    BYTES,
    Architecture,
    Cost,
    Part,
    is_music,
    live_bytes,
    packing,
    read_architecture,
    read_costs,
    weight_bytes,
)
from engine.catalog import ModelSpec
from engine.work import frames_given, latents_of, size_of_pass

Shape = tuple[int, int, int]
"""Width, height, frames (1 for a still); of music 1, 1, seconds."""

TILE_SIDES = {"AutoencoderKLLTXVideo": 512}
TILE_SIDE = 256
"""Pixels, of the tiles that diffusers' VAEs of films give; those of pictures say `sample_size`."""
TILE_STRIDES = {"AutoencoderKLLTXVideo": 0.875}
TILE_STRIDE = 0.75
"""Of a tile's side: the rest overlaps with the next one."""
SOUND_TILE = 512
"""Latent frames that ACE-Step's VAE decodes at once where it works in tiles."""
TILES_JOINED = 3
"""How often the whole film lies there when its tiles are joined, beside the tiles: rows, all rows, and clamped."""
CONTEXT_GB = 0.6
"""An allowance for what a process takes of a GPU before any model: driver context, libraries and their workspace."""
FRAGMENTS = 1.1
"""An allowance for memory that an allocator holds and cannot use."""
LAYERS_AHEAD = 2
"""Streamed by layers, one is at work while the next one is copied."""
LARGEST: dict[str, Shape] = {"artist": (1024, 1024, 1), "animator": (1280, 720, 81), "composer": (1, 1, 180)}
"""What an entry's memory is told for where no film says otherwise."""


def weights_gb(spec: ModelSpec) -> float | None:
    """GiB of all weights, in the types that they are kept in; adapters and image encoders not counted."""
    if spec.architecture is None:
        return None
    return sum(weight_bytes(spec.architecture, name) for name in read_costs()[spec.architecture]) / 2**30


def gpu_gb(spec: ModelSpec, shape: Shape | None = None) -> float | None:
    """GiB of a GPU that the entry takes while it makes something of `shape` (None: large).

    What models.yaml says comes first; 0 for what needs no GPU, None if nobody knows. Else the most of all passes, each
    with the weights that lie there meanwhile. With `offload` none those are all, text encoders until texts are read;
    with `model` those of the component at work, of two experts one and the VAE; with `layer` two layers.
    """
    if spec.vram_gb is not None:
        return spec.vram_gb
    if spec.architecture is None:
        return _file_gb(spec)
    arch, costs = read_architecture(spec.architecture), read_costs()[spec.architecture]
    shape = shape or LARGEST[spec.role]
    most = max(_weights(spec, name) + _live(spec, arch, name, cost, shape) for name, cost in costs.items())
    return round(CONTEXT_GB + FRAGMENTS * most / 2**30, 1)


def moved_gb(spec: ModelSpec, pieces: int) -> float:
    """10⁹ bytes of weights that are copied to the GPU for so many pictures or clips, beside loading them once: 0 for
    what lies there, all weights of the denoiser at every pass where layers are streamed, and at every piece where it
    takes turns with other components; two experts once for all."""
    offload = spec.params.get("offload", "none")
    if spec.architecture is None or offload == "none":
        return 0.0
    costs = read_costs()[spec.architecture]
    denoisers = [weight_bytes(spec.architecture, name) for name in costs if name.startswith(("unet", "transformer"))]
    if offload == "layer":
        passes = spec.params.get("steps", 1) * (2 if spec.params.get("guidance", 1) > 1 else 1)
        return pieces * passes * denoisers[0] / 1e9
    return (1 if takes_turns(spec) else pieces) * sum(denoisers) / 1e9


def takes_turns(spec: ModelSpec) -> bool:
    """Whether it has two experts, of which one at a time lies on the GPU."""
    return (
        spec.architecture is not None
        and "transformer_2" in read_costs()[spec.architecture]
        and spec.params.get("offload") == "model"
        and spec.params.get("scheduler") != "renoise"
    )


def _weights(spec: ModelSpec, name: str) -> float:
    """Bytes of weights that lie there while that component works."""
    assert spec.architecture is not None
    costs = read_costs()[spec.architecture]
    each = {component: weight_bytes(spec.architecture, component) for component in costs}
    offload = spec.params.get("offload", "none")
    if offload == "layer":
        return LAYERS_AHEAD * each[name] * costs[name].largest / costs[name].parameters
    if offload == "model":
        beside = 0 if not takes_turns(spec) else each["transformer"] if name == "vae" else each["vae"]
        return each[name] + beside
    # ACE-Step reads with each piece, and lets nobody go.
    read = not (name.startswith("text_encoder") or is_music(read_architecture(spec.architecture)))
    return sum(size for component, size in each.items() if not (read and component.startswith("text_encoder")))


def _live(spec: ModelSpec, arch: Architecture, name: str, cost: Cost, shape: Shape) -> float:
    """Bytes alive besides weights while that component works."""
    if name != "vae":
        at_once = name == "unet" or arch.pipeline.kind.startswith("LTX")  # SDXL and LTX do both passes together
        together = 2 if at_once and spec.params.get("guidance", 1) > 1 else 1
        return together * live_bytes(cost, "forward", size_of_pass(arch, name, *shape))
    if is_music(arch):
        latents, tiled = size_of_pass(arch, name, *shape), bool(spec.params.get("tile"))
        return sound_bytes(arch.components["vae"], cost, latents, tiled=tiled)
    halved = 0.5 if spec.params.get("vae") == "bfloat16" else 1.0
    frames = {"decode": shape[2], "encode": frames_given(arch, shape[2])}
    if spec.params.get("tile"):
        return halved * max(tiled_bytes(arch.components["vae"], cost, w, (*shape[:2], frames[w])) for w in cost.live)
    return halved * max(live_bytes(cost, w, *latents_of(arch, *shape[:2], frames[w])) for w in cost.live)


def sound_bytes(vae: Part, cost: Cost, latents: int, *, tiled: bool) -> float:
    """Bytes alive while music is decoded; in tiles, one of them and twice the sound: pieces, and joined."""
    if not tiled or latents <= SOUND_TILE:
        return live_bytes(cost, "decode", latents)
    sound = latents * prod(vae.config["downsampling_ratios"]) * vae.config["audio_channels"] * BYTES[vae.dtype]
    return live_bytes(cost, "decode", SOUND_TILE) + 2 * sound


def tiled_bytes(vae: Part, cost: Cost, which: str, shape: Shape) -> float:
    """Bytes alive in the pass `which` of a VAE that works in tiles, for a picture or film of `shape`.

    All tiles are kept until the last one is there, whole with what they overlap by, and then joined: beside a small
    tile that takes more than the tile does."""
    width, height, frames = shape
    config = vae.config
    across, by = packing(vae)
    latents = (frames - 1) // by + 1
    side = config.get("sample_size", TILE_SIDES.get(vae.kind, TILE_SIDE)) // across
    packs_first = vae.kind == "AutoencoderKLWan" and bool(config.get("patch_size"))
    if which == "encode" and packs_first:
        side *= config["patch_size"]  # it is cut after pixels were packed
    sides = (width // across, height // across)
    at_work = live_bytes(cost, which, min(side, sides[0]) * min(side, sides[1]), latents)
    film = width * height * frames * 3 * BYTES[vae.dtype]
    if which == "encode":
        return at_work + (2 if packs_first else 1) * film
    stride = TILE_STRIDES.get(vae.kind, TILE_STRIDE)
    tiles = _overlapping(sides[0], side, stride) * _overlapping(sides[1], side, stride) * film
    return max(at_work + tiles, tiles + TILES_JOINED * film) if max(sides) > side else at_work


def _overlapping(length: int, side: int, stride: float) -> float:
    """How much longer tiles of that side are together than what they cover."""
    return sum(min(side, length - at) for at in range(0, length, int(side * stride))) / length


def _file_gb(spec: ModelSpec) -> float | None:
    """Of a language model in one file: the file, which is copied to the GPU as it is; its context comes on top."""
    if spec.family != "llama" or spec.weights is None or not spec.weights.sizes:
        return None
    return round(CONTEXT_GB + FRAGMENTS * sum(spec.weights.sizes.values()) / 2**30, 1)
