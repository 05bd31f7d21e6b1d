"""What models have to do is worked out from their architectures, and every profile is planned from that alone."""

import json
import math
from functools import partial
from itertools import product
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from engine.catalog import ModelSpec, load_catalog
from engine.commands.plan import in_text
from engine.errors import BadCatalog
from engine.estimate import PlanReport, plan_story
from engine.footprint import gpu_gb, weights_gb
from engine.formats import format_names
from engine.machine import Machine
from engine.needs import FILE as NEEDS_FILE
from engine.needs import Needs
from engine.pace import Source, stage_seconds
from engine.rates import FILE, Rate, read_rate, remember_rate
from engine.types import AspectRatio, Quality, StoryRequest
from engine.work import clip_flops, song_flops, still_flops

CARD = Machine(cores=16, ram_gb=128, gpu="A Card", vram_gb=80)


def entry(name: str, **params: object) -> ModelSpec:
    spec = load_catalog().model(name)
    return msgspec.structs.replace(spec, params={**spec.params, **params})


LARGEST_720P = {"wan22-14b": (1280, 720, 81), "sdxl-lightning-8": (1368, 768, 1), "ace-step": (1, 1, 20)}
LAPTOP = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)


def plan(home: Path, profile: str, machine: Machine = LAPTOP) -> PlanReport:
    request = StoryRequest(prompt="A fox", target_seconds=20, profile=profile)
    return plan_story(request, home=home, catalog=load_catalog(), machine=machine)


@pytest.mark.parametrize(
    ("tflop", "worked_out"),
    [
        (416, still_flops(entry("sdxl"), 1024, 1024)),
        (37.5, still_flops(entry("sdxl-lightning"), 1024, 1024)),
        (7_100, clip_flops(entry("wan22-14b"), 832, 480, 81)),
        (26_800, clip_flops(entry("wan22-14b"), 1280, 720, 81)),
        (3_560, clip_flops(entry("wan22-5b", steps=3, guidance=1), 1280, 704, 121)),
    ],
)
def test_work_is_what_others_worked_out_by_hand(tflop: float, worked_out: float | None) -> None:
    assert worked_out is not None
    assert worked_out / 1e12 == pytest.approx(tflop, rel=0.02)


def test_guidance_costs_a_second_pass_and_half_the_steps_half_the_work() -> None:
    once = still_flops(entry("sdxl", guidance=0, steps=20), 768, 768) or 0
    assert still_flops(entry("sdxl", guidance=5, steps=20), 768, 768) == pytest.approx(2 * once, rel=0.05)
    assert still_flops(entry("sdxl", guidance=0, steps=10), 768, 768) == pytest.approx(once / 2, rel=0.15)


def test_weights_take_as_much_as_their_files() -> None:
    assert weights_gb(entry("sdxl")) == pytest.approx(3_469_000_000 * 2 / 2**30, rel=0.01)
    assert weights_gb(entry("wan22-14b")) == pytest.approx((2 * 14.29e9 + 5.68e9) * 2 / 2**30, rel=0.01)


def test_moving_weights_out_of_the_way_takes_less_memory_and_larger_pictures_more() -> None:
    shape = (832, 480, 81)
    whole, parts, layers = (
        gpu_gb(entry("wan22-5b", offload=how, tile=True), shape) for how in ("none", "model", "layer")
    )
    assert whole is not None
    assert parts is not None
    assert layers is not None
    assert layers < parts < whole
    large = (1280, 704, 121)
    assert (gpu_gb(entry("wan22-5b"), large) or 0) > (gpu_gb(entry("wan22-5b"), shape) or 0)
    assert (gpu_gb(entry("wan22-5b", tile=True), large) or 0) < (gpu_gb(entry("wan22-5b"), large) or 0)
    assert (gpu_gb(entry("wan22-5b", vae="bfloat16"), large) or 0) < (gpu_gb(entry("wan22-5b"), large) or 0)


