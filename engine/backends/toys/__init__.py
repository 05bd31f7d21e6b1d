"""Toy weights of the real architectures, so that the real code runs on any machine. Form is kept, meaning is not.

Built from configs with seeded random weights, saved as checkpoints are, then loaded by the code of the real ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from engine.artifacts import disk_errors, flush
from engine.backends.torch_env import global_seed, sealed
from engine.catalog import ModelSpec
from engine.errors import BadRequest
from engine.weights import write_checksums

Builder = Callable[[Path], None]
Progress = Callable[[str, int, int], None]

SEED = 1
VERSION = 3
"""Goes up when a builder changes, so that toys of an older release are built anew."""


def toy_builders() -> dict[str, Builder]:
    """What can be built here, by name. The writer's toy needs its own library, the others torch."""
    from engine.backends.toys.music import build_ace_step
    from engine.backends.toys.pictures import build_ltx, build_sdxl, build_wan, build_wan_a14b
    from engine.backends.toys.voices import build_vits, build_xtts

    builders: dict[str, Builder] = {
        "toy-sdxl": build_sdxl,
        "toy-wan": build_wan,
        "toy-wan-a14b": build_wan_a14b,
        "toy-ltx": build_ltx,
        "toy-ace-step": build_ace_step,
        "toy-vits": build_vits,
        "toy-xtts": build_xtts,
    }
    if importlib.util.find_spec("engine.backends.text.toy") is not None:
        builders["toy-llama"] = importlib.import_module("engine.backends.text.toy").build_toy_llama
    return builders


def build_toys(home: Path, only: Collection[str] | None = None, on_progress: Progress | None = None) -> None:
    """Build what is missing of the toys (all, or those named) into `home/toys/NAME`, each whole or not at all.

    `on_progress(name, done, total)` is called after each, built or found there. Raises `BadRequest` for an unknown
    name, `ModelUnavailable` for a missing library, `StorageFull`, `StorageUnwritable`.
    """
    builders = toy_builders()
    unknown = sorted(set(only or ()) - set(builders))
    if unknown:
        raise BadRequest("toys", f"{unknown[0]!r} is not one of {', '.join(builders)}")
    names = [name for name in builders if only is None or name in only]
    for done, name in enumerate(names, 1):
        folder = home / "toys" / name
        if not is_built(folder):
            _build(name, builders[name], folder)
        if on_progress is not None:
            on_progress(name, done, len(names))


def is_built(folder: Path) -> bool:
    """Whether this release's toy is in that folder; whether it is unaltered is for `check_weights` to say."""
    version = folder / "toy-version"
    return version.is_file() and version.read_text(encoding="utf-8") == str(VERSION)


def _build(name: str, builder: Builder, folder: Path) -> None:
    toy = ModelSpec(id=name, role="artist", family="toys", licence="Apache-2.0", commercial=True)
    temporary = folder.with_name(f".{name}.tmp-{secrets.token_hex(4)}")
    with disk_errors(folder):
        temporary.mkdir(parents=True)
        try:
            with sealed(toy), global_seed(SEED):
                builder(temporary)
            (temporary / "toy-version").write_text(str(VERSION), encoding="utf-8")
            write_checksums(temporary)
            if folder.exists():
                shutil.rmtree(folder)
            temporary.replace(folder)
            flush(folder.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
