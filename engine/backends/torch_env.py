"""What torch families share: sealed imports, device and dtype with the reason, seeds, memory, steps. Knows no model."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from engine.backends.protocols import Tick
from engine.catalog import ModelSpec
from engine.errors import DeviceLost, ModelCorrupt, ModelUnavailable, OutOfMemory, ReelhouseError
from engine.garbage import collect
from engine.machine import this_machine
from engine.types import Frozen

if TYPE_CHECKING:
    import torch

SEALED = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
LOUD = ("TTS", "trainer", "transformers", "diffusers", "accelerate", "huggingface_hub", "torchao", "numba", "fsspec")

# What allocators say when they have no own exception class: the CPU's, cuBLAS's and cuDNN's, the driver's.
MEMORY_WORDS = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
)

# What no second try on this machine mends: driver, build and card do not go together.
MISFIT_WORDS = (
    "driver version is insufficient",
    "driver on your system is too old",
    "found no nvidia driver",
    "no cuda gpus are available",
    "no cuda-capable device",
    "no kernel image is available",
    "not compiled with cuda",
    "unsupported display driver",
)

# What CUDA and its libraries say when a kernel, the card or the driver fell over, or another process has the card.
# After most of these every further call of the process fails too.
LOST_WORDS = (
    "cuda error",
    "cuda driver error",
    "cublas_status_",
    "cudnn_status_execution_failed",
    "cudnn_status_internal_error",
    "cudnn_status_mapping_error",
    "device-side assert",
    "illegal memory access",
    "unspecified launch failure",
    "busy or unavailable",
    "uncorrectable ecc error",
    "gpu is lost",
    "fallen off the bus",
)


class Decision(Frozen, frozen=True):
    """Where a model runs: `device` as torch spells it, `dtype` a torch attribute's name, `sentence` the reason."""

    device: str
    dtype: str
    sentence: str


@contextlib.contextmanager
def sealed(spec: ModelSpec) -> Iterator[None]:
    """Import and load inside this: no network, no foreign code, no chatter, errors as ours.

    The switches are read when huggingface_hub, transformers and diffusers are imported, so they are set before that,
    and stay: nothing in this process is to reach the network later either. Raises `ModelUnavailable` for a library
    that is not installed or a GPU that is not there, `ModelCorrupt` for weights that do not fit the architecture, and
    what `memory_guard` does.
    """
    os.environ.update(SEALED)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in engine.models: spinning threads starve the CPU lane
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), memory_guard(spec), _uncollected():
            warnings.simplefilter("ignore")
            if spec.needs_gpu:
                _check_gpu(spec)
            yield
    except ReelhouseError:
        raise
    except ImportError as error:
        raise ModelUnavailable(
            f"Model {spec.id} needs {error.name or error}, which cannot be imported: run scripts/setup again."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        # What libraries raise for a config that is no JSON, a missing tensor, a shape that does not fit.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelCorrupt(
            f"Model {spec.id} cannot be loaded ({reason}): run `reelhouse models verify {spec.id}` and fetch it again."
        ) from error


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No look for garbage in what importing and loading bring, for there is none: it took 0.6 of 5.5 s before."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _check_gpu(spec: ModelSpec) -> None:
    """Raise `ModelUnavailable` if torch has no GPU for a model that is not meant to run without."""
    import torch

    if torch.cuda.is_available():
        return
    seen, trouble = this_machine().gpu, this_machine().trouble
    if seen is None and trouble:
        why = f"there is one that cannot be used, {trouble}"
    elif seen is None:
        why = "no NVIDIA GPU with a driver is seen here"
    elif torch.version.cuda is None:
        why = f"{seen} is there, but torch {torch.__version__} is built for the CPU"
    else:
        why = f"{seen} is there, but its driver is older than CUDA {torch.version.cuda}, for which torch is built"
    raise ModelUnavailable(
        f"Model {spec.id} needs a GPU, and {why}: mend that (`reelhouse doctor`), choose the profile cpu, or say "
        f"vram_gb: 0 in models.{spec.id} to have it run on the CPU all the same."
    )


def diffusers_quietly() -> Any:
    """The diffusers package, without progress bars and anything below an error. Call inside `sealed`.

    Untyped, because its names come into being when they are asked for and its annotations are narrower than its
    configs.
    """
    diffusers: Any = importlib.import_module("diffusers")
    transformers: Any = importlib.import_module("transformers")
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    return diffusers


