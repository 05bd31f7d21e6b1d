"""The measurements measure: each gives its ratio from real runs. Whether goals are met depends on the machine."""

import threading
from pathlib import Path

import pytest

from engine.bench import MEASUREMENTS, copy_gb_s, gemm_gflops, measure
from engine.bench_rig import Place, Timeline, bench_catalog, bench_request, covered
from engine.bench_rows import Row
from engine.errors import BadCatalog, Cancelled
from engine.models import Residents, load_model


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path / "root", threading.Event())


def test_a_measurement_can_be_stopped(place: Place) -> None:
    place.cancelled.set()
    with pytest.raises(Cancelled):
        place.tell([bench_request(1)], [place.fresh("a")], catalog=bench_catalog())


def test_overlapping_work_is_counted_once() -> None:
    assert covered([]) == 0
    assert covered([(0, 2), (1, 3), (5, 6), (5.2, 5.4)]) == 4


def test_the_machines_own_speed_is_measured() -> None:
    assert gemm_gflops() > 0
    assert copy_gb_s() > 0


def test_every_measurement_of_the_design_has_its_name() -> None:
    assert list(MEASUREMENTS) == ["R1", "R2", "R3", "R4", "R5", "R6", "R9"]


def test_a_wave_opens_each_model_once(place: Place, tmp_path: Path) -> None:
    catalog = bench_catalog(short_side=64, fps=8)
    with Residents(catalog, tmp_path, 0) as residents:
        requests = [bench_request(1, seed=seed) for seed in range(2)]
        told = place.tell(requests, [place.fresh("a"), place.fresh("b")], catalog=catalog, residents=residents)
    assert set(residents.loads.values()) == {1}
    assert [film.plan.seed for film in told.films] == [0, 1]
    assert told.moments["segments"] < told.moments["done"] <= told.seconds


def test_the_timeline_sees_models_and_encoders_at_work(place: Place, tmp_path: Path) -> None:
    catalog = bench_catalog(animator_seconds=0.3, short_side=64, fps=8)
    with Timeline(catalog, tmp_path) as timeline:
        told = place.tell([bench_request(2)], [place.fresh("w")], catalog=catalog, residents=timeline)
    assert 0.6 <= timeline.busy("animate") <= timeline.busy() <= told.seconds
    assert 0 < timeline.children_busy() < told.seconds
    assert {name for name, _, _ in timeline.worked} == {"speak", "compose", "paint", "animate"}


def test_a_misspelt_wait_is_refused(tmp_path: Path) -> None:
    import msgspec

    spec = msgspec.structs.replace(bench_catalog().model("noop-artist"), params={"job_second": 1})
    with pytest.raises(BadCatalog, match="did you mean job_seconds"):
        load_model(spec, tmp_path)


def test_a_report_is_whole_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    # The real measurement takes a minute; what is looked at here is the report around one.
    row = Row(id="R6", what="overhead", value=12.5, goal=50, met=True, unit=" ms")
    monkeypatch.setitem(MEASUREMENTS, "R6", lambda place: [row])
    report = measure({"R6": MEASUREMENTS["R6"]}, tmp_path, said.append)
    assert report.rows == (row,)
    assert report.gemm_gflops > 0
    assert said == ["R6: measuring"]
    assert [path for path in (tmp_path / "scratch").iterdir() if path.is_dir()] == []


def test_a_place_gives_empty_folders(place: Place) -> None:
    (place.fresh("a") / "file").write_text("x")
    assert list(place.fresh("a").iterdir()) == []
