"""How fast this machine makes each stage: guessed at first, then learned from every film; and the time that is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.artifacts import disk_errors, write_atomically
from engine.catalog import ModelSpec
from engine.errors import StorageFull, StorageUnwritable
from engine.made import Film
from engine.types import Role

HISTORY = "history.json"
UNITS: dict[str, str] = {
    "script": "shot",
    "voices": "shot",
    "music": "second",
    "stills": "shot",
    "clips": "frame",
    "segments": "frame",
    "film": "second",
}
"""What each stage's work is counted in. Seconds are those of the film."""

STAGE_ROLE: dict[str, Role] = {
    "script": "writer",
    "voices": "narrator",
    "music": "composer",
    "stills": "artist",
    "clips": "animator",
}
FIRST_GUESS: dict[str, float] = {
    "llama": 5.0,
    "hibari": 0.4,
    "coqui": 1.5,
    "bed": 0.02,
    "sketch": 1.0,
    "camera": 0.02,
    "sdxl": 3.0,
    "wan": 0.25,
    "ltx": 0.15,
    "ace_step": 0.5,
    "noop": 0.01,
    "segments": 0.025,
    "film": 0.08,
}
"""Seconds per unit on two CPU cores (sdxl, wan, ltx, ace_step: on a GPU), until this machine has its own history."""
UNKNOWN_GUESS = 0.5
NEW_WEIGHT = 0.5
"""Of a new measurement in the remembered pace: recent films count most, one odd film does not decide."""

Source = Literal["history", "arithmetic", "floor", "guess", "unknown", "not needed"]
"""Whence a stage's seconds are known: measured on this machine, FLOP at its GPU's measured rate (`floor`: what nothing
comes below, because no model of that family was measured), a guess, or not."""

Pace = dict[str, float]
"""Seconds per unit by `stage/model`, as measured on this machine."""


def wall_seconds(stages: dict[str, float]) -> float:
    """From start to film, when music is made beside the stills and segments beside the clips."""

    def of(stage: str) -> float:
        return stages.get(stage, 0.0)

    beside = max(of("music"), of("stills")) + max(of("clips"), of("segments"))
    return of("script") + of("voices") + beside + of("film")


def read_pace(home: Path) -> Pace:
    """What is remembered of this machine; nothing if nothing is, or if the memory cannot be read."""
    try:
        return msgspec.json.decode((home / HISTORY).read_bytes(), type=Pace)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}


def remember_pace(home: Path, film: Film, reused: set[str]) -> None:
    """Mix this film's pace into what is remembered, without the stages that used anything again."""
    pace = read_pace(home)
    frames = round(film.seconds * film.fps)
    for stage, seconds in film.stage_seconds.items():
        if stage not in UNITS or stage in reused or seconds <= 0:
            continue
        key = _pace_key(stage, film.plan.models)
        measured = seconds / _units(stage, len(film.script.shots), frames, film.seconds)
        pace[key] = measured if key not in pace else NEW_WEIGHT * measured + (1 - NEW_WEIGHT) * pace[key]
    try:
        with disk_errors(home):
            home.mkdir(parents=True, exist_ok=True)
        write_atomically(home / HISTORY, msgspec.json.format(msgspec.json.encode(pace, order="sorted"), indent=1))
    except (StorageFull, StorageUnwritable):
        return  # the film is made and delivered; estimates stay what they were


def _pace_key(stage: str, models: Mapping[Any, str]) -> str:
    return f"{stage}/{models[STAGE_ROLE[stage]]}" if stage in STAGE_ROLE else stage


def _units(stage: str, shots: int, frames: int, seconds: float) -> float:
    return max(1.0, {"shot": shots, "frame": frames, "second": seconds}[UNITS[stage]])


def stage_seconds(
    pace: Pace,
    specs: Mapping[Any, ModelSpec],
    shots: int,
    frames: int,
    seconds: float,
    *,
    own: bool,
    worked_out: Mapping[str, tuple[float, Source]] = {},
) -> tuple[dict[str, float], dict[str, Source]]:
    """Seconds of each stage, and whence that is known. A stage of which nobody can tell is in the second alone.

    What this machine remembers counts most, then `worked_out` (by stage), then guesses for what runs on CPUs."""
    models: dict[Role, str] = {role: spec.id for role, spec in specs.items()}
    found: dict[str, float] = {}
    sources: dict[str, Source] = {}
    for stage in UNITS:
        spec = specs[STAGE_ROLE[stage]] if stage in STAGE_ROLE else None
        units = _units(stage, shots, frames, seconds)
        if stage == "script" and own:
            found[stage], sources[stage] = 0.0, "not needed"
        elif (key := _pace_key(stage, models)) in pace:
            found[stage], sources[stage] = pace[key] * units, "history"
        elif stage in worked_out:
            found[stage], sources[stage] = worked_out[stage]
        elif spec is not None and spec.needs_gpu:
            sources[stage] = "unknown"
        else:
            found[stage] = FIRST_GUESS.get(spec.family if spec else stage, UNKNOWN_GUESS) * units
            sources[stage] = "guess"
    return found, sources


class Eta:
    """Seconds left of one story, from its estimate and, once a stage is well under way, from its own pace."""

    TRUSTED_SHARE = 0.15

    def __init__(self, stages: dict[str, float]) -> None:
        self._estimate = dict(stages)
        self._left = dict(stages)

    def update(self, stage: str, share: float, elapsed: float) -> float:
        """Seconds left of `stage`, of which `share` (0–1) was made in `elapsed` seconds."""
        share = min(1.0, max(0.0, share))
        expected = self._estimate.get(stage, 0.0) * (1 - share)
        self._left[stage] = elapsed * (1 - share) / share if share >= self.TRUSTED_SHARE else expected
        return self._left[stage]

    @property
    def seconds_left(self) -> float:
        return wall_seconds(self._left)
