"""Every entry of models.yaml that can run on this machine does what its role promises."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from engine.backends.toys import toy_builders
from engine.catalog import ModelSpec, load_catalog
from engine.errors import OutOfMemory
from engine.machine import this_machine
from engine.models import load_model
from engine.settings import default_home
from engine.weights import find_weights
from tests.conformance.checks import (
    Bench,
    check_heeds_the_prompt,
    check_keeps_references,
    check_repeats,
    check_stops_at_the_first_step,
)
from tests.toy_weights import shared_home

# Where each torch family spends its memory: what is made to fail there is what torch raises itself.
HEART = {
    "sdxl": ("diffusers", "UNet2DConditionModel", "forward"),
    "wan": ("diffusers", "WanTransformer3DModel", "forward"),
    "ace_step": ("diffusers", "AceStepTransformer1DModel", "forward"),
    "ltx": ("diffusers", "LTXVideoTransformer3DModel", "forward"),
    "coqui": ("TTS.vocoder.models.hifigan_generator", "HifiganGenerator", "forward"),
}
CPU_SAYS = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: Error code 12"


def runnable(spec: ModelSpec) -> bool:
    """Toys and what comes in a package always; the rest where it was pulled and the GPU holds it."""
    weights = spec.weights
    if weights is None:
        return True
    if weights.toy is not None:
        return weights.toy in toy_builders()
    if weights.package is not None:
        return importlib.util.find_spec(weights.package) is not None
    path = find_weights(spec, default_home())
    return path is not None and path.exists() and (not spec.needs_gpu or this_machine().vram_gb >= (spec.vram_gb or 1))


def entries(*families: str) -> list[Any]:
    specs = [s for s in load_catalog().models.values() if runnable(s) and (not families or s.family in families)]
    return [pytest.param(s, id=s.id, marks=[pytest.mark.gpu] if s.needs_gpu else []) for s in specs]


def open_model(spec: ModelSpec, factory: pytest.TempPathFactory) -> Any:
    weights = spec.weights
    home = shared_home(factory, weights.toy) if weights is not None and weights.toy else default_home()
    return load_model(spec, home)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """An open model, for all tests of one entry."""
    model = open_model(request.param, tmp_path_factory)
    yield Bench(request.param, model, tmp_path_factory.mktemp(request.param.id))
    model.close()


@pytest.mark.parametrize("bench", entries(), indirect=True)
def test_the_same_job_gives_the_same_bytes_of_the_form_that_was_asked_for(bench: Bench) -> None:
    check_repeats(bench)


@pytest.mark.parametrize("bench", entries(), indirect=True)
def test_another_prompt_gives_another_result(bench: Bench) -> None:
    check_heeds_the_prompt(bench)


@pytest.mark.parametrize("bench", entries(), indirect=True)
def test_a_cancel_at_the_first_step_stops_it_and_spoils_nothing(bench: Bench) -> None:
    check_stops_at_the_first_step(bench)


@pytest.mark.parametrize("bench", [entry for entry in entries() if entry.values[0].limits.references], indirect=True)
def test_an_artist_that_says_so_keeps_the_looks_that_references_show(bench: Bench) -> None:
    check_keeps_references(bench)


@pytest.mark.parametrize("bench", entries("sdxl", "wan", "ltx", "coqui", "ace_step"), indirect=True)
def test_another_seed_gives_another_result(bench: Bench) -> None:
    assert bench.digest(seed=8) != bench.usual


@pytest.mark.parametrize("said", ["cuda", "cpu", "python"])
@pytest.mark.parametrize("bench", entries(*HEART), indirect=True)
def test_out_of_memory_is_told_as_such_whoever_says_so(
    bench: Bench, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    errors = {
        "cuda": torch.OutOfMemoryError("CUDA out of memory."),
        "cpu": RuntimeError(CPU_SAYS),
        "python": MemoryError(),
    }

    def full(*args: Any, **kwargs: Any) -> Any:
        raise errors[said]

    module, cls, method = HEART[bench.spec.family]
    monkeypatch.setattr(getattr(importlib.import_module(module), cls), method, full)
    with pytest.raises(OutOfMemory, match=bench.spec.id):
        bench.make()


@pytest.mark.parametrize("spec", entries())
def test_closing_twice_frees_what_it_held(spec: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = open_model(spec, tmp_path_factory)
    held = [ref for part in vars(model).values() if (ref := _weak(part)) is not None]
    model.close()
    model.close()
    if spec.family in HEART:
        assert held, "a model of a torch family holds its network"
        gc.collect()
        assert not [ref() for ref in held if ref() is not None]
    del model
    gc.collect()
    assert not [ref() for ref in held if ref() is not None and _is_heavy(ref())]


def _weak(part: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(part)
    except TypeError:
        return None


def _is_heavy(part: Any) -> bool:
    return type(part).__module__.split(".")[0] in {"torch", "diffusers", "transformers", "TTS", "llama_cpp"}
