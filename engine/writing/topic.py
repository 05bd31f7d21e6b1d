"""What a text is about: who, what and where it names, found with a lexicon and word order. Knows no model."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence

import emoji
import msgspec

from engine.types import Frozen
from engine.writing.lexicon import Lexicon

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,:]\d+)*%?")
DETERMINERS = frozenset("a an the this that these those some my your his her its our their".split())
NUMBERS = frozenset("two three four five six seven eight nine ten many several".split())
GOVERNING = frozenset("of in on at by for from into with and about over".split())
DIRECTIONS = frozenset("out up down away off back home to through under over across".split())
WHICH = frozenset(
    "own last first next other same whole real true second third different special certain main several few "
    "many".split()
)
"""Adjectives that say which one it is, not what it looks like."""
ASIDE = frozenset("like as than of".split())
"""Behind these somebody is only spoken of: "the tail of a lion", "like a bird"."""
ASKING = frozenset("how why what when where".split())
OBJECTS = frozenset("what how it them him us me you everything".split())
ASKED = frozenset("is are do does did can".split())
NAMING = frozenset("called named".split())
NAME = r"[A-Z][\w’'-]*(?: [A-Z\d][\w’'-]*){0,2}"
APPOSED = re.compile(rf"({NAME}), (?:an?|the|my|our|his|her|their) (?=[^\W\d_])")
"""A name, and behind a comma what it is the name of: "Mina, a shy astronaut"."""
MODIFYING = re.compile(r"[a-z]{2,}(?:al|ic|ous|ive|ful|less|ary)\Z")
"""How a word ends before which a noun is none: "a giant gravitational influence"."""
AUXILIARIES = frozenset("is are was were has have had will can could would should may must".split())
CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december spring summer autumn fall winter christmas easter".split()
)
ONLY = frozenset("moon earth sun sky sea world".split())
"""There is only one of each."""
GOVERNED = frozenset(
    "council committee government police mayor city town village president minister union board "
    "university college school institute bank court".split()
)
"""Whatever these are "of" is a place."""
LOCATING = frozenset("in near across throughout around over above".split())
"""Behind these a name is a region's: "in Brazil"."""
ENGLISH_SHARE = 0.5
"""Of the words of an English prompt at least this many are in the lexicon; of another language's hardly any."""
LIVING = ("people", "animals")


class Phrase(Frozen, frozen=True):
    """A noun with its adjectives: `text` as written ("young knight"), `head` the singular noun ("knight"); `called` the
    name that it is given ("a bicycle called Swift"); `aside`: only something else is compared with it or part of it."""

    text: str
    head: str
    kind: str
    plural: bool = False
    proper: bool = False
    called: str = ""
    aside: bool = False

    def with_article(self, article: str = "a") -> str:
        """ "a young knight", "an owl", "two owls" as plural "owls"; names stand alone."""
        if self.proper or (self.plural and article == "a"):
            return self.text
        if article == "a" and self.text in ONLY:
            article = "the"
        if article == "a" and any(word[:1].isupper() for word in self.text.split()):
            article = "the"  # "the Mill Street bridge": whatever has a name is known
        if article == "a":
            article = (
                "an" if self.text[:1].lower() in "aeiou" and not self.text.startswith(("uni", "one", "use")) else "a"
            )
        return f"{article} {self.text}"


class Topic(Frozen, frozen=True):
    """A prompt read. `text` is its plain prose; `words` those of its words that a writer may use, as written."""

    text: str
    words: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    english: bool


