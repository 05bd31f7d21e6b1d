"""How much sooner a process makes its second story than its first, with real code at toy size: models stay open, and
what libraries do once is done. `python -m engine.bench_second HOME WORK` prints the seconds of both."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

from engine.errors import ReelhouseError, StageFailed

PROFILE = "tiny"


def second_after_first(home: Path, work: Path) -> tuple[float, float]:
    """Seconds of the first and of the second story of a new process. Raises `StageFailed` if it made none."""
    command = [sys.executable, "-m", "engine.bench_second", str(home), str(work)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    if done.returncode:
        raise StageFailed(f"the toy stories were not made: {done.stderr.strip().splitlines()[-1:]}")
    first, second = (float(seconds) for seconds in done.stdout.split()[-2:])
    return first, second


def main() -> None:
    from engine.catalog import load_catalog
    from engine.models import Residents
    from engine.pipeline import make_stories
    from engine.types import StoryRequest

    home, work = Path(sys.argv[1]), Path(sys.argv[2])
    catalog = load_catalog()
    weights = [catalog.model(name).weights for name in catalog.profile(PROFILE).models.values()]
    importlib.import_module("engine.backends.toys").build_toys(
        home, [one.toy for one in weights if one is not None and one.toy is not None]
    )
    with Residents(catalog, home, 0) as models:
        for number in range(2):
            asked = StoryRequest(
                prompt=f"Fox number {number} finds a lamp", profile=PROFILE, target_seconds=8, shots=2, seed=number
            )
            start = time.monotonic()
            (outcome,) = make_stories([asked], [work / str(number)], home=home, catalog=catalog, residents=models)
            if isinstance(outcome, ReelhouseError):
                raise outcome
            print(time.monotonic() - start)


if __name__ == "__main__":
    main()
