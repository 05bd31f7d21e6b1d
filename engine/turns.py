"""A story's turns in a wave: which stage it begins next, what it waits for, how it ended. Knows no stage's work."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, NamedTuple

from engine.coming import Coming
from engine.errors import OutOfMemory, ReelhouseError
from engine.made import Film
from engine.progress import Control
from engine.types import STAGES, Stage

MAIN_MEMORY_SHORT = "The main memory ran out: choose a smaller profile, or end what else runs on this machine."


class Beside(NamedTuple):
    """Work in the CPU lane that a story waits for, and the stage that it begins afterwards."""

    work: Future[Any]
    then: Stage


Telling = Generator[Stage | Beside, Any, Film]


class StoryInWave:
    """A telling in progress: which stage it begins next, what it waits for, how it ended."""

    def __init__(self, telling: Telling, control: Control, coming: Coming) -> None:
        self.telling = telling
        self.control = control
        self.coming = coming
        self.next_stage: Stage = "plan"
        self.again = False
        self.beside: Future[Any] | None = None
        self.outcome: Film | ReelhouseError | None = None

    @property
    def order(self) -> tuple[int, bool]:
        """Whose is least goes on: by the stage, and whether it is the stage's second part."""
        return STAGES.index(self.next_stage), self.again

    @property
    def ready(self) -> bool:
        return self.beside is None or self.beside.done()

    def advance(self) -> None:
        """Go on until the next stage is about to begin, the CPU lane has to be waited for, or the story has ended."""
        beside, self.beside = self.beside, None
        before = self.next_stage
        try:
            self.control.check()
            coming = self.telling.send(beside.result() if beside else None)
        except StopIteration as end:
            self.outcome = end.value
            self.control.emit("done", "film", message=end.value.title, made=end.value)
        except (ReelhouseError, MemoryError) as raised:
            error = raised if isinstance(raised, ReelhouseError) else OutOfMemory(MAIN_MEMORY_SHORT)
            self.telling.close()
            self.outcome = error
            self.coming.withdraw(self.control.story)
            self.control.emit("failed", self.next_stage, message=error.message, code=error.code)
        else:
            if isinstance(coming, Beside):
                self.beside, self.next_stage = coming
            else:
                self.next_stage = coming
            self.again = self.next_stage == before
