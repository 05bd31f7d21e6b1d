"""The out-of-memory ladder: what to try next when a model does not fit, and what was found to fit. Knows no model.

Each rung asks for less than the one above: as asked → offload → tile → fewer frames → smaller → a camera move over
the still. What fitted is remembered per GPU, driver, model and shape, so that nothing fails twice; it counts as long
as no more memory is free than was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.artifacts import content_key, write_atomically
from engine.catalog import ModelSpec
from engine.errors import OutOfMemory
from engine.machine import Machine
from engine.types import Frozen

T = TypeVar("T")
FILE = "ladder.json"
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
UNDERSTUDY = Rung(name="understudy")
"""Below all rungs of a model: another one takes its part (`engine.understudy`)."""

MORE_GB = 0.5
"""So much more of a GPU has to be free than when something did not fit, for it to be tried again."""


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


def name_of(spec: ModelSpec) -> str:
    """An entry as the ladder remembers it: with other weights or parameters it is another one."""
    return f"{spec.id} {content_key(params=spec.params, revision=spec.revision)[:12]}"


class Found(msgspec.Struct, frozen=True):
    """That nothing above `rung` fitted: of `model` on `gpu` under `driver` at `shape`, with `free` GB that others had
    left."""

    gpu: str
    model: str
    shape: Shape
    rung: str
    driver: str = ""
    free: float = 0.0


class Ladder:
    """What was found, kept in `file` (JSON; delete it to start from the top again), or for this process only if None.

    Safe for several threads. Of several processes that write at once the last one wins; what the other had found
    is then found once more.
    """

    def __init__(
        self,
        file: Path | None = None,
        gpu: str = "cpu",
        driver: str = "",
        free_gb: float = 0.0,
        *,
        more_gb: float = MORE_GB,
    ) -> None:
        """`free_gb`: what others leave of the memory of `gpu` now; `more_gb`: a difference that is none."""
        self._more_gb = more_gb
        self._file = file
        self._gpu, self._driver, self.free_gb = gpu, driver, round(free_gb, 1)
        self._lock = threading.Lock()
        self._seen = self._stamped()
        self._found = self._read()

    def first(self, rungs: Sequence[Rung], model: str, shape: Shape) -> int:
        """The rung to begin with: the lowest that this shape or a smaller one needed before."""
        names = [rung.name for rung in rungs]
        needed = [names.index(one.rung) for one in self._that_hold(model, shape) if one.rung in names]
        return max(needed, default=0)

    def free_then(self, model: str, shape: Shape, rung: Rung) -> float | None:
        """The most GB that were free when nothing above that rung fitted; None if that is not known to be so now."""
        free = [one.free for one in self._that_hold(model, shape) if one.rung == rung.name]
        return max(free, default=None)

    def remember(self, model: str, shape: Shape, rung: Rung) -> None:
        """Keep that only `rung` fitted. Raises `StorageFull`, `StorageUnwritable`."""
        new = Found(self._gpu, model, shape, rung.name, self._driver, self.free_gb)
        with self._lock:
            self._found = _together([*self._read(), *self._found, new])
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

    def _that_hold(self, model: str, shape: Shape) -> list[Found]:
        """What was found that says something of that model and shape here and now, by other stories meanwhile too."""
        with self._lock:
            if (stamp := self._stamped()) != self._seen:
                self._seen, self._found = stamp, _together([*self._read(), *self._found])
            return [
                one
                for one in self._found
                if (one.gpu, one.driver, one.model) == (self._gpu, self._driver, model)
                and self.free_gb <= one.free + self._more_gb
                and _needs_as_much(shape, one.shape)
            ]

    def _stamped(self) -> tuple[int, int]:
        try:
            now = self._file.stat() if self._file is not None else None
        except FileNotFoundError:
            now = None
        return (0, 0) if now is None else (now.st_mtime_ns, now.st_ino)


def gpu_ladder(home: Path, machine: Machine) -> Ladder:
    """The ladder of that machine's GPU, kept in the program's home."""
    free = machine.vram_gb - machine.taken_gb
    return Ladder(home / FILE, machine.gpu or "cpu", machine.driver, free)


def _together(found: list[Found]) -> list[Found]:
    """Of the same rung the one with most memory free; under another driver the later one."""
    known: dict[tuple[str, str, Shape, str], Found] = {}
    for one in found:
        same = (one.gpu, one.model, one.shape, one.rung)
        before = known.get(same)
        if before is None or before.driver != one.driver or before.free < one.free:
            known[same] = one
    return list(known.values())


def _needs_as_much(shape: Shape, other: Shape) -> bool:
    """Whether `shape` needs at least the memory of `other`: it grows with pixels times frames."""
    return shape[0] * shape[1] * shape[2] >= other[0] * other[1] * other[2]
