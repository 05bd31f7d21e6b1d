"""A real worker process whose generation child has models that only wait. `python -m tests.server.bench_worker`."""

import msgspec

from engine.settings import load_settings
from server.fault import arm
from server.logs import configure
from server.parents import die_with_parent
from server.place import open_place
from server.settings import Settings
from server.worker import Worker


def main() -> None:
    import os

    die_with_parent(int(os.environ.pop("BENCH_PARENT")))
    settings = load_settings(Settings)
    place = open_place(msgspec.structs.replace(settings))
    configure(place.folders.logs / "worker.log")
    arm(os.environ.get("BENCH_WORKER_FAULT"))
    Worker(place, child_module="tests.server.bench_child").run()


if __name__ == "__main__":
    main()
