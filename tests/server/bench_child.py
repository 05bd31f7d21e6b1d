"""The generation child with models that only wait: everything else in it is what makes films.

Run as `python -m tests.server.bench_child FD PARENT HOME`; how long its models take, and where it dies, comes from the
environment. Besides the points of the product it passes `rename` and `renamed` around the rename that makes an
artefact, `fsync` before each flush, `clip` when one is begun, and `mux` while a segment is copied into the film.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from engine import artifacts
from engine.backends.torch_env import memory_guard
from engine.backends.video import noop
from engine.bench_rig import PROFILE, bench_catalog
from engine.reel import Reel
from server.fault import fault
from server.generation import main
from tests.kept_fonts import keep_fonts

SECONDS = "BENCH_CLIP_SECONDS"
MADE = "BENCH_MADE"
"""A file that gets a line for each clip that is begun: its work folder and content key."""
ONCE = "BENCH_FAULT_ONCE"
"""A file that is there once a child with faults has begun: the next ones have none."""


LOSES = "BENCH_LOSES_GPU"
"""A file that says how often the GPU is still lost over a clip whose prompt has the word `CURSED`."""
CURSED = "cursed"


def small_catalog():
    catalog = bench_catalog(animator_seconds=float(os.environ.get(SECONDS, "0")))
    small = msgspec.structs.replace(catalog.profiles[PROFILE], short_side=64, fps=8)
    return msgspec.structs.replace(catalog, profiles={**catalog.profiles, PROFILE: small})


def watch_what_is_made(path: str) -> None:
    animate = noop.StandingPicture.animate

    def watched(self, job, out: Path, **more) -> None:
        key = out.parent.name.removeprefix(".").partition(".tmp-")[0]
        with Path(path).open("a") as file:
            file.write(f"{out.parents[2].name}/{key}\n")
        fault("clip")
        animate(self, job, out, **more)

    noop.StandingPicture.animate = watched


def lose_the_gpu(place: str) -> None:
    """`place` holds how often still: a clip then ends as torch tells of a fault of the GPU."""
    animate = noop.StandingPicture.animate

    def lost(self, job, out: Path, **more) -> None:
        left = int(Path(place).read_text())
        if left and CURSED in job.prompt:
            Path(place).write_text(str(left - 1))
            with memory_guard(self.spec):
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
        animate(self, job, out, **more)

    noop.StandingPicture.animate = lost


def add_points() -> None:
    replace, flush, append = Path.replace, artifacts.flush, Reel.append

    def replacing(self: Path, target):
        if not self.is_dir():
            return replace(self, target)
        fault("rename")
        replaced = replace(self, target)
        fault("renamed")
        return replaced

    def flushing(path: Path) -> None:
        fault("fsync")
        flush(path)

    def appending(self: Reel, piece) -> None:
        threading.Timer(0.02, fault, ("mux",)).start()
        append(self, piece)

    Path.replace, artifacts.flush, Reel.append = replacing, flushing, appending


def disarm_the_second() -> None:
    if once := os.environ.get(ONCE):
        if Path(once).exists():
            os.environ.pop("REELHOUSE_FAULT", None)
        Path(once).touch()


if __name__ == "__main__":
    keep_fonts()
    if os.environ.get(MADE):
        watch_what_is_made(os.environ[MADE])
    if os.environ.get(LOSES):
        lose_the_gpu(os.environ[LOSES])
    disarm_the_second()
    if os.environ.get("REELHOUSE_FAULT"):
        add_points()
    main(small_catalog())
