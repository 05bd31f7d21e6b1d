"""Which sentences of a small writer can be used, and which of several is best. Knows no model and no topic."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Container, Sequence

from engine.types import Frozen
from engine.writing.clauses import lacks_a_verb
from engine.writing.topic import words_of

# A sentence that ends in one of these was cut off, or its end was forced.
DANGLING = frozenset(
    """a an the of to and but or nor so with for at by from into onto than that this these those his her my your its our
    their who whom whose which what when where why how if because while until as very is are was were be been am has had
    have do does did will would can could should may might must not n't no every each some any such like upon between
    about without within toward towards among during per only even just quite really almost too and/or one's""".split()
)
META = re.compile(
    r"\b(?:stor(?:y|ies)|sentences?|paragraphs?|simple words|lyrics?|titles?|chapters?|readers?|narrators?|writers?|"
    r"prompts?|advertisements?|ads?|news reports?|assistants?|articles?|examples?|here (?:is|are)|once upon|"
    r"fairy tales?|videos?|viewers?|characters?|text|write|writing|written)\b",
    re.IGNORECASE,
)
SUBJECTS = frozenset("i we he she they you it there here then on in under over through behind near".split())
"""A line that was cut in front of its verb ends in one of these."""
SECOND = frozenset("you your yours yourself".split())
ARTICLES = frozenset("a an the his her its their my your our very so most more".split())
WE = frozenset("we us our ours ourselves we're we've let's".split())
FIRST = frozenset("i me my mine myself we us our ours ourselves i'm i've i'll we're we've let's".split())
FUNCTION = frozenset(
    """the a an and or but of to in on at by for with from is was were are be been it its he she they them his her their
    had has have that this as so not all into up out over about""".split()
)
PRESENT = frozenset("is are am has does isn't aren't doesn't don't can't it's they're he's she's will won't".split())
FRAGMENT = re.compile(
    r"(?:(?:but|so|and|then)\b,?\s+)?(?:when|as|if|while|because|once|since|until|though|although)\b", re.I
)
OVERLAP = 0.5
"""The share of its word pairs that a line may have in common with another."""
MARKDOWN = re.compile(r"[*#_`<>|\[\]{}\\=~]|^\s*(?:[-–•]|\d+[.)])")


class Rules(Frozen, frozen=True):
    """What a format asks of a sentence. `form_only` judges nothing but wholeness and repetition: for toy models.

    `past` prefers the past tense; `first` and `second` allow the person; `meta` lists words that would speak about
    the text itself but belong to the prompt. `lyric`: a line of a song, which need not be a whole sentence.
    """

    first: bool = False
    second: bool = False
    past: bool = False
    form_only: bool = False
    meta: frozenset[str] = frozenset()
    lyric: bool = False


def objection(sentence: str, told: Sequence[str], rules: Rules, adjectives: Container[str] = ()) -> str | None:
    """Why `sentence` cannot follow the sentences `told`, in a few words; None if it can."""
    words = words_of(sentence.lower().replace("’", "'"))
    if len(words) < 3:
        return "too short"
    if not re.search(r"[.!?][\"”’']?$", sentence.strip()):
        return "cut off"
    repeated = _repetition(words, told)
    if repeated or rules.form_only:
        return repeated
    if words[-1] in DANGLING or (words[-2] in ARTICLES and words[-1] in adjectives):
        return "cut off"
    if not rules.lyric and FRAGMENT.match(sentence) and "," not in sentence:
        return "a clause without its sentence"
    if not rules.lyric and lacks_a_verb(sentence):
        return "a clause without its verb"
    if re.search(r"[:;–—()]| -|- |--|\.\.", sentence):
        return "a list or an aside"
    if (
        MARKDOWN.search(sentence)
        or sentence.count('"') % 2
        or re.search(r"\b(?![aIA]\b)[a-zA-Z]\b(?!')", sentence.replace("'", ""))
    ):
        return "markup or stray letters"
    meta = META.search(sentence)
    if meta and meta.group().lower() not in rules.meta:
        return "speaks about the text"
    if not rules.second and SECOND & set(words):
        return "speaks to the reader"
    if not rules.first and (FIRST - (WE if rules.second else frozenset())) & set(words):
        return "speaks of itself"
    return None


def _repetition(words: Sequence[str], told: Sequence[str]) -> str | None:
    pairs = set(itertools.pairwise(words))
    triples = Counter(zip(words, words[1:], words[2:], strict=False))
    if (triples and max(triples.values()) > 1) or any(a == b for a, b in itertools.pairwise(words)):
        return "repeats itself"
    content = Counter(word for word in words if word not in FUNCTION)
    if content and max(content.values()) > 2:
        return "repeats itself"
    for earlier in told:
        before = words_of(earlier.lower())
        other = set(itertools.pairwise(before))
        if before == list(words) or (pairs and len(pairs & other) / min(len(pairs), max(1, len(other))) > OVERLAP):
            return "repeats what was told"
    return None


def awkwardness(sentence: str, target: int, rules: Rules) -> float:
    """0 for a sentence of `target` words in the wanted tense; a unit is as bad as a unit of surprise per token."""
    words = words_of(sentence.lower().replace("’", "'"))
    off = abs(len(words) - target) / max(4, target)
    present = 0.5 if rules.past and PRESENT & set(words) else 0.0
    clauses = 0.15 * max(0, sum(word in {"that", "which", "who", "what", "when", "and", "but"} for word in words) - 2)
    contents = Counter(word for word in words if word not in FUNCTION)
    echo = 0.2 * sum(count - 1 for count in contents.values())
    return 1.6 * off + present + clauses + echo


def shortened(sentence: str) -> list[str]:
    """`sentence`, and what is left of it when its last clauses go."""
    forms = [sentence]
    opening = FRAGMENT.match(sentence)
    for match in re.finditer(
        r"(,?) (?:and|but|so that|while|where|who|which|because|until|as if|when|before|after) ", sentence
    ):
        head = sentence[: match.start()].rstrip(" ,")
        if not (opening and "," not in head) and len(head.split()) >= 4:
            forms.append(head + ".")
    return forms


def clipped(sentence: str, longest: int, adjectives: Container[str] = ()) -> str:
    """The first words of `sentence`, at most `longest` and none at the end that leads on; "" if too few are left."""
    words = sentence.rstrip(" .!?").split()[:longest]
    while words and (
        words[-1].lower().strip(",'") in DANGLING | SUBJECTS
        or (len(words) > 1 and words[-2].lower() == "to")
        or (len(words) > 1 and words[-2].lower() in ARTICLES and words[-1].lower() in adjectives)
    ):
        words.pop()
    return " ".join(words).rstrip(" ,") + "." if len(words) >= 3 else ""


def tidy(text: str) -> str:
    """`text` in one line, without blanks before commas and without what hangs over at its end."""
    return re.sub(r"\s+([,;])", r"\1", " ".join(text.split())).rstrip(" ,;:-")
