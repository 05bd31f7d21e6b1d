"""Simple English by kind of word, with its inflections. Reads its own YAML, knows no model."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from engine.types import Frozen

FILE = Path(__file__).resolve().parents[1] / "prompts" / "lexicon.yaml"
NOUNS = ("people", "animals", "places", "things", "parts", "phenomena")
VOWELS = "aeiou"


class Noun(Frozen, frozen=True):
    """`kind` is one of `NOUNS`; `word` is singular; `plural` if the form takes no article, as mass nouns do not."""

    word: str
    kind: str
    plural: bool = False


class Lexicon(Frozen, frozen=True):
    """`nouns` by form (singular and plural, lower case); `words` every form of every word, as it is written inside a
    sentence, `every` the same in lower case; `verbs` by form to the infinitive; `adjectives`, `abstract` nouns,
    `function` words and `regions`, which are names of parts of the world, lower case."""

    nouns: dict[str, Noun]
    words: tuple[str, ...]
    verbs: dict[str, str]
    adjectives: tuple[str, ...]
    abstract: frozenset[str]
    function: frozenset[str]
    every: frozenset[str]
    regions: frozenset[str]


@cache
def load_lexicon() -> Lexicon:
    raw: dict[str, str] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    nouns: dict[str, Noun] = {}
    verbs: dict[str, str] = {}
    words: dict[str, None] = {}
    mass = set(raw["mass"].split())
    for kind in NOUNS:
        for entry in raw[kind].split():
            word, _, plural = entry.partition("/")
            nouns.setdefault(word, Noun(word=word, kind=kind, plural=word in mass))
            if (plural or plural_of(word)) != word:
                nouns.setdefault(plural or plural_of(word), Noun(word=word, kind=kind, plural=True))
    words.update(dict.fromkeys(nouns))
    abstract: set[str] = set()
    for entry in raw["abstract"].split():
        word, _, plural = entry.partition("/")
        abstract |= {word, plural or plural_of(word)}
        words.update(dict.fromkeys((word, plural or plural_of(word))))
    for entry in raw["verbs"].split():
        for form in verb_forms(*entry.split("/")):
            verbs.setdefault(form, entry.split("/")[0])
    words.update(dict.fromkeys(verbs))
    adjectives = tuple(dict.fromkeys(raw["adjectives"].split()))
    words.update(dict.fromkeys(adjectives))
    function = raw["nearly"].split()
    words.update(dict.fromkeys(function))
    return Lexicon(
        nouns=nouns,
        words=tuple(words),
        verbs=verbs,
        adjectives=adjectives,
        abstract=frozenset(abstract),
        function=frozenset(word.lower() for word in function),
        every=frozenset(word.lower() for word in words),
        regions=frozenset(name.replace("_", " ").lower() for name in raw["regions"].split()),
    )


def plural_of(word: str) -> str:
    """The regular plural of a noun, which is also how a verb's third person is spelled."""
    if word.endswith("y") and word[-2:-1] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x", "z")) else "s")


def verb_forms(base: str, past: str = "", participle: str = "") -> tuple[str, ...]:
    """Infinitive, third person, -ing, past, participle; consonants doubled where one stressed vowel stands before."""
    stem = base
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", base):
        stem = base + base[-1]
    ing = (base[:-2] + "y" if base.endswith("ie") else stem[:-1] if re.search(r"[^eo]e$", stem) else stem) + "ing"
    if not past:
        ending_y = base.endswith("y") and base[-2] not in VOWELS
        past = base[:-1] + "ied" if ending_y else stem + ("d" if stem.endswith("e") else "ed")
    third = {"be": "is", "have": "has", "do": "does", "go": "goes"}.get(base, plural_of(base))
    return (base, third, "being" if base == "be" else ing, past, participle or past)
