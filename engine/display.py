"""Progress on stderr: a bar per stage with the time left on a terminal, else plain lines. Knows events, no stage."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from engine.pace import Eta
from engine.progress import Event
from engine.terminal import plain


class StageProgress:
    """How far one stage is, as its events tell: artefacts made, and the steps of the one in progress."""

    def __init__(self, now: float) -> None:
        self.total = 0
        self.done = 0
        self.reused = 0
        self._started = now
        self._within: dict[int | None, float] = {}

    def hear(self, event: Event) -> None:
        if event.kind == "stage":
            self.total = event.total
        elif event.kind == "shot":
            self.done, self.total = event.done, max(event.total, self.total)
            self.reused += event.reused
            self._within.pop(event.shot, None)
        elif event.kind == "step" and event.total:
            self._within[event.shot] = min(1.0, event.done / event.total)

    @property
    def made(self) -> float:
        """Artefacts made, the one in progress by its share."""
        return min(self.done + sum(self._within.values()), float(max(self.total, self.done)))

    @property
    def share(self) -> float:
        return self.made / self.total if self.total else 0.0

    def elapsed(self, now: float) -> float:
        return now - self._started


class Display(Protocol):
    def show(self, event: Event, progress: StageProgress, left: float, all_left: float) -> None: ...

    def note(self, text: str) -> None: ...


@contextmanager
def open_display(stage_seconds: dict[str, float], stream: IO[str] | None = None) -> Iterator[Listener]:
    """A listener for events that draws on `stream` (None: stderr). `stage_seconds` are estimated beforehand."""
    shown: IO[str] = stream or sys.stderr
    if shown.isatty():
        with _bars(shown) as display:
            yield Listener(display, Eta(stage_seconds))
    else:
        yield Listener(Lines(shown), Eta(stage_seconds))


class Listener:
    """Turns events, from any thread, into what a display shows."""

    def __init__(self, display: Display, eta: Eta) -> None:
        self._display, self._eta = display, eta
        self._stages: dict[str, StageProgress] = {}
        self._lock = threading.Lock()
        self.reused: set[str] = set()
        """Stages that used something again, so that their seconds say nothing about the machine's pace."""

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.kind in ("decision", "warning"):
                self._display.note(f"{event.stage}: {event.message}")
            elif event.kind in ("stage", "shot", "step"):
                now = time.monotonic()
                progress = self._stages.setdefault(event.stage, StageProgress(now))
                progress.hear(event)
                if event.reused:
                    self.reused.add(event.stage)
                left = self._eta.update(event.stage, progress.share, progress.elapsed(now))
                self._display.show(event, progress, left, self._eta.seconds_left)

    def note(self, text: str) -> None:
        with self._lock:
            self._display.note(text)


class Lines:
    """A line when a stage begins and one per artefact; none per step."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def show(self, event: Event, progress: StageProgress, left: float, all_left: float) -> None:
        if event.kind == "shot":
            kept = " (kept)" if event.reused else ""
            ahead = f", about {in_words(all_left)} left" if all_left >= 1 else ""
            self.note(f"{event.stage}: {progress.done} of {progress.total}{kept}{ahead}")
        elif event.kind == "stage" and not progress.done:
            self.note(f"{event.stage}: begins")

    def note(self, text: str) -> None:
        self._stream.write(plain(text) + "\n")
        self._stream.flush()


@contextmanager
def _bars(stream: IO[str]) -> Iterator[Display]:
    from engine.display_bars import Bars

    with Bars(stream) as bars:
        yield bars


def in_words(seconds: float) -> str:
    """`75` as `1 min 15 s`; to the second below ten minutes, to the minute above."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{round(whole / 60)} min"
