"""Whether clauses of English have a verb. Knows words and their order, no grammar beyond."""

from __future__ import annotations

import re

from engine.writing.lexicon import load_lexicon
from engine.writing.topic import DETERMINERS, words_of

AUXILIARY = frozenset(
    "is are was were am be been has have had do does did will would can could may might must isn't aren't wasn't "
    "weren't don't doesn't didn't can't couldn't won't it's he's she's they're we're i'm you're there's that's i'll "
    "you'll i've you've we've they've let's".split()
)
LEADING = re.compile(r"\b(?:when|because|if|while|until|although|though|unless|whenever|wherever)\s+(.*)", re.I)
"""What leads a clause that needs a verb of its own."""
INFLECTED = re.compile(r"[a-z]{2,}(?:s|ed)\Z")
"""How a word that the lexicon lacks may end if it is a verb: "orbits", "hovered"."""
CONTRACTED = re.compile(r"(?:n't|'(?:ll|ve|re|d|m))\Z")


def lacks_a_verb(sentence: str) -> bool:
    """Whether `sentence`, or a clause in it that needs one, has no word that can be its verb."""
    plain = sentence.replace("’", "'")
    return any(not has_verb(part) for part in (plain, *LEADING.findall(plain)))


def has_verb(clause: str) -> bool:
    """Whether a word of `clause` can be its verb: none is that stands behind an article."""
    lexicon = load_lexicon()
    words = words_of(clause.lower())
    for before, word in zip(["", *words], words, strict=False):
        if word in AUXILIARY or CONTRACTED.search(word):
            return True
        if before in DETERMINERS - {"that", "this", "these", "those", "some", "her"} or before in lexicon.adjectives:
            continue
        if before in lexicon.nouns and word.endswith("s") and word in lexicon.every:
            return True  # "the moon orbits": a noun, too
        if word in lexicon.verbs or (word not in lexicon.every and INFLECTED.match(word)):
            return True
    return False
