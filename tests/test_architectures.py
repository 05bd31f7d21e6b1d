"""The shipped architectures are the real ones, and what they are said to cost is what the real classes cost."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.architectures import (
    Cost,
    architecture_names,
    flops_of,
    is_music,
    latents_of_sound,
    live_bytes,
    packing,
    read_architecture,
    read_costs,
)
from engine.backends import counting
from engine.backends.pass_cost import see
from engine.footprint import sound_bytes, tiled_bytes

PUBLISHED = {
    ("sdxl", "unet"): 2_567_463_684,
    ("sdxl", "vae"): 83_653_863,
    ("sdxl", "text_encoder"): 123_060_480,
    ("sdxl", "text_encoder_2"): 694_659_840,
    ("ltx", "text_encoder"): 4_762_310_656,
    ("ltx", "transformer"): 1_923_385_472,
    ("ace-step-xl", "text_encoder"): 595_776_512,
}
"""Weights in the files of stabilityai/stable-diffusion-xl-base-1.0, of google/t5-v1_1-xxl's encoder,
Lightricks/LTX-Video and Qwen/Qwen3-Embedding-0.6B, as others counted them."""

IN_BILLIONS = {("transformer", 4.17), ("condition_encoder", 0.61), ("text_encoder", 0.60), ("vae", 0.17)}
"""Of ACE-Step/acestep-v15-xl-turbo-diffusers, as a port to another library counted its files."""

LTX_VAE_FILE = 1_676_798_532
"""Bytes of vae/diffusion_pytorch_model.safetensors of Lightricks/LTX-Video, float32, with a header below 50 kB."""

OTHERS = ((1, 32, 48), (1, 40, 24), (2, 24, 24), (4, 16, 24), (7, 16, 16))
"""Latent shapes none of which the coefficients were made from."""
OTHER_MUSIC = tuple((frames, 1, 1) for frames in (400, 1500, 5000, 9000))

NAMED = [(name, component) for name in architecture_names() for component in read_architecture(name).components]


def cost_of(name: str, component: str) -> Cost:
    return read_costs()[name][component]


@pytest.mark.parametrize(("name", "component"), PUBLISHED)
def test_an_architecture_has_as_many_weights_as_the_published_files(name: str, component: str) -> None:
    assert cost_of(name, component).parameters == PUBLISHED[name, component]


def test_ace_step_and_the_vae_of_ltx_are_as_large_as_their_files() -> None:
    for component, billions in IN_BILLIONS:
        assert cost_of("ace-step-xl", component).parameters / 1e9 == pytest.approx(billions, abs=0.005)
    statistics = 2 * read_architecture("ltx").components["vae"].config["latent_channels"]
    header = LTX_VAE_FILE - 4 * (cost_of("ltx", "vae").parameters + statistics)
    assert 0 < header < 50_000


def test_what_a_vae_packs_is_what_the_real_one_packs() -> None:
    for name in ("ltx", "wan22-5b", "wan22-a14b"):
        part = read_architecture(name).components["vae"]
        across, by = packing(part)
        film = torch.empty(1, 3, 2 * by + 1, 4 * across, 3 * across, device="meta", dtype=counting.DTYPES[part.dtype])
        vae: Any = counting.build(part)
        with torch.no_grad():
            latents = vae.encode(film).latent_dist.mean
        assert tuple(latents.shape[2:]) == (3, 4, 3)
    assert latents_of_sound(read_architecture("ace-step-xl").components["vae"], 60) == 1500


def test_the_costs_are_those_that_counting_finds_today() -> None:
    found = counting.count_all()
    assert set(found) == set(read_costs()) == set(architecture_names())
    for name, component in NAMED:
        counted, kept = found[name][component], cost_of(name, component)
        assert counted.parameters == kept.parameters
        assert counted.flops == kept.flops, (name, component)
        assert counted.live.keys() == kept.live.keys()


@pytest.mark.parametrize(("name", "component"), [one for one in NAMED if one[1] in ("unet", "transformer", "vae")])
def test_what_a_pass_costs_at_another_size_is_within_five_percent(name: str, component: str) -> None:
    arch = read_architecture(name)
    part, cost = arch.components[component], cost_of(name, component)
    model = counting.build(part)
    for shape in OTHER_MUSIC if is_music(arch) else OTHERS:
        frames, n = shape[0], counting.size(part, shape)
        if name == "sdxl" and frames > 1:
            continue
        for passed, call in counting.pass_of(model, part, shape, arch).items():
            if is_music(arch):  # masks grow with the square of the length: told is what they are at most
                seen = see(model, call)
                assert flops_of(cost, passed, n) == pytest.approx(seen.flops, rel=0.05), (passed, shape)
                assert seen.live * 0.9 < live_bytes(cost, passed, n) < 4 * seen.live, (passed, shape)
                continue
            more = (frames - 1) * flops_of(cost, f"{passed}_more", n) if f"{passed}_more" in cost.flops else 0.0
            seen = see(model, call)
            assert flops_of(cost, passed, n) + more == pytest.approx(seen.flops, rel=0.05), (passed, shape)
            if frames != 1:  # the first latent frame is one picture, each further one four at once
                assert live_bytes(cost, passed, n, frames) == pytest.approx(seen.live, rel=0.25), (passed, shape)


def test_counting_sees_what_is_alive_at_once_and_no_more() -> None:
    model = torch.nn.Linear(4, 4, device="meta")
    start = torch.empty(256, 4, device="meta")

    def one_after_the_other() -> None:
        now = start
        for _ in range(6):
            now = now + 1

    def all_kept() -> list[torch.Tensor]:
        return [start + number for number in range(6)]

    each = start.numel() * 4
    assert see(model, one_after_the_other).live == 2 * each
    assert see(model, all_kept).live == 6 * each


def test_what_was_seen_before_is_counted_as_torchs_own_counter_counts_it() -> None:
    arch = read_architecture("sdxl")
    part = arch.components["vae"]
    model: Any = counting.build(part)
    decode = counting.pass_of(model, part, (1, 8, 8), arch)["decode"]
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        decode()
    assert see(model, decode).flops == counter.get_total_flops()


def test_numbers_of_different_types_are_not_taken_for_one_another() -> None:
    whole = torch.ones(8, dtype=torch.int8, device="meta")
    assert see(torch.nn.Identity(), lambda: [whole + 1, whole + 1.0]).live == 8 + 8 * 4


def test_attention_is_counted_as_kernels_do_it() -> None:
    model = torch.nn.Identity()
    query = torch.empty(1, 2, 64, 8, device="meta")
    seen = see(model, lambda: torch.nn.functional.scaled_dot_product_attention(query, query, query))
    assert seen.flops == 2 * 2 * 2 * 64 * 64 * 8
    assert seen.live < 64 * 64 * 2 * 4


def test_a_text_encoder_costs_the_same_whatever_is_asked() -> None:
    assert set(cost_of("wan22-5b", "text_encoder").flops) == {"forward"}
    assert len(cost_of("wan22-5b", "text_encoder").flops["forward"]) == 1


def test_a_name_that_is_not_shipped_is_refused() -> None:
    for name in ("costs", "../sdxl", "sd15"):
        with pytest.raises(KeyError):
            read_architecture(name)


def test_reading_costs_loads_no_torch(root: Path) -> None:
    program = "import sys, engine.architectures as a; a.read_costs(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


TILED = (("ltx", (3, 22, 30)), ("sdxl", (1, 132, 160)), ("wan22-5b", (3, 22, 30)), ("wan22-a14b", (3, 40, 56)))


@pytest.mark.parametrize(("name", "shape"), TILED)
def test_what_a_vae_takes_in_tiles_is_what_the_real_one_takes(name: str, shape: tuple[int, int, int]) -> None:
    part, cost = read_architecture(name).components["vae"], cost_of(name, "vae")
    model: Any = counting.build(part)
    model.enable_tiling()
    (across, by), (frames, height, width) = packing(part), shape
    made = (width * across, height * across, by * (frames - 1) + 1)
    decode = counting.pass_of(model, part, shape, read_architecture(name))["decode"]
    assert tiled_bytes(part, cost, "decode", made) == pytest.approx(see(model, decode).live, rel=0.15)


def test_music_decoded_in_tiles_takes_what_the_real_vae_takes() -> None:
    arch = read_architecture("ace-step-xl")
    part = arch.components["vae"]
    model: Any = counting.build(part)
    model.enable_tiling()
    for latents in (1500, 5000):
        decode = counting.pass_of(model, part, (latents, 1, 1), arch)["decode"]
        told = sound_bytes(part, cost_of("ace-step-xl", "vae"), latents, tiled=True)
        assert told == pytest.approx(see(model, decode).live, rel=0.15)
