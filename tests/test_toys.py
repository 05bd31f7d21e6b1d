"""The real architectures at toy size: built whole or not at all, and run by the code of the real checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engine.backends import toys
from engine.backends.protocols import ClipJob, StillJob
from engine.catalog import Limits, ModelSpec, Weights
from engine.errors import BadCatalog, BadRequest, Cancelled, ModelCorrupt
from engine.made import Still
from engine.models import load_model
from tests.toy_weights import shared_home


def entry(checkpoint: Path, role: Any, family: str, *, step: int = 16, **params: Any) -> ModelSpec:
    limits = Limits(size_step=step, frames_step=1 if role == "artist" else 4, frames_plus=0 if role == "artist" else 1)
    return ModelSpec(
        id="mine",
        role=role,
        family=family,
        licence="MIT",
        commercial=True,
        weights=Weights(local=str(checkpoint)),
        limits=limits,
        params=params,
    )


def toy(factory: pytest.TempPathFactory, name: str) -> Path:
    return shared_home(factory, name) / "toys" / name


def painted(spec: ModelSpec, folder: Path, **job: Any) -> bytes:
    model = load_model(spec, folder)
    still = model.paint(StillJob(**{"prompt": "a fox", "width": 64, "height": 48, "seed": 1, **job}), folder)
    model.close()
    return still.image.read_bytes()


def animated(spec: ModelSpec, folder: Path, **job: Any) -> bytes:
    Image.linear_gradient("L").convert("RGB").save(folder / "still.png")
    model = load_model(spec, folder)
    plain = {"still": Still(image=folder / "still.png"), "prompt": "a fox", "width": 64, "height": 48, "seed": 1}
    model.animate(ClipJob(**{**plain, "frames": 5, "fps": 8, **job}), folder / "clip.mp4")
    model.close()
    return (folder / "clip.mp4").read_bytes()


def face(path: Path, colour: str) -> Path:
    Image.new("RGB", (48, 64), colour).save(path)
    return path


@pytest.mark.parametrize("guidance", [0, 4])
def test_an_adapter_keeps_a_face_and_leaves_what_is_painted_without_one_as_it_was(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, guidance: int
) -> None:
    checkpoint = toy(tmp_path_factory, "toy-sdxl")
    bare = painted(entry(checkpoint, "artist", "sdxl", steps=1, guidance=guidance), tmp_path)
    spec = entry(checkpoint, "artist", "sdxl", steps=1, guidance=guidance, ip_adapter="ip-adapter.safetensors")
    red, blue = face(tmp_path / "red.png", "red"), face(tmp_path / "blue.png", "blue")
    model = load_model(spec, tmp_path)

    def made(**references: Path) -> bytes:
        job = StillJob(prompt="a fox", width=64, height=48, seed=1, subjects=("Mira", "Tom"), references=references)
        return model.paint(job, tmp_path).image.read_bytes()

    assert made() == bare
    with_red, with_blue = made(Mira=red), made(Mira=blue)
    assert len({bare, with_red, with_blue}) == 3
    assert made() == bare
    assert made(Tom=blue, Mira=red) == with_red
    model.close()


def test_an_adapters_weights_are_read_at_the_first_face_and_not_before(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = tmp_path / "mine"
    shutil.copytree(toy(tmp_path_factory, "toy-sdxl"), checkpoint)
    (checkpoint / "sha256.json").unlink()
    spec = entry(checkpoint, "artist", "sdxl", steps=1, guidance=0, ip_adapter="nothing.safetensors")
    assert painted(spec, tmp_path)
    with pytest.raises(ModelCorrupt, match="nothing"):
        painted(spec, tmp_path, subjects=("Mira",), references={"Mira": face(tmp_path / "red.png", "red")})


def test_an_adapter_does_not_go_with_weights_that_are_offloaded_layer_by_layer(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = toy(tmp_path_factory, "toy-sdxl")
    with pytest.raises(BadCatalog, match="offload"):
        load_model(entry(checkpoint, "artist", "sdxl", offload="layer", ip_adapter="x.safetensors"), tmp_path)


# ---- building -------------------------------------------------------------------------------------------------------


def test_toys_are_built_once_and_told_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def builder(folder: Path) -> None:
        built.append(folder)
        (folder / "config.json").write_text("{}")

    monkeypatch.setattr(toys, "toy_builders", lambda: {"one": builder, "two": builder})
    told: list[tuple[str, int, int]] = []
    toys.build_toys(tmp_path, on_progress=lambda *what: told.append(what))
    toys.build_toys(tmp_path, ["two"])
    assert told == [("one", 1, 2), ("two", 2, 2)]
    assert len(built) == 2
    assert json.loads((tmp_path / "toys" / "one" / "sha256.json").read_text())["config.json"]


def test_a_build_that_is_interrupted_leaves_nothing_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def builder(folder: Path) -> None:
        (folder / "half").write_text("made")
        raise Cancelled()

    monkeypatch.setattr(toys, "toy_builders", lambda: {"one": builder})
    with pytest.raises(Cancelled):
        toys.build_toys(tmp_path)
    assert list((tmp_path / "toys").iterdir()) == []
    monkeypatch.setattr(toys, "toy_builders", lambda: {"one": lambda folder: None})
    toys.build_toys(tmp_path)
    assert toys.is_built(tmp_path / "toys" / "one")


def test_an_unknown_toy_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"toy-dalle.*toy-sdxl"):
        toys.build_toys(tmp_path, ["toy-dalle"])


def test_the_same_toy_comes_out_of_every_build(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    toys.build_toys(tmp_path, ["toy-ltx"])
    again = (tmp_path / "toys" / "toy-ltx" / "sha256.json").read_bytes()
    assert (toy(tmp_path_factory, "toy-ltx") / "sha256.json").read_bytes() == again


# ---- sdxl -----------------------------------------------------------------------------------------------------------


def test_guidance_steps_schedule_and_negative_prompt_each_change_the_picture(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = toy(tmp_path_factory, "toy-sdxl")
    plain = {"steps": 2, "guidance": 4}
    pictures = [
        painted(entry(checkpoint, "artist", "sdxl", **plain), tmp_path),
        painted(entry(checkpoint, "artist", "sdxl", **plain), tmp_path, negative="rain"),
        painted(entry(checkpoint, "artist", "sdxl", **plain), tmp_path, style="ink drawing"),
        painted(entry(checkpoint, "artist", "sdxl", **{**plain, "guidance": 0}), tmp_path),
        painted(entry(checkpoint, "artist", "sdxl", **{**plain, "steps": 3}), tmp_path),
        painted(entry(checkpoint, "artist", "sdxl", **plain, scheduler="euler_trailing"), tmp_path),
        painted(entry(checkpoint, "artist", "sdxl", **plain, scheduler="dpmpp_2m_karras"), tmp_path),
    ]
    assert len(set(pictures)) == len(pictures)


def test_a_distilled_unet_and_another_vae_take_the_place_of_the_checkpoints_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    original = toy(tmp_path_factory, "toy-sdxl")
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(original, checkpoint)
    (checkpoint / "sha256.json").unlink()
    spec = entry(checkpoint, "artist", "sdxl", steps=1, guidance=0)
    own = painted(spec, tmp_path)
    weights = load_file(original / "unet" / "diffusion_pytorch_model.safetensors")
    (checkpoint / "parts" / "unet").mkdir(parents=True)
    save_file({name: -tensor for name, tensor in weights.items()}, checkpoint / "parts" / "unet" / "fast.safetensors")
    distilled = painted(entry(checkpoint, "artist", "sdxl", steps=1, guidance=0, unet="fast.safetensors"), tmp_path)
    vae = checkpoint / "parts" / "vae"
    shutil.copytree(original / "vae", vae)
    weights = load_file(vae / "diffusion_pytorch_model.safetensors")
    save_file({name: tensor * 0.5 for name, tensor in weights.items()}, vae / "diffusion_pytorch_model.safetensors")
    assert len({own, distilled, painted(spec, tmp_path)}) == 3


def test_a_size_that_is_not_a_multiple_is_refused_by_name(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spec = entry(toy(tmp_path_factory, "toy-sdxl"), "artist", "sdxl", step=8, steps=1)
    with pytest.raises(BadRequest, match="multiples of 8"):
        painted(spec, tmp_path, width=60)


def test_a_misspelt_knob_names_the_valid_ones(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(BadCatalog, match=r"guidence.*did you mean guidance"):
        load_model(entry(toy(tmp_path_factory, "toy-sdxl"), "artist", "sdxl", guidence=1), tmp_path)


def test_weights_of_another_shape_are_a_corrupt_model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(toy(tmp_path_factory, "toy-sdxl"), checkpoint)
    (checkpoint / "sha256.json").unlink()
    save_file({"w": torch.zeros(2)}, checkpoint / "vae" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(ModelCorrupt, match=r"cannot be loaded.*models verify mine"):
        painted(entry(checkpoint, "artist", "sdxl", steps=1), tmp_path)


# ---- wan ------------------------------------------------------------------------------------------------------------


def test_both_experts_of_wan_are_used(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(toy(tmp_path_factory, "toy-wan-a14b"), checkpoint)
    (checkpoint / "sha256.json").unlink()
    spec = entry(checkpoint, "animator", "wan", steps=4, guidance=1, text_tokens=32)
    clips = [animated(spec, tmp_path)]
    for expert in ("transformer", "transformer_2"):
        file = checkpoint / expert / "diffusion_pytorch_model.safetensors"
        save_file({name: tensor * 1.5 for name, tensor in load_file(file).items()}, file)
        clips.append(animated(spec, tmp_path))
    assert len(set(clips)) == 3


def test_weights_distilled_to_three_steps_come_from_a_part_and_noise_each_guess_anew(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(toy(tmp_path_factory, "toy-wan"), checkpoint)
    (checkpoint / "sha256.json").unlink()
    plain = {"steps": 3, "guidance": 1, "text_tokens": 32}
    fast = {**plain, "scheduler": "renoise", "noise_levels": [1.0, 0.757, 0.522], "vae": "bfloat16"}
    own = animated(entry(checkpoint, "animator", "wan", **fast), tmp_path)
    assert animated(entry(checkpoint, "animator", "wan", **fast), tmp_path) == own
    other = {**fast, "noise_levels": [1.0, 0.7, 0.3]}
    clips = {own, animated(entry(checkpoint, "animator", "wan", **other), tmp_path)}
    clips.add(animated(entry(checkpoint, "animator", "wan", **plain, scheduler="euler"), tmp_path))
    (checkpoint / "parts" / "transformer").mkdir(parents=True)
    shutil.move(checkpoint / "transformer", checkpoint / "parts" / "transformer" / "fast")
    file = checkpoint / "parts" / "transformer" / "fast" / "diffusion_pytorch_model.safetensors"
    assert animated(entry(checkpoint, "animator", "wan", **fast, transformer="fast"), tmp_path) == own
    save_file({name: tensor * 1.5 for name, tensor in load_file(file).items()}, file)
    clips.add(animated(entry(checkpoint, "animator", "wan", **fast, transformer="fast"), tmp_path))
    assert len(clips) == 4


@pytest.mark.parametrize(
    "params",
    [
        {"scheduler": "renoise"},
        {"noise_levels": [1.0, 0.5]},
        {"scheduler": "renoise", "noise_levels": [1.0, 0.5, 0.7]},
        {"scheduler": "renoise", "noise_levels": [1.0, 0.5]},
        {"scheduler": "renoise", "noise_levels": [0.9, 0.5, 0.2]},
    ],
)
def test_noise_levels_that_are_no_schedule_are_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, params: dict[str, Any]
) -> None:
    with pytest.raises(BadCatalog, match="noise_levels"):
        load_model(entry(toy(tmp_path_factory, "toy-wan"), "animator", "wan", steps=3, **params), tmp_path)


def test_loras_are_melted_into_their_experts(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(toy(tmp_path_factory, "toy-wan-a14b"), checkpoint)
    (checkpoint / "sha256.json").unlink()
    (checkpoint / "parts" / "lora").mkdir(parents=True)
    layer = "blocks.0.attn1.to_q"
    added = {}
    for number, name in enumerate(("high.safetensors", "low.safetensors")):
        down, up = torch.full((2, 24), 0.1 + number), torch.full((24, 2), 0.2)
        added[name] = up @ down
        keys = {f"transformer.{layer}.lora_A.weight": down, f"transformer.{layer}.lora_B.weight": up}
        save_file(keys, checkpoint / "parts" / "lora" / name)
    spec = entry(checkpoint, "animator", "wan", loras=["high.safetensors", "low.safetensors"])
    model = load_model(spec, tmp_path)
    pipeline = model._pipeline
    for expert, name in (("transformer", "high.safetensors"), ("transformer_2", "low.safetensors")):
        before = load_file(checkpoint / expert / "diffusion_pytorch_model.safetensors")[f"{layer}.weight"]
        after = getattr(pipeline, expert).blocks[0].attn1.to_q.weight
        torch.testing.assert_close(after.detach(), before + added[name])
    model.close()


def test_the_still_guides_the_clip_and_guidance_and_shift_change_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkpoint = toy(tmp_path_factory, "toy-wan")
    plain = {"steps": 2, "guidance": 1, "text_tokens": 32}
    Image.new("RGB", (200, 100), "red").save(tmp_path / "red.png")
    clips = [
        animated(entry(checkpoint, "animator", "wan", **plain), tmp_path),
        animated(entry(checkpoint, "animator", "wan", **plain), tmp_path, still=Still(image=tmp_path / "red.png")),
        animated(entry(checkpoint, "animator", "wan", **{**plain, "guidance": 5}), tmp_path),
        animated(entry(checkpoint, "animator", "wan", **plain, flow_shift=9), tmp_path),
        animated(entry(checkpoint, "animator", "wan", **plain, scheduler="euler"), tmp_path),
    ]
    assert len(set(clips)) == len(clips)


@pytest.mark.parametrize(("frames", "said"), [(4, r"4k\+1"), (0, r"4k\+1")])
def test_frames_that_the_vae_does_not_pack_are_refused(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, frames: int, said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        animated(entry(toy(tmp_path_factory, "toy-wan"), "animator", "wan", steps=1), tmp_path, frames=frames)


def test_memory_saving_jobs_are_made_on_a_cpu_too(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    spec = entry(toy(tmp_path_factory, "toy-wan"), "animator", "wan", steps=1, guidance=1, text_tokens=32)
    assert animated(spec, tmp_path, memory=1) == animated(spec, tmp_path)
    assert animated(spec, tmp_path, memory=2)
