"""How far a job is, from what its stages tell, weighted by how long each is expected to take. Knows no table."""

from __future__ import annotations

import time

from engine.pace import Eta
from engine.types import STAGES

STATUS_OF = {
    "plan": "generating_story",
    "script": "generating_story",
    "voices": "generating_story",
    "stills": "generating_videos",
    "clips": "generating_videos",
    "segments": "generating_videos",
    "film": "rendering_video",
    "review": "rendering_video",
}
"""Which of the contract's statuses a stage belongs to."""

WEIGHED = ("script", "voices", "stills", "clips", "segments", "film")
ORDER = ("queued", "generating_story", "generating_videos", "rendering_video")
UNKNOWN_SECONDS = 1.0
NEARLY = 99
"""Completed, and that alone, is 100."""


class Progress:
    """Of one attempt: `percent` never goes back, `status` moves only forwards."""

    def __init__(self, estimate: dict[str, float], render_video: bool) -> None:
        """`estimate`: seconds by stage."""
        self._weights = {stage: estimate.get(stage, UNKNOWN_SECONDS) for stage in WEIGHED}
        self._shares: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._eta = Eta(estimate)
        self._last_status = "rendering_video" if render_video else "generating_videos"
        self.stage = "plan"
        self.status = "generating_story"
        self.percent = 0

    def hear(self, stage: str, share: float) -> None:
        """`share` (0–1) of `stage` is done."""
        moment = time.monotonic()
        began = self._began.setdefault(stage, moment)
        self._shares[stage] = max(share, self._shares.get(stage, 0.0))
        self._eta.update(stage, share, moment - began)
        self._move(stage)
        whole = sum(self._weights.values()) or 1.0
        done = sum(self._weights[name] * self._shares.get(name, 0.0) for name in WEIGHED)
        self.percent = max(self.percent, min(NEARLY, int(100 * done / whole)))

    def _move(self, stage: str) -> None:
        """Forwards only: segments are cut while clips are still made, and music while stills are."""
        if stage == "music" or STAGES.index(stage) < STAGES.index(self.stage):
            return
        self.stage = stage
        self.status = min(STATUS_OF[stage], self._last_status, key=ORDER.index)

    @property
    def eta_seconds(self) -> float:
        return round(self._eta.seconds_left, 1)
