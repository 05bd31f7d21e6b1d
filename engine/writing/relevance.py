"""How much a line has to do with what a film is about. Knows words, not sentences."""

from __future__ import annotations

from collections.abc import Sequence

from engine.writing.lexicon import Lexicon
from engine.writing.topic import find_phrases, words_of

APART = 1.5
"""What it costs a line to have no word in common with what the film is about."""
COMMON = frozenset("be have do get make go come take say see look think know want need thing people way lot".split())
"""Words that tie a line to nothing."""


def relevance(tail: str, keys: set[str], told: Sequence[str], lexicon: Lexicon) -> float:
    """Up to 0.9 for the prompt's stems, `keys`, that are in `tail`, what a line says beyond its opener, and 0.1 for
    something to be seen; less `APART` if it has neither a word of the prompt nor one of what was told."""
    found = stems(tail, lexicon)
    shared = found & keys
    if not shared and not any(found & stems(line, lexicon) for line in told):
        return -APART
    seen = any(phrase.kind != "unknown" for phrase in find_phrases(tail, lexicon))
    return 0.3 * min(3, len(shared)) + 0.1 * seen


def stems(text: str, lexicon: Lexicon) -> set[str]:
    """The words of `text` that carry it, by their stems."""
    words = (word.lower() for word in words_of(text))
    return {stem(word, lexicon) for word in words if word not in lexicon.function} - COMMON


def stem(word: str, lexicon: Lexicon) -> str:
    """A verb's infinitive, a noun's singular as far as it is regular."""
    return lexicon.verbs.get(word, word.rstrip("s"))
