"""Toy Coqui voices of the real classes: VITS and XTTS with random weights, as `config.json` and safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz"
XTTS_SPECIALS = ("[STOP]", "[UNK]", "[SPACE]", "[en]", "[START]")
XTTS_WIDTH = 32
SPEAKER_WIDTH = 512  # of XTTS's speaker encoder, which has no other


def build_vits(folder: Path) -> None:
    """VITS over letters: no phonemes, so no espeak-ng."""
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    config = VitsConfig(
        model_args=VitsArgs(
            hidden_channels=32,
            hidden_channels_ffn_text_encoder=32,
            num_layers_text_encoder=1,
            num_layers_posterior_encoder=1,
            num_layers_flow=1,
            kernel_size_posterior_encoder=3,
            kernel_size_flow=3,
            upsample_initial_channel_decoder=32,
            resblock_type_decoder="2",
            resblock_kernel_sizes_decoder=[3],
            resblock_dilation_sizes_decoder=[[1, 3]],
            use_sdp=False,
            init_discriminator=False,
            # An untrained predictor gives each symbol about a frame of 11.6 ms; a speaker takes about six.
            length_scale=3.0,
        ),
        characters=CharactersConfig(
            characters_class="TTS.tts.models.vits.VitsCharacters",
            pad="<PAD>",
            eos="<EOS>",
            bos="<BOS>",
            blank="<BLNK>",
            characters=LETTERS,
            punctuations="!'(),-.:;? ",
            phonemes=None,
        ),
        text_cleaner="english_cleaners",
        use_phonemes=False,
        add_blank=True,
    )
    model = Vits.init_from_config(config)
    _louden(model.waveform_decoder, 30.0)
    config.save_json(str(folder / "config.json"))
    _save(model, folder / "model.safetensors")


def build_xtts(folder: Path) -> None:
    """XTTS with a tiny GPT. Its vocoder's size is fixed in its class, so that this toy is the largest."""
    import torch
    from safetensors.torch import save_file
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.models.xtts import Xtts

    vocabulary = _write_xtts_vocabulary(folder / "vocab.json")
    config = XttsConfig(
        model_args=XttsArgs(
            gpt_layers=1,
            gpt_n_model_channels=XTTS_WIDTH,
            gpt_n_heads=2,
            gpt_number_text_tokens=len(vocabulary),
            gpt_start_text_token=vocabulary["[START]"],
            gpt_stop_text_token=vocabulary["[STOP]"],
            gpt_max_text_tokens=402,
            # About a second: an untrained model seldom finds the end by itself.
            gpt_max_audio_tokens=24,
            gpt_num_audio_tokens=66,
            gpt_start_audio_token=64,
            gpt_stop_audio_token=65,
            gpt_use_perceiver_resampler=True,
            decoder_input_dim=XTTS_WIDTH,
            d_vector_dim=SPEAKER_WIDTH,
        ),
        languages=["en"],
    )
    model = Xtts(config)
    _louden(model.hifigan_decoder.waveform_decoder, 3.0)
    config.save_json(str(folder / "config.json"))
    _save(model, folder / "model.safetensors")
    speakers = {}
    for name in ("toy-low", "toy-high"):
        speakers[f"{name}/gpt_cond_latent"] = torch.randn(1, 32, XTTS_WIDTH)
        speakers[f"{name}/speaker_embedding"] = torch.randn(1, SPEAKER_WIDTH, 1)
    save_file(speakers, folder / "speakers.safetensors")


def _write_xtts_vocabulary(path: Path) -> dict[str, int]:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    pieces = [*XTTS_SPECIALS, *LETTERS, *".,!?'-"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.add_special_tokens([AddedToken(special, special=True) for special in XTTS_SPECIALS])
    path.write_text(json.dumps(json.loads(tokenizer.to_str())), encoding="utf-8")
    return vocabulary


def _louden(vocoder: Any, factor: float) -> None:
    """An untrained vocoder whispers far below 16 bits; its last convolution sets the level."""
    import torch

    with torch.no_grad():
        for name, weight in vocoder.conv_post.named_parameters():
            if "weight" in name:
                weight.mul_(factor)


def _save(model: Any, path: Path) -> None:
    from safetensors.torch import save_file

    save_file({name: tensor.detach().contiguous().clone() for name, tensor in model.state_dict().items()}, path)
