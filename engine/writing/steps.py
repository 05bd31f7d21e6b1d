"""What a small writer is asked, format by format, and how its lines may begin. Reads its own YAML, knows no model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from engine.types import Frozen
from engine.writing.lexicon import load_lexicon
from engine.writing.pen import Pen
from engine.writing.topic import CALENDAR, LIVING, Phrase, Topic, words_of

T = TypeVar("T")
FILE = Path(__file__).resolve().parents[1] / "prompts" / "small_steps.yaml"
QUESTION = re.compile(r"(?:how|why|what|when|where|who|which|is|are|do|does|can|could)\b", re.I)
INVERTED = re.compile(r"(?:(?:how|why|what|when|where|who)\s+)?(?:is|are|do|does|did|can|could|was|were|will)\b", re.I)
OPENING = frozenset(
    "a an the this that these those some my our your his her its their two three in on at after it he she they we "
    "there no more most many all both each every from with under over for by as when while since because if "
    "several".split()
)
"""Words that lose their capital where they no longer open the sentence."""
_HOW = r"(?:on|for|until|since|after|before|by|during|because|despite|due to|with)\s"
DETAIL = re.compile(rf"(?<=\s)(?={_HOW}|to (?!the|a|an|my|our)\w+)")
"""Where a clause of when and how begins, or the infinitive that goes on with the sentence."""
SAYS = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|can|says?|said|reports?|opens?|closes?|wins?|won|begins?|starts?|\w{2,}ed)\b"
)


class Steps(Frozen, frozen=True):
    """One format's entry of small_steps.yaml, which says what the fields are for."""

    system: str
    ask: str
    beats: dict[str, tuple[str, ...]]
    more: tuple[str, ...] = ()
    first: bool = False
    second: bool = False
    past: bool = False
    supplied_only: bool = False
    any_word: bool = False
    repeat_penalty: float = 1.15
    words: str = ""
    sure: dict[str, tuple[str, ...]] = {}


class Defaults(Frozen, frozen=True):
    """Whom, what and where to take where the prompt says nothing, by format; `items` by the places they belong to."""

    cast: tuple[str, ...]
    hosts: tuple[str, ...]
    items: dict[str, tuple[str, ...]]
    places: dict[str, tuple[str, ...]]
    presenters: dict[str, str]
    roles: dict[str, tuple[str, ...]]


class Figures(Frozen, frozen=True):
    """Who and what the lines are about. `host` is a name, for formats that speak in the first person."""

    topic: Phrase
    hero: Phrase
    other: Phrase | None
    second: Phrase | None
    host: str


@cache
def load_steps(name: str) -> Steps:
    """What the writer is asked for that format."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return msgspec.convert(of_format(raw, name), Steps)


def of_format(table: Mapping[str, T], name: str) -> T:
    """A format's entry of a table; one that has none of its own is treated like a story."""
    return table.get(name, table["cinematic_story"])


@cache
def load_defaults() -> Defaults:
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8"))["defaults"], Defaults)


def choose_figures(topic: Topic, pen: Pen) -> Figures:
    """Who acts: the prompt's people and animals, else its first noun, else one of the default cast."""
    defaults = load_defaults()
    living = list(topic.of_kind(*LIVING)) or list(topic.of_kind("names"))
    # A name and what it is an apposition to ("Mina, a shy astronaut") is one figure, called by its description.
    things = [phrase for phrase in topic.phrases if phrase not in living]
    hero = living[0] if living else things[0] if things else None
    if hero is None:
        name = defaults.cast[pen.choice(len(defaults.cast), "cast")]
        hero = Phrase(text=name, head=name.split()[-1], kind="people")
    return Figures(
        topic=topic.phrases[0] if topic.phrases else hero,
        hero=hero,
        other=living[1] if len(living) > 1 else None,
        second=next((phrase for phrase in topic.phrases[1:] if phrase.kind != "names"), None),
        host=defaults.hosts[pen.choice(len(defaults.hosts), "host")],
    )


