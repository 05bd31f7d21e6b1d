"""Counts what the shipped architectures cost, on the real classes without memory: parameters, FLOP, live memory.

`python -m engine.backends.counting` writes engine/architectures/costs.json. Everything runs on torch's `meta` device,
whose tensors have a shape and no content, so that 14 billion weights take no memory and a pass no time. Knows no model
of models.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import torch

from engine.architectures import (
    COSTS_FILE,
    Architecture,
    Cost,
    Part,
    architecture_names,
    latents_of_sound,
    packing,
    read_architecture,
    tokens_by,
)
from engine.artifacts import write_atomically
from engine.backends.pass_cost import META, Seen, see
from engine.backends.torch_env import diffusers_quietly

DTYPES = {"half": torch.bfloat16, "float32": torch.float32}
TEXT_TOKENS = {
    "CLIPTextModel": 77,
    "CLIPTextModelWithProjection": 77,
    "UMT5EncoderModel": 512,
    "T5EncoderModel": 128,
    "Qwen3Model": 256,
}
"""As far as its pipeline pads or cuts a text."""
FILMS = ("AutoencoderKLWan", "AutoencoderKLLTXVideo")
SOUND = ("AceStepTransformer1DModel", "AutoencoderOobleck")
TIMBRE_FRAMES = 750
"""Of silence, 30 seconds, which ACE-Step hears where no other sound is given."""
SQUARES = ((16, 16), (24, 32), (48, 32))
"""Latent heights and widths at which passes are counted; three, because cost is a parabola in their product."""
SECONDS = (10, 120, 600)
"""Of music; what ACE-Step makes at once ends at ten minutes. Its masks grow with their square, so that the straight
line through the ends of live memory lies above what is between."""
FRAMES = (1, 3, 5)
"""Latent frames at which films are counted. Live memory grows evenly only from the second: that many come at once."""


def build(part: Part) -> torch.nn.Module:
    """The component on the meta device, in its own type."""
    diffusers = diffusers_quietly()
    with META:
        made = getattr(diffusers, part.kind, None)
        if made is not None:
            model = made.from_config(part.config)
        else:
            import transformers

            made = getattr(transformers, part.kind)
            model = made(made.config_class(**part.config))
    return model.to(DTYPES[part.dtype]).eval()


def pass_of(model: Any, part: Part, shape: tuple[int, int, int], arch: Architecture) -> dict[str, Callable[[], object]]:
    """The passes of a component at `shape` (latent frames, height, width), by name."""
    frames, height, width = shape
    config, half = part.config, DTYPES[part.dtype]

    def empty(*sizes: int, dtype: torch.dtype = half) -> torch.Tensor:
        return torch.empty(sizes, dtype=dtype, device=META)

    if part.kind in TEXT_TOKENS:
        tokens = TEXT_TOKENS[part.kind]
        ids = torch.zeros((1, tokens), dtype=torch.long, device=META)
        told = {}
        if part.kind == "Qwen3Model":  # to make a mask of its own, it would look at what is in a tensor
            told = {"use_cache": False, "attention_mask": empty(1, 1, tokens, tokens)}
        return {"forward": lambda: model(ids, **told)}
    if part.kind == "UNet2DConditionModel":
        pooled = arch.components["text_encoder_2"].config["projection_dim"]
        added = {"text_embeds": empty(1, pooled), "time_ids": empty(1, 6)}
        text = empty(1, 77, config["cross_attention_dim"])
        noise, step = empty(1, config["in_channels"], height, width), empty(1)
        return {"forward": lambda: model(noise, step, text, added_cond_kwargs=added, return_dict=False)}
    if part.kind == "WanTransformer3DModel":
        noise = empty(1, config["in_channels"], frames, height, width)
        text = empty(1, 512, config["text_dim"])
        # TI2V tells every token its own time, because those of the given picture are at none.
        each = arch.pipeline.config.get("expand_timesteps", False)
        step = empty(*((1, frames * height * width // 4) if each else (1,)), dtype=torch.float32)
        return {"forward": lambda: model(noise, step, text, return_dict=False)}
    if part.kind == "LTXVideoTransformer3DModel":
        tokens, prompt = frames * height * width, TEXT_TOKENS["T5EncoderModel"]
        noise, text = empty(1, tokens, config["in_channels"]), empty(1, prompt, config["caption_channels"])
        step = empty(1, tokens, dtype=torch.float32)  # the given picture is at none
        seen = torch.ones((1, prompt), dtype=torch.float32, device=META)
        place = {"num_frames": frames, "height": height, "width": width}
        return {"forward": lambda: model(noise, text, step, seen, **place, return_dict=False)}
    if part.kind == "AceStepConditionEncoder":
        words = TEXT_TOKENS["Qwen3Model"]
        text, seen = empty(1, words, config["text_hidden_dim"]), torch.ones((1, words), dtype=torch.bool, device=META)
        silence = empty(1, TIMBRE_FRAMES, config["timbre_hidden_dim"])
        # Which sound is whose it looks up in a tensor's content; of one there is nothing to look up.
        model.timbre_encoder.unpack_timbre_embeddings = lambda packed, whose: (packed[None], seen[:, :1])
        whose = torch.zeros(1, dtype=torch.long, device=META)
        return {"forward": lambda: model(text, seen, text, seen, silence, whose)}
    if part.kind == "AceStepTransformer1DModel":
        width = config["audio_acoustic_hidden_dim"]
        given = config["in_channels"] - width
        told = empty(1, 2 * TEXT_TOKENS["Qwen3Model"] + 1, config["encoder_hidden_size"])
        sound, around, step = empty(1, frames, width), empty(1, frames, given), empty(1)
        return {"forward": lambda: model(sound, step, step, told, around, return_dict=False)}
    if part.kind == "AutoencoderOobleck":
        latents = empty(1, config["decoder_input_channels"], frames)
        return {"decode": lambda: model.decode(latents, return_dict=False)}
    if part.kind == "AutoencoderKL":
        latents = empty(1, config["latent_channels"], height, width)
        return {"decode": lambda: model.decode(latents, return_dict=False)}
    if part.kind in FILMS:
        across, by = packing(part)
        latents = empty(1, config["latent_channels" if "latent_channels" in config else "z_dim"], frames, height, width)
        film = empty(1, 3, by * (frames - 1) + 1, height * across, width * across)
        return {
            "decode": lambda: model.decode(latents, return_dict=False),
            "encode": lambda: model.encode(film, return_dict=False),
        }
    raise ValueError(f"nobody has said how {part.kind} is called")


def size(part: Part, shape: tuple[int, int, int]) -> int:
    """The n of `engine.architectures.Cost` at `shape`."""
    frames, height, width = shape
    if part.kind in SOUND:
        return frames
    return frames * height * width // tokens_by(part) if part.kind.endswith("Transformer3DModel") else height * width


def shapes_of(part: Part, arch: Architecture) -> list[tuple[int, int, int]]:
    """At which a component is counted; one where its work does not depend on it."""
    if part.kind in (*TEXT_TOKENS, "AceStepConditionEncoder"):
        return [(1, 8, 8)]
    if part.kind in SOUND:
        return [(latents_of_sound(arch.components["vae"], seconds), 1, 1) for seconds in SECONDS]
    return [(frames, *square) for frames in (FRAMES if part.kind in FILMS else FRAMES[:1]) for square in SQUARES]


def count(part: Part, arch: Architecture) -> Cost:
    """The costs of one component, its parabolas through the shapes of `SQUARES` and `FRAMES`."""
    model = build(part)
    parameters = sum(weights.numel() for weights in model.parameters())
    largest = max(sum(own.numel() for own in layer.parameters(recurse=False)) for layer in model.modules())
    seen_at: dict[str, dict[tuple[int, int], Seen]] = {}
    for shape in shapes_of(part, arch):
        time = shape[0] if part.kind in FILMS else 1
        for name, call in pass_of(model, part, shape, arch).items():
            seen_at.setdefault(name, {})[time, size(part, shape)] = see(model, call)
    flops, live = {}, {}
    for name, seen in seen_at.items():
        sizes, times = (sorted({key[which] for key in seen}) for which in (1, 0))
        if len(sizes) == 1:
            (only,) = seen.values()
            flops[name], live[name] = (float(only.flops),), (float(only.live),)
            continue
        flops[name] = _parabola(sizes, [seen[1, n].flops for n in sizes])
        live[name] = _growth(sizes, {key: one.live for key, one in seen.items()}, tuple(times[1:]))
        if len(times) > 1:
            more = [(seen[times[1], n].flops - seen[1, n].flops) / (times[1] - 1) for n in sizes]
            flops[f"{name}_more"] = _parabola(sizes, more)
    return Cost(parameters=parameters, largest=largest, flops=flops, live=live)


def _parabola(sizes: list[int], values: list[float]) -> tuple[float, ...]:
    powers = np.vander(np.array(sizes, np.float64) / sizes[-1], increasing=True)
    found = np.linalg.solve(powers, np.array(values, np.float64))
    return tuple(float(round(one / sizes[-1] ** power)) for power, one in enumerate(found))


def _growth(sizes: list[int], live: dict[tuple[int, int], int], times: tuple[int, ...]) -> tuple[float, ...]:
    """How live memory grows with size and, of films, with further latent frames (`times`, two of them)."""
    small, large = sizes[0], sizes[-1]
    if not times:
        each = (live[1, large] - live[1, small]) / (large - small)
        return float(round(live[1, small] - each * small)), float(round(each))
    few, many = times

    def without_more(n: int) -> float:
        return live[few, n] - later * n * (few - 1)

    later = (live[many, large] - live[few, large]) / (many - few) / large
    each = (without_more(large) - without_more(small)) / (large - small)
    return float(round(without_more(small) - each * small)), float(round(each)), float(round(later))


def count_all() -> dict[str, dict[str, Cost]]:
    """Every shipped architecture; components that are built alike are counted once."""
    known: list[tuple[Part, Cost]] = []
    costs: dict[str, dict[str, Cost]] = {}
    for name in architecture_names():
        arch = read_architecture(name)
        for component, part in arch.components.items():
            cost = next((cost for other, cost in known if other == part), None)
            if cost is None:
                cost = count(part, arch)
                known.append((part, cost))
            costs.setdefault(name, {})[component] = cost
    return costs


def main() -> None:
    encoded = msgspec.json.format(msgspec.json.encode(count_all(), order="sorted"), indent=1)
    write_atomically(COSTS_FILE, encoded + b"\n")


if __name__ == "__main__":
    main()
