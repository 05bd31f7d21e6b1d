"""Whether a transformer multiplies in 8-bit floats in its blocks, and how: by torchao, on cards that can, compiled.

Weights and activations are scaled row by row as they come. Knows no pipeline, and takes no one's word: it multiplies
once on the card, and compares, before it changes any weight.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

LEAST = (8, 9)
"""Compute capability from which on cards multiply 8-bit floats: Ada, Hopper and later."""
SIDES = 16
"""Of a layer, what both must be a multiple of for the hardware."""
TRIAL = 512
MOST_ERROR = 0.08
"""Relative, of a product of noise: with 3 bits of mantissa and a scale for each row about 0.04 are to be expected."""


def why_not(
    *, device: str, capability: tuple[int, int], dtype: str, offload: str, stands_in_the_way: str, installed: bool
) -> str:
    """Why it is not done, empty if nothing is against it. `stands_in_the_way` of compiling, as `compiling.obstacle`
    has it: without that it is slower than without all of this."""
    if not device.startswith("cuda"):
        return f"the {device} does not multiply 8-bit floats"
    if capability < LEAST:
        major, minor = capability
        return f"a card of capability {major}.{minor} does not multiply 8-bit floats, which begins at 8.9"
    if dtype != "bfloat16":
        return f"it is made for models in bfloat16, not {dtype}"
    if offload != "none":
        return "weights that come and go are not changed"
    if stands_in_the_way:
        return f"uncompiled it would be slower, and {stands_in_the_way}"
    return "" if installed else "torchao is not installed (pip install torchao, the extra fp8)"


def is_installed() -> bool:
    return importlib.util.find_spec("torchao") is not None


def layers_of(module: Any) -> Iterator[Any]:
    """The linear layers of a diffusers model's repeated blocks that the hardware can multiply; what is before and after
    the blocks is small, and matters more."""
    import torch

    repeated = set(getattr(module, "_repeated_blocks", None) or ())
    for block in module.modules():
        if type(block).__name__ in repeated:
            for layer in block.modules():
                sides = (layer.in_features, layer.out_features) if isinstance(layer, torch.nn.Linear) else (1,)
                if all(side % SIDES == 0 for side in sides):
                    yield layer


def try_once(device: str) -> str:
    """What is wrong with a product of 8-bit floats on this card, empty if it comes near enough to the real one."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        layer = torch.nn.Linear(TRIAL, TRIAL, bias=False).to(device, torch.bfloat16)
        noise = torch.randn(TRIAL, TRIAL).to(device, torch.bfloat16)
        wanted = layer(noise).float()
        try:
            multiply_in_fp8([layer])
            error = float((layer(noise).float() - wanted).norm() / wanted.norm())
        except (ImportError, AssertionError, RuntimeError, TypeError) as reason:
            return " ".join(str(reason).split())[:160] or type(reason).__name__
    return "" if error <= MOST_ERROR else f"a product was {error:.0%} off"


def multiply_in_fp8(layers: list[Any]) -> None:
    """Have these linear layers multiply in 8-bit floats from now on. Raises what torchao does."""
    quantization: Any = importlib.import_module("torchao.quantization")
    config = quantization.Float8DynamicActivationFloat8WeightConfig(granularity=quantization.PerRow())
    for layer in layers:
        quantization.quantize_(layer, config)
