"""Sealed imports, devices with a reason, seeds that leave no trace, memory errors told as such."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.backends import torch_env
from engine.backends.params import read_params
from engine.backends.torch_env import (
    choose_device,
    free_memory,
    global_seed,
    memory_guard,
    on_step_end,
    sealed,
    seeded,
)
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, Cancelled, DeviceLost, ModelCorrupt, ModelUnavailable, OutOfMemory
from engine.machine import Machine
from engine.types import Frozen

SPEC = ModelSpec(id="mine", role="artist", family="sdxl", licence="MIT", commercial=True, params={"steps": 3})


def test_the_hub_and_foreign_code_are_shut_off_before_their_libraries_are_imported() -> None:
    program = """
import json, os, sys
import engine.backends.image.sdxl, engine.backends.torch_env as env, engine.backends.video.ltx
import engine.backends.video.wan
from engine.catalog import ModelSpec
early = sorted({"torch", "diffusers", "transformers", "huggingface_hub", "TTS"} & set(sys.modules))
untouched = "HF_HUB_OFFLINE" not in os.environ
with env.sealed(ModelSpec(id="x", role="artist", family="sdxl", licence="MIT", commercial=True)):
    import huggingface_hub.constants as hub
print(json.dumps([early, untouched, hub.HF_HUB_OFFLINE, os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"]]))
"""
    bare = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=bare)
    assert json.loads(done.stdout) == [[], True, True, "1"]


def test_a_machine_without_a_gpu_computes_in_float32_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    decision = choose_device()
    assert (decision.device, decision.dtype) == ("cpu", "float32")
    assert "no GPU" in decision.sentence


def test_a_library_that_is_missing_is_named_with_the_remedy() -> None:
    with pytest.raises(ModelUnavailable, match=r"no_such_library.*scripts/setup"), sealed(SPEC):
        __import__("no_such_library")


@pytest.mark.parametrize("error", [ValueError("size mismatch"), KeyError("conv_in.weight"), OSError("no file")])
def test_weights_that_do_not_fit_are_told_as_a_corrupt_model(error: Exception) -> None:
    with pytest.raises(ModelCorrupt, match="mine") as caught, sealed(SPEC):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: not enough memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        MemoryError(),
    ],
)
def test_every_allocator_is_understood(error: BaseException) -> None:
    with pytest.raises(OutOfMemory, match="smaller") as caught, memory_guard(SPEC):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: device-side assert triggered\nCUDA kernel errors might be reported asynchronously",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: unspecified launch failure",
        "CUDA error: uncorrectable ECC error encountered",
        "CUDA error: all CUDA-capable devices are busy or unavailable",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`",
        "Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost. Reboot the system",
    ],
)
@pytest.mark.parametrize("around", [memory_guard, sealed])
def test_a_gpu_that_faulted_or_was_taken_is_lost_and_says_what_to_look_at(said: str, around) -> None:
    with pytest.raises(DeviceLost, match=r"lost under model mine .*nvidia-smi") as caught, around(SPEC):
        raise RuntimeError(said)
    assert caught.value.code == "device_lost"
    assert str(caught.value.__cause__) == said


def test_torchs_own_class_for_faults_is_known() -> None:
    with pytest.raises(DeviceLost), memory_guard(SPEC):
        raise torch.AcceleratorError("whatever it says")


@pytest.mark.parametrize(
    "said",
    [
        "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver",
        "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU",
        "CUDA error: no kernel image is available for execution on the device",
        "No CUDA GPUs are available",
        "CUDA driver version is insufficient for CUDA runtime version",
    ],
)
def test_a_driver_that_does_not_go_with_torch_is_named_and_not_tried_again(said: str) -> None:
    with pytest.raises(ModelUnavailable, match="driver") as caught, memory_guard(SPEC):
        raise RuntimeError(said)
    assert said.split(".")[0] in caught.value.message


@pytest.mark.parametrize(
    ("gpu", "cuda", "why"),
    [
        (None, "13.0", "no NVIDIA GPU with a driver"),
        ("RTX 3060", None, "built for the CPU"),
        ("RTX 3060", "13.0", "driver is older than CUDA 13.0"),
    ],
)
def test_a_model_that_needs_a_gpu_is_not_opened_without_one(
    monkeypatch: pytest.MonkeyPatch, gpu: str | None, cuda: str | None, why: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch_env, "this_machine", lambda: Machine(cores=2, ram_gb=8, gpu=gpu, vram_gb=12))
    large = ModelSpec(id="large", role="artist", family="sdxl", licence="MIT", commercial=True, vram_gb=None)
    with pytest.raises(ModelUnavailable, match=rf"large needs a GPU, and .*{why}.*vram_gb: 0"), sealed(large):
        raise AssertionError("it was opened")


def test_memory_is_given_back_quietly_where_the_gpu_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", gone)
    free_memory()


def test_a_real_allocation_that_is_too_large_is_understood() -> None:
    with pytest.raises(OutOfMemory), memory_guard(SPEC):
        torch.empty(2**50)


@pytest.mark.parametrize("error", [RuntimeError("shapes cannot be multiplied"), Cancelled()])
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, memory_guard(SPEC):
        raise error
    assert caught.value is error


def test_a_seed_gives_the_same_noise_however_large_it_is() -> None:
    noise = torch.randn(4, generator=seeded(2**70))
    assert torch.equal(noise, torch.randn(4, generator=seeded(2**70)))
    assert not torch.equal(noise, torch.randn(4, generator=seeded(2**70 + 1)))


def test_seeding_the_global_generators_leaves_them_as_they_were() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    with global_seed(1):
        inside = torch.rand(1)
    assert (torch.rand(1), np.random.rand()) == expected
    with global_seed(1):
        assert torch.equal(torch.rand(1), inside)


def test_a_step_is_told_and_what_the_listener_raises_ends_the_loop() -> None:
    told: list[tuple[int, int]] = []
    after = on_step_end(lambda done, total: told.append((done, total)), 2)
    assert after(None, 0, None, {"latents": 1}) == {"latents": 1}
    after(None, 1, None, {})
    assert told == [(1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        raise Cancelled()

    with pytest.raises(Cancelled):
        on_step_end(stop, 2)(None, 0, None, {})


class Knobs(Frozen):
    steps: int = 1
    guidance: float = 0


def test_params_are_read_and_a_wrong_one_is_named_with_the_valid_ones() -> None:
    assert read_params(SPEC, Knobs) == Knobs(steps=3)
    misspelt = ModelSpec(id="a", role="artist", family="f", licence="x", commercial=True, params={"stepps": 3})
    with pytest.raises(BadCatalog, match=r"'stepps' \(did you mean steps\?\); f knows steps, guidance"):
        read_params(misspelt, Knobs)
    wrong = ModelSpec(id="a", role="artist", family="f", licence="x", commercial=True, params={"steps": "many"})
    with pytest.raises(BadCatalog, match=r"models\.a\.params.*steps"):
        read_params(wrong, Knobs)
