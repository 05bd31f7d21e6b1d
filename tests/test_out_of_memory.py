"""Memory that runs out at any stage and any step ends in a film that says what it lacks, or in a named error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.backends.idle import Idle
from engine.backends.image.noop import Quilter
from engine.backends.music import noop as music
from engine.backends.video import camera, noop
from engine.backends.voice import noop as voice
from engine.bench_rig import PROFILE
from engine.catalog import Catalog
from engine.errors import OutOfMemory, ReelhouseError
from engine.made import Film
from engine.models import Residents
from engine.pipeline import make_stories
from engine.progress import Event
from engine.stages import film, segments
from engine.types import StoryRequest
from tests.conftest import ROOT
from tests.small_stories import small_catalog, small_request
from tests.toy_weights import shared_home

STEPS = 3


def tell(
    folder: Path, *requests: StoryRequest, catalog: Catalog | None = None, home: Path | None = None
) -> tuple[list, list[Event]]:
    events: list[Event] = []
    catalog = catalog or small_catalog(artist_seconds=0.06, animator_seconds=0.06)
    outcomes = make_stories(
        requests,
        [folder / f"work-{number}" for number in range(len(requests))],
        home=home or folder / "home",
        catalog=catalog,
        on_event=events.append,
    )
    return outcomes, events


def starve(monkeypatch: pytest.MonkeyPatch, kind: type[Idle], step: int, memory: Callable[[], Exception]) -> None:
    """From now on that model runs out of memory at `step` of each of its jobs."""
    usual = kind.pass_time

    def pass_time(self: Idle, tick) -> None:
        def counting(done: int, total: int) -> None:
            tick(done, total)
            if done >= min(step, total):
                raise memory()

        usual(self, counting)

    monkeypatch.setattr(kind, "pass_time", pass_time)


def no_memory() -> OutOfMemory:
    return OutOfMemory("The model ran out of memory: choose a smaller profile.")


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize(
    ("kind", "stage", "instead"),
    [
        (voice.Hummer, "voices", "hibari is the narrator instead"),
        (music.Rest, "music", "bed is the composer instead"),
        (Quilter, "stills", "sketch is the artist instead"),
        (noop.StandingPicture, "clips", "a camera moves over the still instead"),
    ],
    ids=["voices", "music", "stills", "clips"],
)
def test_memory_that_runs_out_at_any_step_of_any_model_still_gives_a_film_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Idle], stage: str, instead: str, step: int
) -> None:
    starve(monkeypatch, kind, step, no_memory)
    lines = ("A fox ran.", "It saw a lamp.")[: 2 if step == 0 else 1]
    (made,), events = tell(tmp_path, small_request(*lines))
    assert isinstance(made, Film), made
    assert any(instead in warning for warning in made.warnings), made.warnings
    assert {event.stage for event in events if event.kind == "warning" and instead in event.message} == {stage}


def test_whoever_took_over_is_named_in_the_record_and_in_the_credits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starve(monkeypatch, Quilter, 0, no_memory)
    (made,), _ = tell(tmp_path, small_request("A fox ran."))
    assert made.plan.models["artist"] == "sketch"
    assert json.loads(made.record.read_bytes())["models"]["artist"]["family"] == "sketch"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on the artist runs out of memory; the prompts that it was given."""
    asked: list[str] = []
    starve(monkeypatch, Quilter, 0, no_memory)
    paint = Quilter.paint

    def counting(self: Quilter, job, folder: Path, **more):
        asked.append(job.prompt)
        return paint(self, job, folder, **more)

    monkeypatch.setattr(Quilter, "paint", counting)
    return asked