def test_what_an_entry_says_of_its_memory_comes_first_and_without_architecture_nobody_knows() -> None:
    assert gpu_gb(msgspec.structs.replace(entry("sdxl"), vram_gb=12.5, memory="measured")) == 12.5
    assert gpu_gb(entry("sketch")) == 0
    unknown = msgspec.structs.replace(entry("sdxl"), architecture=None)
    assert (gpu_gb(unknown), still_flops(unknown, 64, 64), weights_gb(unknown)) == (None, None, None)


def test_every_entry_of_a_known_architecture_can_be_worked_out() -> None:
    named = [spec for spec in load_catalog().models.values() if spec.architecture is not None]
    assert {spec.family for spec in named} == {"sdxl", "wan", "ltx", "ace_step"}
    for spec in named:
        assert (gpu_gb(spec) or 0) > 0
        work = {"artist": partial(still_flops, spec, 512, 512), "animator": partial(clip_flops, spec, 512, 512, 17)}
        work["composer"] = partial(song_flops, spec, 60)
        assert (work[spec.role]() or 0) > 0


def test_music_twice_as_long_is_about_twice_the_work_and_its_memory_follows_from_how_it_is_decoded() -> None:
    short, long = (song_flops(entry("ace-step"), seconds) or 0 for seconds in (60, 120))
    assert 1.8 * short < long < 2.2 * short
    minute, ten = ((1, 1, seconds) for seconds in (60, 600))
    whole, tiled = ((gpu_gb(entry("ace-step", tile=tile), ten) or 0) for tile in (False, True))
    assert whole - tiled > 10, "ten minutes at once are 30 million samples of 128 channels"
    parts, layers = (gpu_gb(entry("ace-step", tile=True, offload=how), minute) or 0 for how in ("model", "layer"))
    assert layers < parts < (gpu_gb(entry("ace-step", tile=True), minute) or 0)


def test_ltx_encodes_its_picture_alone_and_packs_more_than_wan() -> None:
    shape = (704, 480, 121)
    ltx, wan = (clip_flops(entry(name, steps=40, guidance=3), *shape) or 0 for name in ("ltx-video", "wan22-5b"))
    assert 0 < ltx < wan / 2
    assert weights_gb(entry("ltx-video")) == pytest.approx((4.762 + 1.923 + 0.419) * 2e9 / 2**30, rel=0.01)


def test_a_plan_tells_the_work_of_a_composer_on_the_gpu_and_of_no_music_none(tmp_path: Path) -> None:
    asked = StoryRequest(prompt="A fox", target_seconds=20, profile="gpu-24gb")
    report = plan_story(asked, home=tmp_path, catalog=load_catalog(), machine=CARD)
    assert report.tflop["music"] > 1
    silent = msgspec.structs.replace(asked, music=False)
    assert "music" not in plan_story(silent, home=tmp_path, catalog=load_catalog(), machine=CARD).tflop


@pytest.mark.parametrize("profile", list(load_catalog().profiles))
def test_every_profile_is_planned_on_a_machine_without_a_gpu(tmp_path: Path, profile: str) -> None:
    report = plan(tmp_path, profile)
    assert report.frames == round(report.seconds * report.fps)
    assert set(report.loads.values()) == {1}
    assert set(report.loads) <= {model.id for model in report.models.values()}
    assert set(report.stage_seconds) == {s for s, source in report.stage_sources.items() if source != "unknown"}
    assert (report.total_seconds is None) == ("unknown" in report.stage_sources.values())
    assert "stills" in in_text(report, 2**40)
    json.dumps(msgspec.to_builtins(report))
    animator = load_catalog().model(report.models["animator"].id)
    if animator.architecture is not None:
        assert report.stage_sources["clips"] == "unknown"
        assert report.tflop["clips"] > 1000
        assert report.vram_gb is not None
        assert report.vram_gb > 4


