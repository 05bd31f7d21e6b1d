"""How a token is drawn from logits: numpy only, so that a seed gives the same text on every build of llama.cpp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TOP_K = 40
MIN_P = 0.05
"""Tokens below this share of the likeliest one's probability are never drawn (Nguyen et al., arXiv 2407.01082)."""
REMEMBERED = 64
"""How many tokens back a repetition is penalised; further back a story may well come to the same words."""


def penalise(logits: np.ndarray, recent: Sequence[int], penalty: float) -> np.ndarray:
    """`logits` with those of recent tokens made less likely (the CTRL penalty, Keskar et al., arXiv 1909.05858)."""
    adjusted = logits.copy()
    if penalty != 1 and recent:
        seen = np.unique(np.asarray(recent[-REMEMBERED:]))
        adjusted[seen] = np.where(adjusted[seen] > 0, adjusted[seen] / penalty, adjusted[seen] * penalty)
    return adjusted


def choose(logits: np.ndarray, temperature: float, random: np.random.Generator) -> int:
    """One token: the likeliest at temperature 0, else drawn from the `TOP_K` likeliest that `MIN_P` leaves."""
    if temperature <= 0:
        return int(np.argmax(logits))
    # Among 49,000 tokens that are −∞ but for a few hundred, argpartition takes 7 ms: a third of what the token costs.
    able = np.flatnonzero(np.isfinite(logits))
    count = min(TOP_K, len(able))
    # argpartition promises no order among equals: sort by token, then the draw is the same everywhere.
    best = np.sort(able[np.argpartition(logits[able], -count)[-count:]])
    weights = np.exp(logits[best] - logits[best].max())
    kept = weights >= MIN_P
    best, weights = best[kept], weights[kept] ** (1 / temperature)
    return int(best[np.searchsorted(np.cumsum(weights), random.random() * weights.sum(), side="right")])


def surprise_of(logits: np.ndarray, token: int) -> float:
    """−ln p(token)."""
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()) - logits[token])