def test_the_next_story_gives_the_part_to_the_understudy_at_once_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Residents, "ram_free_gb", lambda self: 8.0)
    asked = counted(monkeypatch)
    (first,), _ = tell(tmp_path, small_request("A fox ran."))
    tried = len(asked)
    assert tried > 0
    (again,), events = tell(tmp_path / "again", small_request("A cat ran."), home=tmp_path / "home")
    assert len(asked) == tried
    assert isinstance(again, Film)
    assert again.plan.models["artist"] == first.plan.models["artist"] == "sketch"
    (warning,) = again.warnings
    assert "here before, with" in warning
    assert "sketch is the artist instead" in warning
    assert [(one.stage, one.message) for one in events if one.kind == "warning"] == [("stills", warning)]


def test_of_a_wave_only_the_first_story_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Residents, "ram_free_gb", lambda self: 8.0)
    asked = counted(monkeypatch)
    made, _ = tell(tmp_path, small_request("A fox ran."), small_request("A cat ran."))
    assert ["here before" in film.warnings[0] for film in made] == [False, True]
    assert all("fox" in prompt for prompt in asked)


def test_what_the_large_model_has_made_is_used_though_it_fits_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Residents, "ram_free_gb", lambda self: 8.0)
    (before,), _ = tell(tmp_path, small_request("A fox ran."))
    counted(monkeypatch)
    tell(tmp_path / "other", small_request("A cat ran."), home=tmp_path / "home")
    (after,), _ = tell(tmp_path, small_request("A fox ran."))
    assert (after.warnings, after.plan.models["artist"]) == ((), before.plan.models["artist"])


@pytest.mark.parametrize("change", ["another model", "more memory", "less memory"])
def test_the_large_one_is_tried_again_when_it_is_another_or_more_memory_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    free = [8.0]
    monkeypatch.setattr(Residents, "ram_free_gb", lambda self: free[0])
    asked = counted(monkeypatch)
    tell(tmp_path, small_request("A fox ran."))
    tried = len(asked)
    free[0] = {"another model": 8.0, "more memory": 16.0, "less memory": 4.0}[change]
    seconds = 0.03 if change == "another model" else 0.06
    catalog = small_catalog(artist_seconds=seconds, animator_seconds=0.06)
    tell(tmp_path / "again", small_request("A cat ran."), home=tmp_path / "home", catalog=catalog)
    assert (len(asked) > tried) == (change != "less memory")


IN_A_PROCESS = """
import sys
from pathlib import Path
import pytest
from tests import test_out_of_memory as here
from tests.kept_fonts import keep_fonts
keep_fonts()
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(here.Residents, "ram_free_gb", lambda self: 8.0)
    asked = here.counted(patch)
    (film,), _ = here.tell(Path(sys.argv[2]), here.small_request("A fox ran."), home=Path(sys.argv[1]))
    print(len(asked), film.plan.models["artist"])
"""


def test_what_one_process_found_not_to_fit_the_next_one_does_not_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Residents, "ram_free_gb", lambda self: 8.0)
    asked = counted(monkeypatch)
    tell(tmp_path / "first", small_request("A fox ran."), home=tmp_path / "home")
    assert asked
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS, tmp_path / "home", tmp_path / "second"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["0", "sketch"]


def test_a_writer_that_does_not_fit_hands_its_pen_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.backends.text.llama import LlamaText

    opened: list[str] = []
    complete = LlamaText.complete

    def starved(self: LlamaText, job, **more):
        opened.append(self.spec.id)
        if self.spec.id == "large":
            raise no_memory()
        return complete(self, job, **more)

    monkeypatch.setattr(LlamaText, "complete", starved)
    catalog = small_catalog()
    large = msgspec.structs.replace(catalog.model("smollm2-135m"), id="large")
    profile = catalog.profiles[PROFILE]
    profile = msgspec.structs.replace(profile, models={**profile.models, "writer": "large"})
    catalog = msgspec.structs.replace(
        catalog, models={**catalog.models, "large": large}, profiles={**catalog.profiles, PROFILE: profile}
    )
    asked = StoryRequest(prompt="A fox finds a lamp", profile=PROFILE, target_seconds=5, shots=1)
    (made,), _ = tell(tmp_path, asked, catalog=catalog)
    assert isinstance(made, Film), made
    assert set(opened) == {"large", "smollm2-135m"}
    assert any("smollm2-135m is the writer instead" in warning for warning in made.warnings)


