"""The measurements R1 to R6: each a ratio within one run, so that it means the same on a fast and on a slow machine.

R1  MoviePy's time ÷ ours, for the same finished clips, both burning captions and encoding every frame
R2  (film ready − last segment ready) at 12 shots ÷ at 3 shots
R3  four stories in one wave ÷ four alone, where loading a model costs; and how often models were loaded
R4  the same request again ÷ first; one line of six edited ÷ first
R5  wall ÷ the longest lane, where the animator only waits
R6  wall − the work of models and encoders, per further shot, where models do nothing

Models that only wait are the `noop` families; everything else is what makes films.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from engine.bench_rig import Place, Timeline, bench_catalog, bench_request
from engine.catalog import load_catalog
from engine.machine import this_machine
from engine.models import Residents
from engine.types import Camel
from engine.workplace import work_folder

GEMM_SIDE = 1024
COPY_BYTES = 2**28
REPEATS = 3
"""Of which the least counts: whatever else a machine does only ever adds time."""
LOAD_SECONDS = 2.0
"""What opening a model costs in R3: little, beside the tens of seconds that a diffusion model takes from a disk."""


class Row(Camel, frozen=True):
    """One ratio. `at_least`: the goal is a lower bound; `parts` are the seconds that it was made from."""

    id: str
    what: str
    value: float
    goal: float
    met: bool
    at_least: bool = False
    unit: str = ""
    parts: dict[str, float] = {}


class Report(Camel, frozen=True):
    """The rows, beside what the machine can do at all: float32 matrix products and copying of memory."""

    cores: int
    ram_gb: float
    gpu: str | None
    gemm_gflops: float
    copy_gb_s: float
    seconds: float
    rows: tuple[Row, ...]


def measure(
    chosen: Mapping[str, Callable[[Place], list[Row]]],
    home: Path,
    on_progress: Callable[[str], None],
    cancelled: threading.Event | None = None,
) -> Report:
    """Run these measurements, by name, one after the other. Raises what making a film raises, `Cancelled` too."""
    start = time.monotonic()
    rows: list[Row] = []
    with work_folder(None, home) as root:
        place = Place(home, root, cancelled or threading.Event())
        gemm, copy = gemm_gflops(), copy_gb_s()
        warm_up(place)
        for name, measurement in chosen.items():
            on_progress(f"{name}: measuring")
            rows += measurement(place)
    machine = this_machine()
    return Report(
        cores=machine.cores,
        ram_gb=round(machine.ram_gb, 1),
        gpu=machine.gpu,
        gemm_gflops=round(gemm, 1),
        copy_gb_s=round(copy, 2),
        seconds=round(time.monotonic() - start, 1),
        rows=tuple(rows),
    )


def gemm_gflops() -> float:
    """10⁹ float32 operations a second in a product of square matrices, 2n³ operations; the best of five."""
    a = np.random.default_rng(0).standard_normal((GEMM_SIDE, GEMM_SIDE), np.float32)
    return 2 * GEMM_SIDE**3 / _best(lambda: a @ a, 5) / 1e9


def copy_gb_s() -> float:
    """10⁹ bytes a second copied from memory to memory; the best of five."""
    source = np.zeros(COPY_BYTES, np.uint8)
    target = np.empty_like(source)
    return COPY_BYTES / _best(lambda: np.copyto(target, source), 5) / 1e9


def warm_up(place: Place) -> None:
    """One small film, so that no measurement pays for first imports."""
    place.tell([bench_request(2)], [place.fresh("warm")], catalog=bench_catalog())


def moviepy_against_ours(place: Place) -> list[Row]:
    from engine.bench_compose import compose_both

    theirs, ours = compose_both(place)
    return [
        _at_least("R1", "MoviePy's time ÷ ours for the same clips", theirs / ours, 3, {"moviepy": theirs, "ours": ours})
    ]


def joining_grows_not(place: Place) -> list[Row]:
    def tail(shots: int) -> float:
        told = [
            place.tell([bench_request(shots)], [place.fresh("r2")], catalog=bench_catalog()) for _ in range(REPEATS)
        ]
        return min(one.moments["done"] - one.moments["segments"] for one in told)

    few, many = tail(3), tail(12)
    return [_at_most("R2", "film − last segment at 12 shots ÷ at 3", many / few, 1.5, {"shots3": few, "shots12": many})]


def waves_share_loads(place: Place) -> list[Row]:
    catalog = bench_catalog(load_seconds=LOAD_SECONDS, short_side=96)
    requests = [bench_request(2, seed=seed) for seed in range(4)]
    alone = sum(
        place.tell([request], [place.fresh(f"alone{i}")], catalog=catalog).seconds for i, request in enumerate(requests)
    )
    with Residents(catalog, place.home, this_machine().vram_gb) as residents:
        works = [place.fresh(f"wave{i}") for i in range(4)]
        wave = place.tell(requests, works, catalog=catalog, residents=residents)
        loads, models = residents.loads.total(), len(residents.loads)
    parts = {"wave": wave.seconds, "alone": alone}
    return [
        _at_most("R3", "four stories in one wave ÷ four alone", wave.seconds / alone, 0.6, parts),
        _at_most("R3", "loads of models in the wave ÷ models", loads / models, 1, {"loads": loads, "models": models}),
    ]


def again_and_edited(place: Place) -> list[Row]:
    """With the real models of the profile cpu, at its real size."""
    request = bench_request(6, profile="cpu")
    work, catalog = place.fresh("r4"), load_catalog()
    first = place.tell([request], [work], catalog=catalog).seconds
    again = place.tell([request], [work], catalog=catalog).seconds
    assert request.script is not None
    shots = list(request.script.shots)
    shots[3] = msgspec.structs.replace(shots[3], narration="Here the path turned back along the quiet river bank.")
    edited = msgspec.structs.replace(request, script=msgspec.structs.replace(request.script, shots=tuple(shots)))
    changed = place.tell([edited], [work], catalog=catalog).seconds
    return [
        _at_most("R4", "the same request again ÷ first", again / first, 0.05, {"first": first, "again": again}),
        _at_most("R4", "one line of six edited ÷ first", changed / first, 0.27, {"first": first, "edited": changed}),
    ]


def lanes_overlap(place: Place) -> list[Row]:
    catalog = bench_catalog(artist_seconds=0.5, animator_seconds=2.0)
    with Timeline(catalog, place.home) as timeline:
        told = place.tell([bench_request(8)], [place.fresh("r5")], catalog=catalog, residents=timeline)
        waiting = timeline.busy("paint", "animate")
        encoding = timeline.children_busy()
    longest = max(waiting, encoding)
    parts = {"wall": told.seconds, "models": waiting, "encoders": encoding}
    return [_at_most("R5", "wall ÷ longest lane, with an animator that waits", told.seconds / longest, 1.15, parts)]


def overhead_per_shot(place: Place) -> list[Row]:
    """By the difference of two lengths, so that what a film needs once (cards, fonts, the mix) does not count."""
    catalog = bench_catalog()

    def left_over(shots: int) -> float:
        found = []
        for _ in range(REPEATS):
            with Timeline(catalog, place.home) as timeline:
                told = place.tell([bench_request(shots)], [place.fresh("r6")], catalog=catalog, residents=timeline)
            found.append(told.seconds - timeline.busy())
        return min(found)

    few, many = left_over(3), left_over(12)
    per_shot = (many - few) / (12 - 3) * 1000
    parts = {"shots3": few, "shots12": many}
    return [_at_most("R6", "wall − work of models and encoders, per shot", per_shot, 50, parts, unit=" ms")]


MEASUREMENTS: dict[str, Callable[[Place], list[Row]]] = {
    "R1": moviepy_against_ours,
    "R2": joining_grows_not,
    "R3": waves_share_loads,
    "R4": again_and_edited,
    "R5": lanes_overlap,
    "R6": overhead_per_shot,
}


def _at_most(id: str, what: str, value: float, goal: float, parts: dict[str, float], *, unit: str = "") -> Row:
    return Row(id=id, what=what, value=value, goal=goal, met=value <= goal, unit=unit, parts=_rounded(parts))


def _at_least(id: str, what: str, value: float, goal: float, parts: dict[str, float]) -> Row:
    return Row(id=id, what=what, value=value, goal=goal, met=value >= goal, at_least=True, parts=_rounded(parts))


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in parts.items()}


def _best(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
