"""What ours is measured against: stock diffusers as its documentation has it, and what the device can do at all.

Knows no family and no entry of models.yaml; measurements reach torch through here alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.architectures import Architecture, Cost
from engine.backends.blank import opened
from engine.backends.torch_env import diffusers_quietly, free_memory, seeded

PROMPT = "A small red fox walks along a river in the early morning"
GEMM_SIDE = {"cuda": 8192, "cpu": 768}
GEMM_TIMES = {"cuda": 30, "cpu": 3}
COPY_BYTES = {"cuda": 2**30, "cpu": 2**26}


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def synchronize() -> None:
    """Wait until the device has done what it was told."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def versions() -> dict[str, str]:
    import torch

    return {
        "torch": str(torch.__version__),
        "diffusers": diffusers_quietly().__version__,
        "cuda": str(torch.version.cuda),
    }


def gemm_tflops(seconds: float = float("inf")) -> float:
    """10¹² operations a second in square products, 2n³ operations; bfloat16 on a GPU, else float32; the best third of
    as many as are begun within `seconds`, three at least."""
    import torch

    where = device()
    n = GEMM_SIDE[where]
    a = torch.randn((n, n), device=where, dtype=torch.bfloat16 if where == "cuda" else torch.float32)
    taken: list[float] = []
    for _ in range(GEMM_TIMES[where]):
        if len(taken) >= GEMM_TIMES["cpu"] and sum(taken) > seconds:
            break
        synchronize()
        start = time.perf_counter()
        torch.mm(a, a)
        synchronize()
        taken.append(time.perf_counter() - start)
    best = sorted(taken)[: max(1, len(taken) // 3)]
    return 2 * n**3 / (sum(best) / len(best)) / 1e12


def to_device_gb_s(size: int | None = None) -> float:
    """10⁹ bytes a second from pinned main memory to the device; on a CPU from memory to memory. `size` in bytes."""
    import torch

    where = device()
    size = size or COPY_BYTES[where]
    source = torch.zeros(size, dtype=torch.uint8, pin_memory=where == "cuda")
    target = torch.empty_like(source, device=where)
    best = float("inf")
    for _ in range(3):
        synchronize()
        start = time.perf_counter()
        target.copy_(source, non_blocking=True)
        synchronize()
        best = min(best, time.perf_counter() - start)
    return size / best / 1e9


@contextlib.contextmanager
def capped(gigabytes: float) -> Iterator[bool]:
    """As if the GPU had so many GiB; whether there is one."""
    import torch

    if not torch.cuda.is_available():
        yield False
        return
    free_memory()
    total = torch.cuda.get_device_properties(0).total_memory / 2**30
    torch.cuda.set_per_process_memory_fraction(min(1.0, gigabytes / total))
    try:
        yield True
    finally:
        free_memory()
        torch.cuda.set_per_process_memory_fraction(1.0)


def costs_of(arch: Architecture, *components: str) -> dict[str, Cost]:
    """Counted on the real classes; of any architecture, shipped or not. Of these components, all if none is named."""
    from engine.backends.counting import count

    return {name: count(arch.components[name], arch) for name in components or arch.components}


def stock_picture_seconds(folder: Path, *, width: int, height: int, steps: int, guidance: float) -> float:
    """Seconds of stock SDXL for one picture, the second of two: float16 on a GPU, its VAE upcast as its config says."""
    import torch

    half = torch.float16 if device() == "cuda" else torch.float32
    pipeline = opened(diffusers_quietly().StableDiffusionXLPipeline, folder, torch_dtype=half)
    pipeline.vae.register_to_config(force_upcast=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device())
    seconds = 0.0
    for _ in range(2):
        start = time.perf_counter()
        pipeline(
            PROMPT,
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=seeded(0),
        )
        synchronize()
        seconds = time.perf_counter() - start
    del pipeline
    free_memory()
    return seconds


def stock_clips(
    folder: Path,
    image: Any,
    *,
    width: int,
    height: int,
    frames: int,
    steps: int,
    guidance: float,
    clips: int,
    offload: bool,
) -> tuple[float, float]:
    """Seconds of stock Wan for `clips` clips, each from its prompt, and the median of a step; `offload` as diffusers
    has it, one component on the device at a time."""
    import torch

    diffusers = diffusers_quietly()
    half = torch.bfloat16 if device() == "cuda" else torch.float32
    vae = opened(diffusers.AutoencoderKLWan, folder, subfolder="vae", torch_dtype=torch.float32)
    pipeline = opened(diffusers.WanImageToVideoPipeline, folder, vae=vae, torch_dtype=half)
    pipeline.set_progress_bar_config(disable=True)
    if offload and device() == "cuda":
        pipeline.enable_model_cpu_offload()
    else:
        pipeline.to(device())
    marks: list[float] = []

    def after(pipe: Any, step: int, at: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        synchronize()
        marks.append(time.perf_counter())
        return tensors

    start, gaps = time.perf_counter(), []
    for number in range(clips):
        marks.clear()
        pipeline(
            image=image,
            prompt=PROMPT,
            width=width,
            height=height,
            num_frames=frames,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=seeded(number),
            callback_on_step_end=after,
        )
        gaps += [later - earlier for earlier, later in pairwise(marks)]
    synchronize()
    seconds = time.perf_counter() - start
    del pipeline, vae
    free_memory()
    return seconds, sorted(gaps)[len(gaps) // 2]
