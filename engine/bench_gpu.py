"""The measurements G1 to G7: full-size models of random weights on a GPU, each a ratio within one run.

G1  stock diffusers SDXL ÷ ours, same steps
G2  our SDXL ÷ what its FLOP take at the rate of this run's matrix products
G3  stock diffusers Wan, image to video, a step ÷ ours
G4  our Wan step ÷ what its FLOP take
G5  (a clip from end to end − its steps) ÷ its steps
G6  models on the GPU at work ÷ wall over a story of six scenes, whose script and voices cost nothing
G7  with 24 GB: a step with streamed weights ÷ a resident one; four clips in one wave ÷ one at a time with stock offload

Without a GPU the same code runs at toy size, which shows that it runs and says nothing of speed. Data-dependent caches
are off. Knows torch through `engine.backends.yardsticks` only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from PIL import Image

from engine.architectures import Architecture, Cost, Part, read_architecture
from engine.backends import blank, yardsticks
from engine.backends.protocols import ClipJob, StillJob
from engine.bench_rig import Place, Timeline, bench_catalog, bench_request
from engine.bench_rows import TOY_NOTE, Row, at_least, at_most
from engine.catalog import Catalog, Limits, ModelSpec, Weights
from engine.machine import this_machine
from engine.made import Still
from engine.models import load_model
from engine.rates import Rate, remember_rate
from engine.work import step_flops, whole_flops

CAP_GB = 24.0
SCENES = 6
WAVE = 4
BUSY_SECONDS = 0.1
Shape = tuple[int, int, int]


class Scale(NamedTuple):
    """What is measured at. `changes` to configs by architecture and component make a toy of it; shapes are width,
    height, frames."""

    picture: Shape
    clip: Shape
    steps: int
    clip_steps: int
    short_side: int
    fps: int
    changes: dict[str, dict[str, dict[str, Any]]]


FULL = Scale((1024, 1024, 1), (832, 480, 81), steps=30, clip_steps=4, short_side=480, fps=16, changes={})

_CLIP = {"hidden_size": 32, "intermediate_size": 32, "projection_dim": 32, "num_attention_heads": 2}
_CLIP |= {"num_hidden_layers": 2, "vocab_size": 100}
_UNET = {"block_out_channels": [32, 32, 64], "attention_head_dim": [2, 2, 4], "transformer_layers_per_block": [1, 1, 1]}
_UNET |= {"cross_attention_dim": 64, "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 80}
_UNET |= {"norm_num_groups": 8, "sample_size": 16, "layers_per_block": 1}
_T5 = {"d_model": 32, "d_ff": 32, "d_kv": 8, "num_heads": 4, "num_layers": 2, "vocab_size": 100}
_DIT = {
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "ffn_dim": 32,
    "num_layers": 1,
    "text_dim": 32,
    "freq_dim": 32,
}
_WAN = {"text_encoder": _T5, "transformer": _DIT, "vae": {"base_dim": 4, "num_res_blocks": 1}}
TOY = Scale(
    (64, 64, 1),
    (64, 64, 5),
    steps=4,
    clip_steps=4,
    short_side=64,
    fps=4,
    changes={
        "sdxl": {
            "text_encoder": _CLIP,
            "text_encoder_2": _CLIP,
            "unet": _UNET,
            "vae": {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "layers_per_block": 1},
        },
        "wan22-5b": {**_WAN, "vae": {"base_dim": 4, "decoder_base_dim": 4, "num_res_blocks": 1}},
        "wan22-a14b": _WAN,
    },
)


class Gpu(NamedTuple):
    """What a run stands on."""

    scale: Scale
    tflops: float

    @property
    def note(self) -> str:
        return TOY_NOTE if self.scale is TOY else ""


class Bed:
    """The device that models are measured on, looked at when the first of them is; at toy size without a GPU."""

    def __init__(self, *, toy: bool = False) -> None:
        self._toy = toy
        self._gpu: Gpu | None = None

    def gpu(self) -> Gpu:
        if self._gpu is None:
            small = self._toy or yardsticks.device() == "cpu"
            self._gpu = Gpu(TOY if small else FULL, yardsticks.gemm_tflops())
        return self._gpu

    def told(self) -> dict[str, Any]:
        """Fields of the report; none if no model was measured."""
        if self._gpu is None:
            return {}
        return {
            "device_tflops": round(self._gpu.tflops, 3),
            "to_device_gb_s": round(yardsticks.to_device_gb_s(), 2),
            "versions": yardsticks.versions(),
        }

    def remember(self, home: Path, rows: list[Row]) -> None:
        """For plans: how fast this GPU is, and how near SDXL and Wan came. Of toys nothing."""
        name = this_machine().gpu
        if self._gpu is None or self._gpu.scale is not FULL or name is None:
            return
        times = {FAMILY[row.id]: round(row.value, 3) for row in rows if row.id in FAMILY}
        remember_rate(home, name, Rate(tflops=round(self._gpu.tflops, 1), times_floor=times))


FAMILY = {"G2": "sdxl", "G4": "wan"}
"""Whose time over its floor a measurement is."""
TOGETHER = {"G2": "G1", "G4": "G3", "G5": "G3"}
"""Measurements that come out of the same run as another."""


class Blank:
    """A model of random weights: its folder, its costs, and its entry."""

    def __init__(self, place: Place, gpu: Gpu, name: str, *, experts: int = 1) -> None:
        self.name, self._gpu, self._place = name, gpu, place
        shipped = read_architecture(name)
        changes = gpu.scale.changes.get(name, {})
        parts = {
            part: msgspec.structs.replace(given, config={**given.config, **changes.get(part.removesuffix("_2"), {})})
            if part != "text_encoder_2"
            else msgspec.structs.replace(given, config={**given.config, **changes.get(part, {})})
            for part, given in shipped.components.items()
            if experts == 2 or part != "transformer_2"
        }
        pipeline = shipped.pipeline
        if experts == 1:  # a step costs the same with one expert, and both do not fit beside each other everywhere
            config = {key: value for key, value in pipeline.config.items() if key != "boundary_ratio"}
            pipeline = Part(kind=pipeline.kind, config=config)
        self.arch = Architecture(pipeline=pipeline, scheduler=shipped.scheduler, components=parts)
        self.folder = blank.lay_out(self.arch, place.home / "bench" / name)

    @cached_property
    def costs(self) -> dict[str, Cost]:
        return yardsticks.costs_of(self.arch)

    def entry(self, **params: Any) -> ModelSpec:
        still = self.name == "sdxl"
        return ModelSpec(
            id=f"blank-{self.name}",
            role="artist" if still else "animator",
            family="sdxl" if still else "wan",
            licence="Apache-2.0",
            commercial=True,
            about="Random weights, for measurements.",
            weights=Weights(local=str(self.folder)),
            vram_gb=None if yardsticks.device() == "cuda" else 0,
            limits=Limits(size_step=8) if still else Limits(size_step=32, frames_step=4, frames_plus=1, max_frames=121),
            params=params,
        )

    def least_seconds(self, flops: float) -> float:
        return flops / (self._gpu.tflops * 1e12)


class Stopwatch:
    """Seconds between the ticks of a model, the device waited for at each."""

    def __init__(self) -> None:
        self._marks: list[float] = []

    def tick(self, done: int, total: int) -> None:
        yardsticks.synchronize()
        if done:
            self._marks.append(time.perf_counter())

    @property
    def step(self) -> float:
        gaps = sorted(later - earlier for earlier, later in pairwise(self._marks))
        return gaps[len(gaps) // 2]


def measurements(bed: Bed) -> dict[str, Callable[[Place], list[Row]]]:
    """By name, those of `TOGETHER` left out."""
    return {
        "G1": lambda place: pictures(place, bed.gpu()),
        "G3": lambda place: clips(place, bed.gpu()),
        "G6": lambda place: story(place, bed.gpu()),
        "G7": lambda place: small_card(place, bed.gpu()),
    }


def pictures(place: Place, gpu: Gpu) -> list[Row]:
    scale, model = gpu.scale, Blank(place, gpu, "sdxl")
    width, height, _ = scale.picture
    guidance = 5.0
    stock = yardsticks.stock_picture_seconds(
        model.folder, width=width, height=height, steps=scale.steps, guidance=guidance
    )
    artist = _open(model.entry(steps=scale.steps, guidance=guidance), place.home)
    folder = place.fresh("g1")
    ours = 0.0
    for number in range(2):  # the second counts: the first one looks for the fastest kernels; no text is known to it
        job = StillJob(prompt=f"{yardsticks.PROMPT} {number}", width=width, height=height, seed=number)
        start = time.perf_counter()
        artist.prepare([job])
        artist.paint(job, folder)
        yardsticks.synchronize()
        ours = time.perf_counter() - start
    artist.close()
    least = model.least_seconds(whole_flops(model.arch, model.costs, scale.picture, scale.steps, guidance))
    parts = {"stock": stock, "ours": ours, "least": least}
    return [
        at_least("G1", f"stock SDXL ÷ ours, {width}×{height}, {scale.steps} steps", stock / ours, 1.5, parts, gpu.note),
        at_most("G2", "our SDXL ÷ its floor at this run's matrix products", ours / least, 3.0, parts, note=gpu.note),
    ]


def clips(place: Place, gpu: Gpu) -> list[Row]:
    scale, model = gpu.scale, Blank(place, gpu, "wan22-a14b")
    width, height, frames = scale.clip
    guidance, still = 5.0, _still(place, scale.clip)
    with Image.open(still.image) as image:
        _, stock = yardsticks.stock_clips(
            model.folder,
            image.convert("RGB"),
            width=width,
            height=height,
            frames=frames,
            steps=3,
            guidance=guidance,
            clips=1,
            offload=False,
        )
    guided, _ = _clip(place, model.entry(steps=3, guidance=guidance), scale.clip)
    costs = yardsticks.costs_of(model.arch, "transformer")  # its VAE takes longer to count, and is in no step
    least = model.least_seconds(step_flops(model.arch, costs, scale.clip, guidance))
    step, whole = _clip(place, model.entry(steps=scale.clip_steps, guidance=1.0), scale.clip)
    work = scale.clip_steps * step
    shape = f"{width}×{height}×{frames}"
    parts = {"stock": stock, "ours": guided, "least": least}
    ends = {"clip": whole, "steps": work}
    return [
        at_least(
            "G3", f"stock Wan 14B ÷ ours, one step with guidance at {shape}", stock / guided, 1.6, parts, gpu.note
        ),
        at_most("G4", "our Wan step ÷ its floor", guided / least, 1.6, parts, note=gpu.note),
        at_most("G5", f"(clip − steps) ÷ steps, {scale.clip_steps} steps", whole / work - 1, 0.30, ends, note=gpu.note),
    ]


def _open(spec: ModelSpec, home: Path) -> Any:
    """Loaded and tuned; a stage would know its role."""
    return load_model(spec, home)


def _clip(place: Place, spec: ModelSpec, shape: Shape) -> tuple[float, float]:
    """Median seconds of a step, and of the clip from job to file; the second of two."""
    animator = _open(spec, place.home)
    jobs = [_job(_still(place, shape), shape, number) for number in range(2)]
    animator.prepare(jobs)
    step = whole = 0.0
    for number, job in enumerate(jobs):
        watch, start = Stopwatch(), time.perf_counter()
        animator.animate(job, place.fresh(f"clip{number}") / "clip.mp4", tick=watch.tick)
        step, whole = watch.step, time.perf_counter() - start
    animator.close()
    return step, whole


def _still(place: Place, shape: Shape) -> Still:
    """Noise that no cache has seen."""
    width, height, _ = shape
    path = place.fresh(f"still-{time.monotonic_ns()}") / "still.png"
    Image.frombytes("RGB", (width, height), os.urandom(width * height * 3)).save(path)
    return Still(image=path)


def _job(still: Still, shape: Shape, seed: int) -> ClipJob:
    width, height, frames = shape
    return ClipJob(
        still=still, prompt=f"{yardsticks.PROMPT} {seed}", width=width, height=height, frames=frames, fps=16, seed=seed
    )


def story(place: Place, gpu: Gpu) -> list[Row]:
    """Six scenes through the pipeline. Models are open beforehand: making up weights is not loading them."""
    scale = gpu.scale
    artist = Blank(place, gpu, "sdxl").entry(steps=4, guidance=0.0, scheduler="euler_trailing")
    animator = Blank(place, gpu, "wan22-5b").entry(steps=scale.clip_steps, guidance=1.0)
    shipped = bench_catalog(short_side=scale.short_side, fps=scale.fps)
    profile = shipped.profiles["bench"]
    named = {**profile.models, "artist": artist.id, "animator": animator.id}
    catalog = Catalog(
        profiles={**shipped.profiles, "bench": msgspec.structs.replace(profile, models=named)},
        models={**shipped.models, artist.id: artist, animator.id: animator},
    )
    with Timeline(catalog, place.home) as timeline:
        timeline.open(artist)
        timeline.open(animator)
        told = place.tell([bench_request(SCENES)], [place.fresh("g6")], catalog=catalog, residents=timeline)
    busy = timeline.busy("paint", "animate", "expose", "prepare")
    parts = {"wall": told.seconds, "models": busy}
    what = f"models on the GPU at work ÷ wall over a story of {SCENES} scenes"
    return [at_least("G6", what, busy / told.seconds, 0.92, parts, gpu.note)]


def small_card(place: Place, gpu: Gpu) -> list[Row]:
    scale = gpu.scale
    large = Blank(place, gpu, "wan22-a14b")
    still = _still(place, scale.clip)
    resident, _ = _clip(place, large.entry(steps=3, guidance=1.0), scale.clip)
    with yardsticks.capped(CAP_GB):
        streamed, _ = _clip(place, large.entry(steps=3, guidance=1.0, offload="layer", tile=True), scale.clip)
        ours, stock = _wave_against_stock(place, gpu, still)
    return [
        at_most(
            "G7",
            f"with {CAP_GB:g} GB: a step with streamed weights ÷ a resident one",
            streamed / resident,
            1.10,
            {"streamed": streamed, "resident": resident},
            note=gpu.note,
        ),
        at_most(
            "G7",
            f"with {CAP_GB:g} GB: {WAVE} clips of Wan 5B in one wave ÷ one at a time with stock offload",
            ours / stock,
            0.6,
            {"wave": ours, "stock": stock},
            note=gpu.note,
        ),
    ]


def _wave_against_stock(place: Place, gpu: Gpu, still: Still) -> tuple[float, float]:
    scale, model = gpu.scale, Blank(place, gpu, "wan22-5b")
    width, height, frames = scale.clip
    with Image.open(still.image) as image:
        stock, _ = yardsticks.stock_clips(
            model.folder,
            image.convert("RGB"),
            width=width,
            height=height,
            frames=frames,
            steps=scale.clip_steps,
            guidance=1.0,
            clips=WAVE,
            offload=True,
        )
    spec = model.entry(steps=scale.clip_steps, guidance=1.0, offload="model", tile=True)
    animator = _open(spec, place.home)
    jobs = [_job(_still(place, scale.clip), scale.clip, number) for number in range(WAVE)]
    start = time.perf_counter()
    animator.prepare(jobs)
    for job in jobs:
        animator.animate(job, place.fresh("wave") / "clip.mp4")
    yardsticks.synchronize()
    ours = time.perf_counter() - start
    animator.close()
    return ours, stock
