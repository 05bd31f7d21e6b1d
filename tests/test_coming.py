"""A wave's models are told of all its stories at once: texts are read once, and their encoders then out of the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.bench_rig import PROFILE
from engine.catalog import Catalog, Role, Weights, load_catalog
from engine.coming import Coming
from engine.errors import MediaFailed, OutOfMemory, ReelhouseError
from engine.ladder import AS_ASKED, CLIP_RUNGS
from engine.made import Film
from engine.models import Residents
from engine.pipeline import make_stories
from engine.types import StoryRequest
from tests.small_stories import small_catalog, small_request
from tests.toy_weights import shared_home

TOYS: dict[Role, str] = {"artist": "toy-sdxl", "animator": "toy-wan"}
WAVE = [
    small_request("The first fox ran.", "It saw the first lamp."),
    small_request("The second fox ran."),
    small_request("The third fox ran."),
]


def toy_catalog(toys: Path, **changed: str) -> Catalog:
    """The measuring catalog with real toys for artist and animator, each guided away from a negative prompt; at 4
    frames a second, for the VAE of a toy takes longest of all."""
    catalog = small_catalog()
    names = {**TOYS, **changed}
    models = dict(catalog.models)
    for name in names.values():
        spec = load_catalog().model(name)
        more = {"guidance": 3, **({"offload": "model", "flow_shift": 5} if name == "toy-wan-a14b" else {})}
        weights = Weights(local=str(toys / "toys" / name))
        models[name] = msgspec.structs.replace(spec, weights=weights, params={**spec.params, **more})
    profile = catalog.profiles[PROFILE]
    profile = msgspec.structs.replace(profile, fps=4, models={**profile.models, **names})
    return msgspec.structs.replace(catalog, profiles={**catalog.profiles, PROFILE: profile}, models=models)


class Room:
    """A home and its open models, and a folder for each story's work."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder, self.catalog = folder, catalog
        self.residents = Residents(catalog, folder / "home", vram_gb=0)

    def tell(self, requests: Sequence[StoryRequest], work: str = "wave") -> list[Film | ReelhouseError]:
        return make_stories(
            [msgspec.structs.replace(request, negative_prompt="rain") for request in requests],
            [self.folder / f"{work}-{number}" for number in range(len(requests))],
            home=self.folder / "home",
            catalog=self.catalog,
            residents=self.residents,
        )

    def model(self, name: str) -> Any:
        return self.residents.handle(name).open()


@pytest.mark.parametrize("animator", ["toy-wan", "toy-wan-a14b"])
def test_a_wave_of_three_reads_its_texts_in_one_turn_and_its_films_are_those_told_alone(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, animator: str
) -> None:
    catalog = toy_catalog(shared_home(tmp_path_factory, "toy-sdxl", animator), animator=animator)
    room = Room(tmp_path, catalog)
    films = room.tell(WAVE)
    for name in ("toy-sdxl", animator):
        model = room.model(name)
        assert model._encoders.turns == 1, "they came once"
        assert model._memory.made == 4 + 1, "the prompts of each story, and one that is in none"
        assert model._pipeline.text_encoder is None, "and went"
    room.residents.close()
    alone = Room(tmp_path / "alone", catalog)
    others = [alone.tell([request], work=f"story-{number}")[0] for number, request in enumerate(WAVE)]
    assert alone.model(animator)._encoders.turns == 3
    alone.residents.close()
    for film, other in zip(films, others, strict=True):
        assert isinstance(film, Film), film
        assert isinstance(other, Film), other
        assert film.video.read_bytes() == other.video.read_bytes()


class Reader:
    """A `Tunable` model that remembers what it was told, and `fits` only on a low rung."""

    def __init__(self, *, least_memory: int = 0) -> None:
        self.spec = load_catalog().model("toy-sdxl")
        self.heard: list[list[str]] = []
        self._least = least_memory

    def settle(self, home: Path) -> None:
        """Nothing depends on the machine."""

    def prepare(self, jobs: Sequence[Any]) -> None:
        if any(memory < self._least for _, memory in jobs):
            raise OutOfMemory("Model toy-sdxl ran out of memory: choose a smaller profile.")
        self.heard.append([name for name, _ in jobs])

    def take_decisions(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        """Nothing is held."""


def wants(*names: str) -> Any:
    return lambda rung: [(name, rung.memory) for name in names]


def test_a_model_is_told_of_every_story_once_and_of_none_that_has_left() -> None:
    coming, model = Coming(), Reader()
    for story, name in enumerate(("a fox", "a hare", "an owl")):
        coming.announce(model.spec.id, story, wants(name))
    coming.announce("another", 0, wants("a tune"))
    coming.withdraw(1)
    for _ in range(2):
        coming.tell(model, AS_ASKED)
    assert model.heard == [["a fox", "an owl"]]


def test_a_model_that_was_closed_meanwhile_is_told_again_of_what_is_left() -> None:
    coming, left = Coming(), ["a fox", "a hare"]
    coming.announce("toy-sdxl", 0, lambda rung: [(name, 0) for name in left])
    coming.tell(Reader(), AS_ASKED)
    left.pop(0)
    again = Reader()
    coming.tell(again, AS_ASKED)
    assert again.heard == [["a hare"]]


def test_what_was_told_while_memory_ran_out_is_told_again_on_the_next_rung() -> None:
    coming, model = Coming(), Reader(least_memory=1)
    coming.announce(model.spec.id, 0, wants("a fox"))
    with pytest.raises(OutOfMemory):
        coming.tell(model, AS_ASKED)
    coming.tell(model, CLIP_RUNGS[1])
    assert model.heard == [["a fox"]]


def test_texts_of_a_story_that_failed_before_its_turn_are_not_read(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.backends.voice.noop import Hummer

    speak = Hummer.speak

    def mute(self: Hummer, job: Any, out: Path, **rest: Any) -> Any:
        if "second" in job.text:
            raise MediaFailed("the narrator is hoarse")
        return speak(self, job, out, **rest)

    monkeypatch.setattr(Hummer, "speak", mute)
    room = Room(tmp_path, toy_catalog(shared_home(tmp_path_factory, "toy-sdxl", "toy-wan")))
    outcomes = room.tell(WAVE[:2])
    assert isinstance(outcomes[0], Film) and isinstance(outcomes[1], MediaFailed)
    assert room.model("toy-wan")._memory.made == 2 + 1
    room.residents.close()
