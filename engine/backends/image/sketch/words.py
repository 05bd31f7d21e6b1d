"""From text to what is to be drawn: place, time, weather, feeling, and a cast of things. Knows words, no pixels.

Words come from lexicon.yaml and cast.yaml first, then from the emoji's own names and aliases. Text is read in English.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import emoji
import yaml

from engine.backends.image.sketch.drawings import drawing_path
from engine.backends.image.sketch.figures import Look
from engine.types import Frozen

HERE = Path(__file__).parent
LONGEST = 4  # words that a phrase of the lexicon may have
MANY = {
    **dict.fromkeys(("two", "pair", "couple", "both"), 2),
    **dict.fromkeys(("three", "several", "group", "team", "family"), 3),
    **dict.fromkeys(("four", "many", "crowd", "herd", "flock"), 4),
}


GROUPS = frozenset("people crowd family team council committee commission jury".split())
"""Words for several at once."""


class Member(Frozen, frozen=True):
    """One of the cast. `kind` says how it is drawn; `height` is in grown persons; `look` only for people.

    `name` is what it is called in the story (its looks follow from that); `character` the drawing's emoji.
    """

    kind: Literal["person", "mascot", "thing", "set", "picture"]
    name: str
    word: str = ""
    character: str = ""
    height: float = 1.0
    look: Look | None = None
    count: int = 1
    flies: bool = False
    water: bool = False
    boat: bool = False
    mount: bool = False
    lamp: bool = False

    @property
    def alive(self) -> bool:
        return self.kind in ("person", "mascot") or (self.height > 0.1 and self.character in _alive())


@cache
def lexicon() -> dict[str, Any]:
    return yaml.safe_load((HERE / "lexicon.yaml").read_text(encoding="utf-8"))


@cache
def cast_data() -> dict[str, Any]:
    return yaml.safe_load((HERE / "cast.yaml").read_text(encoding="utf-8"))


@cache
def _alive() -> frozenset[str]:
    animals = [c for c in cast_data()["things"] if 0x1F400 <= ord(c[0]) <= 0x1F43F or 0x1F980 <= ord(c[0]) <= 0x1F9AE]
    return frozenset([*animals, "🦭", "🪿", "🫏", "🧜‍♀️", "👻", "🧞", "⛄"])


@cache
def _words(section: str) -> dict[str, str]:
    """word → key of that section of the lexicon; a word listed twice belongs to the first."""
    found: dict[str, str] = {}
    for key, words in lexicon()[section].items():
        for word in words if isinstance(words, list) else words.split(","):
            found.setdefault(word.strip(), key)
    return found


@cache
def _members() -> dict[str, Member]:
    """word → who or what it is."""
    data, found = cast_data(), {}
    for role, entry in data["people"].items():
        looks = {k: v for k, v in entry.items() if k != "words"}
        height = {"child": 0.68, "old": 0.95}.get(looks.get("age", ""), 1.0)
        for word in _split(entry["words"]):
            found.setdefault(word, Member(kind="person", name=role, word=role, look=Look(**looks), height=height))
    for character, entry in data["mascots"].items():
        for word in _split(entry["words"]):
            found.setdefault(
                word, Member(kind="mascot", name=word, word=word, character=character, height=entry["height"])
            )
    for character, entry in data["things"].items():
        flags = {k: v for k, v in entry.items() if k not in ("words", "set")}
        kind: Any = "set" if entry.get("set") else "thing"
        for word in _split(entry["words"]):
            found.setdefault(word, Member(kind=kind, name=word, word=word, character=character, **flags))
    return found


@cache
def _stands_for() -> dict[str, tuple[str, ...]]:
    """Words for kinds of beings, and whom they stand for."""
    return {word: tuple(beings.split()) for word, beings in lexicon()["stands_for"].items()}


def place_words() -> dict[str, str]:
    """word → place."""
    return _words("places")


@cache
def being_words() -> frozenset[str]:
    """Words that name somebody or something rather than a place; the moon is either."""
    return frozenset(w for w, member in _members().items() if member.kind != "set" and member.character != "🌕")


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",")]


@cache
def _emoji_names() -> dict[str, str]:
    """Names and aliases of every drawn emoji, as words: "red apple" and "apple" alike."""
    found: dict[str, str] = {}
    for character, data in emoji.EMOJI_DATA.items():
        first = ord(character[0])
        drawn = 0x1F300 <= first <= 0x1F6FF or 0x1F900 <= first <= 0x1FAFF or 0x2600 <= first <= 0x27BF
        scenery = 0x1F303 <= first <= 0x1F30C or 0x1F3D4 <= first <= 0x1F3DF or first == 0x1F5FE
        if len(character.replace("\ufe0f", "")) > 1 or not drawn or scenery or drawing_path(character) is None:
            continue
        for name in (data["en"], *data.get("alias", ())):
            words = name.strip(":").replace("_", " ").replace("-", " ").lower()
            if not re.search(
                r" and | with | of |face|button|sign|symbol|arrow|hand|square|circle|mark\b|clock|skin|finger|person"
                r"|^non? |potable|prohibited",  # signs that forbid a thing are no picture of it
                words,
            ):
                found.setdefault(words, character)
    for words, character in list(found.items()):
        if " " in words:  # "red apple" is an apple
            found.setdefault(words.rsplit(" ", 1)[1], character)
    sections = ("places", "times", "hints", "weathers", "actions", "feelings")
    other = {word for section in sections for word in _words(section)} | set(lexicon()["not_things"].split())
    return {k: v for k, v in found.items() if len(k) > 2 and other.isdisjoint(stems(k))}


def stems(word: str) -> tuple[str, ...]:
    """The word itself, then what it may be the plural or an inflexion of."""
    forms = [word]
    irregular = dict(pair.split(":") for pair in lexicon()["irregular"].split())
    if word in irregular:
        forms.append(irregular[word])
    hissing = ("ses", "xes", "zes", "ches", "shes", "oes")
    for ending, instead in (("'s", ""), ("’s", ""), ("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        plural = word.endswith(hissing) if ending == "es" else word.endswith(ending) and not word.endswith("ss")
        if plural and len(word) > len(ending) + 2:
            forms.append(word[: -len(ending)] + instead)
    return tuple(dict.fromkeys(forms))


def tokens(text: str) -> list[str]:
    """Lower-case words, the lexicon's noise phrases taken out, emojis by their names."""
    text = emoji.replace_emoji(text, lambda _, data: f" {data['en'].strip(':').replace('_', ' ')} ")
    flat = " " + re.sub(r"[^\w'’-]+", " ", text.lower()).strip() + " "
    for phrase in _noise():
        flat = flat.replace(f" {phrase} ", " ")
    return [w.strip("'’-") for w in flat.split() if w.strip("'’-")]


