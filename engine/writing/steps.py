"""What a small writer is asked, format by format, and how its lines may begin. Reads its own YAML, knows no model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from engine.formats import Format
from engine.types import Frozen
from engine.writing.clauses import has_verb
from engine.writing.facts import capital, figures_in, listed, quotes
from engine.writing.lexicon import load_lexicon, plural_of
from engine.writing.pen import Pen
from engine.writing.topic import LIVING, Phrase, Topic, words_of

T = TypeVar("T")
FILE = Path(__file__).resolve().parents[1] / "prompts" / "small_steps.yaml"
GENERAL = "general"
"""The entry for formats that have none of their own."""
QUESTION = re.compile(r"(?:how|why|what|when|where|who|which|is|are|do|does|can|could)\b", re.I)
INVERTED = re.compile(r"(?:(?:how|why|what|when|where|who)\s+)?(?:is|are|do|does|did|can|could|was|were|will)\b", re.I)
CORE_WORDS = 11
"""So many words of what a prompt asks are said in a question: a longer one is cut at a clause."""
CLAIM_WORDS = 10
"""What a prompt claims of a product is said at once if it has no more words, else in two lines."""
CLAUSE = re.compile(r", | (?=(?:and|but|because|when|while|which|so that|even|although)\b)")
FRIENDS = frozenset("friend partner companion".split())
"""What people are to each other; whoever is one has been named otherwise, if two have been."""
HOSTS = frozenset("host presenter youtuber vlogger blogger podcaster streamer creator influencer".split())


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
    speech: dict[str, tuple[str, ...]] = {}
    sure: dict[str, tuple[str, ...]] = {}


class Defaults(Frozen, frozen=True):
    """Whom, what and where to take where the prompt says nothing, by format; `items` by the places they belong to;
    `hosts` by name what they look like; `homes` by place the things that are at home there."""

    cast: tuple[str, ...]
    hosts: dict[str, str]
    items: dict[str, tuple[str, ...]]
    homes: dict[str, str]
    places: dict[str, tuple[str, ...]]
    presenters: dict[str, str]
    roles: dict[str, tuple[str, ...]]


class Figures(Frozen, frozen=True):
    """Who and what the lines are about. `host` is a name, for formats that speak in the first person, `host_looks` what
    one sees of them."""

    topic: Phrase
    hero: Phrase
    other: Phrase | None
    second: Phrase | None
    host: str
    host_looks: str = ""


@cache
def load_steps(name: str) -> Steps:
    """What the writer is asked by that entry of small_steps.yaml."""
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8"))[name], Steps)


def steps_of(fmt: Format) -> Steps:
    """What the writer is asked for that format. One without an entry of its own is told in its own tone, with the
    openers that its beats name; a report keeps to what is supplied, and a host speaks of itself, like those that have
    one."""
    if fmt.name in _entries():
        return load_steps(fmt.name)
    like = "news_analysis" if fmt.supplied_facts_only else "persona_channel" if fmt.first_person else GENERAL
    steps = load_steps(like)
    beats = {beat.name: beat.openers for beat in fmt.beats if beat.openers}
    return msgspec.structs.replace(
        steps,
        system=load_steps(GENERAL).system.replace("{tone}", fmt.tone),
        beats=steps.beats | beats,
        first=fmt.first_person,
    )


@cache
def _entries() -> frozenset[str]:
    return frozenset(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def of_format(table: Mapping[str, T], name: str) -> T:
    """A format's entry of a table, or the general one if it has none of its own."""
    return table.get(name, table[GENERAL])


@cache
def load_defaults() -> Defaults:
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8"))["defaults"], Defaults)


def choose_figures(topic: Topic, pen: Pen, fmt: Format | None = None) -> Figures:
    """Who acts: the prompt's people and animals, else its first noun, else one of the default cast. Of a format in the
    first person whoever the prompt calls a host, or tells of ("a gardener who …"), is the host."""
    defaults = load_defaults()
    phrases = list(topic.phrases)
    hosts = list(defaults.hosts)
    host = hosts[pen.choice(len(hosts), "host")]
    looks = defaults.hosts[host]
    if fmt is not None and fmt.first_person and phrases and is_the_host(phrases[0], topic):
        given = phrases.pop(0)
        host = given.called or host
        looks = looks if given.head.lower() in HOSTS else given.with_article("a")
    living = [phrase for phrase in phrases if phrase.kind in LIVING] or [p for p in phrases if p.kind == "names"]
    # A name and what it is an apposition to ("Mina, a shy astronaut") is one figure, called by its description.
    things = [phrase for phrase in phrases if phrase not in living]
    living.sort(key=lambda phrase: phrase.head.lower() in FRIENDS)
    hero = living[0] if living else things[0] if things else None
    if hero is None:
        name = defaults.cast[pen.choice(len(defaults.cast), "cast")]
        hero = Phrase(text=name, head=name.split()[-1], kind="people")
    explains = fmt is not None and (fmt.first_person or any(beat.shows == "host" for beat in fmt.beats))
    nothing = Phrase(text="this", head="this", kind="unknown", proper=True) if explains else hero
    return Figures(
        topic=phrases[0] if phrases else nothing,
        hero=hero,
        other=living[1] if len(living) > 1 else None,
        second=next((phrase for phrase in phrases[1:] if phrase.kind != "names"), None),
        host=host,
        host_looks=looks,
    )


def is_the_host(phrase: Phrase, topic: Topic) -> bool:
    """Whether the prompt's first phrase is who speaks: a host, or a person of whom it goes on to tell ("who …")."""
    told = re.match(
        rf"(?:an?\s+)?{re.escape(phrase.text)}(?:\s+(?:called|named)\s+[\w ]+?)?\s+(?:who|that)\b", topic.text, re.I
    )
    return phrase.head.lower() in HOSTS or (phrase.kind == "people" and not phrase.plural and told is not None)


