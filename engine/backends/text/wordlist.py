"""Keeps an answer to a list of words while it is being written. Knows tokens, not models.

A small model invents names and numbers; asked not to, it still does. Masking every token that would not lead to a
listed word makes it impossible instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

Node = dict[int, "Node"]
WORD_END = -1
"""Marks, as a key that is no token, the node where a word is complete."""
MARKS = (",", ".")
SENTENCE_END = "."


class WordList:
    """The words as tries of tokens: one for the start of a sentence, where they are capitalised, one for the rest."""

    def __init__(
        self, words: Iterable[str], tokenize: Callable[[str], list[int]], vocabulary: int, eog: Iterable[int]
    ) -> None:
        self.size = vocabulary
        self.first: Node = {}
        self.begin: Node = {}
        self.inner: Node = {}
        for word in words:
            capital = word[:1].upper() + word[1:]
            _add(self.first, tokenize(capital))
            _add(self.begin, tokenize(" " + capital))
            _add(self.inner, tokenize(" " + word))
        self.marks = {token for mark in MARKS for token in tokenize(mark)[:1]}
        self.stops = set(tokenize(SENTENCE_END)[:1])
        self.eog = set(eog)

    def cursor(self, before: str) -> Cursor:
        """Where an answer stands that continues the text `before`."""
        ended = before.rstrip().endswith((".", "!", "?"))
        return Cursor(self, self.first if not before else self.begin if ended else self.inner)


class Cursor:
    def __init__(self, words: WordList, node: Node) -> None:
        self._words = words
        self._node = node

    def restrict(self, logits: np.ndarray) -> None:
        """Set what may not come next to −∞, in place."""
        allowed = {token for token in self._node if token != WORD_END}
        if WORD_END in self._node:
            allowed |= self._words.marks | {token for token in self._words.inner if token != WORD_END}
        if self._node is self._words.begin:
            allowed |= self._words.eog
        keep = [token for token in allowed if token < self._words.size]
        values = logits[keep]
        logits[:] = -np.inf
        logits[keep] = values

    def accept(self, token: int) -> None:
        words = self._words
        if token in self._node:
            self._node = self._node[token]
        elif token in words.stops:
            self._node = words.begin
        elif token in words.marks:
            self._node = words.inner
        else:
            self._node = words.inner.get(token, words.inner)


def _add(trie: Node, tokens: list[int]) -> None:
    for token in tokens:
        trie = trie.setdefault(token, {})
    trie[WORD_END] = {}
