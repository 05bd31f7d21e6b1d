"""What the `noop` families share: models that make the plainest valid file, after waiting as long as they are told.

They are yardsticks for `reelhouse bench` and stand-ins for tests of what lies above the models; no profile uses them.
"""

from __future__ import annotations

import time

from engine.backends.params import read_params
from engine.backends.protocols import Tick
from engine.catalog import ModelSpec
from engine.types import Frozen

STEP_SECONDS = 0.02


class IdleParams(Frozen, frozen=True):
    """Seconds that loading takes, and that each job takes, beside what writing its file costs."""

    load_seconds: float = 0.0
    job_seconds: float = 0.0


class Idle:
    """Base of the noop models. Holds nothing."""

    def __init__(self, spec: ModelSpec) -> None:
        """Raises `BadCatalog` for unknown params."""
        self.spec = spec
        self._params = read_params(spec, IdleParams)
        time.sleep(self._params.load_seconds)

    def close(self) -> None:
        """Nothing is held."""

    def pass_time(self, tick: Tick) -> None:
        """Wait for `job_seconds`, ticking every 20 ms as a real model ticks at its steps."""
        steps = max(1, round(self._params.job_seconds / STEP_SECONDS))
        for done in range(steps):
            tick(done, steps)
            time.sleep(self._params.job_seconds / steps)
        tick(steps, steps)
