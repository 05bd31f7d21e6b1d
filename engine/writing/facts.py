"""What a report may say: sentences, figures and details of its prompt, word by word. Knows no model and no format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.writing.lexicon import load_lexicon
from engine.writing.topic import CALENDAR, LIVING, NUMBERS, Phrase, Topic, words_of

OPENING = frozenset(
    "a an the this that these those some my our your his her its their two three in on at after it he she they we "
    "there no more most many all both each every from with under over for by as when while since because if "
    "several".split()
)
"""Words that lose their capital where they no longer open the sentence."""
_WHEN = rf"from\s(?=\d|next\b|(?:{'|'.join(sorted(CALENDAR))})\b)"
_HOW = rf"(?:(?:on|for|until|since|after|before|by|during|because|despite|due to|with)\s|{_WHEN})"
DETAIL = re.compile(rf"(?<=\s)(?={_HOW}|to (?!the|a|an|my|our)[a-z]\w+)", re.I)
"""Where a clause of when and how begins, or the infinitive that goes on with the sentence."""
_COUNTS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million"
)
FIGURE = re.compile(
    rf"\b(?:\d[\d.,]*%?|{_COUNTS})(?:\s(?:{_COUNTS}|billion|per cent|percent))*"
    rf"(?:\sto\s(?:\d[\d.,]*%?|{_COUNTS})\b|\s(?!to\b|in\b|and\b|of\b|on\b|at\b|by\b|for\b|from\b)[A-Za-z]{{3,}})?"
)
"""A number with the word that it counts, or two of them: https://en.wikipedia.org/wiki/English_numerals."""
SORTS: dict[str, re.Pattern[str]] = {
    "disputed": re.compile(
        r"\b(?:but|however|although|critics?|critici[sz]\w+|oppos\w+|objec\w+|disput\w+|den(?:y|ies|ied)|warn\w*|"
        r"doubt\w*|reject\w*|against|unclear|uncertain|unknown|complain\w*|protest\w*|lose|losing|fears?|feared|"
        r"worr\w+|concern\w*|angry)\b",
        re.I,
    ),
    "said": re.compile(r"\b(?:said|says?|according|told|announced|stated|claims?|claimed|reports?|reported)\b", re.I),
    "coming": re.compile(r"\b(?:will|next|plans?|planned|expected|expects?|soon|until|tomorrow|going to)\b", re.I),
    "measured": re.compile(rf"\d|\b(?:{_COUNTS}|per cent|percent|half|study|data|figures?|found|measured)\b", re.I),
}
"""What tells for what a sentence of a report is good, the strongest sign first."""
SAYS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|can|says?|said|reports?|opens?|closes?|wins?|won|begins?|starts?|\w{2,}ed)\b"
)


def figures_in(text: str) -> tuple[str, ...]:
    """The figures of `text`, each as it is written with the word that it counts: "7 to 2", "3 May", "eight months"."""
    found = [match.group().strip() for match in FIGURE.finditer(text)]
    return tuple(dict.fromkeys(found))[:4]


def sorted_statements(text: str) -> dict[str, list[str]]:
    """The sentences of a report's prompt by what they are good for: `said` by somebody, `measured`, `disputed`,
    `coming` in the future; each in one kind at most, and the first, which is the headline, in none."""
    kinds: dict[str, list[str]] = {kind: [] for kind in SORTS}
    for statement in statements_of(text)[1:]:
        kind = next((kind for kind, words in SORTS.items() if words.search(statement)), None)
        if kind is not None:
            kinds[kind].append(statement)
    return kinds


def statements_of(text: str) -> list[str]:
    """The sentences of `text` that can be said as they stand: 4 to 26 words, no questions."""
    parts = [part.strip(" .!?,") for part in re.split(r"(?<=[.!?])\s+", text) if not part.rstrip().endswith("?")]
    return [capital(part) + "." for part in parts if 4 <= len(words_of(part)) <= 26]


def quotes(text: str) -> dict[str, str]:
    """What a report may repeat of `text`, word by word: `core`, its first sentence without when and how; `details`,
    what was left out; `heading`, a prompt that is no sentence. Each goes on inside a sentence."""
    first = next(iter(statements_of(text)), clip_words(text, 20)).rstrip(".!? ")
    words = first.split()
    if words and _is_no_name(words[0], words[1] if words[1:] else ""):
        first = " ".join([words[0].lower(), *words[1:]])
    if not SAYS.search(first[4:]) or len(words) < 5:
        return {"heading": first}
    parts = [part.strip(" ,") for part in DETAIL.split(first)]
    core, details = parts[:1], []
    for part in parts[1:]:
        (details if re.match(_HOW, part, re.I) else core).append(part)
    if len(" ".join(core).split()) < 4:
        return {"core": first}
    plain = len(details) > 1 and not any("," in one or SAYS.search(one) for one in details)
    return {"core": " ".join(core), "details": " and ".join(details) if plain else ""}


def _is_no_name(word: str, following: str = "") -> bool:
    """Whether a sentence's first word would stand inside it in lower case: a single noun without an article is a name
    ("Apple opens a shop"), one in the plural or of a mass is not, nor one before another noun ("Shop owners say")."""
    lexicon, low = load_lexicon(), word.lower()
    noun = lexicon.nouns.get(low)
    known = OPENING | lexicon.function | set(lexicon.adjectives) | set(lexicon.verbs)
    after = lexicon.nouns.get(following)
    compound = noun is not None and after is not None and following not in lexicon.verbs
    return word[1:] == low[1:] and (low in known or compound or (noun is not None and noun.plural))


def facts_of(text: str, fields: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """`fields` once for each sentence of `text` that a report may repeat, with that sentence's `quotes`."""
    beside = {name: value for name, value in fields.items() if name not in ("core", "details", "heading")}
    statements = statements_of(text)
    return tuple(beside | quotes(one) | {"statement": one} for one in statements) or (dict(fields),)


def subjects_of(topic: Topic, fields: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """`fields` once for each thing that the report is about, as `the_noun`: what its first sentence names goes first,
    people come after things, and last what is counted there ("two pillars")."""
    named = [phrase for phrase in topic.phrases if phrase.head.lower() not in CALENDAR]
    first = next(iter(statements_of(topic.text)), topic.text)

    def rank(phrase: Phrase) -> int:
        counted = phrase.text.split()[0] in NUMBERS
        return 4 * counted + 2 * (phrase.kind in LIVING) + phrase.plural + (phrase.text.lower() not in first.lower())

    named.sort(key=rank)
    return tuple(
        dict(fields) | {"the_noun": phrase.text if phrase.plural else phrase.with_article("the")} for phrase in named
    )


def listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def clip_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