def test_a_plan_tells_seconds_once_the_gpu_was_measured(tmp_path: Path) -> None:
    assert plan(tmp_path, "gpu-24gb", CARD).stage_sources["clips"] == "unknown"
    remember_rate(tmp_path, "A Card", Rate(tflops=500, times_floor={"sdxl": 3.0}))
    report = plan(tmp_path, "gpu-24gb", CARD)
    assert (report.stage_sources["stills"], report.stage_sources["clips"]) == ("arithmetic", "floor")
    assert report.stage_seconds["stills"] == pytest.approx(3 * report.tflop["stills"] / 500, abs=0.1)
    assert report.stage_seconds["clips"] == pytest.approx(report.tflop["clips"] / 500, abs=0.1)
    assert "at least" in in_text(report, 2**40)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    small = msgspec.structs.replace(CARD, vram_gb=3)
    assert any("more than the 3 GB" in decision for decision in plan(tmp_path, "gpu-80gb", small).decisions)


GPU_PROFILES = [name for name in load_catalog().profiles if name.startswith("gpu-")]


@pytest.mark.parametrize("profile", GPU_PROFILES)
def test_every_film_of_a_gpu_profile_fits_the_smallest_card_that_it_is_for_and_says_what_fills_it(
    tmp_path: Path, profile: str
) -> None:
    catalog = load_catalog()
    card = msgspec.structs.replace(CARD, vram_gb=catalog.profile(profile).vram_gb)
    for fmt, aspect, quality in product(format_names(), get_args(AspectRatio), get_args(Quality)):
        request = StoryRequest(
            prompt="A fox",
            content_type=fmt,
            aspect_ratio=aspect,
            quality=quality,
            profile=profile,
        )
        report = plan_story(request, home=tmp_path, catalog=catalog, machine=card)
        what = fmt, aspect, quality, report.decisions
        assert report.vram_gb is not None, what
        assert 0 < report.vram_gb <= card.vram_gb, what
        assert any("the GPU holds" in decision and "at work" in decision for decision in report.decisions), what
        assert {catalog.model(name).role for name in report.vram_unknown} <= {"composer"}, what


def test_two_experts_take_turns_where_they_do_not_fit_together_and_lie_side_by_side_where_they_do(
    tmp_path: Path,
) -> None:
    small, large = (msgspec.structs.replace(CARD, vram_gb=gigabytes) for gigabytes in (76, 139))
    assert any("its two experts taking turns" in one for one in plan(tmp_path, "gpu-80gb", small).decisions)
    report = plan(tmp_path, "gpu-80gb", large)
    assert not any("taking turns" in one for one in report.decisions)
    assert report.vram_gb == pytest.approx(
        sum(gpu_gb(entry(name), shape) or 0 for name, shape in LARGEST_720P.items()), abs=0.1
    )


def test_what_others_have_taken_of_the_gpu_is_no_room(tmp_path: Path) -> None:
    shared = msgspec.structs.replace(CARD, vram_gb=139, taken_gb=63)
    assert any("room for 76.0" in one for one in plan(tmp_path, "gpu-80gb", shared).decisions)


@pytest.mark.parametrize("profile", GPU_PROFILES)
def test_no_generator_is_asked_for_more_pixels_than_16_to_9_has(profile: str) -> None:
    from engine.stages.plan import make_plan

    sizes = {
        aspect: make_plan(StoryRequest(prompt="A fox", aspect_ratio=aspect, profile=profile), load_catalog(), CARD)[1]
        for aspect in get_args(AspectRatio)
    }
    for asked in ("still_size", "clip_size"):
        pixels = {aspect: math.prod(getattr(plan, asked)) for aspect, plan in sizes.items()}
        assert max(pixels.values()) <= 1.03 * pixels["16:9"], (asked, pixels)
        wide = getattr(sizes["21:9"], asked)
        assert wide[0] / wide[1] == pytest.approx(21 / 9, rel=0.03)


def test_rates_are_kept_by_card_and_families_are_added(tmp_path: Path) -> None:
    remember_rate(tmp_path, "A Card", Rate(tflops=400, times_floor={"sdxl": 3.0}))
    remember_rate(tmp_path, "A Card", Rate(tflops=500, times_floor={"wan": 1.5}))
    assert read_rate(tmp_path, "A Card") == Rate(tflops=500, times_floor={"sdxl": 3.0, "wan": 1.5})
    assert read_rate(tmp_path, "Another") is read_rate(tmp_path, None) is None
    (tmp_path / FILE).write_text("{")
    assert read_rate(tmp_path, "A Card") is None


