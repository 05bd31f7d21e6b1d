"""Composer family `noop`: silence of the right length, after a wait. A yardstick, not a composer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.audio import write_wav
from engine.backends.idle import Idle
from engine.backends.protocols import MusicJob, Tick, no_tick
from engine.catalog import ModelSpec

RATE = 48_000


def load(spec: ModelSpec, weights: Path | None) -> Rest:
    return Rest(spec)


class Rest(Idle):
    """A `MusicModel`."""

    def compose(self, job: MusicJob, out: Path, *, tick: Tick = no_tick) -> None:
        self.pass_time(tick)
        write_wav(out, np.zeros((2, round(job.seconds * RATE)), np.float32), RATE)
