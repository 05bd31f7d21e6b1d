"""Two experts that take turns on the device: one for the noisy steps, one for the rest. Knows no job and no story.

Neither has hooks: which of them lies on the device is said, so that a wave moves each only once, and the pipeline knows
no other meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

HIGH, LOW = "transformer", "transformer_2"
STATE = ("model_outputs", "timestep_list", "last_sample", "lower_order_nums", "this_order", "_step_index")
"""What schedulers carry from one step to the next; those of one order have only the last."""


class Experts:
    """Of a Wan pipeline. Until one is held, both lie in main memory. `swaps` counts moves to the device."""

    def __init__(self, pipeline: Any, device: str) -> None:
        self._pipeline, self._device = pipeline, device
        self._all = {name: getattr(pipeline, name).to("cpu") for name in (HIGH, LOW)}
        self._held: str | None = None
        self.swaps = 0
        pipeline.register_modules(**dict.fromkeys(self._all))

    def hold(self, name: str) -> None:
        """Have that one on the device, and the other off it."""
        if self._held == name:
            return
        self.release()
        self._pipeline.register_modules(**{name: self._all[name].to(self._device)})
        self._held = name
        self.swaps += 1

    def release(self) -> None:
        """Have neither on the device."""
        if self._held is not None:
            self._pipeline.register_modules(**{self._held: None})
            self._all[self._held].to("cpu")
            self._held = None


class UpTo:
    """`callback_on_step_end` that ends a pipeline's loop before the first step below `boundary`, a timestep, after what
    `callback` does."""

    def __init__(self, callback: Any, boundary: float) -> None:
        self._callback, self._boundary = callback, boundary

    def __call__(self, pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tensors = self._callback(pipeline, step, timestep, tensors)
        rest = pipeline.scheduler.timesteps[step + 1 :]
        if len(rest) and float(rest[0]) < self._boundary:
            pipeline._interrupt = True
        return tensors


class Resumed:
    """A scheduler that goes on where another stopped: `timesteps` are those that are left."""

    def __init__(self, scheduler: Any, state: dict[str, Any]) -> None:
        self._scheduler, self._state = scheduler, state
        self._first = int(state["_step_index"])

    def set_timesteps(self, *given: Any, **named: Any) -> None:
        self._scheduler.set_timesteps(*given, **named)
        for name, value in self._state.items():
            setattr(self._scheduler, name, value)

    @property
    def timesteps(self) -> Any:
        return self._scheduler.timesteps[self._first :]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scheduler, name)


def park(scheduler: Any, latents: Any, out: Path) -> None:
    """Write what a loop that was ended has come to, as safetensors."""
    import torch
    from safetensors.torch import save_file

    tensors = {"latents": latents.detach().cpu().contiguous()}
    told = {}
    for name in STATE:
        value = getattr(scheduler, name, None)
        if isinstance(value, torch.Tensor):
            tensors[name] = value.detach().cpu().contiguous()
        elif isinstance(value, list):
            told[name] = str(len(value))
            kept = {f"{name}.{i}": torch.as_tensor(one) for i, one in enumerate(value) if one is not None}
            tensors |= {key: one.detach().cpu().contiguous().clone() for key, one in kept.items()}
        elif value is not None:
            told[name] = str(int(value))
    save_file(tensors, out, metadata=told)


def unpark(begun: Path, device: str) -> tuple[Any, dict[str, Any]]:
    """The latents, and the scheduler's state, from `park`'s file."""
    from safetensors import safe_open

    with safe_open(begun, framework="pt", device="cpu") as file:
        told = file.metadata() or {}
        tensors = {name: file.get_tensor(name).to(device) for name in file.keys()}  # noqa: SIM118 - no mapping
    state: dict[str, Any] = {}
    for name in STATE:
        if name in tensors:
            state[name] = tensors[name]
        elif name in ("model_outputs", "timestep_list") and name in told:
            state[name] = [tensors.get(f"{name}.{i}") for i in range(int(told[name]))]
        elif name in told:
            state[name] = int(told[name])
    return tensors["latents"], state
