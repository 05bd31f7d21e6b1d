"""The measurements of models run at toy size, through the code that measures on a GPU; figures mean nothing here."""

import json
import threading
import wave
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from engine.architectures import Architecture, Part, read_architecture
from engine.backends import blank, yardsticks
from engine.backends.protocols import ClipJob, MusicJob
from engine.bench_gpu import FULL, TOGETHER, TOY, Bed, Blank, Gpu, measurements, pictures, small_card, story
from engine.bench_gpu import clips as measure_clips
from engine.bench_rig import Place
from engine.bench_rows import TOY_NOTE, Report, Row, draw, in_markdown
from engine.catalog import Weights, load_catalog
from engine.machine import Machine
from engine.made import Still
from engine.media import probe
from engine.models import load_model
from engine.rates import Rate, read_rate
from engine.work import step_flops, whole_flops
from tests.toy_weights import shared_home

HERE = Gpu(TOY, tflops=0.02)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home", tmp_path / "root", threading.Event())


def row(id: str, value: float, note: str = "") -> Row:
    return Row(id=id, what="stock ÷ ours", value=value, goal=1.5, met=value >= 1.5, at_least=True, note=note)


def report(*rows: Row) -> Report:
    return Report(cores=2, ram_gb=8, gpu=None, gemm_gflops=50, copy_gb_s=9, disk_gb_s=1, seconds=3, rows=rows)


def test_every_measurement_of_models_has_its_name() -> None:
    assert sorted({*measurements(Bed()), *TOGETHER}) == ["G1", "G2", "G3", "G4", "G5", "G6", "G7"]


def test_pictures_are_measured_against_stock_and_against_their_work(place: Place) -> None:
    rows = pictures(place, HERE)
    assert [one.id for one in rows] == ["G1", "G2"]
    parts = rows[0].parts
    assert rows[0].value == pytest.approx(parts["stock"] / parts["ours"], rel=0.1)
    assert all(one.value > 0 and one.note == TOY_NOTE for one in rows)


def test_clips_are_measured_by_step_and_from_end_to_end(place: Place) -> None:
    rows = measure_clips(place, HERE)
    assert [one.id for one in rows] == ["G3", "G4", "G5"]
    assert rows[2].parts["clip"] > rows[2].parts["steps"] > 0


def test_a_wave_on_a_small_card_is_measured_against_stock_offload(place: Place) -> None:
    assert [one.id for one in small_card(place, HERE)] == ["G7", "G7"]


def test_a_story_of_six_scenes_is_measured_through_the_pipeline(place: Place) -> None:
    (measured,) = story(place, HERE)
    assert measured.id == "G6"
    assert 0 < measured.parts["models"] < measured.parts["wall"]


def test_a_blank_model_is_the_same_every_time_and_of_its_architecture(tmp_path: Path, place: Place) -> None:
    import torch
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    model = Blank(place, HERE, "wan22-a14b")
    first, second = (
        blank.opened(AutoencoderKLWan, model.folder, subfolder="vae", torch_dtype=torch.float32) for _ in range(2)
    )
    assert first.config.z_dim == read_architecture("wan22-a14b").components["vae"].config["z_dim"]
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert (
        sum(weights.numel() for weights in first.parameters())
        == yardsticks.costs_of(model.arch, "vae")["vae"].parameters
    )


def blank_of(checkpoint: Path, pipeline: str, folder: Path) -> Path:
    """A folder that says only what that toy is built of."""
    parts = {}
    for file in sorted(checkpoint.glob("*/config.json")):
        config = json.loads(file.read_text())
        kind = config.get("_class_name") or config["architectures"][0]
        parts[file.parent.name] = Part(kind=kind, config={k: v for k, v in config.items() if not k.startswith("_")})
    scheduler = json.loads((checkpoint / "scheduler" / "scheduler_config.json").read_text())
    arch = Architecture(
        pipeline=Part(kind=pipeline, config={}),
        scheduler=Part(kind=scheduler.pop("_class_name"), config=scheduler),
        components=parts,
    )
    return blank.lay_out(arch, folder)


