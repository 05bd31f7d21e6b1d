"""What the stories of a wave are about to ask of each model, so that it can be told of all of it at once.

An artist's or animator's texts are read by an encoder that may be as large as itself. Told story by story, a model
would bring it to the device and away again for each. Knows no stage and no job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.backends.protocols import Model, Tunable
from engine.ladder import Rung

Jobs = Callable[[Rung], Sequence[Any]]
"""The jobs of one story, as on that rung of the ladder, of which nothing is kept yet."""


class Coming:
    """Of one wave. Stories announce before any model of the wave is asked for what they announce."""

    def __init__(self) -> None:
        self._announced: dict[str, dict[int, Jobs]] = {}
        self._told: dict[str, tuple[Model, frozenset[int]]] = {}

    def announce(self, model: str, story: int, jobs: Jobs) -> None:
        """What `story` wants of the model of that id; said again, it counts instead of what was said before."""
        self._announced.setdefault(model, {})[story] = jobs

    def withdraw(self, story: int) -> None:
        """That story has left the wave."""
        for stories in self._announced.values():
            stories.pop(story, None)

    def tell(self, model: Model, rung: Rung) -> None:
        """Let an open model, if it is `Tunable`, prepare for all that was announced: for each story once, and once more
        where the model was closed meanwhile and is another. Raises `OutOfMemory`, and nothing was told then."""
        if not isinstance(model, Tunable):
            return
        wanted = dict(self._announced.get(model.spec.id, {}))
        known, heard = self._told.get(model.spec.id, (None, frozenset[int]()))
        if known is model and heard >= wanted.keys():
            return
        model.prepare([job for jobs in wanted.values() for job in jobs(rung)])
        self._told[model.spec.id] = model, frozenset(wanted)
