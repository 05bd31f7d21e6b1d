"""What diffusion models of every family do alike: settle on a machine, read the texts that are coming, tell what was
chosen, let go. Knows no pipeline's arguments and no story."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from engine.backends.conditioning import Conditioning, Tensors, TextEncoders
from engine.backends.protocols import ClipJob, StillJob
from engine.backends.torch_env import Decision, Placement, free_memory, memory_guard
from engine.backends.tuning import Decisions, Tuning
from engine.catalog import ModelSpec

J = TypeVar("J", StillJob, ClipJob)
Offload = Literal["none", "model", "layer", "turns"]


class Diffusion(ABC, Generic[J]):
    """A `Tunable` model around one pipeline of diffusers, whose text encoders are its components of those names.

    A family opens the pipeline, swaps and melts what it has to, and says what its encoders make of a text (`_encode`)
    and what a job needs of that (`_conditions`). `where`: as `Conditioning` has it. `offload` as in `Placement`; in
    `turns` the text encoders are out of the way from the first. To be made inside `sealed`.
    """

    def __init__(
        self,
        spec: ModelSpec,
        pipeline: Any,
        decision: Decision,
        *,
        where: str,
        encoders: Sequence[str],
        offload: Offload,
        tile: bool = False,
        tuning: Tuning | None = None,
    ) -> None:
        self.spec, self.decision = spec, decision
        self._pipeline = pipeline
        self._tuning = tuning
        self._decisions = Decisions() if tuning is None else tuning.decisions
        self._memory = Conditioning(spec, where)
        self._encoders = TextEncoders(pipeline, decision.device, encoders)
        if offload == "turns":
            self._encoders.park()
        self._placement = Placement(pipeline, decision, offload, tile=tile)

    def settle(self, home: Path) -> None:
        """Raises `StorageFull`, `StorageUnwritable`, `OutOfMemory`."""
        self._memory.remember_in(home / "conditioning")
        if self._tuning is not None:
            with memory_guard(self.spec):
                self._tuning.settle(home)

    def prepare(self, jobs: Sequence[J]) -> None:
        """Read the texts of all `jobs`, then free the text encoders: 11 GB for Wan's, 9 for LTX's. Raises
        `OutOfMemory`."""
        if self._tuning is not None:
            self._tuning.expect([(job.width, job.height, _frames(job)) for job in jobs])
        with memory_guard(self.spec):
            self._placement.fit(max((job.memory for job in jobs), default=0))
        self._read_all(jobs)
        self._encoders.park()

    def take_decisions(self) -> tuple[str, ...]:
        return self._decisions.take()

    def close(self) -> None:
        # Whatever holds the pipeline goes, so that its memory is free; to ask anything of it then is a fault.
        for name in ("_pipeline", "_placement", "_tuning", "_memory", "_encoders"):
            vars(self).pop(name, None)
        self._decisions = Decisions()
        free_memory()

    @abstractmethod
    def _encode(self, text: str) -> Tensors:
        """What the pipeline's own encoders make of one text; called while they are there."""

    @abstractmethod
    def _conditions(self, job: J) -> Tensors:
        """The pipeline's arguments that come of the texts of `job`, on the device."""

    def _read_all(self, jobs: Sequence[J]) -> None:
        with memory_guard(self.spec), self._encoders.reading():
            for job in jobs:
                self._conditions(job)

    def _read(self, text: str, *, lasting: bool) -> Tensors:
        """`_encode`, once for each text; on the CPU."""

        def read() -> Tensors:
            with self._encoders.reading():
                return self._encode(text)

        return self._memory.of(read, lasting=lasting, text=text)

    def _on_device(self, tensors: Tensors) -> Tensors:
        device = self._pipeline._execution_device
        return {name: tensor.to(device) for name, tensor in tensors.items()}


def _frames(job: StillJob | ClipJob) -> int:
    return job.frames if isinstance(job, ClipJob) else 1