def test_random_weights_reach_ltx_and_ace_step_through_the_families_own_code(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    toys = shared_home(tmp_path_factory, "toy-ltx", "toy-ace-step") / "toys"
    picture = tmp_path / "still.png"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(picture)
    for name, pipeline in (("toy-ltx", "LTXImageToVideoPipeline"), ("toy-ace-step", "AceStepPipeline")):
        folder = blank_of(toys / name, pipeline, tmp_path / name)
        assert [file.name for file in folder.iterdir()] == [blank.FILE]
        spec = msgspec.structs.replace(load_catalog().model(name), weights=Weights(local=str(folder)))
        model: Any = load_model(spec, tmp_path)
        if name == "toy-ltx":
            job = ClipJob(still=Still(image=picture), prompt="a fox", width=64, height=64, frames=9, fps=8, seed=1)
            model.prepare([job])
            model.animate(job, tmp_path / "clip.mp4")
            assert probe(tmp_path / "clip.mp4").frames == 9
        else:
            model.compose(MusicJob(mood="calm", tempo=80, seconds=2, seed=1), tmp_path / "music.wav")
            with wave.open(str(tmp_path / "music.wav")) as sound:
                assert sound.getnframes() == 2 * sound.getframerate()
        model.close()


def test_toy_and_full_size_are_the_same_components(place: Place) -> None:
    for name in ("sdxl", "wan22-5b", "wan22-a14b"):
        toy, full = Blank(place, HERE, name).arch, Blank(place, Gpu(FULL, 800), name).arch
        assert toy.components.keys() == full.components.keys()
        assert {n: p.kind for n, p in toy.components.items()} == {n: p.kind for n, p in full.components.items()}
        assert full.components == {n: p for n, p in read_architecture(name).components.items() if n != "transformer_2"}


def test_the_floor_is_the_work_at_the_rate_of_this_run(place: Place) -> None:
    model = Blank(place, HERE, "sdxl")
    two, four = (whole_flops(model.arch, model.costs, (64, 64, 1), steps, 5.0) for steps in (2, 4))
    assert four - two == pytest.approx(2 * step_flops(model.arch, model.costs, (64, 64, 1), 5.0))
    assert model.least_seconds(2e10) == pytest.approx(1.0)


def test_what_the_device_can_do_is_measured() -> None:
    assert yardsticks.gemm_tflops() > 0
    assert yardsticks.to_device_gb_s() > 0
    assert {"torch", "diffusers"} <= set(yardsticks.versions())


def test_only_a_gpu_at_full_size_is_remembered_for_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = Machine(cores=8, ram_gb=64, gpu="A Card", vram_gb=80)
    monkeypatch.setattr("engine.bench_gpu.this_machine", lambda: card)
    rows = [row("G2", 2.4), row("G4", 1.4), row("G5", 0.2)]
    bed = Bed(toy=True)
    assert bed.told() == {}
    bed.gpu()
    bed.remember(tmp_path, rows)
    assert read_rate(tmp_path, "A Card") is None
    bed._gpu = Gpu(FULL, 700)
    bed.remember(tmp_path, rows)
    assert read_rate(tmp_path, "A Card") == Rate(tflops=700, times_floor={"sdxl": 2.4, "wan": 1.4})


def test_a_report_is_one_table_and_a_picture(tmp_path: Path) -> None:
    shown = report(row("G1", 2.0), row("G3", 1.2), row("G5", 9.0, TOY_NOTE))
    table = in_markdown(shown)
    lines = [line for line in table.splitlines() if line.startswith("| G")]
    assert "MISSED" not in lines[0]
    assert "MISSED" in lines[1]
    assert TOY_NOTE in lines[2]
    draw(shown, tmp_path / "bench.png")
    with Image.open(tmp_path / "bench.png") as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1_000_000) or []) > 4
    assert msgspec.json.decode(msgspec.json.encode(shown), type=Report) == shown
