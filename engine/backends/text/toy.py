"""Builds the toy writer: a GGUF of the llama architecture, a few hundred kB, that llama.cpp runs like any other.

Its weights are set, not trained: the next kind of word follows from the last one by a table; which word of that kind
is a matter of random weights, through which all of the prompt has its say. Sentences in form, without a meaning.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAME = "toy.gguf"
DETERMINERS = ("the", "a", "one", "every", "this")
ADJECTIVES = tuple("small old green quiet bright warm happy red tall slow brave soft".split())
NOUNS = tuple("fox boat lamp bird house river garden song cloud child stone door hill tree bell road".split())
VERBS = tuple("sees finds follows carries paints hears opens lifts watches brings keeps likes".split())
LINKS = ("near", "with", "under", "behind", "beyond")
KINDS = (DETERMINERS, ADJECTIVES, NOUNS, VERBS, LINKS, (".",), ("",))
"""Kinds of token; the last one is every other: bytes and marks, after which a sentence goes on as after a noun."""

AFTER = np.array(
    # determiner adjective noun verb link stop other
    [
        [0, 5, 5, 0, 0, 0, 0],  # determiner
        [0, 2, 8, 0, 0, 0, 0],  # adjective
        [0, 0, 0, 4, 2, 5, 0],  # noun
        [8, 0, 0, 0, 0, 0, 0],  # verb
        [8, 0, 0, 0, 0, 0, 0],  # link
        [8, 0, 0, 0, 0, 0, 0],  # stop
        [1, 0, 0, 8, 1, 0, 0],  # other
    ],
    dtype=np.float32,
)
"""How likely a kind is to come after another, in shares; 0 is never."""

WIDTH, HEADS, INNER, CONTEXT = 64, 2, 64, 4096
CERTAIN = 14.0
"""Logits between the likely and the impossible."""
FLAVOUR = 0.15
"""Of a token's embedding, what is its own beside its kind."""


def build_toy_llama(folder: Path) -> None:
    """Write `toy.gguf` into `folder`. The same bytes each time. Needs the package `gguf`."""
    import gguf

    marks = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    kinds_of = [len(KINDS) - 1] * (len(marks) + 256)
    tokens = [*marks, *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 4, *[gguf.TokenType.BYTE] * 256]
    for kind, words in enumerate(KINDS[:-1]):
        tokens += [word if word == "." else f"▁{word}" for word in words]
        types += [gguf.TokenType.NORMAL] * len(words)
        kinds_of += [kind] * len(words)
    writer = gguf.GGUFWriter(folder / NAME, "llama")
    writer.add_name("toy-llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    for name, weights in _tensors(np.array(kinds_of)).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(kinds: np.ndarray) -> dict[str, np.ndarray]:
    """All weights, float32. A token's embedding is the one-hot of its kind, from which the output reads the table, and
    a flavour of its own, of which attention adds everybody's."""
    random = np.random.default_rng(1)

    def noise(scale: float, *shape: int) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float32)

    embedding = noise(FLAVOUR, len(kinds), WIDTH)
    embedding[:, : len(KINDS)] = 0
    embedding[np.arange(len(kinds)), kinds] = 1
    counts = np.array([max(1, len(words)) for words in KINDS], np.float32)
    counts[-1] = len(kinds)
    shares = AFTER / AFTER.sum(axis=1, keepdims=True) / counts
    logits = np.where(shares > 0, np.log(np.maximum(shares, 1e-9)), np.log(1e-9) - CERTAIN)
    output = noise(FLAVOUR / 3, len(kinds), WIDTH)
    # RMS normalisation scales a vector to length √width; the one of a token's embedding is about that of its parts.
    length = np.sqrt(1 + FLAVOUR**2 * (WIDTH - len(KINDS)))
    output[:, : len(KINDS)] = logits.T[kinds] * length / np.sqrt(WIDTH)
    # What attention adds leaves the kinds alone.
    mixed = noise(1 / np.sqrt(WIDTH), WIDTH, WIDTH)
    mixed[: len(KINDS)] = 0
    return {
        "token_embd.weight": embedding,
        "output_norm.weight": np.ones(WIDTH, np.float32),
        "output.weight": output,
        "blk.0.attn_norm.weight": np.ones(WIDTH, np.float32),
        "blk.0.attn_q.weight": noise(0.1, WIDTH, WIDTH),
        "blk.0.attn_k.weight": noise(0.1, WIDTH, WIDTH),
        "blk.0.attn_v.weight": noise(0.1, WIDTH, WIDTH),
        "blk.0.attn_output.weight": mixed,
        "blk.0.ffn_norm.weight": np.ones(WIDTH, np.float32),
        "blk.0.ffn_gate.weight": noise(0.02, INNER, WIDTH),
        "blk.0.ffn_up.weight": noise(0.02, INNER, WIDTH),
        # Nothing comes out of the feed-forward part.
        "blk.0.ffn_down.weight": np.zeros((WIDTH, INNER), np.float32),
    }