def test_a_narrator_without_an_understudy_for_the_language_fails_its_own_story_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starve(monkeypatch, voice.Hummer, 0, no_memory)
    catalog = small_catalog()
    name = catalog.profiles[PROFILE].models["narrator"]
    spec = catalog.model(name)
    limits = msgspec.structs.replace(spec.limits, languages=("en", "de"))
    models = {**catalog.models, name: msgspec.structs.replace(spec, limits=limits)}
    catalog = msgspec.structs.replace(catalog, models=models)
    asked = small_request("Ein Fuchs lief."), small_request("A fox ran.")
    german = msgspec.structs.replace(asked[0], locale="de")
    (failed, made), _ = tell(tmp_path, german, asked[1], catalog=catalog)
    assert isinstance(failed, OutOfMemory)
    assert isinstance(made, Film)


@pytest.mark.parametrize(
    ("module", "name"), [(segments, "run_ffmpeg"), (film, "Reel"), (camera.Camera, "animate")], ids=str
)
def test_main_memory_that_runs_out_where_no_model_is_fails_the_story_by_name_and_not_the_wave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module, name: str
) -> None:
    usual, struck = getattr(module, name), []
    if module is camera.Camera:
        starve(monkeypatch, noop.StandingPicture, 0, no_memory)

    def short(*given, **more):
        if not struck:
            struck.append(True)
            raise MemoryError
        return usual(*given, **more)

    monkeypatch.setattr(module, name, short)
    outcomes, _ = tell(tmp_path, small_request("A fox ran."), small_request("A cat ran."))
    failed = [one for one in outcomes if isinstance(one, ReelhouseError)]
    assert [type(one) for one in failed] == [OutOfMemory]
    assert "memory" in failed[0].message
    assert sum(isinstance(one, Film) for one in outcomes) == 1


def test_a_model_that_does_not_fit_beside_the_others_gets_the_gpu_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are small enough by what their entries say; what they say is too little."""
    from engine.catalog import Limits, ModelSpec

    specs = {
        name: ModelSpec(
            id=name, role="artist", family="noop", licence="MIT", commercial=True, vram_gb=1, memory="estimated",
            limits=Limits(),
        )
        for name in ("first", "second")
    }  # fmt: skip
    with Residents(Catalog(profiles={}, models=specs), tmp_path, vram_gb=24) as models:
        models.handle("first").open()
        assert not models.handle("first").alone()
        models.handle("second").open()
        assert models.handle("second").alone()
        models.handle("first").open()
        assert models.loads == {"first": 2, "second": 1}


REAL = """
import resource, sys
from pathlib import Path
from engine.backends.protocols import StillJob
from engine.catalog import load_catalog
from engine.errors import OutOfMemory
from engine.models import load_model
model = load_model(load_catalog().model("toy-sdxl"), Path(sys.argv[1]))
folder = Path(sys.argv[2])
job = StillJob(prompt="a fox", width=64, height=64, seed=1)
model.paint(job, folder)
usual = (folder / "still.png").read_bytes()
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 64 * 2**20, resource.RLIM_INFINITY))
try:
    model.paint(StillJob(prompt="a fox", width=4096, height=4096, seed=1), folder)
except OutOfMemory as error:
    print("told:", error.message)
model.paint(job, folder)
print("alive", (folder / "still.png").read_bytes() == usual)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the limit is set from what /proc says")
def test_a_real_limit_of_the_process_is_told_as_such_and_the_model_works_on(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = shared_home(tmp_path_factory, "toy-sdxl")
    done = subprocess.run(
        [sys.executable, "-c", REAL, home, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "told: Model toy-sdxl ran out of memory" in done.stdout
    assert "alive True" in done.stdout
