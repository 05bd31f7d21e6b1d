"""The generation child: makes waves of stories, and keeps its models open from one wave to the next.

A process of its own, so that it can be killed: a hung native call, a lost GPU, an out-of-memory kill cost a child, not
the worker. The only importer of engine.pipeline. Knows no table: it is told what to make and tells what is made.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import msgspec

from engine.artifacts import Store, disk_errors
from engine.catalog import Catalog, load_catalog
from engine.device_memory import gpu_memory
from engine.display import StageProgress
from engine.errors import DeviceLost, ReelhouseError, StorageUnwritable
from engine.machine import this_machine
from engine.made import Film, Segment, Still, Told
from engine.models import Residents
from engine.pace import remember_pace
from engine.pipeline import make_stories
from engine.progress import Event
from engine.speaking.lexicon import join_lexicons
from engine.types import StoryRequest
from engine.workplace import locked
from server.fault import arm, fault
from server.parents import die_with_parent
from server.wire import (
    LOST_DEVICE,
    Artefact,
    Assignment,
    Beat,
    Failed,
    Filmed,
    Line,
    Make,
    News,
    Order,
    Step,
    Stop,
    Warned,
    WaveEnded,
    Written,
)

STEP_SECONDS = 0.25
"""A diffusion model makes many steps a second; a client needs to hear of a few."""

PATIENCE_SECONDS = 10.0
"""How long a story waits for the child of another worker to leave its work folder. Whoever stays longer has no claim on
it any more: it hangs, or is suspended."""

LOST_PARENT = 70
"""Exit code of a child that ended itself because it heard no more of its worker."""


def main(catalog: Catalog | None = None) -> None:
    """`python -m server.generation FD PARENT HOME`: the socket to the worker, its process, and where models are.

    `catalog` None: the shipped one.
    """
    descriptor, parent, home = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    die_with_parent(parent)
    end = socket.socket(fileno=descriptor)
    arm(os.environ.get("REELHOUSE_FAULT"))
    Studio(Line(end, Order), home, catalog or load_catalog()).work()


class Studio:
    """One child: its line to the worker, its open models, the wave in the making."""

    def __init__(self, line: Line, home: Path, catalog: Catalog) -> None:
        self._line, self._home, self._catalog = line, home, catalog
        self._waves: SimpleQueue[tuple[Assignment, ...] | None] = SimpleQueue()
        self._stops: dict[str, threading.Event] = {}
        self._alive_until = time.monotonic() + 3600.0

    def work(self) -> None:
        """Make wave after wave until the worker has gone."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        machine = this_machine()
        with Residents(self._catalog, self._home, machine.vram_gb, gpu=gpu_memory(machine)) as residents:
            while (wave := self._waves.get()) is not None:
                self._make(wave, residents)
                self._line.say(WaveEnded(loads=dict(residents.loads)))

    def _listen(self) -> None:
        for order in self._line.hear():
            if isinstance(order, Make):
                self._stops.update({one.job_id: threading.Event() for one in order.wave})
                self._waves.put(order.wave)
            elif isinstance(order, Stop):
                self._stops.get(order.job_id, threading.Event()).set()
            elif isinstance(order, Beat):
                self._alive_until = time.monotonic() + order.within
        self._waves.put(None)
        for stop in list(self._stops.values()):
            stop.set()

    def _watch(self) -> None:
        """A worker that was suspended loses its leases: whoever has them now must not find this child at work."""
        while time.monotonic() < self._alive_until:
            time.sleep(0.2)
        os._exit(LOST_PARENT)

    def _make(self, wave: tuple[Assignment, ...], residents: Residents) -> None:
        reporters = [reporter for one in wave if (reporter := _Reporter(one, self._line)).begin()]
        wave = tuple(reporter.assignment for reporter in reporters)
        try:
            outcomes = make_stories(
                [_with_series(one) for one in wave],
                [reporter.work for reporter in reporters],
                home=self._home,
                catalog=self._catalog,
                on_event=lambda event: reporters[event.story].hear(event),
                cancelled=[self._stops[one.job_id] for one in wave],
                residents=residents,
            )
        except Exception as error:  # noqa: BLE001 - a fault of the program ends the wave, not the child's line
            traceback.print_exc()
            told = f"{type(error).__name__}: {error}"[:300]
            for one in wave:
                self._line.say(Failed(one.job_id, "internal_error", f"a fault in reelhouse ({told})", fault=True))
            return
        finally:
            for reporter in reporters:
                self._stops.pop(reporter.assignment.job_id, None)
                reporter.leave()
        if len(wave) == 1 and isinstance(outcomes[0], Film):
            # In a wave of several, stages take turns, and a story's clock counts the others' work too.
            given = {"script"} if wave[0].request.script else set()
            remember_pace(self._home, outcomes[0], reporters[0].reused | given)


