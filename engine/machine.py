"""What this machine has to offer: memory, cores, and the GPU if there is one. Imports no model library."""

from __future__ import annotations

import os
from functools import cache

import psutil

from engine.types import Frozen


class Machine(Frozen, frozen=True):
    """`vram_gb` is what the first GPU has in all, 0 without one; sizes in GiB."""

    cores: int
    ram_gb: float
    gpu: str | None
    vram_gb: float


@cache
def this_machine() -> Machine:
    """Look once; NVIDIA GPUs through their own management library."""
    gpu, vram = _first_gpu()
    return Machine(
        cores=os.cpu_count() or 1, ram_gb=psutil.virtual_memory().total / 2**30, gpu=gpu, vram_gb=vram / 2**30
    )


def _first_gpu() -> tuple[str | None, int]:
    try:
        import pynvml
    except ModuleNotFoundError:
        return None, 0  # installed with the diffusion extra only
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None, 0  # no driver: the normal case on a machine without a GPU
    try:
        device = pynvml.nvmlDeviceGetHandleByIndex(0)
        name = pynvml.nvmlDeviceGetName(device)
        return name if isinstance(name, str) else name.decode(), int(pynvml.nvmlDeviceGetMemoryInfo(device).total)
    except pynvml.NVMLError:
        return None, 0
    finally:
        pynvml.nvmlShutdown()