def opener_fields(topic: Topic, figures: Figures) -> dict[str, str]:
    """What the braces of an opener stand for; a field that the prompt does not fill is missing."""
    fields = {"host": figures.host, **quotes(topic.text), "figures": _several(figures_in(topic.text))}
    for name in ("hero", "other", "topic", "second"):
        phrase: Phrase | None = getattr(figures, name)
        if phrase is not None:
            fields[f"a_{name}"] = phrase.with_article("a")
            fields[f"the_{name}"] = phrase.with_article("the")
            fields[f"The_{name}"] = capital(phrase.with_article("the"))
            if name in ("hero", "other") and phrase.called and phrase.kind in LIVING:
                fields[f"a_{name}"] = f"{phrase.with_article('a')} called {phrase.called}"
                fields[f"the_{name}"] = fields[f"The_{name}"] = phrase.called
    mass = figures.topic.text.split()[-1].lower() == figures.topic.head.lower()
    several = figures.topic.plural and not mass
    general = figures.topic.text if figures.topic.plural else figures.topic.with_article("the")
    fields |= {
        "topic": general,
        "Topic": capital(general),
        "product": figures.topic.called or figures.topic.with_article("the"),
    }
    fields |= {"called": figures.topic.called, "It": "They" if several else "It"}
    if topic.english:
        fields["deed"] = deed_in(topic.text)
        for name, claim in zip(("claim", "claim_two"), claims_in(topic.text), strict=True):
            fields[name] = re.sub(r"^(?:is|has)\b", _plural_of_verb, claim) if several else claim
        fields["answer"] = answer_in(topic.text)
    asked = asked_in(topic.text)
    if QUESTION.match(asked) and len(words_of(asked)) <= CORE_WORDS + 3:
        if INVERTED.match(asked) or "?" in topic.text:
            fields["question"] = capital(asked) + "?"
        else:  # "Why the sky is blue" names a question without asking it
            fields["question"] = f"Have you ever wondered {asked[:1].lower()}{asked[1:]}?"
            fields["asked"] = asked[:1].lower() + asked[1:]
    return fields


def _several(figures: Sequence[str]) -> str:
    return listed(figures) if len(figures) > 1 else ""


def _plural_of_verb(match: re.Match[str]) -> str:
    return {"is": "are", "has": "have"}[match.group()]


def asked_in(text: str) -> str:
    """The prompt's first clause, as far as one says it in a breath: what stands behind a colon answers it."""
    first = re.split(r"(?<=[.!?])\s|[:;]\s|\s[-–—]\s", text)[0].rstrip(".!?, ")
    while len(words_of(first)) > CORE_WORDS and (cuts := list(CLAUSE.finditer(first))):
        first = first[: cuts[-1].start()].rstrip(", ")
    return first


def answer_in(text: str) -> str:
    """What a prompt says behind the colon of its question, as a sentence without its mark; "" if nothing whole."""
    first = re.split(r"(?<=[.!?])\s", text)[0].rstrip(".!? ")
    asked, _, answer = first.partition(": ")
    if not QUESTION.match(asked) or not 4 <= len(words_of(answer)) <= 24 or not has_verb(answer):
        return ""
    return answer.strip()


def claims_in(text: str) -> tuple[str, str]:
    """What the prompt says of its product, as it goes on behind "it": all of it and "", or two halves of it."""
    first = re.split(r"(?<=[.!?])\s", text)[0].rstrip(".!? ")
    told = re.search(r"\b(?:that|which) (.+)|\b(?=(with|made (?:of|from|in|by)|for)\s)(.+)", first)
    if told is None:
        return "", ""
    said = told[1] or (f"has {told[3].removeprefix('with ')}" if told[2] == "with" else f"is {told[3]}")
    said = said.strip(" ,")
    verbs = load_lexicon().verbs
    made, _, more = said.partition(" that ")
    if told[3] and more and has_verb(more):
        return made.rstrip(", "), more
    if told[1] and not has_verb(said):
        return "", ""
    if len(words_of(said)) <= CLAIM_WORDS:
        return said, ""
    for match in re.finditer(r",? and ", said):
        verb, after = words_of(said[match.end() :])[0].lower(), words_of(said)[0].lower()
        if verb in verbs or (verb.endswith("s") and after.endswith("s")):
            return said[: match.start()], said[match.end() :]
    return said, ""


def deed_in(text: str) -> str:
    """What the prompt's "I", or the one "who" it tells of, does or did, as it goes on behind "how I"; "" if nothing."""
    first = re.split(r"(?<=[.!?])\s", text)[0].rstrip(".!? ")
    told = re.match(r"(?:(?:[Hh]ow )?I|(?:[Aa]n?|[Tt]he) [^,.]{2,60}? (?:who|that)) ([a-z]\w*)(?: (.+))?$", first)
    if told is None or len(words_of(first)) > 22:
        return ""
    verb, rest = told[1], told[2] or ""
    verbs = load_lexicon().verbs
    if verb not in verbs or verbs[verb] in ("be", "have"):
        return ""
    verb = verbs[verb] if verb == plural_of(verbs[verb]) else verb
    return re.sub(r"\b(?:his|her|their)\b", "my", f"{verb} {rest}".strip())


def fill(opener: str, fields: Mapping[str, str]) -> str | None:
    """`opener` with its braces filled, capitalised; None if the prompt has not what it needs."""
    needed = re.findall(r"\{(\w+)\}", opener)
    if any(not fields.get(name) for name in needed):
        return None
    return capital(opener.format(**{name: fields[name] for name in needed}))
