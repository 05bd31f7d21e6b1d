"""What this machine has to offer: memory, cores, and the GPU if there is one. Imports no model library."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil

from engine.types import Frozen

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


class Machine(Frozen, frozen=True):
    """`vram_gb` is what the GPU has in all, 0 without one; `taken_gb` how much of that other programs have now; GiB.
    `driver` is the version of the GPU's; `trouble` why a GPU that has a driver cannot be used."""

    cores: int
    ram_gb: float
    gpu: str | None
    vram_gb: float
    taken_gb: float = 0.0
    driver: str = ""
    trouble: str = ""


class DriverMemory(NamedTuple):
    """What the driver says of a GPU; GiB. `cuda` is the latest that it knows, `others` the processes that have memory
    of it; without a name `trouble` says why, and `loaded` whether there is a driver at all."""

    name: str
    total_gb: float
    free_gb: float
    taken_gb: float
    uuid: str = ""
    driver: str = ""
    cuda: str = ""
    capability: str = ""
    others: tuple[int, ...] = ()
    trouble: str = ""
    loaded: bool = False


@cache
def this_machine() -> Machine:
    """Look once; an NVIDIA GPU through its own management library. Who else uses it is `machine_now`'s to say."""
    gpu = driver_memory()
    return Machine(
        cores=os.cpu_count() or 1,
        ram_gb=psutil.virtual_memory().total / 2**30,
        gpu=gpu.name or None,
        vram_gb=gpu.total_gb,
        driver=gpu.driver,
        trouble=gpu.trouble if gpu.loaded else "",
    )


def machine_now() -> Machine:
    """The machine, and how much of its GPU others have taken at this moment."""
    machine = this_machine()
    return machine if machine.gpu is None else msgspec.structs.replace(machine, taken_gb=driver_memory().taken_gb)


def driver_memory() -> DriverMemory:
    """Of the first GPU that CUDA_VISIBLE_DEVICES leaves, a number or a UUID; no name and zeros if there is none.

    Taken is what neither this process nor one below it holds: its own models leave when others are needed.
    """
    nothing = DriverMemory("", 0.0, 0.0, 0.0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if visible in ("", "-1"):
        return nothing._replace(trouble=f"CUDA_VISIBLE_DEVICES is {visible!r}", loaded=NVIDIA_DRIVER.exists())
    try:
        import pynvml
    except ModuleNotFoundError:  # installed with the diffusion extra only
        return nothing._replace(trouble="nvidia-ml-py is not installed", loaded=NVIDIA_DRIVER.exists())
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:  # no driver: the normal case on a machine without a GPU
        updated = "mismatch" in str(error)  # then no file of the driver that was loaded may be left
        return nothing._replace(trouble=_said(error), loaded=updated or NVIDIA_DRIVER.exists())
    try:
        by_number = visible.isdigit()
        device = (
            pynvml.nvmlDeviceGetHandleByIndex(int(visible)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(visible)
        )
        facts = pynvml.nvmlDeviceGetMemoryInfo(device)
        ours = {os.getpid(), *(one.pid for one in psutil.Process().children(recursive=True))}
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(device)
        cuda = torch_cuda()  # in a container the driver tells other process numbers than those known here
        held = max(
            sum(one.usedGpuMemory or 0 for one in running if one.pid in ours),
            0 if cuda is None else int(cuda.memory_reserved()),
        )
        return DriverMemory(
            _text(pynvml.nvmlDeviceGetName(device)),
            int(facts.total) / 2**30,
            int(facts.free) / 2**30,
            max(0, int(facts.total) - int(facts.free) - held) / 2**30,
            _text(pynvml.nvmlDeviceGetUUID(device)),
            _text(pynvml.nvmlSystemGetDriverVersion()),
            _cuda(int(pynvml.nvmlSystemGetCudaDriverVersion())),
            ".".join(map(str, pynvml.nvmlDeviceGetCudaComputeCapability(device))),
            tuple(one.pid for one in running if one.pid not in ours),
        )
    except pynvml.NVMLError as error:
        return nothing._replace(trouble=f"{_said(error)} (CUDA_VISIBLE_DEVICES: {visible})", loaded=True)
    finally:
        pynvml.nvmlShutdown()


def _cuda(number: int) -> str:
    """12040 as 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _said(error: Exception) -> str:
    return f"its driver says: {error}"


def _text(said: str | bytes) -> str:
    return said if isinstance(said, str) else said.decode()


def torch_cuda() -> Any:
    """torch's view of the GPU where a model family has loaded torch and begun to use it, else None: before that its
    figures would cost a context, and a process that has no model needs no torch."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None
