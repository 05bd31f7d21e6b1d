"""A real worker process whose generation child has models that only wait. `python -m tests.server.bench_worker`.

Besides the points of the product it passes `commit` before each commit and `keep` before a file gets its address.
"""

from __future__ import annotations

import os

import sqlalchemy

from engine.settings import load_settings
from server.fault import arm, fault
from server.jobs import outcomes
from server.logs import configure
from server.media import library
from server.parents import die_with_parent
from server.place import Place, open_place
from server.settings import Settings
from server.worker import Worker, stage_deadline

FAULT = "BENCH_WORKER_FAULT"
DEADLINE = "BENCH_DEADLINE"
"""Seconds that each stage may take, instead of the usual."""
GPU = "BENCH_GPU"
"""What the worker takes for its GPU; none need be there."""
NO_REST = "BENCH_NO_REST"
"""If it is set, a job that failed is tried again after a second."""


def add_points(place: Place) -> None:
    sqlalchemy.event.listen(place.db.engine, "commit", lambda _: fault("commit"))
    place_file = library.place_file

    def placing(source, path) -> None:
        fault("keep")
        place_file(source, path)

    library.place_file = placing


def main() -> None:
    die_with_parent(int(os.environ.pop("BENCH_PARENT")))
    place = open_place(load_settings(Settings))
    configure(place.folders.logs / "worker.log")
    if os.environ.get(FAULT):
        add_points(place)
        arm(os.environ[FAULT])
    outcomes.REST_SECONDS = (1, 1) if os.environ.get(NO_REST) else outcomes.REST_SECONDS
    seconds = os.environ.get(DEADLINE)

    def deadline(stage: str, expected: float | None) -> float:
        return float(seconds) if seconds else stage_deadline(stage, expected)

    Worker(place, os.environ.get(GPU), child_module="tests.server.bench_child", deadline=deadline).run()


if __name__ == "__main__":
    main()
