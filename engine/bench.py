"""The measurements R1 to R6 and R9: ratios within one run, so that they mean the same on a fast and a slow machine.

R1  MoviePy's time ÷ ours, for the same finished clips, both burning captions and encoding every frame
R2  (film ready − last segment ready) at 12 shots ÷ at 3 shots
R3  four stories in one wave ÷ four alone, where loading a model costs; and how often models were loaded
R4  the same request again ÷ first; one line of six edited ÷ first
R5  wall ÷ the longest lane, where the animator only waits
R6  wall − the work of models and encoders, per further shot, where models do nothing
R9  the second story of a process ÷ its first, with real models at toy size

Models that only wait are the `noop` families; everything else is what makes films.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np

from engine.bench_gpu import Bed
from engine.bench_rig import Place, Timeline, bench_catalog, bench_request
from engine.bench_rows import Report, Row, at_least, at_most
from engine.catalog import load_catalog
from engine.machine import this_machine
from engine.models import Residents
from engine.workplace import work_folder

GEMM_SIDE = 1024
COPY_BYTES = 2**28
REPEATS = 3
"""Of which the least counts: whatever else a machine does only ever adds time."""
LOAD_SECONDS = 2.0
"""What opening a model costs in R3: little, beside the tens of seconds that a diffusion model takes from a disk."""


def measure(
    chosen: Mapping[str, Callable[[Place], list[Row]]],
    home: Path,
    on_progress: Callable[[str], None],
    cancelled: threading.Event | None = None,
    bed: Bed | None = None,
) -> Report:
    """Run these measurements, by name, one after the other. Raises what making a film raises, `Cancelled` too.

    `bed` is what models were measured on: what it can do is told with them, and how near they came kept in `home`.
    """
    start = time.monotonic()
    rows: list[Row] = []
    with work_folder(None, home) as root:
        place = Place(home, root, cancelled or threading.Event())
        gemm, copy, disk = gemm_gflops(), copy_gb_s(), disk_gb_s(root)
        warm_up(place)
        for name, measurement in chosen.items():
            on_progress(f"{name}: measuring")
            rows += measurement(place)
    machine = this_machine()
    if bed is not None:
        bed.remember(home, rows)
    return Report(
        cores=machine.cores,
        ram_gb=round(machine.ram_gb, 1),
        gpu=machine.gpu,
        gemm_gflops=round(gemm, 1),
        copy_gb_s=round(copy, 2),
        disk_gb_s=round(disk, 2),
        **({} if bed is None else bed.told()),
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


def disk_gb_s(folder: Path) -> float:
    """10⁹ bytes a second read from a file that the system does not hold in memory, as far as it can be told so."""
    file = folder / "disk"
    file.write_bytes(bytes(COPY_BYTES))
    with file.open("rb", buffering=0) as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        seconds = _best(lambda: opened.read(), 1)
    file.unlink()
    return COPY_BYTES / seconds / 1e9


def warm_up(place: Place) -> None:
    """One small film, so that no measurement pays for first imports."""
    place.tell([bench_request(2)], [place.fresh("warm")], catalog=bench_catalog())


def moviepy_against_ours(place: Place) -> list[Row]:
    from engine.bench_compose import compose_both

    theirs, ours = compose_both(place)
    return [
        at_least("R1", "MoviePy's time ÷ ours for the same clips", theirs / ours, 3, {"moviepy": theirs, "ours": ours})
    ]


def joining_grows_not(place: Place) -> list[Row]:
    def tail(shots: int) -> float:
        told = [
            place.tell([bench_request(shots)], [place.fresh("r2")], catalog=bench_catalog()) for _ in range(REPEATS)
        ]
        return min(one.moments["done"] - one.moments["segments"] for one in told)

    few, many = tail(3), tail(12)
    return [at_most("R2", "film − last segment at 12 shots ÷ at 3", many / few, 1.5, {"shots3": few, "shots12": many})]


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
        at_most("R3", "four stories in one wave ÷ four alone", wave.seconds / alone, 0.6, parts),
        at_most("R3", "loads of models in the wave ÷ models", loads / models, 1, {"loads": loads, "models": models}),
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
        at_most("R4", "the same request again ÷ first", again / first, 0.05, {"first": first, "again": again}),
        at_most("R4", "one line of six edited ÷ first", changed / first, 0.27, {"first": first, "edited": changed}),
    ]


def lanes_overlap(place: Place) -> list[Row]:
    catalog = bench_catalog(artist_seconds=0.5, animator_seconds=2.0)
    with Timeline(catalog, place.home) as timeline:
        told = place.tell([bench_request(8)], [place.fresh("r5")], catalog=catalog, residents=timeline)
        waiting = timeline.busy("paint", "animate")
        encoding = timeline.children_busy()
    longest = max(waiting, encoding)
    parts = {"wall": told.seconds, "models": waiting, "encoders": encoding}
    return [at_most("R5", "wall ÷ longest lane, with an animator that waits", told.seconds / longest, 1.15, parts)]


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
    return [at_most("R6", "wall − work of models and encoders, per shot", per_shot, 50, parts, unit=" ms")]


def second_story(place: Place) -> list[Row]:
    from engine.bench_second import second_after_first

    if find_spec("torch") is None:
        return []  # toys are real models; without their libraries there is nothing to measure
    first, second = second_after_first(place.home, place.fresh("r9"))
    what = "second story of a process ÷ its first"
    return [at_most("R9", what, second / first, 0.5, {"first": first, "second": second})]


MEASUREMENTS: dict[str, Callable[[Place], list[Row]]] = {
    "R1": moviepy_against_ours,
    "R2": joining_grows_not,
    "R3": waves_share_loads,
    "R4": again_and_edited,
    "R5": lanes_overlap,
    "R6": overhead_per_shot,
    "R9": second_story,
}


def _best(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)
