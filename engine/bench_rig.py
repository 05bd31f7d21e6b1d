"""What measurements stand on: models that only wait, a story to tell, a clock on models and encoders."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.catalog import Catalog, Limits, ModelSpec, Profile, load_catalog
from engine.device_memory import gpu_memory
from engine.errors import ReelhouseError
from engine.footprint import Shape
from engine.machine import this_machine
from engine.made import Film
from engine.models import Residents, Tell, no_tell
from engine.progress import Event
from engine.types import Character, Item, Role, Scene, Script, Shot, StoryRequest

PROFILE = "bench"
SHORT_SIDE = 240
FPS = 24
POLL_SECONDS = 0.004
LINES = (
    "A small red fox walked slowly along the river in the early morning.",
    "She found an old lantern that was lying under a bent willow tree.",
    "Inside the lantern there was a light that nobody had ever lit.",
    "The fox carried it carefully through the rain to the top of the hill.",
    "From there she saw all the dark houses of the valley below.",
    "That night every window was bright and nobody was afraid any more.",
)


class Told(NamedTuple):
    """`moments`: seconds after the start when each stage told of its last artefact, and `done`."""

    seconds: float
    moments: dict[str, float]
    films: list[Film]


def bench_catalog(
    *,
    load_seconds: float = 0.0,
    artist_seconds: float = 0.0,
    animator_seconds: float = 0.0,
    short_side: int = SHORT_SIDE,
    fps: int = FPS,
) -> Catalog:
    """The shipped catalog and a profile `bench` of models that wait that long at loading and per job."""
    shipped = load_catalog()

    def waits(role: Role, job_seconds: float = 0.0, limits: Limits = Limits()) -> ModelSpec:
        params = {"load_seconds": load_seconds, "job_seconds": job_seconds}
        return ModelSpec(
            id=f"noop-{role}",
            role=role,
            family="noop",
            licence="Apache-2.0",
            commercial=True,
            about="Makes nothing; measures what everything else costs.",
            limits=limits,
            params=params,
        )

    models: dict[Role, ModelSpec] = {
        "narrator": waits("narrator", limits=Limits(languages=("en",), voices=("hum",))),
        "composer": waits("composer"),
        "artist": waits("artist", artist_seconds, Limits(size_step=2)),
        "animator": waits("animator", animator_seconds, Limits(size_step=2)),
    }
    writer = shipped.profile("cpu").models["writer"]  # never opened: the story brings its own script
    named: dict[Role, str] = {role: spec.id for role, spec in models.items()}
    profile = Profile(
        name=PROFILE,
        about="Models that only wait, for measurements.",
        models={"writer": writer, **named},
        short_side=short_side,
        fps=fps,
        vram_gb=0,
    )
    return Catalog(
        profiles={**shipped.profiles, PROFILE: profile},
        models={**shipped.models, **{spec.id: spec for spec in models.values()}},
    )


def bench_request(shots: int, *, seed: int = 0, profile: str = PROFILE) -> StoryRequest:
    """A story of that many spoken shots; another `seed` is another story throughout."""
    lines = [LINES[i % len(LINES)] if i < len(LINES) else f"{LINES[i % len(LINES)][:-1]} again." for i in range(shots)]
    script = Script(
        title="The Lantern",
        logline="A fox brings light to a valley.",
        characters=(Character(name="Fox", role="heroine", description="a small red fox"),),
        scenes=(Scene(description="a river valley with hills", time_of_day="morning", weather="rain"),),
        items=(Item(name="lantern", description="an old brass lantern", significance="it gives light"),),
        shots=tuple(Shot(narration=line, visual=line) for line in lines),
    )
    return StoryRequest(prompt="A fox finds a lantern", script=script, seed=seed, profile=profile)


class Place(NamedTuple):
    """Where measurements work: weights are in `home`, films are made below `root`."""

    home: Path
    root: Path
    cancelled: threading.Event

    def fresh(self, name: str) -> Path:
        """An empty work folder of that name."""
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def tell(
        self,
        requests: Sequence[StoryRequest],
        works: Sequence[Path],
        *,
        catalog: Catalog,
        residents: Residents | None = None,
    ) -> Told:
        """Make these stories and take the time. Raises the first error of any of them."""
        from engine.pipeline import make_stories

        start = time.monotonic()
        moments: dict[str, float] = {}

        def hear(event: Event) -> None:
            if event.kind in ("shot", "done"):
                moments["done" if event.kind == "done" else event.stage] = time.monotonic() - start

        outcomes = make_stories(
            requests,
            works,
            home=self.home,
            catalog=catalog,
            on_event=hear,
            cancelled=[self.cancelled] * len(requests),
            residents=residents,
        )
        seconds = time.monotonic() - start
        films = []
        for outcome in outcomes:
            if isinstance(outcome, ReelhouseError):
                raise outcome
            films.append(outcome)
        return Told(seconds, moments, films)


class Timeline(Residents):
    """Residents that note when a model was at work, beside a watch on this process's children, the encoders."""

    def __init__(self, catalog: Catalog, home: Path) -> None:
        super().__init__(catalog, home, this_machine().vram_gb, gpu=gpu_memory(this_machine()))
        self.worked: list[tuple[str, float, float]] = []
        self._children: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._watch_children, name="bench-watch", daemon=True)

    def open(self, spec: ModelSpec, tell: Tell = no_tell, shape: Shape | None = None) -> Any:
        return _Clocked(super().open(spec, tell, shape), self.worked)

    def busy(self, *methods: str) -> float:
        """Seconds in which at least one of these methods ran; without names: in which any model or encoder did."""
        spans = [(start, end) for name, start, end in self.worked if not methods or name in methods]
        return covered(spans if methods else spans + self._children)

    def children_busy(self) -> float:
        return covered(self._children)

    def __enter__(self) -> Timeline:
        self._watch.start()
        return self

    def close(self) -> None:
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()
        super().close()

    def _watch_children(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(POLL_SECONDS):
            now = time.monotonic()
            if _has_children():
                self._children.append((last, now))
            last = now


class _Clocked:
    """A model whose calls are noted with their beginning and end."""

    def __init__(self, model: Any, worked: list[tuple[str, float, float]]) -> None:
        self._model, self._worked = model, worked

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if not callable(found) or name == "close":
            return found

        def clocked(*args: Any, **kwargs: Any) -> Any:
            start = time.monotonic()
            try:
                return found(*args, **kwargs)
            finally:
                self._worked.append((name, start, time.monotonic()))

        return clocked


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that lie in at least one span."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _has_children() -> bool:
    """Linux lists each thread's children, https://docs.kernel.org/filesystems/proc.html."""
    for thread in Path("/proc/self/task").iterdir():
        try:
            if (thread / "children").read_bytes():
                return True
        except FileNotFoundError:
            continue  # the thread has ended meanwhile
    return False