def test_memory_of_this_machine_counts_more_than_arithmetic_and_that_more_than_a_guess() -> None:
    catalog = load_catalog()
    specs = {role: catalog.model(name) for role, name in catalog.profile("gpu-24gb").models.items()}
    worked: dict[str, tuple[float, Source]] = {"clips": (7.0, "arithmetic"), "stills": (5.0, "floor")}
    pace = {f"clips/{specs['animator'].id}": 2.0}
    seconds, sources = stage_seconds(pace, specs, 3, 10, 5.0, own=True, worked_out=worked)
    assert (seconds["clips"], sources["clips"]) == (20.0, "history")
    assert (seconds["stills"], sources["stills"]) == (5.0, "floor")
    assert sources["script"] == "not needed"
    assert "stills" not in stage_seconds({}, specs, 3, 10, 5.0, own=True)[0]


def test_an_unknown_architecture_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    raw = load_catalog().path
    assert raw is not None
    file = tmp_path / "models.yaml"
    file.write_text(
        raw.read_text(encoding="utf-8").replace("architecture: sdxl", "architecture: sdxxl"), encoding="utf-8"
    )
    with pytest.raises(
        BadCatalog,
        match=r"models\.sdxl\.architecture is 'sdxxl', and can be ace-step-xl, ltx, sdxl, wan22-5b, wan22-a14b",
    ):
        load_catalog(file)


def test_a_stage_of_which_nobody_can_tell_is_not_taken_for_hung_after_ten_minutes() -> None:
    from server.worker import stage_deadline

    assert stage_deadline("clips", None) > 3600 > stage_deadline("plan", 0.0)


def test_what_was_measured_on_this_gpu_counts_more_than_what_is_worked_out(tmp_path: Path) -> None:
    specs = [load_catalog().model(name) for name in load_catalog().profile("gpu-24gb").models.values()]
    before = plan(tmp_path, "gpu-24gb", CARD).vram_gb
    needs = Needs(tmp_path / NEEDS_FILE)
    for spec in specs:
        if spec.needs_gpu:
            needs.note(msgspec.structs.replace(needs.of(spec, "A Card"), resident=1.0, peak=2.0))
    after = plan(tmp_path, "gpu-24gb", CARD)
    assert after.vram_gb == 2.0 * sum(spec.needs_gpu for spec in specs) != before
    assert after.vram_unknown == ()


def test_weights_pass_through_main_memory_and_a_plan_counts_them_there(tmp_path: Path) -> None:
    told = plan(tmp_path, "gpu-24gb")
    assert told.memory_gb > 64  # two experts of 14 billion weights and a text encoder
    assert any("main memory are needed" in sentence for sentence in told.decisions)
    assert plan(tmp_path, "cpu").memory_gb < 3


def test_a_plan_says_what_is_not_here_and_how_it_comes(tmp_path: Path) -> None:
    told = plan(tmp_path, "gpu-8gb").decisions
    assert "this machine has no GPU: what is told of one is for a card with 7.5 GB free" in told
    assert any("pull qwen3-4b " in sentence and "wan22-5b-fast-streamed`" in sentence for sentence in told)
    assert not any("hibari" in sentence for sentence in told)
    assert not any("no GPU: what" in sentence for sentence in plan(tmp_path, "gpu-8gb", CARD).decisions)


def test_shots_that_are_alike_are_one_line_of_a_plan(tmp_path: Path) -> None:
    request = StoryRequest(prompt="A sea", content_type="music_video", target_seconds=480, profile="cpu")
    told = plan_story(request, home=tmp_path, catalog=load_catalog(), machine=LAPTOP)
    lines = [line for line in in_text(told, 10**12).splitlines() if line.startswith("  shot")]
    assert len(told.shots) > 100
    assert len(lines) < 20
    assert f"–{told.shots[-2].order} " in lines[-2]
    assert lines[-1].startswith(f"  shot {told.shots[-1].order} ")
