"""Checkpoints and LoRAs of one's own: one entry, and the real code opens them."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.backends.protocols import StillJob
from engine.backends.toys.pictures import build_sdxl
from engine.catalog import Limits, ModelSpec, Weights, load_catalog
from engine.errors import BadCatalog, ModelCorrupt, ModelMissing
from engine.models import load_model
from tests.single_file import SECOND_WIDTH, save_lora, save_single_file

JOB = StillJob(prompt="a red fox on a hill", width=64, height=64, seed=4)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy in diffusers' layout (`layout`), the same in one file, and a LoRA for it."""
    from engine.backends.torch_env import global_seed

    folder = tmp_path_factory.mktemp("own")
    with global_seed(1):
        build_sdxl(folder / "layout", second=SECOND_WIDTH)
    save_single_file(folder / "layout", folder / "own.safetensors")
    save_lora(folder / "layout", folder / "lora.safetensors")
    save_lora(folder / "layout", folder / "other.safetensors", seed=8)
    shutil.copytree(
        folder / "layout", folder / "config", ignore=shutil.ignore_patterns("*.safetensors", "parts", "*.index.json")
    )
    return folder


def entry(weights: Path, parts: dict[str, Path] | None = None, **params: Any) -> ModelSpec:
    return ModelSpec(
        id="my-style",
        role="artist",
        family="sdxl",
        licence="MIT",
        commercial=True,
        weights=Weights(local=str(weights)),
        parts={name: Weights(local=str(place)) for name, place in (parts or {}).items()},
        limits=Limits(size_step=8),
        params={"steps": 2, "guidance": 0, **params},
    )


def painted(spec: ModelSpec, folder: Path) -> np.ndarray:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    model: Any = load_model(spec, folder)
    try:
        return np.asarray(Image.open(model.paint(JOB, out).image).convert("RGB"), dtype=float)
    finally:
        model.close()


def test_a_checkpoint_in_one_file_paints_what_its_layout_in_folders_paints(shared: Path, tmp_path: Path) -> None:
    in_folders = painted(entry(shared / "layout"), tmp_path)
    in_one = painted(entry(shared / "own.safetensors", {"config": shared / "config"}), tmp_path)
    assert np.abs(in_folders - in_one).max() <= 1, (np.abs(in_folders - in_one).max(), (in_folders != in_one).mean())


def test_a_lora_counts_as_much_as_its_weight_says(shared: Path, tmp_path: Path) -> None:
    def with_weight(weight: float) -> np.ndarray:
        return painted(
            entry(shared / "layout", {"lora": shared / "lora.safetensors"}, loras={"lora": weight}), tmp_path
        )

    plain, none, some, more = painted(entry(shared / "layout"), tmp_path), *map(with_weight, (0, 0.1, 1))
    assert np.abs(none - plain).max() <= 1  # adding nothing rounds
    assert 0 < np.abs(some - plain).mean() < np.abs(more - plain).mean()


def test_two_loras_on_a_checkpoint_in_one_file(shared: Path, tmp_path: Path) -> None:
    parts = {"config": shared / "config", "a": shared / "lora.safetensors", "b": shared / "other.safetensors"}
    both = painted(entry(shared / "own.safetensors", parts, loras={"a": 0.5, "b": 0.5}), tmp_path)
    one = painted(entry(shared / "own.safetensors", parts, loras={"a": 0.5}), tmp_path)
    assert np.abs(both - one).mean() > 0


def test_without_its_architecture_a_single_file_says_what_is_missing(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"its part config.*docs/models\.md"):
        load_model(entry(shared / "own.safetensors"), tmp_path)


@pytest.mark.parametrize(
    ("loras", "told"),
    [
        ({"nobody": 1.0}, r"loras: 'nobody' is none of its parts \(lora\)"),
        ({"lora": 5.0}, r"loras\.lora is 5\.0, outside −4 to 4"),
        ({"lora": "much"}, r"my-style\.params"),
    ],
)
def test_a_lora_that_is_named_wrongly_is_told(shared: Path, tmp_path: Path, loras: dict[str, Any], told: str) -> None:
    with pytest.raises(BadCatalog, match=told):
        load_model(entry(shared / "layout", {"lora": shared / "lora.safetensors"}, loras=loras), tmp_path)


def test_what_is_no_lora_or_no_checkpoint_is_refused(shared: Path, tmp_path: Path) -> None:
    no_lora = entry(shared / "layout", {"lora": shared / "own.safetensors"}, loras={"lora": 1.0})
    with pytest.raises(ModelCorrupt, match="my-style"):
        load_model(no_lora, tmp_path)
    no_checkpoint = entry(shared / "lora.safetensors", {"config": shared / "config"})
    with pytest.raises(ModelCorrupt, match="my-style"):
        load_model(no_checkpoint, tmp_path)


def test_truncated_files_and_pickles_of_ones_own_are_named(shared: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((shared / "lora.safetensors").read_bytes()[:-10])
    with pytest.raises(ModelCorrupt, match=r"cut\.safetensors .*truncated"):
        load_model(entry(shared / "layout", {"lora": cut}, loras={"lora": 1.0}), tmp_path)
    pickle = tmp_path / "style.ckpt"
    pickle.write_bytes(b"weights")
    with pytest.raises(ModelCorrupt, match=r"style\.ckpt is a pickle"):
        load_model(entry(pickle, {"config": shared / "config"}), tmp_path)


@pytest.mark.parametrize(("name", "kind", "step"), [("toy-sdxl", "image.sdxl", 8), ("toy-wan", "video.wan", 16)])
def test_sides_that_a_family_cannot_make_are_told_when_it_is_opened(
    tmp_path: Path, name: str, kind: str, step: int
) -> None:
    spec = load_catalog().model(name)
    spec = msgspec.structs.replace(spec, limits=msgspec.structs.replace(spec.limits, size_step=7))
    with pytest.raises(BadCatalog, match=f"limits.size_step is 7: give a multiple of {step}"):
        importlib.import_module(f"engine.backends.{kind}").load(spec, tmp_path)
