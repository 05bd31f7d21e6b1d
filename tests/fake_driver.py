"""A `pynvml` for processes of their own, which says of a GPU what a test has it say."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT

MODULE = '''
"""What the NVIDIA driver's library says of one GPU, from FAKE_GPU."""
import json, os
from types import SimpleNamespace as Facts

FACTS = json.loads(os.environ["FAKE_GPU"])
GB = 2**30


class NVMLError(Exception):
    pass


def nvmlInit():
    if FACTS.get("error"):
        raise NVMLError(FACTS["error"])


def nvmlShutdown():
    pass


def nvmlDeviceGetCount():
    return 1


def nvmlDeviceGetHandleByIndex(number):
    if number != 0:
        raise NVMLError("Invalid Argument")
    return "gpu"


def nvmlDeviceGetHandleByUUID(uuid):
    if uuid != "GPU-4711":
        raise NVMLError("Not Found")
    return "gpu"


def nvmlDeviceGetMemoryInfo(device):
    total, used = FACTS.get("total", 80.0), FACTS.get("used", 0.0)
    return Facts(total=int(total * GB), used=int(used * GB), free=int((total - used) * GB))


def nvmlDeviceGetComputeRunningProcesses(device):
    return [Facts(pid=int(pid), usedGpuMemory=int(gb * GB)) for pid, gb in FACTS.get("processes", {}).items()]


def nvmlDeviceGetName(device):
    return FACTS.get("name", "NVIDIA Test Card")


def nvmlDeviceGetUUID(device):
    return "GPU-4711"


def nvmlSystemGetDriverVersion():
    return FACTS.get("driver", "580.82")


def nvmlSystemGetCudaDriverVersion():
    return FACTS.get("cuda", 13000)


def nvmlDeviceGetCudaComputeCapability(device):
    return tuple(FACTS.get("capability", (9, 0)))
'''


def with_driver(folder: Path, facts: Mapping[str, object]) -> dict[str, str]:
    """The environment of a process that has such a GPU: `name`, `total`, `used` and `processes` (GB by number),
    `driver`, `cuda`, `capability`; or an `error` that the driver gives instead. Its home is in `folder`."""
    place = folder / "driver"
    place.mkdir(exist_ok=True)
    (place / "pynvml.py").write_text(MODULE)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(place), str(ROOT))),
        "FAKE_GPU": json.dumps(dict(facts)),
        "REELHOUSE_HOME": str(folder / "home"),
        "CUDA_VISIBLE_DEVICES": str(facts.get("visible", "0")),
    }
