"""A process that accepts stories, as the server does, and can be killed over it.

`python -m tests.server.bench_submit USER COUNT KEY [WEBHOOK]` prints a job's id a line; with the same KEY again, the
same ids.
"""

from __future__ import annotations

import os
import sys

from engine.settings import load_settings
from server.fault import arm
from server.jobs.accept import accept
from server.parents import die_with_parent
from server.place import open_place
from server.settings import Settings
from tests.server.making import an_order


def main() -> None:
    die_with_parent(int(os.environ.pop("BENCH_PARENT")))
    user_id, count, key, webhook = sys.argv[1], int(sys.argv[2]), sys.argv[3], (*sys.argv[4:], None)[0]
    lines = os.environ.get("BENCH_LINES", "1")
    place = open_place(load_settings(Settings))
    arm(os.environ.get("BENCH_SUBMIT_FAULT"))
    for number in range(count):
        told = [f"Fox {number} of {key} passed {tree} trees." for tree in range(int(lines))]
        order = an_order(*told, webhook_url=webhook)
        print(accept(place, user_id, order, key=f"{key}-{number}").job_id, flush=True)


if __name__ == "__main__":
    main()