def read_prompt(prompt: str, lexicon: Lexicon, longest: int = 600, *, names: Sequence[str] = ()) -> Topic:
    """What a prompt is about. Emoji count as their names, markup as nothing; of a long prompt its beginning.

    `names` are those of people that it is known to name."""
    named = emoji.demojize(prompt, delimiters=(", ", ", "), language="en").replace("_", " ")
    text = re.sub(r"\{[^}]*\}|<[^>]*>|%\{[^}]*\}|-->|https?://\S+", " ", named)
    text = "".join(c if unicodedata.category(c)[0] in "LNMZ" or c in ".,!?;:'’-%&()/" else " " for c in text)
    text = re.sub(r"(?:\s*,)+", ",", " ".join(text.split())).strip(" ,")
    text = clip(text, longest)
    words = tuple(dict.fromkeys(match.group().replace("’", "'") for match in WORD.finditer(text)))
    known = sum(_known(word, lexicon) for word in words)
    latin = [word for word in words if word.isascii()]
    english = bool(latin) and known >= ENGLISH_SHARE * len(words)
    if not english:
        words = tuple(word for word in words if _known(word, lexicon))
    # whatever a prompt names, it is about: "the story of a dragon"
    phrases = [msgspec.structs.replace(phrase, aside=False) for phrase in find_phrases(text, lexicon, guess=english)]
    phrases = [
        phrase for phrase in phrases if CALENDAR.isdisjoint(phrase.text.lower().split()) or phrase.kind != "unknown"
    ]
    phrases = _with_names(_with_appositions(phrases, text, lexicon) if english else phrases, names)
    return Topic(text=text, words=words, phrases=phrases, english=english)


def _with_appositions(phrases: Sequence[Phrase], text: str, lexicon: Lexicon) -> list[Phrase]:
    """`phrases` with a name and what it is said to be as one, which is called so: "Swift, a folding bicycle"."""
    found = list(phrases)
    given = APPOSED.match(text)
    if given is None:
        return found
    said = next(iter(find_phrases(text[given.end() - 1 :], lexicon, guess=True)), None)
    one = next((phrase for phrase in found if said is not None and phrase.head == said.head), None)
    if one is None or one.kind not in ("things", "unknown", *LIVING):
        return found
    called = msgspec.structs.replace(one, called=given[1])
    name = set(words_of(given[1].lower()))
    others = [phrase for phrase in found if phrase is not one and not name & set(words_of(phrase.text.lower()))]
    return [called, *others]


def _with_names(phrases: Sequence[Phrase], names: Sequence[str]) -> tuple[Phrase, ...]:
    """`phrases` with each name one of its own, where a word of it was taken for something else or else in front."""
    found = list(phrases)
    for name in reversed(names):
        words = words_of(name.lower())
        taken = [i for i, phrase in enumerate(found) if not set(words_of(phrase.text.lower())).isdisjoint(words)]
        person = Phrase(text=name, head=name.split()[-1], kind="people", proper=True)
        found = [phrase for i, phrase in enumerate(found) if i not in taken]
        found.insert(taken[0] if taken else 0, person)
    return tuple(found)


def clip(text: str, longest: int) -> str:
    """At most `longest` characters of `text`, cut at the end of a sentence or else of a word."""
    if len(text) <= longest:
        return text
    head = text[: longest + 1]
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", head)]
    return head[: ends[-1]] if ends and ends[-1] > longest // 3 else head.rsplit(" ", 1)[0]


def find_phrases(text: str, lexicon: Lexicon, *, guess: bool = False) -> tuple[Phrase, ...]:
    """The noun phrases of `text` in order, each head once. `guess`: words that the lexicon lacks may be nouns, too."""
    found: dict[str, Phrase] = {}
    for sentence in re.split(r"(?<=[.!?;:,])\s+|,", text):
        tokens = [match.group() for match in WORD.finditer(sentence)]
        index = 0
        while index < len(tokens):
            length, phrase = _phrase_at(tokens, index, lexicon, guess)
            if phrase is not None:
                before = [token.lower() for token in tokens[max(0, index - 2) : index]]
                if before and (before[-1] in ASIDE or (before[-1] in ("a", "an") and before[0] in ASIDE)):
                    phrase = msgspec.structs.replace(phrase, aside=True)
                name = _name_given(tokens[index + length :])
                index += len(name) + 1 if name else 0
                phrase = msgspec.structs.replace(phrase, called=" ".join(name))
                known = found.setdefault(phrase.head.lower(), phrase)
                if known.aside and not phrase.aside:
                    found[phrase.head.lower()] = phrase
            index += length
    return tuple(found.values())


