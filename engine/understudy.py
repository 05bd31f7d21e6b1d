"""Who takes over when memory does not hold a model at all: the model of that role that needs no GPU. Knows no stage.

The last rung for all roles but the animator's, whose stage has one of its own for every shot. It is the story's, not
the shot's: half a film drawn and half of it painted, or a narrator who changes in the middle, is worse than either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.backends.protocols import Handle
from engine.catalog import ModelSpec
from engine.errors import OutOfMemory
from engine.models import Residents
from engine.progress import Control
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
ENGLISH_ONLY: frozenset[Role] = frozenset({"writer", "narrator"})
"""Roles whose understudy knows no other language: a French story read in English is no film."""


class Company:
    """The models of one story by role. Whoever has taken over is the one that credits and record name."""

    def __init__(self, plan: Plan, models: Residents, control: Control) -> None:
        """What is decided about a model's memory is told with the stage of its role."""
        self._handles: dict[Role, Handle[Any]] = {
            role: models.handle(name, partial(self._tell, STAGE_OF[role]), plan) for role, name in plan.models.items()
        }
        self._understudy = models.handle_if_known
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
        own = self._handles[role]
        try:
            return play(own)
        except OutOfMemory:
            self._control.check()
            other = self._who_takes_over(role)
            if other is None:
                raise
            self._handles[role] = other
            message = f"The memory did not hold {own.spec.id}: {other.spec.id} is the {role} instead."
            self._control.emit("warning", stage, message=message)
            return play(other)

    def _tell(self, stage: Stage, sentence: str) -> None:
        self._control.emit("decision", stage, message=sentence)

    def _who_takes_over(self, role: Role) -> Handle[Any] | None:
        name = UNDERSTUDIES.get(role)
        if name is None or name == self._handles[role].spec.id or (role in ENGLISH_ONLY and not self._english):
            return None
        return self._understudy(name)
