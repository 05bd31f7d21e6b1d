"""Kernels, compiling and caches are chosen by what they bring, with a sentence that says so."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from PIL import Image

from engine.architectures import read_architecture
from engine.backends import fp8
from engine.backends.attention import NATIVE, Trial, attention_for, candidates, choose_attention, try_kernel
from engine.backends.compiling import Compiling, Figures, figures_after, obstacle, payback
from engine.backends.counting import build
from engine.backends.findings import Findings
from engine.backends.protocols import ClipJob
from engine.catalog import Limits, ModelSpec, Weights
from engine.errors import BadCatalog, Cancelled
from engine.made import Still
from engine.models import load_model
from tests.toy_weights import shared_home

OWN = Trial(kernel=NATIVE, seconds=1.0)
SIZE = (1000, 1000, 1)
"""One megapixel, so that seconds a step are seconds a megapixel."""


# ---- attention ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trials", "kernel", "said"),
    [
        ([OWN], NATIVE, "no other for this card"),
        ([OWN, Trial(kernel="sage", seconds=0.5)], "sage", "2.00 times as fast"),
        ([OWN, Trial(kernel="sage", seconds=0.5, error=0.4)], NATIVE, "40% off"),
        ([OWN, Trial(kernel="sage", seconds=0.5, error=math.nan)], NATIVE, "nan% off"),
        ([OWN, Trial(kernel="sage", seconds=0.99)], NATIVE, "1.01 times"),
        ([OWN, Trial(kernel="_flash_3", failed="is not usable")], NATIVE, r"_flash_3 does not run \(is not usable\)"),
        ([OWN, Trial(kernel="sage", seconds=0.6), Trial(kernel="_flash_3", seconds=0.5)], "_flash_3", "by _flash_3"),
    ],
)
def test_the_fastest_kernel_that_computes_the_same_is_taken(trials: list[Trial], kernel: str, said: str) -> None:
    chosen = choose_attention(trials)
    assert chosen.kernel == kernel
    assert re.search(said, chosen.sentence)


def test_only_kernels_that_a_card_may_have_are_tried() -> None:
    assert candidates((7, 5)) == ()
    assert "_flash_3" in candidates((9, 0))
    assert "_flash_3" not in candidates((8, 9))
    assert "_flash_3" not in candidates((12, 0))


@pytest.mark.parametrize("masked", [False, True])
def test_a_kernel_is_compared_with_torchs_own_as_a_model_would_call_it(masked: bool) -> None:
    same = try_kernel("_native_math", "cpu", torch.float32, (1, 32, 2, 8), masked=masked)
    assert same.failed == ""
    assert same.error < 1e-5
    assert same.seconds > 0
    absent = try_kernel("sage", "cpu", torch.float32, (1, 32, 2, 8), masked=masked)
    assert absent.failed


def test_without_a_gpu_nothing_is_tried_or_remembered(tmp_path: Path) -> None:
    assert attention_for("cpu", "float32", Findings(tmp_path / "tuning.json"), masked=False).kernel == NATIVE
    assert not (tmp_path / "tuning.json").exists()


def test_what_was_found_on_a_card_is_not_tried_again_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def trial(kernel: str, device: str, dtype: Any, *, masked: bool) -> Trial:
        tried.append(kernel)
        return Trial(kernel=kernel, seconds=1.0 if kernel == NATIVE else 0.5)

    monkeypatch.setattr("engine.backends.attention.try_kernel", trial)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    for card in ("H200", "H200", "L4"):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device, card=card: card)
        assert attention_for("cuda", "bfloat16", Findings(tmp_path / "tuning.json"), masked=False).kernel == "_flash_3"
    assert len(tried) == 2 * len((NATIVE, *candidates((9, 0))))


def test_a_kernel_that_took_the_process_with_it_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trial(kernel: str, device: str, dtype: Any, *, masked: bool) -> Trial:
        if kernel == "_flash_3":
            raise KeyboardInterrupt  # as near as a test comes to a process that is gone
        return Trial(kernel=kernel, seconds=1.0)

    monkeypatch.setattr("engine.backends.attention.try_kernel", trial)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "H200")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        attention_for("cuda", "bfloat16", Findings(tmp_path / "tuning.json"), masked=False)
    chosen = attention_for("cuda", "bfloat16", Findings(tmp_path / "tuning.json"), masked=False)
    assert (chosen.kernel, "_flash_3 does not run (it did not come back" in chosen.sentence) == (NATIVE, True)


# ---- compiling ------------------------------------------------------------------------------------------------------


def test_compiling_pays_when_it_saves_more_than_it_takes() -> None:
    figures = Figures(compile_seconds=30, plain=5.0, compiled=4.0)
    assert not payback(figures, steps=4, clips=6, shapes=1, megapixels=1).worth  # saves 24 s
    assert payback(figures, steps=4, clips=8, shapes=1, megapixels=1).worth  # saves 32 s
    assert not payback(figures, steps=4, clips=8, shapes=5, megapixels=1).worth  # two compilations: 60 s
    assert payback(figures, steps=40, clips=2, shapes=2, megapixels=1).worth  # 80 s


def test_the_decision_shows_its_arithmetic_and_what_was_guessed() -> None:
    sentence = payback(
        Figures(compile_seconds=30, plain=5.0, compiled=4.0), steps=4, clips=8, shapes=1, megapixels=1
    ).sentence
    assert "takes 30 s and saves 1.000 s × 4 steps × 8 clips = 32 s" in sentence
    assert "guessed" not in sentence
    assert (
        "the time to compile and the gain guessed"
        in payback(Figures(plain=5.0), steps=4, clips=8, shapes=1, megapixels=1).sentence
    )


def test_a_model_that_compiling_made_slower_is_not_compiled_again() -> None:
    slower = Figures(compile_seconds=1, plain=4.0, compiled=5.0)
    assert not payback(slower, steps=40, clips=100, shapes=1, megapixels=1).worth


def test_nothing_follows_from_a_step_that_nobody_measured() -> None:
    with pytest.raises(ValueError, match="measured"):
        payback(Figures(), steps=4, clips=8, shapes=1, megapixels=1)


def test_the_shortest_step_is_what_steps_take_and_the_rest_of_a_first_one_is_compiling() -> None:
    plain = figures_after(Figures(), [6.0, 5.0, 5.1, 5.0], 1, compiled=False)
    assert plain.plain == 5.0
    compiled = figures_after(plain, [35.0, 4.0, 4.0, 4.0], 1, compiled=True, fresh=True, around=1.1)
    assert compiled.compiled == 4.0
    assert compiled.compile_seconds == pytest.approx(29.9)
    assert figures_after(compiled, [4.2, 4.1], 1, compiled=True).compile_seconds == pytest.approx(29.9)
    cached = figures_after(compiled, [10.0, 4.0], 1, compiled=True, fresh=True)
    assert cached.compile_seconds == pytest.approx(6), "the next process finds it in the compiler's cache"
    assert figures_after(Figures(), [6.0], 1, compiled=False) == Figures()


def test_a_step_of_one_length_tells_of_a_step_of_another() -> None:
    figures = figures_after(Figures(compile_seconds=30, compiled=0.04), [5.0, 5.0], 100, compiled=False)
    assert figures.plain == pytest.approx(0.05)
    longer, shorter = (payback(figures, steps=4, clips=20, shapes=1, megapixels=mean) for mean in (50, 25))
    assert (longer.saved, shorter.saved) == (pytest.approx(40), pytest.approx(20))
    assert (longer.worth, shorter.worth) == (True, False)


class Blocks:
    def __init__(self) -> None:
        self.compiled = 0

    def compile_repeated_blocks(self) -> None:
        self.compiled += 1

    def modules(self) -> list[Any]:
        return [self]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.backends.compiling.obstacle", lambda device, resident: "" if resident else "streamed")


def test_the_first_clip_measures_and_the_next_ones_are_compiled_if_that_pays(tmp_path: Path, gpu: None) -> None:
    blocks, findings = Blocks(), Findings(tmp_path / "tuning.json")
    compiling = Compiling("auto", [blocks], steps=4)
    compiling.remember_in(findings, "steps of mine on H200")
    compiling.expect([SIZE] * 80)
    assert compiling.before("cuda", resident=True) == ""
    compiling.after(SIZE, [5.5, 5.0, 5.0, 5.0])
    assert "are compiled, because compiling takes 60 s" in compiling.before("cuda", resident=True)
    assert blocks.compiled == 1
    compiling.after(SIZE, [45.5, 4.0, 4.0, 4.0])
    assert compiling.before("cuda", resident=True) == ""

    later = Compiling("auto", [blocks], steps=4)  # another run: 41 s for 1 s a step are known, for eleven clips enough
    later.remember_in(Findings(tmp_path / "tuning.json"), "steps of mine on H200")
    later.expect([SIZE] * 11)
    assert "takes 41 s and saves 1.000 s × 4 steps × 11 clips = 44 s" in later.before("cuda", resident=True)
    assert blocks.compiled == 2


def test_a_wave_that_is_too_short_is_told_once_and_the_next_one_is_weighed_anew(tmp_path: Path, gpu: None) -> None:
    compiling = Compiling("auto", [Blocks()], steps=4)
    compiling.expect([SIZE] * 5)
    said = []
    for _ in range(5):
        said.append(compiling.before("cuda", resident=True))
        compiling.after(SIZE, [5.0, 5.0, 5.0, 5.0])
    assert [bool(sentence) for sentence in said] == [False, True, False, False, False]
    assert "runs uncompiled" in said[1]
    compiling.expect([SIZE] * 80)
    assert "are compiled" in compiling.before("cuda", resident=True)


def test_streamed_weights_a_short_wave_and_never_leave_a_model_uncompiled(gpu: None) -> None:
    blocks = Blocks()
    for choice, clips, resident in (("auto", 80, False), ("auto", 2, True), ("never", 80, True)):
        compiling = Compiling(choice, [blocks], steps=4)  # type: ignore[arg-type]
        compiling.expect([SIZE] * clips)
        for _ in range(2):
            compiling.before("cuda", resident=resident)
            compiling.after(SIZE, [5.0, 5.0, 5.0, 5.0])
    assert blocks.compiled == 0


def test_a_compiler_that_gives_up_costs_a_beginning_and_is_told(gpu: None) -> None:
    from torch._dynamo.exc import TorchDynamoException

    compiling = Compiling("always", [Blocks()], steps=4)
    compiling.before("cuda", resident=True)

    def call() -> str:
        if compiling.compiled:
            raise TorchDynamoException("no kernel for this")
        return "a clip"

    made, why = compiling.run(call)
    assert made == "a clip"
    assert "no kernel for this" in why
    assert compiling.before("cuda", resident=True) == ""


def test_what_stands_in_the_way_of_compiling_is_named() -> None:
    assert "cpu" in obstacle("cpu", resident=True)
    assert "come and go" in obstacle("cuda", resident=False)


def test_findings_that_somebody_spoilt_are_found_again(tmp_path: Path) -> None:
    file = tmp_path / "home" / "tuning.json"
    Findings(file).keep("one", {"a": 1})
    Findings(file).keep("two", 2)
    assert (Findings(file).of("one"), Findings(file).of("two")) == ({"a": 1}, 2)
    file.write_text("{")
    assert Findings(file).of("one") is None


# ---- in a real model ------------------------------------------------------------------------------------------------


def wan(factory: pytest.TempPathFactory, **params: Any) -> ModelSpec:
    return ModelSpec(
        id="mine",
        role="animator",
        family="wan",
        licence="MIT",
        commercial=True,
        weights=Weights(local=str(shared_home(factory, "toy-wan") / "toys" / "toy-wan")),
        limits=Limits(size_step=16, frames_step=4, frames_plus=1),
        params={"steps": 1, "guidance": 1, "text_tokens": 32, **params},
    )


def deepened(folder: Path, factory: pytest.TempPathFactory) -> Path:
    """The toy with three blocks, of which one can be skipped: its own has one."""
    checkpoint = folder / "deep"
    shutil.copytree(shared_home(factory, "toy-wan") / "toys" / "toy-wan", checkpoint)
    (checkpoint / "sha256.json").unlink()
    kind = WanTransformer3DModel
    torch.manual_seed(0)
    config: Any = kind.load_config(checkpoint / "transformer")
    model: Any = kind.from_config({**config, "num_layers": 3})
    model.save_pretrained(checkpoint / "transformer")
    return checkpoint


def clip(model: Any, folder: Path, **changed: Any) -> bytes:
    Image.linear_gradient("L").convert("RGB").save(folder / "still.png")
    job = ClipJob(still=Still(image=folder / "still.png"), prompt="a fox", width=64, height=48, frames=5, fps=8, seed=1)
    model.animate(job, folder / "clip.mp4", **changed)
    return (folder / "clip.mp4").read_bytes()


def test_weights_stored_in_eight_bits_still_make_a_clip_and_say_so(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model: Any = load_model(wan(tmp_path_factory, fp8=True), tmp_path)
    assert model._pipeline.transformer.blocks[0].attn1.to_q.weight.dtype == torch.float8_e4m3fn
    assert any("8 bits" in decision for decision in model.take_decisions())
    assert model.take_decisions() == ()
    plain = load_model(wan(tmp_path_factory), tmp_path)
    assert clip(model, tmp_path) != clip(plain, tmp_path)
    model.close()


ABLE: dict[str, Any] = {
    "device": "cuda",
    "capability": (8, 9),
    "dtype": "bfloat16",
    "offload": "none",
    "stands_in_the_way": "",
    "installed": True,
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"capability": (9, 0)}, ""),
        ({"device": "cpu", "capability": (0, 0)}, "the cpu does not multiply"),
        ({"capability": (8, 6)}, "capability 8.6"),
        ({"dtype": "float16"}, "not float16"),
        ({"offload": "model"}, "come and go"),
        ({"stands_in_the_way": "triton is not installed"}, "triton is not installed"),
        ({"installed": False}, "torchao is not installed"),
    ],
    ids=str,
)
def test_eight_bits_are_multiplied_only_where_card_model_and_installation_allow_it(
    changed: dict[str, Any], reason: str
) -> None:
    told = fp8.why_not(**{**ABLE, **changed})
    assert reason in told if reason else told == ""


def test_a_model_that_cannot_multiply_in_eight_bits_here_says_why_and_is_as_it_was(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model: Any = load_model(wan(tmp_path_factory, fp8_compute=True), tmp_path)
    assert any("multiplies in float32, because the cpu" in decision for decision in model.take_decisions())
    plain = load_model(wan(tmp_path_factory), tmp_path)
    assert clip(model, tmp_path) == clip(plain, tmp_path)
    model.close()
    with pytest.raises(BadCatalog, match="exclude each other"):
        load_model(wan(tmp_path_factory, fp8=True, fp8_compute=True), tmp_path)


@pytest.mark.parametrize("name", ["wan22-5b", "ltx"])
def test_of_a_real_transformer_the_blocks_layers_multiply_in_eight_bits_and_nothing_around_them(name: str) -> None:
    part = read_architecture(name).components["transformer"]
    module: Any = build(part)
    chosen = {id(layer) for layer in fp8.layers_of(module)}
    linear = {path: one for path, one in module.named_modules() if isinstance(one, torch.nn.Linear)}
    inside = {path for path in linear if path.startswith(("blocks.", "transformer_blocks."))}
    assert {path for path, one in linear.items() if id(one) in chosen} == inside
    assert len(inside) == len(chosen) >= 10 * part.config["num_layers"]
    weights = sum(linear[path].weight.numel() for path in inside)
    assert weights > 0.9 * sum(one.numel() for one in module.parameters()), "nearly all of the work"


def test_a_trial_without_what_it_needs_tells_what_was_wrong() -> None:
    assert fp8.try_once("cpu"), "neither torchao nor a card that it multiplies on is here"


def test_the_first_block_cache_skips_steps_and_a_cancelled_clip_leaves_nothing_in_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spec = wan(tmp_path_factory, steps=20, first_block_cache=0.5)
    spec = msgspec.structs.replace(spec, weights=Weights(local=str(deepened(tmp_path, tmp_path_factory))))
    model: Any = load_model(spec, tmp_path)
    calls = []
    last = model._pipeline.transformer.blocks[-1]
    last.attn1.register_forward_hook(lambda *_: calls.append(1))
    first = clip(model, tmp_path)
    assert 0 < len(calls) < 20

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise Cancelled()

    with pytest.raises(Cancelled):
        clip(model, tmp_path, tick=stop)
    assert clip(model, tmp_path) == first
    model.close()


def test_weights_that_are_streamed_layer_by_layer_skip_no_steps_and_say_so(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model: Any = load_model(wan(tmp_path_factory, steps=20, first_block_cache=0.5, offload="layer"), tmp_path)
    assert any("skips no steps" in decision for decision in model.take_decisions())
    assert clip(model, tmp_path)
    model.close()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"steps": 4, "first_block_cache": 0.1}, "20 steps or more, not 4"),
        ({"steps": 20, "first_block_cache": 3}, "outside 0 to 1"),
        ({"attention": "flesh"}, "'flesh' is none of .*_native_cudnn"),
        ({"compile": "sometimes"}, "compile"),
    ],
)
def test_choices_that_do_not_fit_are_named(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadCatalog, match=said):
        load_model(wan(tmp_path_factory, **params), tmp_path)


def test_a_named_attention_is_the_one_that_computes(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model: Any = load_model(wan(tmp_path_factory, attention="_native_math"), tmp_path)
    assert model._pipeline.transformer.blocks[0].attn1.processor._attention_backend == "_native_math"
    assert clip(model, tmp_path)
    model.close()