def _name_given(tokens: Sequence[str]) -> list[str]:
    """The name behind "called" or "named", which begins with a capital; empty if there is none."""
    if len(tokens) < 2 or tokens[0].lower() not in NAMING:
        return []
    return list(itertools.takewhile(lambda token: token[:1].isupper() or token.isdigit(), tokens[1:5]))


def mentions(text: str, phrase: Phrase) -> bool:
    """Whether `text` names the phrase's head, in singular or plural."""
    head = re.escape(phrase.head.lower())
    stem = head[:-1] if head.endswith("y") else head
    return re.search(rf"\b(?:{head}|{head}e?s|{stem}ies)\b", text.lower()) is not None or (
        phrase.text.lower() in text.lower()
    )


def words_of(text: str) -> list[str]:
    """The words and numbers of `text`, as written."""
    return [match.group() for match in WORD.finditer(text)]


def _phrase_at(tokens: Sequence[str], index: int, lexicon: Lexicon, guess: bool) -> tuple[int, Phrase | None]:
    """How many tokens from `index` on belong together, and the noun phrase that they are, if one."""
    determined = index > 0 and tokens[index - 1].lower() in DETERMINERS | NUMBERS
    end = index
    adjectives: list[str] = []
    while end < len(tokens) and _is_adjective(tokens, end, lexicon, determined):
        adjectives.append(tokens[end].lower())
        end += 1
    start = end
    while end < len(tokens) and _is_noun(tokens, end, start, lexicon, guess, determined or bool(adjectives)):
        end += 1
    if end == start:
        return max(1, end - index), None
    nouns = list(tokens[start:end])
    said = _place_that_is_named(tokens, index, nouns, lexicon)
    region = _region_at(tokens, index, end, lexicon) if said is None else None
    if region is not None:
        return region
    last = nouns[-1].lower().removesuffix("'s")
    entry = lexicon.nouns.get(last)
    # A sentence's first word is capitalised anyway: there a name is what a comma follows ("Mina, a shy astronaut").
    apposed = len(tokens) == 1
    inside = any(character.isupper() for character in nouns[-1][1:])
    proper = entry is None and nouns[-1][:1].isupper() and (start > 0 or bool(apposed) or inside)
    # "The Mayor", "Mill Street bridge": a known noun is no name, unless a name stands beside it.
    known = all(noun.lower().removesuffix("'s") in lexicon.nouns for noun in nouns)
    named = start > 0 and (not known or len(nouns) > 1)
    text = " ".join([*adjectives, *(n if proper or (n[:1].isupper() and named) else n.lower() for n in nouns)])
    while text.split()[0] in WHICH and len(text.split()) > 1:
        text = text.split(" ", 1)[1]
    if index > 0 and tokens[index - 1].lower() in NUMBERS:
        text = f"{tokens[index - 1].lower()} {text}"
    # "The lighthouse keeper's boat": what owns is a phrase of its own.
    text = text.removesuffix("'s")
    if proper and said is not None:
        return end - index, Phrase(text=text, head=said, kind="places", proper=True)
    if entry is None:
        behind = [token.lower() for token in tokens[max(0, index - 2) : index]]
        located = bool(behind) and (behind[-1] in LOCATING or (behind[-1] == "of" and behind[0] in GOVERNED))
        kind = "unknown" if not proper else "regions" if located else "names"
        return end - index, Phrase(
            text=text, head=text.split()[-1], kind=kind, plural=last.endswith("s"), proper=proper
        )
    return end - index, Phrase(text=text, head=entry.word, kind=entry.kind, plural=entry.plural)


def _region_at(tokens: Sequence[str], index: int, end: int, lexicon: Lexicon) -> tuple[int, Phrase] | None:
    """The part of the world whose name the tokens before `end` are or begin with; but "London bridge" is a bridge."""
    for behind in range(end, index, -1):
        name = " ".join(tokens[index:behind])
        alone = not any(token.lower() in lexicon.nouns for token in tokens[behind:end])
        if name.lower() in lexicon.regions and name[0].isupper() and alone:
            return behind - index, Phrase(text=name, head=tokens[behind - 1], kind="regions", proper=True)
    return None


