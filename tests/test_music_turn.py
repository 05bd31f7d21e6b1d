"""A composer on the GPU has its turn between voices and pictures, for a whole wave; one on the CPU has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest

from engine.backends import torch_env
from engine.backends.music.ace_step import AceStep
from engine.backends.music.bed import Bed
from engine.backends.protocols import MusicJob
from engine.bench_rig import PROFILE
from engine.catalog import Catalog, Limits, ModelSpec, Weights, load_catalog
from engine.errors import OutOfMemory, ReelhouseError
from engine.made import Film, Music
from engine.models import Residents
from engine.pipeline import make_stories
from engine.progress import Event
from engine.types import StoryRequest
from tests.small_stories import small_catalog, small_request
from tests.toy_weights import shared_home

WAVE = [small_request(f"The {word} fox ran.") for word in ("first", "second", "third")]


def orchestra(catalog: Catalog) -> ModelSpec:
    """A composer that is said to need the GPU, and plays on this machine."""
    return msgspec.structs.replace(catalog.model("bed"), id="orchestra", vram_gb=6, limits=Limits())


class Room:
    """A home whose composer is `spec`, and an ear."""

    def __init__(self, folder: Path, spec: ModelSpec) -> None:
        catalog = small_catalog()
        profile = catalog.profiles[PROFILE]
        profile = msgspec.structs.replace(profile, models={**profile.models, "composer": spec.id})
        models = {**catalog.models, spec.id: spec}
        self.catalog = msgspec.structs.replace(catalog, models=models, profiles={**catalog.profiles, PROFILE: profile})
        self.folder, self.events = folder, list[Event]()
        self.residents = Residents(self.catalog, folder / "home", vram_gb=24)

    def tell(self, requests: Sequence[StoryRequest], work: str = "work") -> list[Film]:
        self.events.clear()
        outcomes: list[Film | ReelhouseError] = make_stories(
            requests,
            [self.folder / f"{work}-{number}" for number in range(len(requests))],
            home=self.folder / "home",
            catalog=self.catalog,
            on_event=self.events.append,
            residents=self.residents,
        )
        films = [outcome for outcome in outcomes if isinstance(outcome, Film)]
        assert len(films) == len(outcomes), outcomes
        return films

    def when(self, stage: str) -> list[int]:
        """At which events that stage had something ready."""
        return [n for n, event in enumerate(self.events) if event.kind == "shot" and event.stage == stage]

    def said(self, kind: str) -> list[tuple[int, str]]:
        return [(event.story, event.message) for event in self.events if event.kind == kind and event.stage == "music"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path, orchestra(small_catalog()))


def between_words(film: Film) -> float:
    """The loudest of the film's own sound while nobody speaks: on its last card, where only music plays."""
    with av.open(str(film.video)) as file:
        sound = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])
    return float(np.abs(sound[-len(sound) // 8 :]).max())


def test_all_music_of_a_wave_is_composed_in_one_turn_before_any_picture(room: Room) -> None:
    films = room.tell(WAVE)
    assert len(room.when("music")) == 3
    assert max(room.when("voices")) < min(room.when("music"))
    assert max(room.when("music")) < min(room.when("stills"))
    assert room.residents.loads["orchestra"] == 1
    assert all(film.plan.models["composer"] == "orchestra" for film in films)
    assert all(between_words(film) > 0.01 for film in films)


def test_the_same_story_on_the_cpu_has_the_same_music_and_waits_for_no_turn(tmp_path: Path, room: Room) -> None:
    (film,) = room.tell(WAVE[:1])
    beside = Room(tmp_path / "beside", msgspec.structs.replace(orchestra(small_catalog()), vram_gb=0))
    (other,) = beside.tell(WAVE[:1])
    assert film.video.read_bytes() == other.video.read_bytes()


def test_what_was_composed_before_opens_no_composer(room: Room) -> None:
    room.tell(WAVE[:2])
    room.residents.close()
    room.residents.loads.clear()
    room.tell(WAVE[:2])
    assert room.residents.loads["orchestra"] == 0


def test_music_that_a_film_is_cut_to_has_its_turn_before_the_voices(room: Room) -> None:
    videos = [
        small_request(f"The {word} fox ran.", content_type="music_video", captions="none")
        for word in ("first", "second")
    ]
    films = room.tell(videos)
    steps = [n for n, event in enumerate(room.events) if event.kind == "step" and event.stage == "music"]
    assert max(steps) < min(room.when("stills"))
    assert room.residents.loads["orchestra"] == 1
    assert all(between_words(film) > 0.01 for film in films)


def test_a_story_without_music_takes_no_turn(room: Room) -> None:
    room.tell([small_request("A fox ran.", music=False)])
    assert room.residents.loads["orchestra"] == 0
    assert room.when("music") == []


# ---- memory runs out ------------------------------------------------------------------------------------------------


def starve(monkeypatch: pytest.MonkeyPatch, fits: Callable[[MusicJob], bool]) -> list[int]:
    """From now on the orchestra plays only what `fits`; how it was asked, one after the other."""
    usual, asked = Bed.compose, list[int]()

    def compose(self: Bed, job: MusicJob, out: Path, **more: Any) -> None:
        if self.spec.id == "orchestra":
            asked.append(job.memory)
            if not fits(job):
                raise OutOfMemory("Model orchestra ran out of memory: choose a smaller profile.")
        usual(self, job, out, **more)

    monkeypatch.setattr(Bed, "compose", compose)
    return asked


def test_a_composer_short_of_memory_is_asked_with_less_and_that_is_told_and_remembered(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = starve(monkeypatch, lambda job: job.memory >= 1)
    films = room.tell(WAVE[:2])
    assert asked == [0, 1, 1], "the second story begins where the first one ended"
    told = "orchestra runs with offload, because memory was short"
    assert [story for story, message in room.said("decision") if message == told] == [0, 1]
    assert all(film.plan.models["composer"] == "orchestra" and not film.warnings for film in films)


def test_other_models_leave_the_gpu_before_a_composer_is_asked_with_less(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    artist = msgspec.structs.replace(room.catalog.model("noop-artist"), vram_gb=6)
    room.catalog.models["noop-artist"] = artist
    room.residents.open(artist)
    asked = starve(monkeypatch, lambda job: "noop-artist" not in room.residents._open)
    room.tell(WAVE[:1])
    assert asked == [0, 0]


def test_a_composer_that_does_not_fit_hands_its_part_on_and_the_film_has_its_music(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = starve(monkeypatch, lambda job: False)
    films = room.tell(WAVE[:2])
    assert asked == [0, 1, 2]
    told = [f"The memory did not hold orchestra{when}: bed is the composer instead." for when in ("", " here before")]
    assert room.said("warning") == list(enumerate(told))
    for film, warning in zip(films, told, strict=True):
        assert film.plan.models["composer"] == "bed"
        assert warning in film.warnings
        assert between_words(film) > 0.01
    assert max(room.when("music")) < min(room.when("stills"))


# ---- the real one, at toy size --------------------------------------------------------------------------------------


@pytest.fixture
def ace_step(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Room:
    """ACE-Step at toy size, taken for one that needs the GPU, on a machine that is taken for one that has it."""
    toys = shared_home(tmp_path_factory, "toy-ace-step")
    spec = msgspec.structs.replace(
        load_catalog().model("toy-ace-step"), vram_gb=6, weights=Weights(local=str(toys / "toys" / "toy-ace-step"))
    )
    monkeypatch.setattr(torch_env, "_check_gpu", lambda spec: None)
    return Room(tmp_path, spec)


def test_ace_step_is_opened_once_for_a_wave_and_each_film_has_its_own_music(ace_step: Room) -> None:
    films = ace_step.tell([WAVE[0], msgspec.structs.replace(WAVE[1], seed=5)])
    assert ace_step.residents.loads["toy-ace-step"] == 1
    assert max(ace_step.when("music")) < min(ace_step.when("stills"))
    made = [event.made for event in ace_step.events if event.kind == "shot" and event.stage == "music"]
    music = [one.audio.read_bytes() for one in made if isinstance(one, Music) and one.audio is not None]
    assert len(set(music)) == 2
    assert all(between_words(film) > 0.001 for film in films)


def test_ace_step_short_of_memory_decodes_in_tiles(ace_step: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, tiles = AceStep.compose, list[bool]()

    def starved(self: AceStep, job: MusicJob, out: Path, **more: Any) -> None:
        vae = self._pipeline.vae
        decode = type(vae).decode

        def short(*given: Any, **named: Any) -> Any:
            tiles.append(vae.use_tiling)
            if not vae.use_tiling:
                raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")
            return decode(vae, *given, **named)

        monkeypatch.setattr(vae, "decode", short)
        usual(self, job, out, **more)

    monkeypatch.setattr(AceStep, "compose", starved)
    (film,) = ace_step.tell(WAVE[:1])
    assert tiles == [False, False, True]
    assert (0, "toy-ace-step runs with tile, because memory was short") in ace_step.said("decision")
    assert film.plan.models["composer"] == "toy-ace-step"
    assert between_words(film) > 0.001