@cache
def _noise() -> tuple[str, ...]:
    phrases = [re.sub(r"[^\w'’-]+", " ", p).strip() for line in lexicon()["noise"] for p in line.split(",")]
    return tuple(sorted(phrases, key=len, reverse=True))


def lookup(words: list[str], table: dict[str, Any]) -> list[tuple[range, str, Any]]:
    """Every (positions, last word, value) of the table in the text, longest phrases first, no word used twice."""
    found, at = [], 0
    while at < len(words):
        for length in range(min(LONGEST, len(words) - at), 0, -1):
            head = " ".join(words[at : at + length - 1])
            forms = [f"{head} {form}".strip() for form in stems(words[at + length - 1])]
            hit = next((form for form in forms if form in table), None)
            if hit is not None:
                found.append((range(at, at + length), words[at + length - 1], table[hit]))
                at += length - 1
                break
        at += 1
    return found


@lru_cache(maxsize=512)
def first_of(section: str, text: str) -> str:
    """The first of that section's keys that the text names, "" if none. Longer phrases win over shorter ones."""
    hits = lookup(tokens(text), _words(section))
    return str(hits[0][2]) if hits else ""


def all_of(section: str, text: str) -> list[str]:
    return [str(hit[2]) for hit in lookup(tokens(text), _words(section))]


@lru_cache(maxsize=256)
def members_in(text: str) -> tuple[Member, ...]:
    """Everyone and everything that the text names, in its order; plurals and numbers count."""
    words = [meant for word in tokens(text) for meant in _stands_for().get(word, (word,))]
    known = lookup(words, _members())
    hits = {span.start: (spoken, member) for span, spoken, member in known}
    taken = {at for span, _, _ in known for at in span}
    for span, spoken, character in lookup(words, _emoji_names()):
        if taken.isdisjoint(span):
            hits[span.start] = (spoken, Member(kind="thing", name=spoken, word=spoken, character=character, height=0.4))
    found: dict[str, Member] = {}
    for at in sorted(hits):
        spoken, member = hits[at]
        if member.kind == "person" and at - 1 in hits and hits[at - 1][1].kind == "person":
            continue  # a pirate captain is one man
        plural = spoken not in (member.word, "people") and spoken.endswith(("s", "men", "mice", "people", "children"))
        plural = plural and spoken not in _members()
        before = words[max(0, at - 2) : at]
        count = next((MANY[w] for w in before if w in MANY), 3 if plural else 1)
        if spoken in GROUPS or words[at + 1 : at + 2] in (
            ["family"],
            ["herd"],
            ["flock"],
        ):
            count = 3
        key = member.character or member.word
        if key not in found:
            found[key] = _with(member, count=count)
    return tuple(found.values())


def _with(member: Member, **changes: Any) -> Member:
    fields = {name: getattr(member, name) for name in Member.__struct_fields__}
    return Member(**{**fields, **changes})


def sex_of(name: str, about: str) -> str:
    """f or m where a common first name or the description tells, else ""."""
    told = set(re.findall(r"\w+", f"{name} {about}".lower()))
    for sex, words in lexicon()["names"].items():
        if not told.isdisjoint(_split(words)):
            return str(sex)
    return ""


def member_called(name: str, text: str, about: str = "") -> Member:
    """Who a subject's name stands for: what the name says, what is told `about` it, what the text says of it, else a
    person of that name."""
    own, told = members_in(name), members_in(about)
    for group in ([m for m in own if m.alive], [m for m in told if m.alive], own, told):
        if group:
            several = group[0] in own or name.lower() == group[0].word  # "Children", but not "Ada" with three dogs
            count = group[0].count if several else 1
            return _of_sex(_with(group[0], name=name, count=count), sex_of(name, about))
    escaped = re.escape(name)
    for pattern in (
        rf"{escaped},? (?:is |was )?(?:the|a|an) ((?:[\w-]+ ){{0,3}}[\w-]+)",
        rf"((?:[\w-]+ ){{0,2}}[\w-]+),? (?:called|named) {escaped}",
        rf"(?:the|a|an) ((?:[\w-]+ ){{0,2}}[\w-]+),? {escaped}\b",
    ):
        for match in re.finditer(pattern, text, re.I):
            living = [m for m in members_in(match[1]) if m.alive]
            if living:
                return _of_sex(_with(living[0], name=name, count=1), sex_of(name, about))
    return _of_sex(Member(kind="person", name=name, word="person", look=Look()), sex_of(name, about))


def _of_sex(member: Member, sex: str) -> Member:
    if not sex or member.look is None or member.look.sex:
        return member
    looks = {field: getattr(member.look, field) for field in Look.__struct_fields__}
    return _with(member, look=Look(**{**looks, "sex": sex}))