def opener_fields(topic: Topic, figures: Figures) -> dict[str, str]:
    """What the braces of an opener stand for; a field that the prompt does not fill is missing."""
    fields = {"host": figures.host, **quotes(topic.text)}
    for name in ("hero", "other", "topic", "second"):
        phrase: Phrase | None = getattr(figures, name)
        if phrase is not None:
            fields[f"a_{name}"] = phrase.with_article("a")
            fields[f"the_{name}"] = phrase.with_article("the")
            fields[f"The_{name}"] = capital(phrase.with_article("the"))
    general = figures.topic.text if figures.topic.plural else figures.topic.with_article("the")
    fields |= {"topic": general, "Topic": capital(general)}
    asked = re.split(r"(?<=[.!?])\s", topic.text)[0].rstrip(".!? ")
    if QUESTION.match(asked) and len(words_of(asked)) <= 18:
        if INVERTED.match(asked) or "?" in topic.text:
            fields["question"] = capital(asked) + "?"
        else:  # "Why the sky is blue" names a question without asking it
            fields["question"] = f"Have you ever wondered {asked[:1].lower()}{asked[1:]}?"
    return fields


def fill(opener: str, fields: dict[str, str]) -> str | None:
    """`opener` with its braces filled, capitalised; None if the prompt has not what it needs."""
    needed = re.findall(r"\{(\w+)\}", opener)
    if any(not fields.get(name) for name in needed):
        return None
    return capital(opener.format(**{name: fields[name] for name in needed}))


def statements_of(text: str) -> list[str]:
    """The sentences of `text` that can be said as they stand: 4 to 26 words, no questions."""
    parts = [part.strip(" .!?,") for part in re.split(r"(?<=[.!?])\s+", text) if not part.rstrip().endswith("?")]
    return [capital(part) + "." for part in parts if 4 <= len(words_of(part)) <= 26]


def quotes(text: str) -> dict[str, str]:
    """What a report may repeat of `text`, word by word: `core`, its first sentence without when and how; `details`,
    what was left out; `heading`, a prompt that is no sentence. Each goes on inside a sentence."""
    first = next(iter(statements_of(text)), clip_words(text, 20)).rstrip(".!? ")
    words = first.split()
    if words and _is_no_name(words[0]):
        first = " ".join([words[0].lower(), *words[1:]])
    if not SAYS.search(first[4:]) or len(words) < 5:
        return {"heading": first}
    parts = [part.strip(" ,") for part in DETAIL.split(first)]
    core, details = parts[:1], []
    for part in parts[1:]:
        (details if re.match(_HOW, part) else core).append(part)
    if len(" ".join(core).split()) < 4:
        return {"core": first}
    return {"core": " ".join(core), "details": " and ".join(details) if len(details) > 1 else ""}


def _is_no_name(word: str) -> bool:
    """Whether a sentence's first word would stand inside it in lower case: a single noun without an article is a name
    ("Apple opens a shop"), one in the plural or of a mass is not."""
    lexicon, low = load_lexicon(), word.lower()
    noun = lexicon.nouns.get(low)
    known = OPENING | lexicon.function | set(lexicon.adjectives)
    return word[1:] == low[1:] and (low in known or (noun is not None and noun.plural))


def facts_of(text: str, fields: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """`fields` once for each sentence of `text` that a report may repeat, with that sentence's `quotes`."""
    beside = {name: value for name, value in fields.items() if name not in ("core", "details", "heading")}
    return tuple(beside | quotes(statement) for statement in statements_of(text)) or (dict(fields),)


def subjects_of(topic: Topic, fields: Mapping[str, str]) -> tuple[dict[str, str], ...]:
    """`fields` once for each thing that the prompt is about, as `the_noun`."""
    named = [phrase for phrase in topic.phrases if phrase.head.lower() not in CALENDAR]
    return tuple(
        dict(fields) | {"the_noun": phrase.text if phrase.plural else phrase.with_article("the")} for phrase in named
    )


def clip_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
