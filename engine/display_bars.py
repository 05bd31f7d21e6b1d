"""The terminal's bars, drawn by rich: one per stage, below them the time left for the film. Imported only there."""

from __future__ import annotations

from types import TracebackType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from engine.display import StageProgress, in_words
from engine.progress import Event
from engine.terminal import plain


class Bars:
    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}", style="bold"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}", style="dim"),
            console=self._console,
            refresh_per_second=8,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._progress.stop()

    def show(self, event: Event, progress: StageProgress, left: float, all_left: float) -> None:
        if event.stage not in self._tasks:
            label = event.stage.ljust(9)
            self._tasks[event.stage] = self._progress.add_task(label, total=1.0, count="", left="")
        finished = progress.total > 0 and progress.done >= progress.total
        kept = f", {progress.reused} kept" if progress.reused else ""
        self._progress.update(
            self._tasks[event.stage],
            completed=progress.share,
            count=f"{progress.done}/{progress.total}{kept}",
            left="" if finished else f"{in_words(left)} left · film in {in_words(all_left)}",
        )

    def note(self, text: str) -> None:
        self._console.print(Text(plain(text), style="dim"))
