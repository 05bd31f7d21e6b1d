"""The prompt's own words as lines, where a writer finds none. Knows no model and no format."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.writing.facts import capital
from engine.writing.topic import Topic, words_of

BREATH = re.compile(
    r"[.!?;:,]\s+|\s[-–—]\s|\s(?=(?:and|who|that|which|because|when|while|on|in|at|with|after|before)\b)"
)
"""Where a prompt can be broken into lines."""


def own_line(topic: Topic, others: Sequence[str], longest: int, told: Sequence[str], *, refrain: bool) -> str | None:
    """A clause of the prompt, or what it names, else one of `others`, of at most `longest` words, that was not
    `told`; where all were, with `refrain` one of them again."""
    clauses = (part.strip(" .!?,;:") for part in BREATH.split(topic.text))
    named = (phrase.with_article("the") for phrase in topic.phrases)
    lines = [f"{capital(text)}." for text in (*clauses, *named, *others) if 0 < len(words_of(text)) <= longest]
    new = [line for line in lines if line not in told]
    if new:
        return next((line for line in new if len(words_of(line)) >= 3), new[0])
    return lines[len(told) % len(lines)] if lines and refrain else None
