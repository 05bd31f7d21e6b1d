"""A line without its tail: shorter forms of it that still are whole sentences. Knows English and punctuation."""

from __future__ import annotations

import re

from engine.writing.clauses import AUXILIARY
from engine.writing.lexicon import load_lexicon
from engine.writing.sentences import DANGLING, FRAGMENT
from engine.writing.topic import words_of

FEWEST_WORDS = 4
SENTENCE = re.compile(r"[.!?…][\"”’')]*(?=\s+[\"“‘'(]*[^\W\d_a-zß-ÿ])|[。！？](?=.)")
"""Where a sentence ends and another one begins, in any script that tells by its letters or marks."""

TITLES = frozenset("mr mrs ms dr prof st sr jr no vs etc".split())
CLAUSE = re.compile(
    r",? (?:because|until|while|when|where|which|so that|before|after|as if|though|although|but) |"
    r", (?:and|so|or|who|then) "
)
"""Where a clause begins without which the sentence before it is one."""

DENIAL = re.compile(r"\b(?:not|no|never|nobody|nothing|cannot)\b|n't\b", re.IGNORECASE)


def without_tail(line: str, locale: str) -> tuple[str, ...]:
    """Shorter forms of `line`, the longest first: without its last sentences; in English, without its last clauses."""
    ends = [match.end() for match in SENTENCE.finditer(line) if not _is_title(line[: match.start()])]
    forms = [line[:end].strip() for end in ends]
    if locale.lower().startswith("en"):
        for match in CLAUSE.finditer(line):
            start = max((end for end in ends if end <= match.start()), default=0)
            after = re.search(r"[.!?…]", line[match.end() :])
            asked = after is not None and after.group() == "?"
            head = line[start : match.start()].strip(" ,")
            if not asked and _stands_alone(head):
                forms.append(f"{line[: match.start()].rstrip(' ,')}.")
    return tuple(sorted({form for form in forms if form != line.strip()}, key=len, reverse=True))


def _is_title(text: str) -> bool:
    words = text.lower().split()
    return bool(words) and (words[-1] in TITLES or (len(words[-1]) == 1 and words[-1].isalpha()))


def _stands_alone(head: str) -> bool:
    """Whether `head` is a sentence by itself: it has a verb, and is neither a subordinate clause nor cut off; one that
    denies may mean another thing without its condition ("does not open before May")."""
    words = words_of(head.lower().replace("’", "'"))
    if len(words) < FEWEST_WORDS or words[-1] in DANGLING or head.count('"') % 2:
        return False
    if FRAGMENT.match(head) and "," not in head:
        return False
    if DENIAL.search(head):
        return False
    lexicon = load_lexicon()
    return any(word in AUXILIARY or (word in lexicon.verbs and word not in lexicon.nouns) for word in words[1:])
