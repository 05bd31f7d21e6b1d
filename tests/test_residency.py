"""Measured memory decides what stays open, what leaves and what is streamed; what was measured is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from engine import models as opening
from engine.catalog import Catalog, Limits, ModelSpec, Weights
from engine.errors import OutOfMemory
from engine.models import Residents
from engine.needs import FILE, Needs


class Gpu:
    """A GPU of `total` GB, of which somebody else has `taken`."""

    name = "RTX 3060"

    def __init__(self, total: float, taken: float = 0.0) -> None:
        self.total, self.taken = total, taken
        self.held: dict[str, float] = {}
        self._peak = 0.0

    def free_gb(self) -> float:
        return self.total - self.taken - self.held_gb()

    def held_gb(self) -> float:
        return sum(self.held.values())

    def peak_gb(self) -> float:
        return self._peak

    def forget_peak(self) -> None:
        self._peak = self.held_gb()

    def take(self, name: str, gigabytes: float) -> None:
        if gigabytes > self.free_gb():
            raise OutOfMemory(f"Model {name} ran out of memory: choose a smaller profile.")
        self._peak = max(self._peak, self.held_gb() + gigabytes)


class Model:
    """Holds its weights, or that share of them if they are streamed, and takes `work` GB more while it works."""

    def __init__(self, spec: ModelSpec, gpu: Gpu, sizes: dict[str, tuple[float, float]], streamed: float = 0.1) -> None:
        self.spec, self._gpu = spec, gpu
        weights, self._work = sizes[spec.id]
        if spec.params.get("offload", "none") != "none":
            weights *= streamed
        gpu.take(spec.id, weights)
        gpu.held[spec.id] = weights

    def make(self) -> None:
        self._gpu.take(self.spec.id, self._work)

    def close(self) -> None:
        self._gpu.held.pop(self.spec.id, None)


SIZES = {"artist": (7.0, 3.0), "animator": (12.0, 8.0), "composer": (3.0, 1.0)}

House = Callable[..., tuple[Residents, list[str]]]


def spec_of(role: str, **fields) -> ModelSpec:
    known = {"family": "sdxl" if role == "artist" else "wan", "licence": "MIT", "commercial": True, "vram_gb": None}
    return ModelSpec(**{"id": role, "role": role, "limits": Limits(), **known, **fields})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """Residents of one process on that GPU, and what they say; called again they are those of the next process."""

    def build(gpu: Gpu, sizes: dict[str, tuple[float, float]] = SIZES) -> tuple[Residents, list[str]]:
        monkeypatch.setattr(opening, "load_model", lambda spec, home: Model(spec, gpu, sizes))
        catalog = Catalog(profiles={}, models={role: spec_of(role) for role in sizes})
        return Residents(catalog, tmp_path, gpu.total, gpu=gpu), []

    return build


def work(models: Residents, said: list[str], *names: str) -> None:
    for name in names:
        models.handle(name, said.append).open().make()


def test_before_anything_was_measured_a_model_has_the_gpu_to_itself_and_says_why(house: House) -> None:
    models, said = house(Gpu(48))
    work(models, said, "artist", "animator", "artist")
    assert models.loads == {"artist": 2, "animator": 1}
    assert said[0] == "artist left the GPU: nobody has measured yet what animator needs"


def test_what_was_measured_is_remembered_and_the_next_process_keeps_both_open(house: House, tmp_path: Path) -> None:
    models, said = house(Gpu(48))
    work(models, said, "artist", "animator")
    models.close()
    known = Needs(tmp_path / FILE)
    assert known.of(spec_of("artist"), "RTX 3060").peak == pytest.approx(10)
    assert known.of(spec_of("animator"), "RTX 3060").peak == pytest.approx(20)
    models, said = house(Gpu(48))
    work(models, said, "artist", "animator", "artist", "animator")
    assert models.loads == {"artist": 1, "animator": 1}
    assert "artist stays open: animator needs 20.5 GB (measured here before), and 41.0 GB of the GPU are free" in said


def test_a_smaller_or_fuller_gpu_keeps_only_what_fits(house: House) -> None:
    models, said = house(Gpu(48))
    work(models, said, "artist", "animator")
    models.close()
    models, said = house(Gpu(48, taken=22))
    work(models, said, "artist", "animator")
    assert said == ["artist left the GPU: animator needs 20.5 GB (measured here before)"]


def test_the_cheapest_to_bring_back_leaves_first_and_no_more_than_must(house: House) -> None:
    models, said = house(Gpu(80))
    work(models, said, "artist", "animator", "composer")
    models.close()
    models, said = house(Gpu(28))
    work(models, said, "composer", "artist", "animator")
    assert said[-1] == "composer left the GPU: animator needs 20.5 GB (measured here before)"


def test_an_open_model_that_has_its_turn_again_gets_room_to_work(house: House) -> None:
    models, said = house(Gpu(48))
    work(models, said, "artist", "animator")
    models.close()
    gpu = Gpu(32)
    models, said = house(gpu)
    work(models, said, "animator", "artist")
    assert models.loads == {"artist": 1, "animator": 1}
    gpu.taken = 8  # somebody else came: the artist's 10 GB and the animator's 12 still lie there
    work(models, said, "animator")
    assert said[-1] == "artist left the GPU: animator needs 8.5 GB (measured here before)"


def test_what_does_not_fit_whole_is_streamed_says_so_and_is_streamed_at_once_the_next_time(house: House) -> None:
    gpu = Gpu(10)
    models, said = house(gpu)
    work(models, said, "animator")
    assert said == ["animator is streamed from main memory (model): 10.0 GB of the GPU did not hold it"]
    assert gpu.held == {"animator": pytest.approx(1.2)}
    models.close()
    models, said = house(gpu)
    work(models, said, "animator")
    assert said == ["animator is streamed from main memory (model): with 10.0 GB free it did not fit here"]
    models.close()
    models, said = house(Gpu(48))
    work(models, said, "animator")
    assert said == [], "a larger share of the GPU is tried anew"


EXPERTS = {"artist": (7.0, 1.0), "animator": (30.0, 18.0)}


def experts(gpu: Gpu, home: Path, monkeypatch: pytest.MonkeyPatch) -> Residents:
    """An artist, and an animator of two experts, of which nothing was measured."""
    monkeypatch.setattr(opening, "load_model", lambda spec, home: Model(spec, gpu, EXPERTS, streamed=1.0))
    models = {"artist": spec_of("artist"), "animator": spec_of("animator", architecture="wan22-a14b")}
    return Residents(Catalog(profiles={}, models=models), home, gpu.total, gpu=gpu)


def test_what_would_not_fit_is_loaded_in_parts_before_it_fails_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Gpu(76)
    models, said = experts(gpu, tmp_path, monkeypatch), []
    work(models, said, "artist", "animator")
    assert said[0] == (
        "animator needs 49.7 GB with its two experts taking turns: as its entry has it, it would be 79.0 GB (worked "
        "out from its architecture), and there is room for 76.0"
    )
    assert set(gpu.held) == {"artist", "animator"}
    assert models.handle("animator").open().spec.params == {"offload": "model"}
    assert models.loads == {"artist": 1, "animator": 1}


def test_a_gpu_that_holds_both_experts_has_them_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, said = experts(Gpu(139), tmp_path, monkeypatch), []
    work(models, said, "animator")
    assert (said, models.handle("animator").open().spec.params) == ([], {})


def test_a_model_that_is_open_is_loaded_anew_for_something_larger_only_where_that_would_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, said = experts(Gpu(80), tmp_path, monkeypatch), []
    spec = spec_of("animator", architecture="wan22-a14b")
    for shape, offload, loads in (
        ((832, 480, 81), None, 1),
        ((1024, 576, 81), None, 1),
        ((1664, 720, 81), "model", 2),
        ((832, 480, 81), "model", 2),
    ):
        assert models.open(spec, said.append, shape).spec.params.get("offload") == offload
        assert models.loads["animator"] == loads
    assert len(said) == 1


def test_what_it_took_in_parts_is_no_measure_of_what_it_takes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = experts(Gpu(76), tmp_path, monkeypatch)
    work(models, [], "animator")
    models.close()
    needs, spec = Needs(tmp_path / FILE), spec_of("animator", architecture="wan22-a14b")
    in_parts = msgspec.structs.replace(spec, params={"offload": "model"})
    assert (needs.of(spec, Gpu.name).peak, needs.of(in_parts, Gpu.name).peak) == (0.0, 48.0)
    again, said = experts(Gpu(76), tmp_path, monkeypatch), []
    work(again, said, "animator")
    assert said[0].startswith("animator needs 48.5 GB with its two experts taking turns")


def test_a_picture_is_not_streamed_layer_by_layer_and_what_fits_nowhere_is_told(house: House) -> None:
    models, said = house(Gpu(0.5))
    with pytest.raises(OutOfMemory, match="artist"):
        work(models, said, "artist")
    assert [sentence for sentence in said if "(layer)" in sentence] == []
    with pytest.raises(OutOfMemory, match="animator"):
        work(models, said, "animator")
    assert any("animator is streamed from main memory (layer)" in sentence for sentence in said)


def test_a_composer_is_streamed_before_its_part_is_given_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(1)
    monkeypatch.setattr(opening, "load_model", lambda spec, home: Model(spec, gpu, SIZES))
    composer = spec_of("composer", family="ace_step")
    models, said = Residents(Catalog(profiles={}, models={"composer": composer}), tmp_path, 1, gpu=gpu), list[str]()
    models.handle("composer", said.append).open()
    assert said == ["composer is streamed from main memory (model): 1.0 GB of the GPU did not hold it"]


def test_other_parameters_are_another_need(tmp_path: Path) -> None:
    needs = Needs(tmp_path / FILE)
    plain, tiled = spec_of("animator"), spec_of("animator", params={"tile": True})
    needs.note(msgspec.structs.replace(needs.of(plain, "RTX 3060"), peak=20.0))
    assert needs.of(plain, "RTX 3060").peak == 20.0
    assert needs.of(tiled, "RTX 3060").peak == 0.0
    assert needs.of(plain, "H200").peak == 0.0


def test_the_most_that_was_seen_stays_and_two_processes_forget_nothing(tmp_path: Path) -> None:
    one, other = Needs(tmp_path / FILE), Needs(tmp_path / FILE)
    for peak in (5.0, 4.0):
        one.note(msgspec.structs.replace(one.of(spec_of("artist"), "RTX 3060"), peak=peak))
    other.note(msgspec.structs.replace(other.of(spec_of("animator"), "RTX 3060"), peak=7.0))
    again = Needs(tmp_path / FILE)
    assert [again.of(spec_of(role), "RTX 3060").peak for role in ("artist", "animator")] == [5.0, 7.0]


def test_a_spoilt_file_means_that_nothing_was_measured(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{half")
    needs = Needs(tmp_path / FILE)
    needs.note(msgspec.structs.replace(needs.of(spec_of("artist"), "RTX 3060"), peak=5.0))
    assert Needs(tmp_path / FILE).of(spec_of("artist"), "RTX 3060").peak == 5.0


class Ram:
    """Main memory in which so much is free."""

    name = "main memory"

    def __init__(self, free: float) -> None:
        self.free = free

    def free_gb(self) -> float:
        return self.free

    def held_gb(self) -> float:
        return 0.0

    def peak_gb(self) -> float:
        return 0.0

    def forget_peak(self) -> None:
        """Nothing is kept."""


def test_main_memory_that_is_short_lets_models_without_a_gpu_leave_too(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    save_file({"weights": np.zeros(2**18, np.float32)}, own)
    specs = {
        name: spec_of(
            "artist", id=name, family="noop", vram_gb=0, weights=Weights(local=str(own)), params={"load_seconds": 0}
        )
        for name in ("first", "second")
    }
    said: list[str] = []
    for free, loads in ((1.0, 1), (0.0001, 2)):
        with Residents(Catalog(profiles={}, models=specs), tmp_path, 0, ram=Ram(free)) as models:
            for name in ("first", "second", "first"):
                models.handle(name, said.append).open()
            assert models.loads["first"] == loads
    assert said[0] == "first left main memory: second needs 0.0 GB (by its weights)"
