"""Two experts that do not lie on the device together are swapped twice for a wave, not twice for a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from engine.artifacts import Store
from engine.backends.protocols import ClipJob, TwoPartModel
from engine.backends.video import wan
from engine.catalog import Catalog, ModelSpec, load_catalog
from engine.errors import Cancelled, OutOfMemory
from engine.formats import load_format
from engine.ladder import Ladder
from engine.machine import Machine
from engine.made import Still, Timing
from engine.models import Residents, load_model
from engine.progress import Control, Event
from engine.stages.clips import animate_clips
from engine.stages.plan import make_plan
from engine.types import Scene, Script, Shot, StoryRequest
from tests.toy_weights import shared_home

FMT = load_format("cinematic_story")
SCRIPT = Script(
    title="Lamps",
    scenes=(Scene(description="a river at night"),),
    shots=tuple(Shot(narration="It saw a lamp.", visual=f"lamp number {n}", camera="push_in") for n in range(3)),
)
STEPS = 4


def toy(offload: str, **params) -> ModelSpec:
    """The toy of two experts, of whose four steps both have some."""
    spec = load_catalog().model("toy-wan-a14b")
    return msgspec.structs.replace(
        spec, params={**spec.params, "steps": STEPS, "flow_shift": 5, "offload": offload, **params}
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_home(tmp_path_factory, "toy-wan-a14b")


@pytest.fixture
def animator(home: Path) -> Iterator[wan.Animator]:
    model = load_model(toy("model"), home)
    assert isinstance(model, wan.Animator)
    yield model
    model.close()


def a_job(folder: Path, number: int = 0) -> ClipJob:
    still = folder / f"still-{number}.png"
    ramp = Image.linear_gradient("L").resize((96, 64))
    Image.merge("RGB", (ramp, ramp.rotate(180), ramp)).save(still)
    return ClipJob(
        still=Still(image=still), prompt=f"lamp {number}", width=96, height=64, frames=9, fps=8, seed=number + 5
    )


@pytest.mark.parametrize("scheduler", ["own", "euler"])
@pytest.mark.parametrize("guidance", [1, 3], ids=["unguided", "guided"])
def test_a_clip_in_two_halves_is_the_very_clip_in_one_go(
    home: Path, tmp_path: Path, scheduler: str, guidance: float
) -> None:
    """Also with the scheduler that remembers its last steps, and from a file, as after a crash."""
    job = a_job(tmp_path)
    whole = load_model(toy("none", scheduler=scheduler, guidance=guidance), home)
    assert isinstance(whole, wan.Animator) and not whole.in_turns
    whole.animate(job, tmp_path / "whole.mp4")
    whole.close()
    first = load_model(toy("model", scheduler=scheduler, guidance=guidance), home)
    assert isinstance(first, TwoPartModel) and first.in_turns
    told: list[tuple[int, int]] = []
    first.begin(job, tmp_path / "begun", tick=lambda done, total: told.append((done, total)))
    first.close()
    second = load_model(toy("model", scheduler=scheduler, guidance=guidance), home)
    assert isinstance(second, TwoPartModel)
    second.finish(job, tmp_path / "begun", tick=lambda done, total: told.append((done, total))).write(
        tmp_path / "halves.mp4"
    )
    assert (tmp_path / "halves.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert [done for done, _ in told] == [*range(STEPS + 1)]
    second.animate(job, tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    second.close()


def test_all_first_halves_come_before_any_second_one(animator: wan.Animator, tmp_path: Path) -> None:
    jobs = [a_job(tmp_path, number) for number in range(3)]
    animator.prepare(jobs)
    assert animator._experts is not None
    for number, job in enumerate(jobs):
        animator.begin(job, tmp_path / f"{number}")
    for number, job in enumerate(jobs):
        animator.finish(job, tmp_path / f"{number}").write(tmp_path / f"{number}.mp4")
    assert animator._experts.swaps == 2


class Room:
    """Stories of three shots with an animator that is swapped, each in a work folder of its own."""

    def __init__(self, home: Path, folder: Path) -> None:
        catalog = load_catalog()
        spec = toy("model")
        self.models = Residents(
            Catalog(profiles=catalog.profiles, models={**catalog.models, spec.id: spec}), home, vram_gb=0
        )
        self.folder, self.events = folder, list[Event]()
        self.handle = self.models.handle(spec.id)
        self.control = Control(self.events.append)
        self.request, self.plan = make_plan(
            StoryRequest(prompt="Lamps", profile="tiny", script=SCRIPT, seed=3),
            catalog,
            Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0),
        )
        self.plan = msgspec.structs.replace(self.plan, width=96, height=64, fps=8)

    def animate(self, work: str = "work", ladder: Ladder | None = None):
        stills = tuple(a_job(self.folder, number).still for number in range(3))
        timings = tuple(Timing(start=0, lead=0, speech=1, tail=0, frames=frames) for frames in (9, 8, 5))
        return animate_clips(
            self.request,
            self.plan,
            SCRIPT,
            FMT,
            stills,
            timings,
            animator=self.handle,
            fallback=self.models.handle("camera"),
            store=Store(self.folder / work),
            control=self.control,
            ladder=ladder,
        )

    @property
    def swaps(self) -> int:
        model: wan.Animator = self.handle.open()
        assert model._experts is not None
        return model._experts.swaps

    def files(self, work: str = "work") -> list[str]:
        return sorted(path.name for path in (self.folder / work).rglob("*.safetensors"))


@pytest.fixture
def room(home: Path, tmp_path: Path) -> Iterator[Room]:
    made = Room(home, tmp_path)
    yield made
    made.models.close()


def test_a_wave_of_two_stories_swaps_twice_gives_clips_one_by_one_and_leaves_no_halves(room: Room) -> None:
    one, other = room.animate("one"), room.animate("other")
    assert len(room.files("one")) == len(room.files("other")) == 3
    next(one)
    assert len(room.files("one")) < 3, "a clip that is there needs its half no more"
    assert len([*one, *other]) == 5
    assert room.swaps == 2
    assert room.files("one") == room.files("other") == []
    assert room.models.loads == {"toy-wan-a14b": 1}


def test_what_was_begun_before_a_crash_is_gone_on_with(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin = wan.Animator.begin

    def counting(self: wan.Animator, job: ClipJob, out: Path, **more) -> None:
        begun.append(job.seed)
        if len(begun) == 3:
            raise KeyboardInterrupt
        begin(self, job, out, **more)

    monkeypatch.setattr(wan.Animator, "begin", counting)
    with pytest.raises(KeyboardInterrupt):
        room.animate()
    assert len(list(room.animate())) == 3
    assert len(begun) == 4, "two halves were there, and the third alone is made again"
    begun.clear()
    assert len(list(room.animate())) == 3
    assert begun == []


def test_a_cancel_stops_between_two_steps_of_a_first_half(room: Room) -> None:
    def listen(event: Event) -> None:
        if event.kind == "step":
            room.control.cancel()

    room.control = Control(listen)
    with pytest.raises(Cancelled):
        room.animate()


def test_a_first_half_that_does_not_fit_leaves_its_shot_to_the_ladder(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = wan.Animator.begin

    def starved(self: wan.Animator, job: ClipJob, out: Path, **more) -> None:
        if job.memory < 2:
            raise OutOfMemory("Model toy-wan-a14b ran out of memory: choose a smaller profile.")
        begin(self, job, out, **more)

    monkeypatch.setattr(wan.Animator, "begin", starved)
    assert len(list(room.animate(ladder=Ladder()))) == 3
    assert any("runs with tile" in event.message for event in room.events if event.kind == "decision")
