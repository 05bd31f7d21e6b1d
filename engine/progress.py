"""How a stage reports, how it is told to stop, and how long it took. Knows no terminal and no server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from engine.errors import Cancelled
from engine.made import Made
from engine.types import Frozen, Stage


class Event(Frozen, frozen=True):
    """Something happened. `done` of `total` within `stage`; `shot` counts from 0; `kind` says how to read `message`.

    `made`: a `shot` event carries its stage's artefact, made or reused, whose files stay as they are from then on;
    `script`, once in a story, carries `Told`; `done` the `Film`; `failed` the error's `code`. Events of `script` before
    that one carry the script as it was written, which may yet be split or shortened.
    """

    kind: Literal["stage", "shot", "step", "script", "decision", "warning", "done", "failed"]
    stage: Stage
    story: int = 0
    shot: int | None = None
    done: int = 0
    total: int = 0
    message: str = ""
    code: str = ""
    reused: bool = False
    made: Made | None = None


OnEvent = Callable[[Event], None]


def ignore_events(event: Event) -> None:
    """The listener for callers that do not care."""


class Control:
    """One story's line to the outside: events out, cancel in; `story` is its number in its wave. Safe to use from
    several threads."""

    def __init__(
        self, on_event: OnEvent = ignore_events, cancelled: threading.Event | None = None, story: int = 0
    ) -> None:
        self._on_event = on_event
        self._cancelled = cancelled or threading.Event()
        self.story = story

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` once somebody asked to stop. Call it at each diffusion step, token batch, encoder line."""
        if self._cancelled.is_set():
            raise Cancelled()

    def emit(self, kind: Any, stage: Stage, **fields: Any) -> None:
        self._on_event(Event(kind=kind, stage=stage, story=self.story, **fields))

    def step(self, stage: Stage, shot: int | None, done: int, total: int) -> None:
        """`check`, then tell that `done` of `total` steps of one artefact are made."""
        self.check()
        self.emit("step", stage, shot=shot, done=done, total=total)


class StageClock:
    """Seconds that each stage took, whichever lane it ran in."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def running(self, stage: Stage, *, without: Stage | None = None) -> Iterator[None]:
        """`without`: a stage that runs inside this one and has its own seconds."""
        start = time.monotonic()
        yield
        inner = self.seconds.get(without, 0.0) if without else 0.0
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.monotonic() - start - inner, 3)
