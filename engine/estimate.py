"""What a film will take before it is made: shots and frames, seconds per stage, memory, disk. Makes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine.absence import bytes_to_pull, how_to_bring, is_here
from engine.catalog import Catalog, ModelSpec
from engine.footprint import gpu_gb, moved_gb, weights_gb
from engine.formats import OWN, Pacing, load_format
from engine.ladder import AS_ASKED
from engine.machine import Machine, machine_now
from engine.made import Still
from engine.needs import FILE as NEEDS_FILE
from engine.needs import Needs
from engine.pace import STAGE_ROLE, Source, read_pace, stage_seconds, wall_seconds
from engine.rates import Rate, read_rate
from engine.residency import Way, choose_way, made_size, shape_for
from engine.stages.plan import make_plan
from engine.takes import Take, clip_job
from engine.types import Camel, Plan, Role, StoryRequest
from engine.weights import find_weights
from engine.work import clip_flops, song_flops, still_flops

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
    """`seconds` of film, `stage_seconds` of work, `total_seconds` from start to film (stages overlap), None while one
    stage is unknown; `stage_sources` whence each is known (`engine.pace.Source`); `tflop` of work by stage, where that
    can be told. Memory in GB: `vram_gb` the most that is taken of a GPU at once, None if that can be told of no model,
    `vram_unknown` the models of which it cannot. `loads`: how often each model is opened. `decisions` are sentences. Of
    an own script, shots' seconds are estimated from its words."""

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
    vram_unknown: tuple[str, ...]
    loads: dict[str, int]
    stage_seconds: dict[str, float]
    stage_sources: dict[str, Source]
    tflop: dict[str, float]
    total_seconds: float | None
    disk_bytes: int
    seed: int
    decisions: tuple[str, ...]


def plan_story(request: StoryRequest, *, home: Path, catalog: Catalog, machine: Machine | None = None) -> PlanReport:
    """What making `request` means, without making anything; on `machine`, else on this one as it is now.

    Raises what `make_plan` raises."""
    machine = machine or machine_now()
    request, plan = make_plan(request, catalog, machine, home / OWN)
    specs: dict[Role, ModelSpec] = {role: catalog.model(model_id) for role, model_id in plan.models.items()}
    shots = _shots(request, plan, specs["narrator"], load_format(plan.format, home / OWN).pacing)
    frames = sum(shot.frames for shot in shots) + round((plan.title_seconds + plan.end_seconds) * plan.fps)
    seconds = frames / plan.fps
    models = {role: _planned(spec, home) for role, spec in specs.items()}
    own = request.script is not None
    composed = math.ceil(seconds) if request.music and request.music_file is None else 0
    flops = _flops(plan, specs, shots, composed)
    budget = machine.vram_gb - machine.taken_gb or catalog.profile(plan.profile).vram_gb
    needed = partial(_needed, plan, Needs(home / NEEDS_FILE), machine.gpu)
    ways: dict[Role, Way] = {role: choose_way(s, budget, needed) for role, s in specs.items() if s.needs_gpu}
    placed: dict[Role, ModelSpec] = {role: ways[role].spec if role in ways else spec for role, spec in specs.items()}
    worked_out = _at_rate(read_rate(home, machine.gpu), flops, placed, len(shots))
    stages, sources = stage_seconds(read_pace(home), specs, len(shots), frames, seconds, own=own, worked_out=worked_out)
    if not request.music:
        stages["music"], sources["music"] = 0.0, "not needed"
    total = None if "unknown" in sources.values() else round(wall_seconds(stages), 1)
    opened: list[Role] = [role for stage, role in STAGE_ROLE.items() if sources[stage] != "not needed"]
    taken = [ways[role] for role in opened if role in ways]
    vram, fullest = gpu_memory(taken, budget)
    unknown = tuple(way.spec.id for way in taken if math.isinf(way.gb))
    memory = round(_memory(plan, specs, models), 1)
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
        memory_gb=memory,
        vram_gb=None if unknown and not vram else vram,
        vram_unknown=unknown,
        loads={specs[role].id: 1 for role in opened},
        stage_seconds={stage: round(value, 1) for stage, value in stages.items()},
        stage_sources=sources,
        tflop={stage: round(value / 1e12, 1) for stage, value in flops.items()},
        total_seconds=total,
        disk_bytes=_disk(plan, len(shots), frames, seconds),
        seed=plan.seed,
        decisions=(
            *plan.decisions,
            *(way.sentence for way in taken if way.sentence),
            *_told(vram, fullest, budget, unknown),
            *_lacking(machine, budget, memory, [specs[role] for role in opened], home),
        ),
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
    ready = is_here(spec, home)
    path = find_weights(spec, home) if ready else None
    size = size_of(path) if path is not None else 0
    return PlannedModel(id=spec.id, licence=spec.licence, about=spec.about, bytes=size, ready=ready)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _flops(plan: Plan, specs: dict[Role, ModelSpec], shots: tuple[ShotReport, ...], composed: int) -> dict[str, float]:
    """Work of the stages of which it can be told, at the sizes that the models are asked for; `composed` seconds of
    music are to be made."""
    artist, animator = specs["artist"], specs["animator"]
    stills = [still_flops(artist, *shape_for(plan, artist)[:2]) for _ in shots]
    size = made_size(plan, animator)
    clips = [clip_flops(animator, *size, _clip_frames(animator, plan, shot.frames)) for shot in shots]
    music = [song_flops(specs["composer"], composed)] if composed else []
    known = {"music": music, "stills": stills, "clips": clips}
    return {stage: sum(f for f in all_of if f) for stage, all_of in known.items() if None not in all_of and all_of}