def choose_device() -> Decision:
    """The first CUDA device in the widest fast half type that it has, else the CPU in float32."""
    import torch

    if not torch.cuda.is_available():
        return Decision(device="cpu", dtype="float32", sentence="on the CPU in float32, because torch sees no GPU")
    name = torch.cuda.get_device_name(0)
    if torch.cuda.get_device_capability(0) >= (8, 0):
        return Decision(device="cuda", dtype="bfloat16", sentence=f"on {name} in bfloat16, which it computes natively")
    return Decision(device="cuda", dtype="float16", sentence=f"on {name} in float16, because it is older than bfloat16")


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU, so that a seed means the same noise on every device."""
    import torch

    return torch.Generator("cpu").manual_seed(seed % 2**63)


@contextlib.contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """For libraries that draw from torch's and numpy's global generators: seeded inside, untouched outside."""
    import numpy as np
    import torch

    before = np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed % 2**63)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(before)


@contextlib.contextmanager
def memory_guard(spec: ModelSpec) -> Iterator[None]:
    """Raise `OutOfMemory` for every way in which torch says so, `DeviceLost` for a GPU that faulted or was taken, and
    `ModelUnavailable` for one that torch cannot use at all; whatever else was raised passes."""
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(spec) from error
    except RuntimeError as error:
        # All of torch's own are RuntimeErrors; many are plain ones.
        kind, said = type(error).__name__, str(error).lower()
        if kind == "OutOfMemoryError" or any(words in said for words in MEMORY_WORDS):
            raise _out_of_memory(spec) from error
        reason = " ".join(str(error).split(". ")[0].split())[:200]
        if any(words in said for words in MISFIT_WORDS):
            raise ModelUnavailable(
                f"Model {spec.id} cannot use this GPU ({reason}): bring driver and torch in line (`reelhouse doctor`), "
                "or choose the profile cpu."
            ) from error
        if kind == "AcceleratorError" or any(words in said for words in LOST_WORDS):
            raise DeviceLost(
                f"The GPU was lost under model {spec.id} ({reason}): run it again, and if that does not help look at "
                "nvidia-smi and the kernel's log for Xid errors, or for another process that has the GPU."
            ) from error
        raise


def _out_of_memory(spec: ModelSpec) -> OutOfMemory:
    free_memory()
    return OutOfMemory(f"Model {spec.id} ran out of memory: choose a smaller profile or size, or fewer seconds a shot.")


def free_memory() -> None:
    """Give back what nobody refers to any more; of models that close together, once for all."""
    collect(_empty_cache)


def _empty_cache() -> None:
    import torch

    if torch.cuda.is_initialized():
        try:
            torch.cuda.empty_cache()
        except RuntimeError as error:
            # A lost GPU has nothing to give back, and that it is lost was said by what lost it.
            if not any(words in str(error).lower() for words in LOST_WORDS):
                raise


def on_step_end(tick: Tick, total: int) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    """diffusers' `callback_on_step_end`; what `tick` raises ends the pipeline's loop and passes through."""

    def after(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tick(min(step + 1, total), total)
        return tensors

    return after


class Placement:
    """Where a pipeline's weights lie. `offload`: `none` all on the device; `model` one component at a time; `layer` one
    layer at a time, its next one copied meanwhile (least memory); `turns` what the pipeline has now, somebody else
    moves the rest. On the CPU there is nothing to offload."""

    def __init__(self, pipeline: Any, decision: Decision, offload: str, *, tile: bool = False) -> None:
        import torch

        self._pipeline, self._device = pipeline, decision.device
        self._offload, self._tile = offload, tile
        self._now = "none" if decision.device == "cpu" else offload
        torch.backends.cudnn.deterministic = True  # else the fastest kernel of the moment decides the last bits
        if self._now == "layer":
            pipeline.enable_group_offload(
                onload_device=torch.device(decision.device),
                offload_device=torch.device("cpu"),
                offload_type="leaf_level",
                use_stream=True,
            )
        elif self._now == "model":
            pipeline.enable_model_cpu_offload(device=decision.device)
        else:
            pipeline.to(decision.device)

    @property
    def resident(self) -> bool:
        """Whether all weights stay on the device."""
        return self._now == "none"

    def fit(self, memory: int) -> None:
        """Before a job: `memory` 0 as the entry says, 1 weights offloaded, 2 also decoded in tiles."""
        if self._tile or memory >= 2:
            self._pipeline.vae.enable_tiling()
        else:
            self._pipeline.vae.disable_tiling()
        wanted = "model" if memory >= 1 and self._offload == "none" else self._offload
        if self._device == "cpu" or wanted == self._now:
            return
        self._pipeline.remove_all_hooks()
        if wanted == "model":
            self._pipeline.enable_model_cpu_offload(device=self._device)
        else:
            self._pipeline.to(self._device)
        self._now = wanted
