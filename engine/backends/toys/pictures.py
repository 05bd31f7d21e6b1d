"""Toy diffusion pipelines of the real classes: SDXL, Wan in both forms, LTX. Random weights, saved like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.backends.torch_env import diffusers_quietly
from engine.backends.toys.words import WIDTH, clip_encoder, clip_seer, clip_tokenizer, t5_encoder, t5_tokenizer


def build_sdxl(folder: Path, second: int = WIDTH) -> None:
    """SDXL with its two text encoders, of which the second is so wide, and a VAE of four blocks, so that latents are an
    eighth of the picture; and an IP-Adapter for it."""
    diffusers = diffusers_quietly()

    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        transformer_layers_per_block=(1, 1),
        use_linear_projection=True,
        norm_num_groups=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + second,
        cross_attention_dim=WIDTH + second,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=128,
        scaling_factor=0.13025,
        force_upcast=False,
    )
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
    )
    diffusers.StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=clip_encoder(projected=False),
        text_encoder_2=clip_encoder(projected=True, width=second),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=unet,
        scheduler=scheduler,
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    ).save_pretrained(folder, safe_serialization=True)
    _save_ip_adapter(folder / "parts" / "ip_adapter", unet)


def _save_ip_adapter(folder: Path, unet: Any) -> None:
    """IP-Adapter Plus as its authors save it: the resampler of four blocks, and keys and values for each of the UNet's
    cross-attentions, numbered 1, 3, 5 …"""
    import torch
    from safetensors.torch import save_file

    heads_width, ratio, tokens, inner = 64, 4, 4, 2 * WIDTH

    def linear(rows: int, columns: int) -> Any:
        return torch.randn(rows, columns) / columns**0.5

    seer = clip_seer()
    seer.save_pretrained(folder / "models" / "image_encoder", safe_serialization=True)
    weights = {
        "image_proj.latents": torch.randn(1, tokens, inner),
        "image_proj.proj_in.weight": linear(inner, WIDTH),
        "image_proj.proj_in.bias": torch.zeros(inner),
        "image_proj.proj_out.weight": linear(unet.config.cross_attention_dim, inner),
        "image_proj.proj_out.bias": torch.zeros(unet.config.cross_attention_dim),
        "image_proj.norm_out.weight": torch.ones(unet.config.cross_attention_dim),
        "image_proj.norm_out.bias": torch.zeros(unet.config.cross_attention_dim),
    }
    for number in range(4):
        attention, forward = f"image_proj.layers.{number}.0", f"image_proj.layers.{number}.1"
        for norm in (f"{attention}.norm1", f"{attention}.norm2", f"{forward}.0"):
            weights |= {f"{norm}.weight": torch.ones(inner), f"{norm}.bias": torch.zeros(inner)}
        weights |= {
            f"{attention}.to_q.weight": linear(heads_width, inner),
            f"{attention}.to_kv.weight": linear(2 * heads_width, inner),
            f"{attention}.to_out.weight": linear(inner, heads_width),
            f"{forward}.1.weight": linear(ratio * inner, inner),
            f"{forward}.3.weight": linear(inner, ratio * inner),
        }
    crossing = [module for name, module in unet.named_modules() if name.endswith("attn2")]
    for number, module in enumerate(crossing):
        for part in ("k", "v"):
            shape = module.to_k.weight.shape
            weights[f"ip_adapter.{2 * number + 1}.to_{part}_ip.weight"] = linear(*shape)
    save_file(weights, folder / "ip-adapter.safetensors")


def build_wan(folder: Path) -> None:
    """Wan 2.2 TI2V as in 5B: one expert, pixels patched by 2 before the VAE, the image in place of the first latent
    frame. Packed by 8 and not 16, so that a small film can keep its aspect ratio."""
    diffusers = diffusers_quietly()

    vae = diffusers.AutoencoderKLWan(
        base_dim=4,
        decoder_base_dim=4,
        z_dim=16,
        dim_mult=[1, 1, 1],
        num_res_blocks=0,
        temperal_downsample=[True, True],
        in_channels=12,
        out_channels=12,
        is_residual=True,
        patch_size=2,
        scale_factor_spatial=8,
    )
    transformer = _wan_transformer(in_channels=16, out_channels=16)
    _save_wan(folder, vae=vae, transformer=transformer, transformer_2=None, expand_timesteps=True)


def build_wan_a14b(folder: Path) -> None:
    """Wan 2.2 I2V as in A14B: an expert for high noise, one for low, the image beside the latents, no image encoder."""
    diffusers = diffusers_quietly()

    vae = diffusers.AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=0)
    _save_wan(
        folder,
        vae=vae,
        # 16 of noise, 16 of the encoded image, 4 of the mask that says which frames are given.
        transformer=_wan_transformer(in_channels=36, out_channels=16),
        transformer_2=_wan_transformer(in_channels=36, out_channels=16),
        boundary_ratio=0.9,
    )


def _wan_transformer(in_channels: int, out_channels: int) -> Any:
    diffusers = diffusers_quietly()

    return diffusers.WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=in_channels,
        out_channels=out_channels,
        text_dim=WIDTH,
        freq_dim=32,
        ffn_dim=32,
        num_layers=1,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=64,
    )


def _save_wan(folder: Path, **parts: Any) -> None:
    diffusers = diffusers_quietly()

    diffusers.WanImageToVideoPipeline(
        tokenizer=t5_tokenizer(),
        text_encoder=t5_encoder("umt5"),
        scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
        image_processor=None,
        image_encoder=None,
        **parts,
    ).save_pretrained(folder, safe_serialization=True)


def build_ltx(folder: Path) -> None:
    """LTX-Video: a VAE that packs space by 32 and time by 8."""
    diffusers = diffusers_quietly()

    vae = diffusers.AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
    )
    transformer = diffusers.LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=2,
        attention_head_dim=16,
        cross_attention_dim=32,
        num_layers=1,
        caption_channels=WIDTH,
    )
    diffusers.LTXImageToVideoPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05),
        vae=vae,
        text_encoder=t5_encoder("t5"),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    ).save_pretrained(folder, safe_serialization=True)
