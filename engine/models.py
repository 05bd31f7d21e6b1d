"""Opens the models that stages ask for, each once, and decides which stay. Reaches families by name only."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from engine.backends.protocols import Model, Tunable
from engine.catalog import Catalog, ModelSpec
from engine.errors import BadCatalog, ModelUnavailable, OutOfMemory
from engine.weights import check_weights, find_weights, with_places, with_versions

PREPARING = frozenset({"coqui"})
"""Families whose checkpoints are published as something that is never opened; the others are not even imported."""


class Residents:
    """The open models of one process.

    Whatever fits stays open. When a model needs GPU memory that is not there, the ones that are cheapest to bring
    back (fewest GB to load) go first. Models that need no GPU memory are never evicted. Safe for several threads, as
    long as GPU models are opened by one of them only: an open model is not evicted under a running stage.
    """

    def __init__(self, catalog: Catalog, home: Path, vram_gb: float) -> None:
        self._catalog = catalog
        self.home = home
        self._vram_gb = vram_gb
        self._open: dict[str, Model] = {}
        self._lock = threading.Lock()
        self.loads: Counter[str] = Counter()

    def __enter__(self) -> Residents:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.close()

    def handle(self, model_id: str) -> ResidentHandle:
        """A handle of that model; nothing is opened yet. Raises `BadCatalog` for an unknown id."""
        return ResidentHandle(self, with_versions(self._catalog.model(model_id), self.home))

    def handle_if_known(self, model_id: str) -> ResidentHandle | None:
        """As `handle`, None for an id that the catalog does not have."""
        return self.handle(model_id) if model_id in self._catalog.models else None

    def open(self, spec: ModelSpec) -> Any:
        """The open model of that entry. Raises `ModelError`s that say how to mend it."""
        with self._lock:
            if spec.id not in self._open:
                self._make_room(spec)
                self._open[spec.id] = self._load(spec)
                self.loads[spec.id] += 1
            return self._open[spec.id]

    def close_others(self, spec: ModelSpec) -> bool:
        """Close all other models that hold memory of the GPU; whether there were any."""
        with self._lock:
            return self._close_others(spec)

    def close(self) -> None:
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _close_others(self, spec: ModelSpec) -> bool:
        others = [name for name, model in self._open.items() if model.spec.needs_gpu and name != spec.id]
        for name in others:
            self._open.pop(name).close()
        return spec.needs_gpu and bool(others)

    def _load(self, spec: ModelSpec) -> Model:
        """Loaded; with the GPU for itself if it did not fit beside the others."""
        try:
            return load_model(spec, self.home)
        except OutOfMemory:
            if not self._close_others(spec):
                raise
        return load_model(spec, self.home)

    def _make_room(self, spec: ModelSpec) -> None:
        if not spec.needs_gpu:
            return
        held = {name: _gigabytes(model.spec) for name, model in self._open.items() if model.spec.needs_gpu}
        for name in sorted(held, key=held.__getitem__):
            if sum(held.values()) + _gigabytes(spec) <= self._vram_gb:
                return
            self._open.pop(name).close()
            del held[name]


def _gigabytes(spec: ModelSpec) -> float:
    """What it is reckoned to take. Of what nobody has measured everything: beside it nothing else stays open."""
    return math.inf if spec.vram_gb is None else spec.vram_gb


class ResidentHandle:
    """What a stage holds of a model: its entry at once, the model itself when something is really to be made."""

    def __init__(self, residents: Residents, spec: ModelSpec) -> None:
        self._residents = residents
        self.spec = spec

    def open(self) -> Any:
        return self._residents.open(self.spec)

    def alone(self) -> bool:
        return self._residents.close_others(self.spec)


def prepare_weights(spec: ModelSpec, folder: Path) -> None:
    """Turn what was fetched for `spec` into what its family opens, where the family has a way to (its `prepare`)."""
    if spec.family in PREPARING:
        importlib.import_module(spec.module).prepare(spec, folder)


def load_model(spec: ModelSpec, home: Path) -> Model:
    """Find and verify the weights of `spec`, import its family, load it.

    Raises `BadCatalog` for a family without a file, `ModelUnavailable` if its library is not installed, and
    `ModelMissing` or `ModelCorrupt` from the weights.
    """
    if importlib.util.find_spec(spec.module) is None:
        raise BadCatalog(f"models.{spec.id}.family: there is no family {spec.family!r} for a {spec.role}")
    spec = with_places(spec, home)
    weights = find_weights(spec, home)
    if weights is not None:
        check_weights(spec, weights, home)
    # OpenMP reads this when torch or llama.cpp load it. By default its threads spin while they wait for each other;
    # with the CPU lane on the same cores that made a language model 15 times, a diffusion model 8 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # ONNX Runtime reports to its maker by default, also on Linux, as soon as it is imported (measured with 1.32.0).
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # Read when torch compiles for the first time; by default they lie in /tmp and are gone with it.
    for name, folder in (("TORCHINDUCTOR_CACHE_DIR", "inductor"), ("TRITON_CACHE_DIR", "triton")):
        os.environ.setdefault(name, str(home / "compile" / folder))
    try:
        family = importlib.import_module(spec.module)
    except ImportError as error:
        raise ModelUnavailable(
            f"model {spec.id} needs {error.name or error}, which cannot be imported: run scripts/setup again"
        ) from error
    model = cast(Model, family.load(spec, weights))
    if isinstance(model, Tunable):
        model.settle(home)
    return model
