"""How much memory a device has free and how much of it this process holds, measured. Loads no library: torch is asked
where a model family has loaded it already, the driver before that."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import psutil

from engine.machine import Machine, driver_memory, torch_cuda

GB = 2**30
CGROUP = Path("/sys/fs/cgroup")


class DeviceMemory(Protocol):
    """Figures in GiB. `peak_gb` is the most that was held since `forget_peak`."""

    name: str

    def free_gb(self) -> float: ...

    def held_gb(self) -> float: ...

    def peak_gb(self) -> float: ...

    def forget_peak(self) -> None: ...


class GpuMemory:
    """The first GPU that this process may use. What torch has reserved and nobody uses counts as free."""

    def __init__(self, name: str) -> None:
        self.name = name

    def free_gb(self) -> float:
        cuda = torch_cuda()
        if cuda is None:
            return driver_memory().free_gb
        free, _ = cuda.mem_get_info()
        return (free + cuda.memory_reserved() - cuda.memory_allocated()) / GB

    def held_gb(self) -> float:
        cuda = torch_cuda()
        return 0.0 if cuda is None else cuda.memory_allocated() / GB

    def peak_gb(self) -> float:
        cuda = torch_cuda()
        return 0.0 if cuda is None else cuda.max_memory_allocated() / GB

    def forget_peak(self) -> None:
        cuda = torch_cuda()
        if cuda is not None:
            cuda.reset_peak_memory_stats()


class MainMemory:
    """The machine's own memory, or what a container leaves of it; its peak is not measured."""

    name = "main memory"

    def free_gb(self) -> float:
        free = psutil.virtual_memory().available
        try:
            limit, used = ((CGROUP / f"memory.{what}").read_text().strip() for what in ("max", "current"))
            if limit != "max":
                free = min(free, max(0, int(limit) - int(used)))
        except (OSError, ValueError):
            return free / GB  # no control group, or one of another kind
        return free / GB

    def held_gb(self) -> float:
        return psutil.Process().memory_info().rss / GB

    def peak_gb(self) -> float:
        return self.held_gb()

    def forget_peak(self) -> None:
        """Nothing is kept."""


def gpu_memory(machine: Machine) -> DeviceMemory | None:
    """Of the machine's GPU, None if it has none."""
    return None if machine.gpu is None else GpuMemory(machine.gpu)
