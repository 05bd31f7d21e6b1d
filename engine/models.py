"""Opens the models that stages ask for, each once, and decides by measured memory which stay, which leave and which are
streamed. Reaches families by name only."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import msgspec

from engine.backends.protocols import Model, Tunable
from engine.catalog import Catalog, ModelSpec
from engine.device_memory import DeviceMemory, MainMemory
from engine.errors import BadCatalog, ModelMissing, ModelUnavailable, OutOfMemory
from engine.footprint import Shape, gpu_gb
from engine.garbage import collected_together
from engine.needs import FILE as NEEDS_FILE
from engine.needs import Needs
from engine.residency import at_level, choose_way, level_of, next_level, shape_for
from engine.types import Plan
from engine.weights import check_weights, find_weights, with_places, with_versions

PREPARING = frozenset({"coqui"})
"""Families whose checkpoints are published as something that is never opened; the others are not even imported."""

MARGIN_GB = 0.5
"""Left free beside what a model was measured to need: allocators round, and drivers take their share."""

Tell = Callable[[str], None]


def no_tell(sentence: str) -> None:
    """For callers that do not want to know why a model left."""


class Residents:
    """The open models of one process.

    What fits stays open. When a model needs memory that is not there, the ones that are cheapest to bring back (fewest
    GB to load) go first, GPU models from the GPU, the others from main memory. What a model needs was measured when it
    last ran on this GPU, as it was loaded then; before that its entry's figure counts, then what its architecture says
    of the size that is asked for, and else everything. Of main memory a model is reckoned to need as much as its
    weights. One that would not fit even alone is loaded with one component at a time, or its weights streamed.

    Safe for several threads, as long as GPU models are opened by one of them only: an open model is not evicted under a
    running stage, and of main memory's none that another thread has opened.
    """

    def __init__(
        self,
        catalog: Catalog,
        home: Path,
        vram_gb: float,
        *,
        gpu: DeviceMemory | None = None,
        ram: DeviceMemory | None = None,
    ) -> None:
        """`gpu` None: nothing is measured there, and `vram_gb` less what is open counts as free."""
        self._catalog = catalog
        self.home = home
        self._vram_gb = vram_gb
        self._gpu, self._ram = gpu, ram or MainMemory()
        self._needs = Needs(home / NEEDS_FILE)
        self._open: dict[str, Model] = {}
        self._opened_by: dict[str, int] = {}
        self._shapes: dict[str, Shape] = {}
        self._at_work: ModelSpec | None = None
        self._lock = threading.Lock()
        self.loads: Counter[str] = Counter()

    def __enter__(self) -> Residents:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.close()

    def handle(self, model_id: str, tell: Tell = no_tell, plan: Plan | None = None) -> ResidentHandle:
        """A handle of that model; nothing is opened yet. `tell` hears why models stay, leave or are streamed; `plan`
        says how large what it makes may be, else that is taken to be large.

        Raises `BadCatalog` for an unknown id."""
        spec = with_versions(self._catalog.model(model_id), self.home)
        return ResidentHandle(self, spec, tell, None if plan is None else shape_for(plan, spec))

    def handle_if_known(self, model_id: str) -> ResidentHandle | None:
        """As `handle`, None for an id that the catalog does not have."""
        return self.handle(model_id) if model_id in self._catalog.models else None

    def open(self, spec: ModelSpec, tell: Tell = no_tell, shape: Shape | None = None) -> Any:
        """The open model of that entry, with room to work. Raises `ModelError`s that say how to mend it."""
        with self._lock:
            turns = self._turn_to(spec)
            if self._outgrows(spec, shape):
                way = self._way(spec, tell)
                if spec.id in self._open and level_of(way) != level_of(self._open[spec.id].spec):
                    self._open.pop(spec.id).close()
            else:
                way = self._open[spec.id].spec
            if spec.id not in self._open:
                self._make_room(way, tell)
                self._open[spec.id] = self._load(spec, level_of(way), tell)
                self._opened_by[spec.id] = threading.get_ident()
                self.loads[spec.id] += 1
            elif turns:
                self._make_room(way, tell)
            return self._open[spec.id]

    def ram_free_gb(self) -> float:
        """Of main memory, what these models hold of it not counted."""
        return self._ram.free_gb()

    def close_others(self, spec: ModelSpec) -> bool:
        """Close all other models that hold memory of the GPU; whether there were any."""
        with self._lock:
            return self._close_others(spec)

    def close(self) -> None:
        with self._lock:
            self._note_peak()
            self._at_work = None
            with collected_together():
                while self._open:
                    self._open.popitem()[1].close()

    # ---- who leaves -------------------------------------------------------------------------------------------------

    def _make_room(self, spec: ModelSpec, tell: Tell) -> None:
        needed, whence = self._needed(spec)
        held = {name: self._size(model.spec) for name, model in self._open.items() if self._may_go(name, spec)}
        if needed == 0 or not held:
            return
        gone = []
        for name in sorted(held, key=held.__getitem__):
            if needed <= self._free(spec):
                break
            self._open.pop(name).close()
            gone.append(name)
        where = "the GPU" if spec.needs_gpu else "main memory"
        wanted = f"{spec.id} needs {needed:.1f} GB ({whence})" if math.isfinite(needed) else whence
        if gone:
            tell(f"{' and '.join(gone)} left {where}: {wanted}")
        elif self._gpu is not None and spec.needs_gpu:
            stay = [name for name in held if name in self._open]
            tell(f"{' and '.join(stay)} stays open: {wanted}, and {self._free(spec):.1f} GB of {where} are free")

    def _may_go(self, name: str, spec: ModelSpec) -> bool:
        other = self._open[name].spec
        if name == spec.id or other.needs_gpu != spec.needs_gpu:
            return False
        return spec.needs_gpu or self._opened_by.get(name) == threading.get_ident()

    def _needed(self, spec: ModelSpec) -> tuple[float, str]:
        """GB that it needs beside what it holds already, and whence that is known."""
        if not spec.needs_gpu:
            return _weights_gb(spec, self.home), "by its weights"
        needed, whence = self._in_all(spec)
        known = None if self._gpu is None else self._needs.of(spec, self._gpu.name)
        held = known.resident if known is not None and known.peak > 0 and spec.id in self._open else 0.0
        return needed - held, whence

    def _in_all(self, spec: ModelSpec) -> tuple[float, str]:
        """GB of the GPU that it needs as its params have it, and whence that is known; infinite if it is not."""
        known = None if self._gpu is None else self._needs.of(spec, self._gpu.name)
        if known is not None and known.peak > 0:
            return known.peak + MARGIN_GB, "measured here before"
        needed = gpu_gb(spec, self._shapes.get(spec.id))
        if needed is None:
            return math.inf, f"nobody has measured yet what {spec.id} needs"
        return needed, "worked out from its architecture" if spec.vram_gb is None else "as its entry says"

    def _size(self, spec: ModelSpec) -> float:
        """GB that have to be loaded to bring it back."""
        known = None if self._gpu is None or not spec.needs_gpu else self._needs.of(spec, self._gpu.name)
        return known.resident if known is not None and known.resident > 0 else self._needed(spec)[0]

    def _free(self, spec: ModelSpec) -> float:
        if not spec.needs_gpu:
            return self._ram.free_gb()
        if self._gpu is not None:
            return self._gpu.free_gb()
        held = [self._needed(model.spec)[0] for model in self._open.values() if model.spec.needs_gpu]
        return self._vram_gb - sum(held)

    def _close_others(self, spec: ModelSpec) -> bool:
        others = [name for name, model in self._open.items() if model.spec.needs_gpu and name != spec.id]
        for name in others:
            self._open.pop(name).close()
        return spec.needs_gpu and bool(others)

    # ---- how it is loaded -------------------------------------------------------------------------------------------

    def _outgrows(self, spec: ModelSpec, shape: Shape | None) -> bool:
        """Whether how it is to lie there has to be decided: it is not open, or was opened for something smaller."""
        before = self._shapes.get(spec.id)
        larger = shape is not None and (before is None or math.prod(shape) > math.prod(before))
        if spec.id in self._open and not larger:
            return False
        self._shapes.pop(spec.id, None)
        if shape is not None:
            self._shapes[spec.id] = shape
        return True

    def _way(self, spec: ModelSpec, tell: Tell) -> ModelSpec:
        """That entry with the `offload` with which it fits if all others leave, as far as can be told beforehand."""
        if self._gpu is None or not spec.needs_gpu:
            return spec
        known, gpu = self._needs.of(spec, self._gpu.name), self._gpu.name
        leaving = [self._needs.of(m.spec, gpu).resident for m in self._open.values() if m.spec.needs_gpu]
        room = self._gpu.free_gb() + sum(leaving)
        if known.offload and room <= known.free:
            why = f"with {known.free:.1f} GB free it did not fit here"
            tell(f"{spec.id} is streamed from main memory ({known.offload}): {why}")
            return at_level(spec, known.offload)
        way = choose_way(spec, room, self._in_all)
        if way.sentence:
            tell(way.sentence)
        return way.spec

    def _load(self, spec: ModelSpec, level: str, tell: Tell) -> Model:
        """Loaded; where it does not fit, with the GPU for itself, then with its weights streamed."""
        memory = self._gpu if spec.needs_gpu else None
        while True:
            before, free = (memory.held_gb(), memory.free_gb()) if memory is not None else (0.0, self._vram_gb)
            try:
                model = load_model(at_level(spec, level), self.home)
            except OutOfMemory:
                if self._close_others(spec):
                    continue
                lower = next_level(spec, level)
                if lower is None:
                    raise
                level = lower
                tell(f"{spec.id} is streamed from main memory ({level}): {free:.1f} GB of the GPU did not hold it")
                if memory is not None:
                    known = self._needs.of(spec, memory.name)
                    self._needs.note(msgspec.structs.replace(known, offload=level, free=round(free, 3)))
                continue
            if memory is not None:
                held = round(max(0.0, memory.held_gb() - before), 3)
                known = self._needs.of(model.spec, memory.name)
                self._needs.note(msgspec.structs.replace(known, resident=held))
            return model

    # ---- what was measured ------------------------------------------------------------------------------------------

    def _turn_to(self, spec: ModelSpec) -> bool:
        """From now on that model is at work on the GPU; whether another was before."""
        if self._gpu is None or not spec.needs_gpu or (self._at_work is not None and self._at_work.id == spec.id):
            return False
        self._note_peak()
        self._gpu.forget_peak()
        self._at_work = spec
        return True

    def _note_peak(self) -> None:
        """What the model that was at work has taken at most, less what the others held meanwhile."""
        if self._gpu is None or self._at_work is None or self._at_work.id not in self._open:
            return
        known = self._needs.of(self._open[self._at_work.id].spec, self._gpu.name)
        others = max(0.0, self._gpu.held_gb() - known.resident)
        peak = round(max(known.resident, self._gpu.peak_gb() - others), 3)
        self._needs.note(msgspec.structs.replace(known, peak=peak))


class ResidentHandle:
    """What a stage holds of a model: its entry at once, the model itself when something is really to be made."""

    def __init__(self, residents: Residents, spec: ModelSpec, tell: Tell, shape: Shape | None) -> None:
        self._residents = residents
        self._tell, self._shape = tell, shape
        self.spec = spec

    def open(self) -> Any:
        return self._residents.open(self.spec, self._tell, self._shape)

    def alone(self) -> bool:
        return self._residents.close_others(self.spec)


def _weights_gb(spec: ModelSpec, home: Path) -> float:
    """Of its files; 0 for a model without any, or whose are not there."""
    try:
        place = find_weights(spec, home)
    except ModelMissing:
        return 0.0
    if place is None or not place.exists():
        return 0.0
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 2**30


def prepare_weights(spec: ModelSpec, folder: Path) -> None:
    """Turn what was fetched for `spec` into what its family opens, where the family has a way to (its `prepare`)."""
    if spec.family in PREPARING:
        importlib.import_module(spec.module).prepare(spec, folder)


def check_family(spec: ModelSpec) -> None:
    """Raise `BadCatalog` unless there is a file of that family; imports none."""
    if importlib.util.find_spec(spec.module) is None:
        raise BadCatalog(
            f"models.{spec.id}.family: there is no family {spec.family!r} of {spec.role}s: take that of another entry"
        )


def load_model(spec: ModelSpec, home: Path) -> Model:
    """Find and verify the weights of `spec`, import its family, load it.

    Raises `BadCatalog` for a family without a file, `ModelUnavailable` if its library is not installed, and
    `ModelMissing` or `ModelCorrupt` from the weights.
    """
    check_family(spec)
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
