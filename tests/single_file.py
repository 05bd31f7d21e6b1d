"""A toy SDXL as people share checkpoints: all of it in one safetensors file, under its authors' names for the weights.

The names are those of the original release (`model.diffusion_model`, `first_stage_model`, `conditioner.embedders`);
what is built here is the way back from diffusers' names, for the toy's two-block UNet and four-block VAE.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SECOND_WIDTH = 48
"""Of the second text encoder: the two are told apart by their width."""
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def save_single_file(folder: Path, file: Path) -> None:
    """The pipeline in `folder`, in diffusers' layout, as one `file`."""
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    from safetensors.torch import save_file

    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)
    weights = {f"model.diffusion_model.{_unet(name)}": w for name, w in pipeline.unet.state_dict().items()}
    for name, w in pipeline.vae.state_dict().items():
        told = _vae(name, blocks=4)
        weights[f"first_stage_model.{told}"] = w[:, :, None, None] if ".attn_1." in told and w.ndim == 2 else w
    for name, w in pipeline.text_encoder.state_dict().items():
        weights[f"conditioner.embedders.0.transformer.text_model.{name.removeprefix('text_model.')}"] = w
    weights |= {
        f"conditioner.embedders.1.model.{k}": w for k, w in _open_clip(pipeline.text_encoder_2.state_dict()).items()
    }
    save_file({name: w.contiguous().clone() for name, w in weights.items()}, file)


def _unet(name: str) -> str:
    for ours, theirs in UNET.items():
        if name.startswith(f"{ours}."):
            return name.replace(ours, theirs, 1)
    found = re.match(r"(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.+)", name)
    if found is None:
        found = re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name)
        assert found is not None, name
        return f"middle_block.{1 if found[1] == 'attentions' else 2 * int(found[2])}.{_resnet(found[3])}"
    side, block, kind, layer, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    if kind == "downsamplers":
        return f"input_blocks.{2 * block + 2}.0.{rest.replace('conv', 'op')}"
    if kind == "upsamplers":
        return f"output_blocks.{2 * block + 1}.2.{rest}"
    place = f"input_blocks.{2 * block + layer + 1}" if side == "down" else f"output_blocks.{2 * block + layer}"
    return f"{place}.0.{_resnet(rest)}" if kind == "resnets" else f"{place}.1.{rest}"


def _resnet(name: str) -> str:
    head, _, tail = name.rpartition(".")
    return f"{RESNET[head]}.{tail}" if head in RESNET else name


def _vae(name: str, blocks: int) -> str:
    name = re.sub(r"encoder\.down_blocks\.(\d)\.resnets\.", r"encoder.down.\1.block.", name)
    name = re.sub(r"encoder\.down_blocks\.(\d)\.downsamplers\.0\.", r"encoder.down.\1.downsample.", name)
    name = re.sub(r"decoder\.up_blocks\.(\d)\.resnets\.", lambda m: f"decoder.up.{blocks - 1 - int(m[1])}.block.", name)
    name = re.sub(
        r"decoder\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"decoder.up.{blocks - 1 - int(m[1])}.upsample.", name
    )
    name = re.sub(r"mid_block\.resnets\.(\d)\.", lambda m: f"mid.block_{int(m[1]) + 1}.", name)
    found = re.match(r"(.+)mid_block\.attentions\.0\.(.+)\.(\w+)", name)
    if found:
        return f"{found[1]}mid.attn_1.{VAE_ATTENTION[found[2]]}.{found[3]}"
    return name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")


def _open_clip(state: dict[str, Any]) -> dict[str, Any]:
    import torch

    told = {
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "ln_final.weight": state["text_model.final_layer_norm.weight"],
        "ln_final.bias": state["text_model.final_layer_norm.bias"],
        "text_projection": state["text_projection.weight"].T,
    }
    for name, weight in state.items():
        found = re.match(r"text_model\.encoder\.layers\.(\d)\.(.+)\.(weight|bias)", name)
        if found is None:
            continue
        place, kind, tail = f"transformer.resblocks.{found[1]}", found[2], found[3]
        if kind in OPEN_CLIP:
            told[f"{place}.{OPEN_CLIP[kind]}.{tail}"] = weight
        elif kind == "self_attn.q_proj":
            rows = [state[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            told[f"{place}.attn.in_proj_{tail}"] = torch.cat(rows)
    return told


def save_lora(folder: Path, file: Path, *, rank: int = 2, seed: int = 3) -> None:
    """A LoRA for the UNet's and the first text encoder's attentions, in diffusers' own spelling."""
    import torch
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    from safetensors.torch import save_file

    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(folder, local_files_only=True)
    dice = torch.Generator().manual_seed(seed)
    weights = {}
    for part, module, ends in (
        ("unet", pipeline.unet, ("to_q", "to_v")),
        ("text_encoder", pipeline.text_encoder, ("q_proj",)),
    ):
        for name, layer in module.named_modules():
            if name.endswith(ends):
                weights[f"{part}.{name}.lora_A.weight"] = torch.randn(rank, layer.in_features, generator=dice)
                weights[f"{part}.{name}.lora_B.weight"] = torch.randn(layer.out_features, rank, generator=dice)
    save_file(weights, file)