class _Reporter:
    """Tells the worker of one story, in its words. Events come from two lanes, so from two threads."""

    def __init__(self, assignment: Assignment, line: Line) -> None:
        self.assignment, self.work = assignment, Path(assignment.work)
        self._job_id, self._line = assignment.job_id, line
        self._held = ExitStack()
        self._stages: dict[str, StageProgress] = {}
        self._told_at = 0.0
        self._lock = threading.Lock()
        self.reused: set[str] = set()

    def begin(self) -> bool:
        """Have the story's work folder to itself; False, and the worker knows why, if there can be none."""
        end = time.monotonic() + PATIENCE_SECONDS
        try:
            with disk_errors(self.work):
                self.work.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    self._held.enter_context(locked(self.work))
                    break
                except StorageUnwritable:
                    if time.monotonic() > end:
                        break
                    time.sleep(0.1)
            Store(self.work).sweep()
        except ReelhouseError as error:
            self._line.say(Failed(self._job_id, error.code, error.message))
            return False
        return True

    def leave(self) -> None:
        """The story is over: its folder is whoever's comes next."""
        self._held.close()

    def hear(self, event: Event) -> None:
        with self._lock:
            for news in (*self._made(event), *self._progress(event)):
                self._line.say(news)
        if event.kind in ("done", "failed"):
            self.leave()
            self._line.say(self._end(event))
        if event.code == DeviceLost.code:
            # After a fault every call of this process on the GPU fails, so no other story is begun here; a fresh
            # process has a fresh context.
            os._exit(LOST_DEVICE)
        if event.kind == "shot":
            fault(f"shot-{event.stage}")

    def _made(self, event: Event) -> Iterator[News]:
        made, shot = event.made, event.shot
        if event.reused:
            self.reused.add(event.stage)
        if event.kind == "warning":
            yield Warned(self._job_id, event.message)
        elif isinstance(made, Told):
            seconds = tuple(timing.frames / made.plan.fps for timing in made.timings)
            spoken = zip(made.script.shots, made.voices, strict=True)
            voices = {shot.speaker: voice.voice for shot, voice in spoken if shot.speaker and voice.voice}
            yield Written(self._job_id, made.script, seconds, voices)
            for number, voice in enumerate(made.voices):
                if voice.audio is not None:
                    yield self._artefact(number, "audio", voice.audio)
        elif shot is not None and isinstance(made, Still):
            yield self._artefact(shot, "still", made.image)
        elif shot is not None and isinstance(made, Segment) and made.shot is not None:
            yield self._artefact(shot, "video", made.shot)

    def _progress(self, event: Event) -> Iterator[News]:
        if event.kind not in ("stage", "shot", "step"):
            return
        moment = time.monotonic()
        stage = self._stages.setdefault(event.stage, StageProgress(moment))
        stage.hear(event)
        if event.kind != "step" or moment - self._told_at >= STEP_SECONDS:
            self._told_at = moment
            yield Step(self._job_id, event.stage, stage.share)

    def _artefact(self, shot: int, kind: str, path: Path) -> Artefact:
        return Artefact(self._job_id, shot, kind, str(path))

    def _end(self, event: Event) -> News:
        film = event.made
        if not isinstance(film, Film):
            return Failed(self._job_id, event.code, event.message)
        return Filmed(
            job_id=self._job_id,
            title=film.title,
            film=str(film.video),
            seconds=film.seconds,
            srt=_text(film.srt),
            vtt=_text(film.vtt),
            stills=tuple(str(still.image) for still in film.stills),
            videos=tuple(map(str, film.shots)),
            audio=tuple(_text(voice.audio) for voice in film.voices),
            warnings=film.warnings,
            models={str(role): model for role, model in film.plan.models.items()},
            review=film.review,
            transcript=_text(film.transcript),
        )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _with_series(one: Assignment) -> StoryRequest:
    """The request with its series' faces, voices and lexicon; the story's own lexicon wins."""
    return msgspec.structs.replace(
        one.request,
        references={name: Path(path) for name, path in one.references.items()} or one.request.references,
        cast=one.cast or one.request.cast,
        lexicon=join_lexicons([one.lexicon, one.request.lexicon]),
    )


if __name__ == "__main__":
    main()
