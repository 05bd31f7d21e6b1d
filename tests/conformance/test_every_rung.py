"""Every toy of a diffusion family makes what was asked for on every rung of the out-of-memory ladder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from engine.artifacts import Store
from engine.catalog import load_catalog
from engine.formats import load_format
from engine.ladder import CLIP_RUNGS, STILL_RUNGS, Ladder, Rung, Shape
from engine.machine import Machine
from engine.made import Still, Timing
from engine.media import probe
from engine.models import Residents
from engine.progress import Control, Event
from engine.stages.clips import animate_clips
from engine.stages.plan import make_plan
from engine.stages.stills import paint_stills
from engine.types import Scene, Script, Shot, StoryRequest
from tests.toy_weights import shared_home

FMT = load_format("cinematic_story")
SCRIPT = Script(
    title="The lamp",
    scenes=(Scene(description="a river at night"),),
    shots=(Shot(narration="It saw a lamp.", visual="a lamp by the river", camera="push_in"),),
)
FRAMES = 9


class Forced(Ladder):
    """Begins at that rung, whatever was asked for."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def first(self, rungs: Sequence[Rung], model: str, shape: Shape) -> int:
        return self._number


class Bench:
    """Open toys, and for each of them the files that were made on each rung."""

    def __init__(self, models: Residents, folder: Path) -> None:
        self.models, self.folder = models, folder
        self.request, self.plan = make_plan(
            StoryRequest(prompt="A lamp", profile="tiny", script=SCRIPT, seed=3),
            load_catalog(),
            Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0),
        )
        self.events: list[Event] = []
        self._number = 0

    def _room(self) -> dict:
        self._number += 1
        self.events.clear()
        return {"store": Store(self.folder / f"{self._number}"), "control": Control(self.events.append)}

    def paint(self, name: str, rung: int) -> Still:
        (still,) = paint_stills(
            self.request,
            self.plan,
            SCRIPT,
            FMT,
            artist=self.models.handle(name),
            ladder=Forced(rung),
            **self._room(),
        )
        return still

    def animate(self, name: str, rung: int) -> Path:
        picture = self.folder / "still.png"
        size = self.plan.width, self.plan.height
        ramp = Image.linear_gradient("L").resize(size)
        Image.merge("RGB", (ramp, ramp.rotate(180), ramp)).save(picture)
        timing = Timing(start=0, lead=0, speech=0.5, tail=0, frames=FRAMES)
        (clip,) = animate_clips(
            self.request,
            self.plan,
            SCRIPT,
            FMT,
            (Still(image=picture),),
            (timing,),
            animator=self.models.handle(name),
            fallback=self.models.handle("camera"),
            ladder=Forced(rung),
            **self._room(),
        )
        return clip.video

    def said(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = shared_home(tmp_path_factory, "toy-sdxl", "toy-wan", "toy-wan-a14b", "toy-ltx")
    with Residents(load_catalog(), home, vram_gb=0) as models:
        yield Bench(models, tmp_path_factory.mktemp("rungs"))


def toys(role: str) -> list[str]:
    return [spec.id for spec in load_catalog().models.values() if spec.role == role and spec.is_toy]


@pytest.mark.parametrize("name", toys("artist"))
def test_an_artist_paints_a_picture_of_the_films_size_on_every_rung(bench: Bench, name: str) -> None:
    painted = {}
    for number, rung in enumerate(STILL_RUNGS):
        with Image.open(bench.paint(name, number).image) as picture:
            assert picture.size == (bench.plan.width, bench.plan.height), rung.name
            painted[rung.name] = picture.tobytes()
        assert bool(bench.said("warning")) == rung.degraded, rung.name
    assert painted["as asked"] == painted["offload"], "where weights lie changes no pixel"
    assert painted["as asked"] != painted["half size"]


@pytest.mark.parametrize("name", toys("animator"))
def test_an_animator_makes_exactly_the_shots_frames_on_every_rung(bench: Bench, name: str) -> None:
    made = {}
    for number, rung in enumerate(CLIP_RUNGS):
        video = bench.animate(name, number)
        facts = probe(video)
        size = bench.plan.width, bench.plan.height
        assert (facts.width, facts.height, facts.frames, facts.fps) == (*size, FRAMES, bench.plan.fps), rung.name
        warnings = bench.said("warning")
        assert len(warnings) == rung.degraded, rung.name
        assert all(("camera moves" if rung.camera else rung.name) in warning for warning in warnings)
        made[rung.name] = video.read_bytes()
    assert made["as asked"] == made["offload"], "where weights lie changes no pixel"
    assert len({made[name] for name in ("as asked", "fewer frames", "half size", "camera move")}) == 4
