"""What the GPU of this process does, measured in about two seconds; on the CPU at toy size. Knows no model.

`python -m engine.backends.card HOME` prints it as one line of JSON: a card, a driver or a build of torch that do not go
together may take the whole process down, so `reelhouse doctor` tries them in one of their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from engine.backends import yardsticks
from engine.backends.attention import attention_for
from engine.backends.findings import Findings
from engine.backends.torch_env import choose_device
from engine.rates import Card

GEMM_SECONDS = 1.5
COPY_BYTES = 2**28
"""Pinned memory that is had within a fraction of a second; larger copies are no faster."""


def try_card(home: Path) -> Card:
    """Raises what torch raises: that no GPU can be used, that it is busy, that its memory is full."""
    import torch

    decision = choose_device()
    if decision.device != "cpu":
        torch.zeros(1, device=decision.device)
        torch.cuda.synchronize()
    elif torch.version.cuda is not None:
        torch.cuda.init()  # raises why there is none
    return Card(
        device=decision.device,
        dtype=decision.dtype,
        tflops=round(yardsticks.gemm_tflops(GEMM_SECONDS), 3),
        to_device_gb_s=round(yardsticks.to_device_gb_s(COPY_BYTES), 2),
        attention=attention_for(decision.device, decision.dtype, Findings(home / "tuning.json"), masked=False).kernel,
    )


def main() -> None:
    print(msgspec.json.encode(try_card(Path(sys.argv[1]))).decode())


if __name__ == "__main__":
    main()
