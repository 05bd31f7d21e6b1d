"""Which kernel computes attention: each that the card may have is tried once on a small tensor and compared with
torch's own; the fastest that computes the same is taken, and remembered. Knows no model."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from typing import Any

from engine.backends.findings import Findings
from engine.types import Frozen

NATIVE = "native"
MOST_ERROR = 0.03
"""Relative root mean square against torch's own in float32. Half types alone err by 0.003; int8 keys (sage) by 0.02; a
kernel that reads its tensors in another layout, by 1."""
LEAST_GAIN = 1.03
SHAPE = (1, 4096, 16, 128)
"""Batch, tokens, heads, channels: enough tokens for attention to be what the time goes to, 16 MB a tensor in a half."""
LIBRARIES = {"_flash_3": "flash_attn_3", "flash": "flash-attn", "sage": "sageattention"}
"""The distributions that diffusers needs for a kernel. Setup installs none: whoever has one, has it used."""


class Trial(Frozen, frozen=True):
    """One kernel on this card: how far from torch's own, how long a call takes; `failed` says what it raised."""

    kernel: str
    error: float = 0.0
    seconds: float = 0.0
    failed: str = ""


class Chosen(Frozen, frozen=True):
    kernel: str
    sentence: str


def candidates(capability: tuple[int, int]) -> tuple[str, ...]:
    """Kernels of diffusers' `set_attention_backend` worth trying on that CUDA capability, likeliest fastest first.

    FlashAttention 3 is written for Hopper (9.x) alone; cuDNN's attention needs Ampere and pays from Hopper on;
    SageAttention and FlashAttention 2 need Ampere's tensor cores.
    """
    if capability < (8, 0):
        return ()
    hopper = ("_flash_3",) if capability[0] == 9 else ()
    return (*hopper, "_native_cudnn", "sage", "flash")


def choose_attention(trials: Sequence[Trial]) -> Chosen:
    """The fastest kernel that is right, torch's own unless another is 3 % faster than it. `trials` include its own."""
    own = next(trial for trial in trials if trial.kernel == NATIVE)
    told = []
    right = []
    for trial in trials:
        if trial.kernel == NATIVE:
            continue
        if trial.failed:
            told.append(f"{trial.kernel} does not run ({trial.failed})")
        elif not trial.error <= MOST_ERROR:  # also what is no number
            told.append(f"{trial.kernel} is {trial.error:.0%} off")
        else:
            told.append(f"{trial.kernel} is {own.seconds / trial.seconds:.2f} times as fast")
            right.append(trial)
    fastest = min(right, key=lambda trial: trial.seconds, default=own)
    if own.seconds < fastest.seconds * LEAST_GAIN:
        fastest = own
    beside = f": beside torch's own {', '.join(told)}" if told else ": there is no other for this card"
    return Chosen(kernel=fastest.kernel, sentence=f"attention is computed by {fastest.kernel}{beside}")


def try_kernel(
    kernel: str, device: str, dtype: Any, shape: tuple[int, int, int, int] = SHAPE, *, masked: bool
) -> Trial:
    """Run one kernel as diffusers does for a model. Whatever it raises, out of memory too, is what was found out.

    `masked`: the model gives its attention a mask, which some kernels refuse."""
    import torch
    from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn

    generator = torch.Generator("cpu").manual_seed(1)
    q, k, v = (torch.randn(shape, generator=generator).to(device, dtype) for _ in range(3))
    mask = None
    if masked:
        mask = torch.ones(shape[0], 1, 1, shape[1], dtype=torch.bool, device=device)
        mask[..., shape[1] // 2 :] = False

    def attend(name: str, *tensors: Any) -> Any:
        return dispatch_attention_fn(*tensors, attn_mask=mask, backend=AttentionBackendName(name))

    try:
        with torch.no_grad():
            right = attend(NATIVE, q.float(), k.float(), v.float())
            made = attend(kernel, q, k, v).float()
            error = float((made - right).pow(2).mean().sqrt() / right.pow(2).mean().sqrt())
            return Trial(kernel=kernel, error=error, seconds=_seconds(lambda: attend(kernel, q, k, v), device))
    except Exception as error:  # a kernel may raise anything; torch's own, which is the yardstick, may raise nothing
        if kernel == NATIVE:
            raise
        return Trial(kernel=kernel, failed=" ".join(str(error).split())[:120] or type(error).__name__)


def _seconds(call: Callable[[], Any], device: str) -> float:
    """The shortest of five calls, each to its end."""
    import torch

    taken = []
    for _ in range(5):
        began = time.perf_counter()
        call()
        if device != "cpu":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return max(min(taken), 1e-9)


def attention_for(device: str, dtype_name: str, findings: Findings, *, masked: bool) -> Chosen:
    """The kernel for this device and type, from what was found before or by trying now; torch's own off a GPU."""
    import torch

    if not device.startswith("cuda"):
        return Chosen(kernel=NATIVE, sentence=f"attention is computed by native: on the {device} there is no other")
    name = f"attention on {torch.cuda.get_device_name(device)}, {dtype_name}, masked {masked}, {versions()}"
    if isinstance(known := findings.of(name), dict):
        return Chosen(**known)
    kernels = (NATIVE, *candidates(torch.cuda.get_device_capability(device)))
    dtype = getattr(torch, dtype_name)
    trials = []
    for kernel in kernels:
        # A kernel may take the whole process with it; then the next one must not try it again.
        begun = f"{name}: tries {kernel}"
        if kernel != NATIVE and findings.of(begun):
            trials.append(Trial(kernel=kernel, failed="it did not come back when it was tried"))
            continue
        findings.keep(begun, True)
        trials.append(try_kernel(kernel, device, dtype, masked=masked))
        if kernel != NATIVE:
            torch.cuda.synchronize()  # a fault shows here, and is not taken for the next kernel's
        findings.keep(begun, False)
    chosen = choose_attention(trials)
    findings.keep(name, {"kernel": chosen.kernel, "sentence": f"{chosen.sentence} (remembered)"})
    return chosen


def versions() -> str:
    """Of what computes: another of any of them is tried anew."""
    import torch

    found = [f"torch {torch.__version__}", f"CUDA {torch.version.cuda}"]
    for distribution in ("diffusers", *LIBRARIES.values()):
        try:
            found.append(f"{distribution} {importlib.metadata.version(distribution)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
