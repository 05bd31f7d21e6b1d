"""The doctor says what the GPU does, or in one sentence why it does nothing, with the remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engine import gpu_checks
from engine.backends.card import try_card
from engine.catalog import load_catalog
from engine.estimate import plan_story
from engine.footprint import moved_gb
from engine.gpu_checks import check_card, check_gpu, plugged_in, why_not
from engine.machine import DriverMemory, Machine
from engine.rates import Card, Rate, read_rate, remember_card, remember_rate
from engine.types import StoryRequest
from tests.conftest import ROOT
from tests.fake_driver import with_driver

NOTHING = DriverMemory("", 0.0, 0.0, 0.0)
H100 = DriverMemory("NVIDIA H100 80GB HBM3", 79.6, 79.1, 0.4, "GPU-4711", "580.82", "13.0", "9.0", (), "", loaded=True)
TRIED = Card(device="cuda", dtype="bfloat16", tflops=731.4, to_device_gb_s=54.2, attention="_native_cudnn")


def answering(card: Card):
    return lambda home: msgspec.json.encode(card).decode()


def raising(said: str):
    def ask(home: Path) -> str:
        raise subprocess.CalledProcessError(1, ["card"], stderr=said)

    return ask


def test_a_card_that_works_is_one_line_of_figures_and_plans_know_them(tmp_path: Path) -> None:
    seen = check_gpu(H100, None, plugged=True)
    assert (seen.state, seen.found) == (
        "ok",
        "NVIDIA H100 80GB HBM3, compute capability 9.0, driver 580.82 (CUDA 13.0), 79.1 of 79.6 GB free",
    )
    works = check_card(H100, tmp_path, "2.13.0", needed=True, ask=answering(TRIED))
    assert works.state == "ok"
    figures = "731 TFLOP/s in bfloat16, 54.2 GB/s from main memory, attention by _native_cudnn; clips are encoded by"
    assert works.found.startswith(figures)
    assert read_rate(tmp_path, H100.name) == Rate(tflops=731.4, to_device_gb_s=54.2)


def test_a_card_that_others_slow_down_keeps_its_rate_and_what_was_measured_of_models(
    tmp_path: Path,
) -> None:
    remember_rate(tmp_path, "A Card", Rate(tflops=800, times_floor={"wan": 1.4}))
    remember_card(tmp_path, "A Card", msgspec.structs.replace(TRIED, tflops=300))
    assert read_rate(tmp_path, "A Card") == Rate(tflops=800, times_floor={"wan": 1.4}, to_device_gb_s=54.2)
    remember_rate(tmp_path, "A Card", Rate(tflops=790))
    assert read_rate(tmp_path, "A Card") == Rate(tflops=790, times_floor={"wan": 1.4}, to_device_gb_s=54.2)


@pytest.mark.parametrize(
    ("said", "found", "fix"),
    [
        (
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12020).",
            "driver 580.82 knows CUDA 13.0 at most, and torch 2.13.0 is built for a later one",
            "update the NVIDIA driver, or set REELHOUSE_TORCH_INDEX",
        ),
        (
            "torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable",
            "another process has the GPU for itself",
            "CUDA_VISIBLE_DEVICES",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried", "its memory is full: other programs have", "nvidia-smi"),
        ("CUDA error: no kernel image is available for execution", "no code for compute capability 9.0", "profile cpu"),
        ("ModuleNotFoundError: No module named 'torch'", "No module named 'torch'", "scripts/setup"),
        ("AcceleratorError: CUDA error: unspecified launch failure", "unspecified launch failure", "Xid"),
        ("", "it said nothing", "Xid"),
    ],
)
def test_what_stands_in_the_way_is_one_sentence_with_a_remedy(tmp_path: Path, said: str, found: str, fix: str) -> None:
    told = check_card(H100, tmp_path, "2.13.0", needed=True, ask=raising(f"Traceback\n  File\n{said}"))
    assert told.state == "failed"
    assert found in told.found or not said
    assert "\n" not in told.found
    assert fix in (told.fix or "")
    assert check_card(H100, tmp_path, "2.13.0", needed=False, ask=raising(said)).state == "advice"
    assert read_rate(tmp_path, H100.name) is None
    assert why_not(said, H100, "2.13.0")[1] == told.fix


def test_a_build_for_the_cpu_a_hung_card_and_an_odd_answer_are_told(tmp_path: Path) -> None:
    def hang(home: Path) -> str:
        raise subprocess.TimeoutExpired("card", gpu_checks.TRY_SECONDS)

    on_cpu = msgspec.structs.replace(TRIED, device="cpu", dtype="float32")
    for ask, found in (
        (answering(on_cpu), "built for the CPU"),
        (hang, "did not answer"),
        (lambda home: "?", "something else"),
    ):
        told = check_card(H100, tmp_path, "2.13.0", needed=True, ask=ask)
        assert (told.state, found in told.found) == ("failed", True), told
        assert told.fix


def test_others_that_have_the_gpu_are_named_with_how_much(tmp_path: Path) -> None:
    taken = H100._replace(free_gb=9.0, taken_gb=70.5, others=(4711, 4712))
    told = check_gpu(taken, None, plugged=True)
    assert told.state == "advice"
    assert told.found.endswith("9.0 of 79.6 GB free: other programs have 70.5 GB (processes 4711, 4712)")
    assert "CUDA_VISIBLE_DEVICES" in (told.fix or "")


@pytest.mark.parametrize(
    ("driver", "visible", "plugged", "state", "found", "fix"),
    [
        (NOTHING, None, False, "ok", "none; the CPU profiles need none", ""),
        (NOTHING, "-1", True, "ok", "none: CUDA_VISIBLE_DEVICES is '-1'", ""),
        (
            NOTHING._replace(trouble="its driver says: Driver Not Loaded"),
            None,
            True,
            "advice",
            "an NVIDIA GPU is there, but its driver says: Driver Not Loaded",
            "install the NVIDIA driver",
        ),
        (
            NOTHING._replace(trouble="its driver says: Driver/library version mismatch", loaded=True),
            None,
            True,
            "advice",
            "mismatch",
            "restart the machine",
        ),
        (NOTHING._replace(trouble="nvidia-ml-py is not installed"), None, True, "advice", "nvidia-ml", "scripts/setup"),
        (
            NOTHING._replace(trouble="its driver says: Not Found (CUDA_VISIBLE_DEVICES: 7)", loaded=True),
            "7",
            True,
            "advice",
            "Not Found",
            "nvidia-smi -L",
        ),
    ],
)
def test_a_gpu_that_cannot_be_seen_is_told_with_the_reason(
    driver: DriverMemory, visible: str | None, plugged: bool, state: str, found: str, fix: str
) -> None:
    told = check_gpu(driver, visible, plugged=plugged)
    assert told.state == state
    assert found in told.found
    assert fix in (told.fix or "")


@pytest.mark.parametrize(
    ("vendor", "kind", "there"),
    [("0x10de", "0x030200", True), ("0x10de", "0x040300", False), ("0x1002", "0x030000", False)],
)
def test_a_gpu_without_a_driver_is_seen_on_the_bus(tmp_path: Path, vendor: str, kind: str, there: bool) -> None:
    device = tmp_path / "0000:3b:00.0"
    device.mkdir()
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")
    assert plugged_in(tmp_path) is there
    assert not plugged_in(tmp_path / "nowhere")


def test_the_card_is_really_tried_at_toy_size_where_there_is_none(tmp_path: Path) -> None:
    card = try_card(tmp_path)
    assert card.tflops > 0
    assert card.to_device_gb_s > 0
    told = subprocess.run(
        [sys.executable, "-m", "engine.backends.card", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert msgspec.json.decode(told.stdout, type=Card).device == card.device


def test_streamed_weights_come_no_faster_than_the_card_takes_them(tmp_path: Path) -> None:
    catalog = load_catalog()
    layers = catalog.model("wan22-14b-streamed")
    assert moved_gb(layers, 5) == pytest.approx(5 * 4 * 28.58, rel=0.01)
    in_turns = msgspec.structs.replace(layers, params={**layers.params, "offload": "model"})
    assert moved_gb(in_turns, 5) == pytest.approx(2 * 28.58, rel=0.01)
    assert moved_gb(catalog.model("wan22-14b"), 5) == 0
    card = Machine(cores=8, ram_gb=64, gpu="A Card", vram_gb=22)
    request = StoryRequest(prompt="A fox", profile="gpu-24gb", target_seconds=20)
    seconds = []
    for rate in (Rate(tflops=1e6, to_device_gb_s=10.0), Rate(tflops=1e6, to_device_gb_s=20.0)):
        remember_rate(tmp_path, "A Card", rate)
        report = plan_story(request, home=tmp_path, catalog=catalog, machine=card)
        seconds.append(report.stage_seconds["clips"])
        assert report.stage_sources["clips"] == "floor"
    assert seconds[0] == pytest.approx(2 * seconds[1], rel=0.01)
    assert seconds[0] == pytest.approx(moved_gb(layers, len(report.shots)) / 10, rel=0.01)


# ---- through the command line, with a driver that says what a test has it say ---------------------------------------


def said_by(tmp_path: Path, facts: dict[str, object], *command: str) -> str:
    done = subprocess.run(command, env=with_driver(tmp_path, facts), capture_output=True, text=True, timeout=300)
    return done.stdout


def test_doctor_tells_of_a_gpu_that_somebody_else_has(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("reelhouse"))
    facts = {"used": 70.0, "processes": {"4711": 69.0}}
    checks = json.loads(said_by(tmp_path, facts, program, "doctor", "--profile", "cpu", "--json"))["checks"]
    (gpu,) = (check for check in checks if check["name"] == "gpu")
    assert gpu["state"] == "advice"
    assert "other programs have 70.0 GB (processes 4711)" in gpu["found"]


GPUS_ALONE = """
import sys
from pathlib import Path
import msgspec
from engine.doctor import check_gpus
print(msgspec.json.encode(check_gpus(Path(sys.argv[1]), needed=False)).decode())
"""


def test_doctor_tells_of_a_driver_that_was_updated_under_way(tmp_path: Path) -> None:
    said = said_by(
        tmp_path, {"error": "Driver/library version mismatch"}, sys.executable, "-c", GPUS_ALONE, str(tmp_path)
    )
    (gpu,) = json.loads(said)
    assert (gpu["state"], gpu["fix"]) == ("advice", "restart the machine: its driver was updated while it ran")


CARD = "NVIDIA Test Card"
MORE = "(`reelhouse doctor` says more)"


@pytest.mark.parametrize(
    ("facts", "profile", "told"),
    [
        (
            {"used": 10.0},
            "auto",
            f"profile gpu-24gb, the best for the 70.0 GB that are free on {CARD} (80.0 GB, 10.0 of them taken by other "
            "programs); gpu-80gb is for 76 GB and more",
        ),
        (
            {"error": "Driver/library version mismatch"},
            "auto",
            f"profile cpu, because no GPU can be used: its driver says: Driver/library version mismatch {MORE}",
        ),
        (
            {"visible": "7"},
            "auto",
            "profile cpu, because no GPU can be used: its driver says: Invalid Argument (CUDA_VISIBLE_DEVICES: 7) "
            f"{MORE}",
        ),
        (
            {"error": "Driver Not Loaded"},
            "gpu-8gb",
            "profile gpu-8gb, as asked for, though ace-step-streamed and sdxl-lightning and wan22-5b-fast-streamed "
            "need a GPU and none can be used here",
        ),
        (
            {"used": 70.0},
            "gpu-24gb",
            "profile gpu-24gb, as asked for, though it is for 22 GB and more, beside the 10.0 GB that are free on "
            f"{CARD} (80.0 GB, 70.0 of them taken by other programs)",
        ),
    ],
)
def test_a_plan_says_why_it_takes_a_profile_and_what_speaks_against_it(
    tmp_path: Path, facts: dict[str, object], profile: str, told: str
) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("reelhouse"), "plan", "A fox", "--profile", profile, "--json"],
        env=with_driver(tmp_path, facts),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert json.loads(done.stdout)["decisions"][0] == told