def _at_rate(
    rate: Rate | None, flops: dict[str, float], placed: dict[Role, ModelSpec], pieces: int
) -> dict[str, tuple[float, Source]]:
    """Seconds of the stages whose work is known, at the GPU's rate and not faster than weights come that are copied."""
    seconds: dict[str, tuple[float, Source]] = {}
    for stage, work in flops.items() if rate is not None else ():
        assert rate is not None
        spec = placed[STAGE_ROLE[stage]]
        least, source = rate.seconds(work, spec.family)
        copied = moved_gb(spec, 1 if stage == "music" else pieces) / rate.to_device_gb_s if rate.to_device_gb_s else 0.0
        seconds[stage] = max(least, copied), source
    return seconds


def _clip_frames(animator: ModelSpec, plan: Plan, frames: int) -> int:
    """Of the clip that the stage asks for; of a shot that is too long and will be split, of its longest part."""
    take = Take(
        still=Still(image=Path()),
        prompt="",
        negative="",
        camera="hold",
        seed=0,
        width=plan.width,
        height=plan.height,
        frames=frames,
        fps=plan.fps,
    )
    job = clip_job(take, animator, AS_ASKED)
    return job.frames if job is not None else animator.limits.max_frames or frames


def gpu_memory(ways: Sequence[Way], budget: float) -> tuple[float, str]:
    """The most that is taken at once as models follow each other, and by whom.

    What is open stays open where it fits beside the next one, as `engine.models.Residents` has it."""
    held: dict[str, float] = {}
    most, fullest = 0.0, ""
    for way in ways:
        if math.isinf(way.gb):
            held.clear()  # beside a model whose need is not known nothing stays open
            continue
        for name in sorted(held, key=held.__getitem__):
            if sum(held.values()) + way.gb <= budget:
                break
            del held[name]
        beside = f" beside {' and '.join(held)}" if held else ""
        held[way.spec.id] = way.gb
        if sum(held.values()) > most:
            most, fullest = sum(held.values()), f"{way.spec.id} at work{beside}"
    return round(most, 1), fullest


def _needed(plan: Plan, needs: Needs, gpu: str | None, spec: ModelSpec) -> tuple[float, str]:
    """GB of a GPU that the entry takes for this plan: what was seen on that GPU, else what is worked out."""
    known = needs.of(spec, gpu) if gpu is not None else None
    if known is not None and known.peak > 0:
        return known.peak, "measured here before"
    needed = gpu_gb(spec, shape_for(plan, spec))
    return (math.inf, "unknown") if needed is None else (needed, "an estimate")


def _told(vram: float, fullest: str, budget: float, unknown: tuple[str, ...]) -> tuple[str, ...]:
    if not vram:
        return ()
    if vram <= budget:
        known = f", {' and '.join(unknown)} not counted" if unknown else ""
        return (f"the GPU holds {vram:g} GB of {budget:g} at the most{known}: {fullest}",)
    return (
        f"an estimated {vram:g} GB are more than the {budget:g} GB of the GPU ({fullest}): what does not fit is made "
        "smaller, or by a model that needs no GPU",
    )


def _memory(plan: Plan, specs: dict[Role, ModelSpec], models: dict[str, PlannedModel]) -> float:
    weights = sum(models[role].bytes for role, spec in specs.items() if not spec.needs_gpu) / 2**30
    torch = TORCH_GB if any(spec.family in TORCH_FAMILIES for spec in specs.values()) else 0.0
    encoder = plan.width * plan.height * 1.5 * ENCODER_FRAMES / 2**30
    # On their way to the GPU all weights of a pipeline lie in main memory, and stay there where they are streamed.
    passing = max((weights_gb(spec) or 0.0 for spec in specs.values() if spec.needs_gpu), default=0.0)
    return BASE_GB + torch + weights + passing + encoder


def _lacking(machine: Machine, budget: float, memory: float, opened: Sequence[ModelSpec], home: Path) -> list[str]:
    """What this machine has not, of that which the plan reckons with."""
    told = []
    if machine.gpu is None and any(spec.needs_gpu for spec in opened):
        told.append(f"this machine has no GPU: what is told of one is for a card with {budget:g} GB free")
    if memory > machine.ram_gb:
        told.append(
            f"about {memory:g} GB of main memory are needed, on the way to a GPU too, and this machine has "
            f"{machine.ram_gb:.0f}: choose a smaller profile"
        )
    absent = [spec for spec in opened if not is_here(spec, home)]
    if absent:
        sizes = [bytes_to_pull(spec) for spec in absent if spec.weights is None or spec.weights.toy is None]
        known = [size for size in sizes if size is not None]
        size = f"{sum(known) / 1e9:.1f} GB to pull" if known and len(known) == len(sizes) else ""
        ids = ", ".join(spec.id for spec in absent)
        told.append(f"not on this machine: {ids}{f' ({size})' if size else ''}: {how_to_bring(absent)}")
    return told


def _disk(plan: Plan, shots: int, frames: int, seconds: float) -> int:
    pixels = plan.width * plan.height
    picture = pixels * frames * (BYTES_PER_CLIP_PIXEL + COPIES_OF_PICTURE * BYTES_PER_FILM_PIXEL)
    return math.ceil(picture + shots * pixels * BYTES_PER_STILL_PIXEL + seconds * BYTES_PER_SOUND_SECOND)
