"""What a film will take before it is made: shots and frames, seconds per stage, memory, disk. Makes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from engine.catalog import Catalog, ModelSpec
from engine.errors import ModelMissing
from engine.formats import OWN, Pacing, load_format
from engine.machine import Machine, machine_now
from engine.pace import read_pace, stage_seconds, wall_seconds
from engine.stages.plan import make_plan
from engine.types import Camel, Plan, StoryRequest
from engine.weights import find_weights

# Measured at 720p: clips are encoded nearly without loss, everything after them for watching.
BYTES_PER_CLIP_PIXEL = 0.12
BYTES_PER_FILM_PIXEL = 0.03
BYTES_PER_STILL_PIXEL = 10
BYTES_PER_SOUND_SECOND = 2 * 48_000 * 2 * 4
COPIES_OF_PICTURE = 4
"""Segment, shot with sound, film, and the film on its way to its place."""

BASE_GB = 0.4
TORCH_GB = 0.8
TORCH_FAMILIES = frozenset({"coqui", "sdxl", "wan", "ltx", "ace_step"})
ENCODER_FRAMES = 60
"""Frames that x264 and the filters before it hold at a time."""


class PlannedModel(Camel, frozen=True):
    """`bytes` of its weights on disk; `ready` False if they are not there."""

    id: str
    licence: str
    about: str
    bytes: int
    ready: bool


class ShotReport(Camel, frozen=True):
    order: int
    beat: str
    purpose: str
    words: int
    camera: str
    seconds: float
    frames: int


class PlanReport(Camel, frozen=True):
    """`seconds` of film, `stage_seconds` of work, `total_seconds` from start to film (stages overlap); memory in GB,
    `vram_gb` None if nobody has measured it; `decisions` are sentences. Of an own script, shots' seconds are estimated
    from its words."""

    format: str
    profile: str
    width: int
    height: int
    fps: int
    seconds: float
    frames: int
    shots: tuple[ShotReport, ...]
    models: dict[str, PlannedModel]
    memory_gb: float
    vram_gb: float | None
    stage_seconds: dict[str, float]
    total_seconds: float
    disk_bytes: int
    seed: int
    decisions: tuple[str, ...]


def plan_story(request: StoryRequest, *, home: Path, catalog: Catalog, machine: Machine | None = None) -> PlanReport:
    """What making `request` means, without making anything; on `machine`, else on this one as it is now.

    Raises what `make_plan` raises."""
    request, plan = make_plan(request, catalog, machine or machine_now(), home / OWN)
    specs = {role: catalog.model(model_id) for role, model_id in plan.models.items()}
    shots = _shots(request, plan, specs["narrator"], load_format(plan.format, home / OWN).pacing)
    frames = sum(shot.frames for shot in shots) + round((plan.title_seconds + plan.end_seconds) * plan.fps)
    seconds = frames / plan.fps
    models = {role: _planned(spec, home) for role, spec in specs.items()}
    stages = stage_seconds(read_pace(home), specs, len(shots), frames, seconds, own=request.script is not None)
    if not request.music:
        stages["music"] = 0.0
    return PlanReport(
        format=plan.format,
        profile=plan.profile,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        seconds=round(seconds, 2),
        frames=frames,
        shots=shots,
        models=models,
        memory_gb=round(_memory(plan, specs, models), 1),
        vram_gb=_gpu_memory(specs.values()),
        stage_seconds={stage: round(value, 1) for stage, value in stages.items()},
        total_seconds=round(wall_seconds(stages), 1),
        disk_bytes=_disk(plan, len(shots), frames, seconds),
        seed=plan.seed,
        decisions=plan.decisions,
    )


def _shots(request: StoryRequest, plan: Plan, narrator: ModelSpec, pacing: Pacing) -> tuple[ShotReport, ...]:
    """Shots as long as their words; where a length was asked for, scaled so that the film keeps it."""
    lines = request.script.shots if request.script else ()
    planned_shots = [shot for shot in plan.shots if not shot.spare]
    words = [len(shot.narration.split()) for shot in lines] or [shot.words for shot in planned_shots]
    pause = sum(pacing.pause) / 2
    lengths = [count / narrator.limits.words_per_second + pause for count in words]
    cards = plan.title_seconds + plan.end_seconds
    if plan.target_seconds is not None and not lines:
        lengths = [length * (plan.target_seconds - cards) / sum(lengths) for length in lengths]
    reports, before, at = [], 0, 0.0
    for order, (planned, count, length) in enumerate(zip(planned_shots, words, lengths, strict=True)):
        at += length
        frames = max(1, round(at * plan.fps) - before)
        before += frames
        reports.append(
            ShotReport(
                order=order,
                beat=planned.beat,
                purpose=planned.purpose,
                words=count,
                camera=planned.camera,
                seconds=round(frames / plan.fps, 2),
                frames=frames,
            )
        )
    return tuple(reports)


def _planned(spec: ModelSpec, home: Path) -> PlannedModel:
    try:
        path = find_weights(spec, home)
    except ModelMissing:
        return PlannedModel(id=spec.id, licence=spec.licence, about=spec.about, bytes=0, ready=False)
    ready = path is None or path.exists()
    size = size_of(path) if path is not None and ready else 0
    return PlannedModel(id=spec.id, licence=spec.licence, about=spec.about, bytes=size, ready=ready)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _gpu_memory(specs: Iterable[ModelSpec]) -> float | None:
    """Of the most demanding one; None if that cannot be told, because one was never measured."""
    needs = [spec.vram_gb for spec in specs]
    return None if None in needs else max((need for need in needs if need is not None), default=0)


def _memory(plan: Plan, specs: dict[str, ModelSpec], models: dict[str, PlannedModel]) -> float:
    weights = sum(models[role].bytes for role, spec in specs.items() if not spec.needs_gpu) / 2**30
    torch = TORCH_GB if any(spec.family in TORCH_FAMILIES for spec in specs.values()) else 0.0
    encoder = plan.width * plan.height * 1.5 * ENCODER_FRAMES / 2**30
    return BASE_GB + torch + weights + encoder


def _disk(plan: Plan, shots: int, frames: int, seconds: float) -> int:
    pixels = plan.width * plan.height
    picture = pixels * frames * (BYTES_PER_CLIP_PIXEL + COPIES_OF_PICTURE * BYTES_PER_FILM_PIXEL)
    return math.ceil(picture + shots * pixels * BYTES_PER_STILL_PIXEL + seconds * BYTES_PER_SOUND_SECOND)
