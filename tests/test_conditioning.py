"""What a model was told is read once: the same pixels with and without, and encoders out of the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from engine.backends.clip_frames import ExposedFrames, open_still
from engine.backends.conditioning import Conditioning, TextEncoders, digest_of
from engine.backends.image.sdxl import prompt_of
from engine.backends.protocols import ClipJob, StillJob, Tunable
from engine.backends.torch_env import diffusers_quietly, seeded
from engine.catalog import Limits, ModelSpec, Weights
from engine.made import Still
from engine.models import load_model
from tests.toy_weights import shared_home


def entry(checkpoint: Path, role: Any, family: str, **params: Any) -> ModelSpec:
    limits = Limits(size_step=8 if role == "artist" else 32, frames_step=4 if family == "wan" else 8, frames_plus=1)
    return ModelSpec(
        id="mine",
        role=role,
        family=family,
        licence="MIT",
        commercial=True,
        weights=Weights(local=str(checkpoint), revision="here-1"),
        limits=limits,
        params=params,
    )


def toy(factory: pytest.TempPathFactory, name: str) -> Path:
    return shared_home(factory, name) / "toys" / name


def clip_job(folder: Path, **changed: Any) -> ClipJob:
    Image.linear_gradient("L").convert("RGB").save(folder / "still.png")
    plain = {"still": Still(image=folder / "still.png"), "prompt": "a fox", "width": 64, "height": 64, "seed": 1}
    return ClipJob(**{**plain, "frames": 9, "fps": 8, "negative": "rain", **changed})


STILL = StillJob(prompt="a fox", width=64, height=48, seed=1, negative="rain")


# ---- the same numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("guidance", "negative"), [(0, ""), (4, ""), (4, "rain")])
def test_a_picture_is_the_one_that_the_plain_pipeline_paints(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, guidance: int, negative: str
) -> None:
    checkpoint = toy(tmp_path_factory, "toy-sdxl")
    plain = diffusers_quietly().StableDiffusionXLPipeline.from_pretrained(checkpoint, add_watermarker=False)
    plain.set_progress_bar_config(disable=True)
    plain(prompt_of(STILL), negative_prompt=negative or None, width=64, height=48, num_inference_steps=2,
          guidance_scale=guidance, generator=seeded(1)).images[0].save(tmp_path / "plain.png")  # fmt: skip
    model: Any = load_model(entry(checkpoint, "artist", "sdxl", steps=2, guidance=guidance), tmp_path)
    job = msgspec.structs.replace(STILL, negative=negative)
    for prepared in (False, True):
        if prepared:
            model.prepare([job])
        still = model.paint(job, tmp_path)
        assert still.image.read_bytes() == (tmp_path / "plain.png").read_bytes()
    model.close()


@pytest.mark.parametrize(("name", "family"), [("toy-wan", "wan"), ("toy-wan-a14b", "wan"), ("toy-ltx", "ltx")])
@pytest.mark.parametrize("guidance", [1, 3])
def test_a_clip_is_the_one_that_the_plain_pipeline_makes(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, name: str, family: str, guidance: int
) -> None:
    checkpoint, job = toy(tmp_path_factory, name), clip_job(tmp_path)
    kind = {"wan": "WanImageToVideoPipeline", "ltx": "LTXImageToVideoPipeline"}[family]
    plain = getattr(diffusers_quietly(), kind).from_pretrained(checkpoint)
    plain.set_progress_bar_config(disable=True)
    rate = {"frame_rate": job.fps} if family == "ltx" else {}
    frames = plain(image=open_still(job), prompt=job.prompt, negative_prompt=job.negative, width=64, height=64,
                   num_frames=9, num_inference_steps=2, guidance_scale=guidance, generator=seeded(1),
                   max_sequence_length=32, output_type="np", **rate).frames[0]  # fmt: skip
    levels = (np.clip(np.nan_to_num(frames), 0, 1) * 255).round().astype(np.uint8)
    ExposedFrames(levels, job).write(tmp_path / "plain.mp4")
    params = {"steps": 2, "guidance": guidance, "text_tokens": 32}
    model: Any = load_model(entry(checkpoint, "animator", family, **params), tmp_path)
    for prepared in (False, True):
        if prepared:
            model.prepare([job])
        model.animate(job, tmp_path / "clip.mp4")
        assert (tmp_path / "clip.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()
    model.close()


# ---- once -----------------------------------------------------------------------------------------------------------


def test_a_wave_reads_each_text_once_and_its_encoders_are_out_of_the_way_then(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spec = entry(toy(tmp_path_factory, "toy-wan"), "animator", "wan", steps=1, guidance=3, text_tokens=32)
    model: Any = load_model(spec, tmp_path)
    assert issubclass(type(model), Tunable)
    jobs = [clip_job(tmp_path, prompt=prompt) for prompt in ("a fox", "a hare", "a fox")]
    model.prepare(jobs)
    assert model._memory.made == 3  # two prompts, one negative prompt
    assert model._pipeline.text_encoder is None
    for job in jobs:
        model.animate(job, tmp_path / "clip.mp4")
    assert (model._memory.made, model._pictures.made) == (3, 1)
    model.animate(clip_job(tmp_path, prompt="an owl"), tmp_path / "clip.mp4")
    assert model._pipeline.text_encoder is None, "a text that nobody announced is read, and the encoder parked again"
    model.close()


def test_the_negative_prompt_is_read_once_for_all_runs_and_never_for_other_weights(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spec = entry(toy(tmp_path_factory, "toy-sdxl"), "artist", "sdxl", steps=1, guidance=4)
    made = []
    other = msgspec.structs.replace(spec, weights=Weights(local=spec.weights.local, revision="here-2"))  # type: ignore[union-attr]
    for one in (spec, spec, other):
        model: Any = load_model(one, tmp_path)
        model.prepare([STILL])
        made.append(model._memory.made)
        model.close()
    assert made == [2, 1, 2]


def test_what_lies_spoilt_on_disk_is_read_again(tmp_path: Path) -> None:
    spec = entry(tmp_path, "artist", "sdxl")

    def read() -> dict[str, torch.Tensor]:
        memory = Conditioning(spec, "cpu float32")
        memory.remember_in(tmp_path / "kept")
        return {**memory.of(lambda: {"x": torch.ones(3)}, lasting=True, text="rain"), "made": torch.tensor(memory.made)}

    assert read()["made"] == 1
    assert read()["made"] == 0
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(b"half a file")
    assert read()["made"] == 1
    assert torch.equal(read()["x"], torch.ones(3))


def test_weights_whose_version_nobody_knows_leave_nothing_on_disk(tmp_path: Path) -> None:
    spec = msgspec.structs.replace(entry(tmp_path, "artist", "sdxl"), weights=Weights(local=str(tmp_path)))
    memory = Conditioning(spec, "cpu float32")
    memory.remember_in(tmp_path / "kept")
    memory.of(lambda: {"x": torch.ones(3)}, lasting=True, text="rain")
    assert not (tmp_path / "kept").exists()


def test_the_oldest_conditions_go_when_there_are_too_many(tmp_path: Path) -> None:
    memory = Conditioning(entry(tmp_path, "artist", "sdxl"), "cpu float32", most=24)
    for text in ("one", "two", "one", "three", "one", "two"):  # 12 bytes each
        memory.of(lambda: {"x": torch.ones(3)}, text=text)
    assert memory.made == 4


def test_a_text_that_cannot_be_read_leaves_the_encoders_parked_and_nothing_remembered(tmp_path: Path) -> None:
    class Pipeline:
        def __init__(self) -> None:
            self.text_encoder = torch.nn.Linear(1, 1)

        def register_modules(self, **modules: Any) -> None:
            vars(self).update(modules)

    pipeline = Pipeline()
    encoders = TextEncoders(pipeline, "cpu", ["text_encoder"])
    encoders.park()
    with pytest.raises(MemoryError), encoders.reading():
        assert pipeline.text_encoder is not None
        raise MemoryError
    assert pipeline.text_encoder is None


def test_pictures_of_other_content_size_or_type_have_other_names() -> None:
    pictures = [
        torch.zeros(1, 3, 4, 4),
        torch.ones(1, 3, 4, 4),
        torch.zeros(1, 3, 2, 8),
        torch.zeros(1, 3, 4, 4).half(),
    ]
    assert len({digest_of(picture) for picture in pictures}) == 4
    assert digest_of(torch.zeros(1, 3, 4, 4)) == digest_of(pictures[0])
