"""Who takes over when memory does not hold a model at all: the model of that role that needs no GPU. Knows no stage.

The last rung for all roles but the animator's, whose stage has one of its own for every shot. It is the story's, not
the shot's: half a film drawn and half of it painted, or a narrator who changes in the middle, is worse than either.
That one was needed is remembered on the ladder, so that the next story does not try the large one first; what the large
one has made already is used all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.backends.protocols import Handle
from engine.catalog import ModelSpec
from engine.errors import OutOfMemory
from engine.ladder import FILE, UNDERSTUDY, Ladder, Shape, name_of
from engine.models import Residents
from engine.progress import Control
from engine.residency import shape_for
from engine.types import Plan, Role, Stage

T = TypeVar("T")

UNDERSTUDIES: dict[Role, str] = {
    "writer": "smollm2-135m",
    "narrator": "hibari",
    "composer": "bed",
    "artist": "sketch",
}
STAGE_OF: dict[Role, Stage] = {
    "writer": "script",
    "narrator": "voices",
    "composer": "music",
    "artist": "stills",
    "animator": "clips",
}
RAM_COMES_AND_GOES = 0.25
"""Share of the free main memory that other programs take and give back from one minute to the next."""
ENGLISH_ONLY: frozenset[Role] = frozenset({"writer", "narrator"})
"""Roles whose understudy knows no other language: a French story read in English is no film."""


class Absent:
    """The handle of a model that is known not to fit: what it has made is found, and nothing more is asked of it."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def open(self) -> Any:
        """Raises `OutOfMemory`."""
        raise OutOfMemory(f"Model {self.spec.id} did not fit in memory before: choose a smaller profile.")

    def alone(self) -> bool:
        return False


class Company:
    """The models of one story by role. Whoever has taken over is the one that credits and record name."""

    def __init__(self, plan: Plan, models: Residents, control: Control, ladder: Ladder | None = None) -> None:
        """What is decided about a model's memory is told with the stage of its role. `ladder` is the GPU's; what needs
        none has one of its own in the same file."""
        self._handles: dict[Role, Handle[Any]] = {
            role: models.handle(name, partial(self._tell, STAGE_OF[role]), plan) for role, name in plan.models.items()
        }
        self._understudy = models.handle_if_known
        self._plan = plan
        self._gpu = ladder or Ladder()
        free = models.ram_free_gb()
        self._ram = Ladder(models.home / FILE, "main memory", free_gb=free, more_gb=RAM_COMES_AND_GOES * free)
        self._control = control
        self._english = plan.locale.replace("_", "-").split("-")[0].lower() == "en"

    @property
    def models(self) -> dict[Role, str]:
        """Who plays each role now."""
        return {role: handle.spec.id for role, handle in self._handles.items()}

    def players(self, composes: bool) -> dict[str, ModelSpec]:
        """Their entries; without a composer where there is nothing to compose."""
        return {role: one.spec for role, one in self._handles.items() if composes or role != "composer"}

    def handle(self, role: Role) -> Handle[Any]:
        return self._handles[role]

    def perform(self, role: Role, stage: Stage, play: Callable[[Handle[Any]], T]) -> T:
        """What `play` returns with the model of that role or, if memory runs out over it, with its understudy, who
        keeps the part. Raises what `play` does; `OutOfMemory` if there is no understudy, or not even it fits."""
        own, other = self._handles[role], self._who_takes_over(role)
        ladder = self._gpu if own.spec.needs_gpu else self._ram
        name, shape = name_of(own.spec), self._shape(role, own.spec)
        before = ladder.free_then(name, shape, UNDERSTUDY) if other is not None else None
        try:
            return play(own if before is None else Absent(own.spec))
        except OutOfMemory:
            self._control.check()
            if other is None:
                raise
            self._handles[role] = other
            why = f"The memory did not hold {own.spec.id}"
            if before is None:
                ladder.remember(name, shape, UNDERSTUDY)
            else:
                why += (
                    f" here before, with {before:g} GB free, and {ladder.free_gb:g} are" if before else " here before"
                )
            self._control.emit("warning", stage, message=f"{why}: {other.spec.id} is the {role} instead.")
            return play(other)

    def _shape(self, role: Role, spec: ModelSpec) -> Shape:
        """What the memory that this role takes grows with: pixels, the film's length, or nothing that is known."""
        if role == "artist":
            return shape_for(self._plan, spec)
        return (1, 1, len(self._plan.shots)) if role == "composer" else (1, 1, 1)

    def _tell(self, stage: Stage, sentence: str) -> None:
        self._control.emit("decision", stage, message=sentence)

    def _who_takes_over(self, role: Role) -> Handle[Any] | None:
        name = UNDERSTUDIES.get(role)
        if name is None or name == self._handles[role].spec.id or (role in ENGLISH_ONLY and not self._english):
            return None
        return self._understudy(name)
