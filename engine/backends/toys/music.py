"""A toy composer of the real classes: ACE-Step. Random weights, saved like any other."""

from __future__ import annotations

from pathlib import Path

from engine.backends.torch_env import diffusers_quietly
from engine.backends.toys.words import WIDTH, qwen_encoder, qwen_tokenizer

LATENTS = 8
"""Width of the sound's latents; 64 in the real one."""


def build_ace_step(folder: Path) -> None:
    """ACE-Step 1.5 turbo: a transformer over 25 latents a second, a VAE that packs 1920 samples into each."""
    import torch

    diffusers = diffusers_quietly()
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
    shape = {"hidden_size": WIDTH, "intermediate_size": WIDTH, "sliding_window": 16, **heads}
    condition_encoder = diffusers.pipelines.ace_step.AceStepConditionEncoder(
        text_hidden_dim=WIDTH,
        timbre_hidden_dim=LATENTS,
        num_lyric_encoder_hidden_layers=1,
        num_timbre_encoder_hidden_layers=1,
        **shape,
    )
    # Zeros, as the class makes it, would tell the transformer nothing that another track could not tell as well.
    condition_encoder.silence_latent = torch.randn_like(condition_encoder.silence_latent)
    diffusers.AceStepPipeline(
        vae=diffusers.AutoencoderOobleck(
            encoder_hidden_size=4,
            decoder_channels=4,
            decoder_input_channels=LATENTS,
            downsampling_ratios=[2, 4, 4, 6, 10],
            channel_multiples=[1, 1, 1, 1, 1],
            audio_channels=2,
            sampling_rate=48_000,
        ),
        text_encoder=qwen_encoder(),
        tokenizer=qwen_tokenizer(),
        transformer=diffusers.AceStepTransformer1DModel(
            num_hidden_layers=2,
            in_channels=3 * LATENTS,
            audio_acoustic_hidden_dim=LATENTS,
            is_turbo=True,
            model_version="turbo",
            **shape,
        ),
        condition_encoder=condition_encoder,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    ).save_pretrained(folder, safe_serialization=True)
