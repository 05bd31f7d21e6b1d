"""How a diffusion transformer is made fast: which attention, whether compiled, in which type it is stored, which steps
are skipped. Every choice has its sentence. Knows no pipeline's arguments and no story."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.backends import fp8
from engine.backends.attention import NATIVE, attention_for, versions
from engine.backends.compiling import Choice, Compiling, Shape, obstacle
from engine.backends.findings import Findings
from engine.backends.protocols import Tick
from engine.backends.torch_env import Decision, on_step_end
from engine.catalog import ModelSpec
from engine.errors import BadCatalog
from engine.types import Frozen

T = TypeVar("T")
LONG_SCHEDULE = 20
"""Steps from which on two that follow each other are alike enough for the first-block cache; of four none is."""


class TuningParams(Frozen, frozen=True):
    """`attention`: auto, or a name of diffusers' `set_attention_backend`. `compile`: auto weighs what it takes against
    what it saves. `fp8` stores the transformer's weights in 8 bits, half the memory, and computes as before (cards from
    8.9 on). `fp8_compute` multiplies in 8 bits there, compiled, by torchao if it is installed; it changes the picture.
    `first_block_cache` skips a step's other blocks where the first changes less than that share (0.05–0.2),
    in schedules of 20 steps or more; it changes the picture."""

    attention: str = "auto"
    compile: Choice = "auto"
    fp8: bool = False
    fp8_compute: bool = False
    first_block_cache: float | None = None


class Decisions:
    """Sentences about what was chosen, each once, until somebody takes them."""

    def __init__(self) -> None:
        self._fresh: list[str] = []
        self._told: set[str] = set()

    def tell(self, sentence: str) -> None:
        if sentence and sentence not in self._told:
            self._told.add(sentence)
            self._fresh.append(sentence)

    def take(self) -> tuple[str, ...]:
        """What was told since this was last asked."""
        fresh, self._fresh = tuple(self._fresh), []
        return fresh


class Tuning:
    """Of `modules`, the transformers of one pipeline. What is chosen gathers in `decisions`."""

    def __init__(
        self,
        spec: ModelSpec,
        params: TuningParams,
        decision: Decision,
        modules: Sequence[Any],
        *,
        steps: int,
        masked: bool = False,
    ) -> None:
        """Raises `BadCatalog` for an attention that diffusers does not know or a cache in a short schedule."""
        self._spec, self._params, self._device = spec, params, decision
        self._modules = [module for module in modules if module is not None]
        self._masked = masked
        self._compiling = Compiling(
            "never" if params.first_block_cache is not None else params.compile, self._modules, steps
        )
        self._caches = False
        self.decisions = Decisions()
        self.tell(f"{spec.id} runs {decision.sentence}")
        if params.fp8 and params.fp8_compute:
            raise BadCatalog(f"models.{spec.id}.params: fp8 and fp8_compute exclude each other; leave one out")
        if params.fp8:
            self.tell(store_in_fp8(self._modules, decision))
        if params.first_block_cache is not None:
            self._skip_steps(params.first_block_cache, steps)
        if params.attention != "auto":
            self._set_attention(params.attention)

    def settle(self, home: Path) -> None:
        """Try what has to be tried on this machine, or remember it. Raises `StorageFull`, `StorageUnwritable`."""
        findings = Findings(home / "tuning.json")
        if self._device.device != "cpu":
            import torch

            gpu = torch.cuda.get_device_name(self._device.device)
            self._compiling.remember_in(
                findings, f"steps of {self._spec.id} {self._spec.params} on {gpu}, {versions()}"
            )
        if self._params.fp8_compute:
            self.tell(self._multiply_in_fp8())
        if self._params.attention == "auto":
            chosen = attention_for(self._device.device, self._device.dtype, findings, masked=self._masked)
            if chosen.kernel != NATIVE:
                self._set_attention(chosen.kernel)
            if self._device.device != "cpu":
                self.tell(f"{self._spec.id}: {chosen.sentence}")

    def expect(self, shapes: Sequence[Shape]) -> None:
        """What the wave is going to ask for; what compiling has to pay back within."""
        self._compiling.expect(shapes)

    def run(self, shape: Shape, tick: Tick, steps: int, call: Callable[[Any], T], *, resident: bool) -> T:
        """`call(callback_on_step_end)`, compiled before if that pays, and its steps timed."""
        for module in self._modules:
            if self._caches:
                module._reset_stateful_cache()  # a cancelled clip's must not reach the next
        self.tell(self._compiling.before(self._device.device, resident=resident))
        clock = StepClock(self._device.device)

        def timed() -> T:
            clock.begin()
            return call(on_step_end(clock.beside(tick), steps))

        made, why = self._compiling.run(timed)
        self.tell(why)
        self._compiling.after(shape, clock.seconds)
        return made

    def tell(self, sentence: str) -> None:
        self.decisions.tell(sentence)

    def _multiply_in_fp8(self) -> str:
        """Have the blocks multiply in 8 bits, if this card, what is installed and a trial allow it."""
        import torch

        device = self._device.device
        never = self._params.compile == "never" or self._params.first_block_cache is not None
        reason = fp8.why_not(
            device=device,
            capability=torch.cuda.get_device_capability(device) if device != "cpu" else (0, 0),
            dtype=self._device.dtype,
            offload=str(self._spec.params.get("offload", "none")),
            stands_in_the_way="its entry compiles nothing" if never else obstacle(device, resident=True),
            installed=fp8.is_installed(),
        )
        reason = reason or fp8.try_once(device)
        if reason:
            return f"{self._spec.id} multiplies in {self._device.dtype}, because {reason}"
        layers = [layer for module in self._modules for layer in fp8.layers_of(module)]
        fp8.multiply_in_fp8(layers)
        self._compiling.insist()
        return f"{self._spec.id} multiplies in 8-bit floats in {len(layers)} layers, because the entry says fp8_compute"

    def _set_attention(self, kernel: str) -> None:
        from diffusers.models.attention_dispatch import AttentionBackendName

        known = [name.value for name in AttentionBackendName]
        if kernel not in known:
            raise BadCatalog(f"models.{self._spec.id}.params.attention: {kernel!r} is none of {', '.join(known)}")
        for module in self._modules:
            module.set_attention_backend(kernel)

    def _skip_steps(self, threshold: float, steps: int) -> None:
        if steps < LONG_SCHEDULE:
            raise BadCatalog(
                f"models.{self._spec.id}.params.first_block_cache needs {LONG_SCHEDULE} steps or more, not {steps}: "
                "leave it out"
            )
        if not 0 < threshold < 1:
            raise BadCatalog(f"models.{self._spec.id}.params.first_block_cache is {threshold}, outside 0 to 1")
        if self._spec.params.get("offload") == "layer":
            self.tell(
                f"{self._spec.id} skips no steps, because layers are fetched in an order that skipping would break"
            )
            return
        from diffusers.hooks.first_block_cache import FirstBlockCacheConfig

        for module in self._modules:
            module.enable_cache(FirstBlockCacheConfig(threshold=threshold))
        self._caches = True
        self.tell(
            f"{self._spec.id} skips what a step's first block changes by less than {threshold:.0%}, of {steps} steps"
        )


def store_in_fp8(modules: Sequence[Any], decision: Decision) -> str:
    """Store the weights of `modules` in 8 bits and compute in the decision's type; not on cards before 8.9, which would
    convert without hardware for it. Norms and embeddings stay as they are, as each model itself says."""
    import torch

    if decision.device != "cpu":
        major, minor = torch.cuda.get_device_capability(0)
        if (major, minor) < (8, 9):
            return f"weights stay in {decision.dtype}, because a card of capability {major}.{minor} has no fp8"
    for module in modules:
        module.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=getattr(torch, decision.dtype))
    return f"weights are stored in 8 bits and computed with in {decision.dtype}, because the entry says fp8"


class StepClock:
    """Times the steps of one clip; on a GPU each to its end, which costs microseconds where a step takes a second."""

    def __init__(self, device: str) -> None:
        self._device, self._last = device, 0.0
        self.seconds: list[float] = []

    def begin(self) -> None:
        self.seconds = []
        self._last = time.perf_counter()

    def beside(self, tick: Tick) -> Tick:
        """`tick`, and the time taken before it; the time that `tick` itself takes is nobody's."""

        def ticked(done: int, total: int) -> None:
            if self._device != "cpu":
                import torch

                torch.cuda.synchronize()
            self.seconds.append(time.perf_counter() - self._last)
            tick(done, total)
            self._last = time.perf_counter()

        return ticked