def _is_adjective(tokens: Sequence[str], at: int, lexicon: Lexicon, determined: bool) -> bool:
    """Behind an article a participle before a noun is one, too: "a folding bicycle"."""
    word = tokens[at].lower()
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    participle = (determined or at == 0) and word.endswith(("ing", "ed")) and following in lexicon.nouns
    return (word in lexicon.adjectives or participle) and word not in lexicon.nouns


def _place_that_is_named(tokens: Sequence[str], index: int, nouns: Sequence[str], lexicon: Lexicon) -> str | None:
    """The kind of place that a name is said to be, in "river Rhine" or "city of Lindau"; None: it may be anybody's."""
    said = nouns[-2] if len(nouns) > 1 else tokens[index - 2] if index > 1 and tokens[index - 1].lower() == "of" else ""
    entry = lexicon.nouns.get(said.lower())
    return entry.word if entry is not None and entry.kind == "places" else None


def _is_noun(tokens: Sequence[str], at: int, start: int, lexicon: Lexicon, guess: bool, determined: bool) -> bool:
    token = tokens[at]
    word = token.lower().removesuffix("'s")
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    if at > start and tokens[at - 1].lower().endswith("'s"):
        return False
    if word in lexicon.nouns and following not in lexicon.every and MODIFYING.match(following):
        return False  # "a giant gravitational influence"
    if word in lexicon.function and not determined:
        return False  # "will be mine"
    if word in lexicon.nouns:
        if at == start == 0 and word in lexicon.verbs and tokens[1:2] and tokens[1].lower() in DETERMINERS:
            return False  # "Watch the sea"
        # "A dragon watches over …": after its subject, a word that is a verb as well is the verb.
        after_noun = at > start
        return not (
            word in lexicon.verbs and (after_noun or not (determined or at == start == 0 or _governed(tokens, at)))
        )
    known = lexicon.function | set(lexicon.adjectives) | set(lexicon.verbs)
    if guess and at > 1 and tokens[at - 1].lower() in ASKED and tokens[at - 2].lower() in ASKING and word not in known:
        return True  # "what is inflation and why do prices rise"
    if at > start and word.endswith("s") and following in DETERMINERS | OBJECTS and word not in lexicon.nouns:
        return False  # "the brain sorts what it has learned"
    if guess and at > start and word in lexicon.abstract and (word.endswith("s") or at + 1 == len(tokens)):
        # "coffee prices": only a prompt is read that closely; but "the moon pulls the water"
        return word not in lexicon.verbs or following in AUXILIARIES or following in lexicon.verbs
    if not guess or word in lexicon.function or word in lexicon.verbs or word in lexicon.adjectives or word.isdigit():
        return False
    if not word[0].isalpha() or (len(word) < 3 and not token.isupper()) or word in lexicon.words:
        return False
    if token[0].isupper() and at > 0:
        return True
    if word.endswith(("ly", "ing", "ed")):
        return False
    if at > 0 and tokens[at - 1].lower() in ASKING:
        return True  # "how tides work"
    if following in lexicon.nouns and following not in lexicon.verbs:
        return True  # an unknown word before a noun belongs to its name: "harbour bridge", "espresso machine"
    if at > start and word.endswith("s") and not (start > 0 and tokens[start - 1].lower() in NUMBERS):
        return False  # an unknown word in -s after a noun is more likely what it does
    return determined or at > start or at == 0


def _governed(tokens: Sequence[str], at: int) -> bool:
    before = tokens[at - 1].lower() if at > 0 else ""
    following = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
    if before == "and" and following in DETERMINERS:
        return False  # "… and watch the next one"
    if before == "and" and tokens[at].lower().endswith("s"):
        return following not in GOVERNING | DIRECTIONS  # "… and sails out"
    return before in GOVERNING


def _known(word: str, lexicon: Lexicon) -> bool:
    plain = word.lower().removesuffix("'s")
    return plain in lexicon.every or plain in lexicon.regions
