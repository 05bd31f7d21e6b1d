"""The generation child with models that only wait: everything else in it is what makes films.

Run as `python -m tests.server.bench_child FD PARENT HOME`; how long its models take comes from the environment.
"""

import os

import msgspec

from engine.bench_rig import PROFILE, bench_catalog
from server.generation import main

SECONDS = "BENCH_CLIP_SECONDS"


def small_catalog():
    catalog = bench_catalog(animator_seconds=float(os.environ.get(SECONDS, "0")))
    small = msgspec.structs.replace(catalog.profiles[PROFILE], short_side=64, fps=8)
    return msgspec.structs.replace(catalog, profiles={**catalog.profiles, PROFILE: small})


if __name__ == "__main__":
    main(small_catalog())
