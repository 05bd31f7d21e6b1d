"""The out-of-memory ladder: what to try next when a model does not fit, and what was found to fit. Knows no model.

Each rung asks for less than the one above: as asked → offload → tile → fewer frames → smaller → a camera move over
the still. What fitted is remembered per GPU, model and shape, so that nothing fails twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.artifacts import write_atomically
from engine.errors import OutOfMemory
from engine.types import Frozen

T = TypeVar("T")
Shape = tuple[int, int, int]
"""Width, height, frames (1 for a still); of music 1, 1, seconds."""


class Rung(Frozen, frozen=True):
    """One way to ask a model. `memory` is the job's: 0 all resident, 1 offloaded, 2 offloaded and tiled; `frames` and
    `size` are shares of what was wanted, in time and in each side; `camera` leaves the model out."""

    name: str
    memory: int = 0
    frames: float = 1.0
    size: float = 1.0
    camera: bool = False

    @property
    def degraded(self) -> bool:
        """Whether the result is less than what was asked for, not only slower to come."""
        return self.camera or self.frames < 1 or self.size < 1


AS_ASKED = Rung(name="as asked")
STILL_RUNGS = (
    AS_ASKED,
    Rung(name="offload", memory=1),
    Rung(name="tile", memory=2),
    Rung(name="smaller", memory=2, size=0.75),
    Rung(name="half size", memory=2, size=0.5),
)
MUSIC_RUNGS = STILL_RUNGS[:3]
CLIP_RUNGS = (
    AS_ASKED,
    Rung(name="offload", memory=1),
    Rung(name="tile", memory=2),
    Rung(name="fewer frames", memory=2, frames=0.5),
    Rung(name="smaller", memory=2, frames=0.5, size=0.75),
    Rung(name="half size", memory=2, frames=0.5, size=0.5),
    Rung(name="camera move", camera=True),
)


def step_down(
    rungs: Sequence[Rung], first: int, attempt: Callable[[Rung], T], make_room: Callable[[], bool]
) -> tuple[T, int]:
    """The first attempt from rung `first` downward that fits, and its rung's number.

    `make_room()`, called after each failure, says whether it freed memory, so that the same rung is worth another
    attempt. Raises the last rung's `OutOfMemory`; any other error passes at once.
    """
    for number in range(first, len(rungs)):
        while True:
            try:
                return attempt(rungs[number]), number
            except OutOfMemory:
                if make_room():
                    continue
                if number == len(rungs) - 1:
                    raise
                break
    raise IndexError(f"there is no rung {first}")


class Found(msgspec.Struct, frozen=True):
    """The highest rung on which `model` fitted on `gpu` at `shape`."""

    gpu: str
    model: str
    shape: Shape
    rung: str


class Ladder:
    """What was found, kept in `file` (JSON; delete it to start from the top again), or for this process only if None.

    Safe for several threads. Of several processes that write at once the last one wins; what the other had found
    is then found once more.
    """

    def __init__(self, file: Path | None = None, gpu: str = "cpu") -> None:
        self._file = file
        self._gpu = gpu
        self._lock = threading.Lock()
        self._found = self._read()

    def first(self, rungs: Sequence[Rung], model: str, shape: Shape) -> int:
        """The rung to begin with: the lowest that this shape or a smaller one needed before."""
        names = [rung.name for rung in rungs]
        with self._lock:
            needed = [
                names.index(one.rung)
                for one in self._found
                if (one.gpu, one.model) == (self._gpu, model) and one.rung in names and _holds(shape, one.shape)
            ]
        return max(needed, default=0)

    def remember(self, model: str, shape: Shape, rung: Rung) -> None:
        """Keep that only `rung` fitted. Raises `StorageFull`, `StorageUnwritable`."""
        new = Found(gpu=self._gpu, model=model, shape=shape, rung=rung.name)
        with self._lock:
            known = {(one.gpu, one.model, one.shape): one for one in [*self._read(), *self._found, new]}
            self._found = list(known.values())
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._file, msgspec.json.format(msgspec.json.encode(self._found)))

    def _read(self) -> list[Found]:
        if self._file is None:
            return []
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Found])
        except (FileNotFoundError, msgspec.DecodeError):
            return []  # nothing was found yet, or somebody edited it: what fits is found again


def _holds(shape: Shape, other: Shape) -> bool:
    """Whether `shape` needs at least the memory of `other`: it grows with pixels times frames."""
    return shape[0] * shape[1] * shape[2] >= other[0] * other[1] * other[2]
