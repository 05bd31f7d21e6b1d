"""Toy encoders and their tokenizers, letter by letter: form without meaning. Knows CLIP's and T5's files only."""

from __future__ import annotations

from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-"
CLIP_SPECIALS = ("<|startoftext|>", "<|endoftext|>")
WIDTH = 32


def clip_tokenizer() -> Any:
    """86 entries: 42 letters, each also as a word's end, and two specials; no merges, so a word is its letters."""
    from transformers import CLIPTokenizer

    pieces = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), *CLIP_SPECIALS]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def clip_encoder(*, projected: bool, width: int = WIDTH) -> Any:
    """SDXL's first text encoder, or its second, which also projects the whole prompt and is wider in earnest."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    start = 2 * len(LETTERS)
    config = CLIPTextConfig(
        vocab_size=start + len(CLIP_SPECIALS),
        bos_token_id=start,
        eos_token_id=start + 1,
        pad_token_id=start + 1,
        hidden_size=width,
        intermediate_size=width,
        projection_dim=width,
        num_attention_heads=2,
        num_hidden_layers=3,
        max_position_embeddings=77,
        # At this width the usual 0.02 would let layer norms drown one letter's difference in another's.
        initializer_factor=4.0,
    )
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


def clip_seer() -> Any:
    """The image encoder beside them: pictures of 32 pixels in patches of 8."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            projection_dim=WIDTH,
            num_attention_heads=2,
            num_hidden_layers=3,
            image_size=32,
            patch_size=8,
            initializer_factor=4.0,
        )
    )


def t5_tokenizer() -> Any:
    """A unigram vocabulary of single letters and the blank."""
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)


def t5_encoder(kind: str) -> Any:
    """The encoder half of `t5` (LTX) or `umt5` (Wan)."""
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    shape = {
        "vocab_size": 4 + len(LETTERS),
        "d_model": WIDTH,
        "d_kv": 8,
        "d_ff": WIDTH,
        "num_layers": 2,
        "num_heads": 4,
        "feed_forward_proj": "gated-gelu",
        "pad_token_id": 0,
        "eos_token_id": 1,
        "decoder_start_token_id": 0,
        "tie_word_embeddings": False,
    }
    return UMT5EncoderModel(UMT5Config(**shape)) if kind == "umt5" else T5EncoderModel(T5Config(**shape))


def qwen_tokenizer() -> Any:
    """Qwen's byte-level vocabulary without any merges: 256 bytes and the two specials that prompts and padding use."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    pieces = [*sorted(ByteLevel.alphabet()), "<|endoftext|>", "<|im_end|>"]
    return Qwen2Tokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[],
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
    )


def qwen_encoder() -> Any:
    """The decoder that ACE-Step reads prompts with, an embedding model of Qwen 3."""
    from transformers import Qwen3Config, Qwen3Model

    return Qwen3Model(
        Qwen3Config(
            vocab_size=258,
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=4096,
        )
    )
