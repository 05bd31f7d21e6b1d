"""A model on a hub, and how it is pinned, pulled and looked at, for tests. Knows no fault of the way."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from engine.catalog import ModelSpec, Weights
from engine.downloads import Network
from engine.pins import read_pins
from engine.pulling import Pulled, Staging, pull_model
from engine.weights import check_weights, fetched_folder, find_weights, with_places
from tests.hub_server import Hub

TOKEN = "hf_secret_that_must_not_travel"


def tensors(seed: int, size: int = 40_000) -> bytes:
    """A whole safetensors file of that many bytes of values."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    values = b"".join(struct.pack("<Q", seed * 1_000_003 + n) for n in range(size // 8))
    return struct.pack("<Q", len(header)) + header + values


FILES = {
    "config.json": b'{"small": true}',
    "unet/model.safetensors": tensors(1),
    "unet/config.json": b"{}",
    "vae/model.safetensors": tensors(2, 8_000),
    "vae/config.json": b"{}",
    "notes.txt": b"",
    "model.bin": b"a pickle" * 1000,
    "modeling.py": b"print('hello')",
    ".gitattributes": b"*",
    "picture.png": b"png",
}


TAKEN = {
    "config.json",
    "notes.txt",
    "vae/config.json",
    "unet/model.safetensors",
    "unet/config.json",
    "vae/model.safetensors",
}


def entry(**weights: Any) -> ModelSpec:
    return ModelSpec(
        id="mine",
        role="artist",
        family="noop",
        licence="MIT",
        commercial=True,
        weights=Weights(**(weights or {"repo": "toys/model"})),
    )


def pinned(spec: ModelSpec, hub: Hub, network: Network, home: Path) -> ModelSpec:
    folder = fetched_folder(spec, home)
    assert folder is not None
    found = read_pins(spec, network, hub.address, Staging(folder).place_of)
    hub.seen.clear()
    hub.sent = 0
    return found


def pull(spec: ModelSpec, hub: Hub, network: Network, home: Path, **more: Any) -> Pulled:
    return pull_model(spec, home, network, hub.address, **more)


def installed(spec: ModelSpec, home: Path) -> dict[str, bytes]:
    folder = fetched_folder(spec, home)
    assert folder is not None
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    files.pop("sha256.json", None)
    return files


def is_sound(spec: ModelSpec, home: Path) -> bool:
    path = find_weights(spec, home)
    assert path is not None
    check_weights(with_places(spec, home), path)
    return True
