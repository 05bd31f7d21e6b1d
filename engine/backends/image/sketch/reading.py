"""A job read: which place, what light, who is there and what they do. Pure; knows words and no pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from engine.backends.image.sketch.words import (
    Member,
    all_of,
    being_words,
    cast_data,
    first_of,
    lexicon,
    lookup,
    member_called,
    members_in,
    place_words,
    stems,
    tokens,
)
from engine.backends.protocols import StillJob
from engine.types import Frozen

LOCATING = set(
    [
        "in",
        "at",
        "on",
        "inside",
        "into",
        "onto",
        "under",
        "through",
        "over",
        "across",
        "near",
        "by",
        "behind",
        "beside",
        "above",
        "along",
        "from",
        "to",
        "towards",
        "outside",
    ]
)
ARTICLES = frozenset("a an the".split())
MAIN_HEIGHT = 0.5  # what is at least half as tall as a person stands on its own; smaller things are props
HEAVENLY = frozenset("🌍🌕🌙🪐☀️⭐")
"""Cards that have a place of their own: the sky."""
CARDS = set("📈📉⚖🗳🌍🌕💡⏳🎵💰📰📚🔋") | {"❤️", "☀️"}
ANYWHERE = ("meadow", "mountains", "lake", "village", "forest", "beach", "road", "garden")
LONE = {  # who is there when the text names nobody
    "studio": "reporter",
    "office": "businesswoman",
    "classroom": "teacher",
    "laboratory": "scientist",
    "kitchen": "chef",
    "hospital": "doctor",
    "library": "librarian",
    "shop": "shopkeeper",
    "workshop": "inventor",
    "throne_hall": "king",
    "stage": "singer",
    "sports": "athlete",
    "farm": "farmer",
    "space": "astronaut",
    "moon": "astronaut",
    "planet": "astronaut",
    "underwater": "fish",
    "sea": "sailboat",
    "harbour": "captain",
    "beach": "crab",
    "island": "crab",
    "forest": "deer",
    "jungle": "parrot",
    "snow": "penguin",
    "desert": "camel",
    "mountains": "goat",
    "sky": "bird",
    "meadow": "butterfly",
    "garden": "butterfly",
    "lake": "swan",
    "waterfall": "deer",
    "bridge": "explorer",
    "station": "captain",
    "airport": "captain",
    "market": "shopkeeper",
    "space_station": "astronaut",
    "city": "person",
    "village": "villager",
    "road": "car",
    "castle": "knight",
    "cave": "explorer",
    "living_room": "cat",
    "bedroom": "teddy",
    "backdrop": "gift",
}


AFLOAT = frozenset(
    "sea lake harbour beach island bridge waterfall underwater backdrop workshop living_room shop".split()
)
"""Places where a boat may be: on water, or as a thing that is shown."""


class Reading(Frozen, frozen=True):
    """`main` stand in the picture, most important first; `props` lie, hang or are held; `cards` are ideas; `sets` stand
    far away. `actions` are keys of the lexicon's, in the text's order."""

    place: str
    time: str
    weather: str
    style: str
    feeling: str
    actions: tuple[str, ...]
    main: tuple[Member, ...]
    props: tuple[Member, ...]
    cards: tuple[Member, ...]
    sets: tuple[Member, ...]


def read(job: StillJob) -> Reading:
    """What the job asks for. Something always stands in the picture, whatever the words are."""
    scene = job.scene
    where = scene.description if scene else ""
    seen = _visual(job)
    texts = [where, seen, *job.descriptions.values()]
    place = _place(texts, job.style)
    everybody = _everybody(job, seen, where)
    sets = tuple(m for m in everybody if m.kind == "set")[:2]
    cards = tuple(m for m in everybody if m.character in CARDS and m.name not in job.references)
    rest = [m for m in everybody if m not in sets and m not in cards]
    times = [scene.time_of_day, seen, scene.lighting, where] if scene else [seen]
    time = _first("times", times) or _first("hints", times)
    if time == "night" or place == "moon":
        cards = tuple(m for m in cards if m.character != "🌕")  # the sky has one, or they stand on it
    main = [m for m in rest if m.alive or m.height >= MAIN_HEIGHT or m.kind == "picture"]
    props = [m for m in rest if m not in main]
    if place == "studio" and not any(m.alive or m.kind == "picture" for m in main):
        main = [*members_in(LONE[place]), *main]  # somebody must speak
    if place not in AFLOAT and any(not m.boat for m in main):
        main = [m for m in main if not m.boat]  # no boat lies on a street
    elif place not in AFLOAT and main:
        place = "harbour"
    if not main and props:
        main, props = props[:1], props[1:]
    if not main:
        main = [m for m in members_in(LONE.get(place, "person")) if m.kind != "set"][:1]
    return Reading(
        place=place,
        time=time,
        weather=_first("weathers", [scene.weather, seen, where] if scene else [seen]),
        style=_style(job.style),
        feeling=first_of("feelings", seen) or "happy",
        actions=tuple(dict.fromkeys(all_of("actions", seen))),
        main=tuple(main[:4]),
        props=tuple(props[:3]),
        cards=cards[:2],
        sets=sets,
    )


def _style(text: str) -> str:
    """The most particular of the styles that the text names: those that stand first in the lexicon."""
    named = all_of("styles", text)
    return next((style for style in lexicon()["styles"] if style in named), "")


def _visual(job: StillJob) -> str:
    """The prompt without what the scene and the descriptions say anyway (they are read on their own)."""
    text = job.prompt
    said = [*(f"{name}: {about}" for name, about in job.descriptions.items()), job.style]
    if job.scene:
        said += [job.scene.description, job.scene.time_of_day, job.scene.weather, job.scene.lighting]
    for part in said:
        part = part.strip(" .")
        if part and len(text) > len(part) + 2:
            text = re.sub(rf"(?<=\. ){re.escape(part)}\.?(?=$|\s)", " ", text)
    return text


def _first(section: str, texts: list[str]) -> str:
    return next((found for text in texts if text and (found := first_of(section, text))), "")


def _place(texts: list[str], style: str) -> str:
    """A place that a preposition points at, else one named, else the look's, else where such beings live, a mood's."""
    weak: list[str] = []
    for text in texts:
        words = tokens(text)
        strong = []
        for span, word, place in lookup(words, place_words()):
            # whoever is named hints at a place, but does not name one
            if not being_words().isdisjoint((*stems(word), " ".join(words[span.start : span.stop]))):
                weak.append(place)
            else:
                near = words[max(0, span.start - 4) : span.start + 1]
                strong.append((not LOCATING.intersection(near), span.start, place))
        if strong:
            return str(min(strong)[2])
    low = f" {style.lower()} "
    for place, phrases in lexicon()["looks"].items():
        if any(phrase.strip() in low for phrase in phrases.split(",")):
            return str(place)
    chosen = next(iter(weak), "") or _first("moods", texts)
    return (
        chosen
        or ANYWHERE[
            int(blake2b("".join(texts).encode("utf-8", "replace"), digest_size=1).hexdigest(), 16) % len(ANYWHERE)
        ]
    )


def _everybody(job: StillJob, seen: str, where: str) -> list[Member]:
    found: list[Member] = []
    text = ". ".join([job.prompt, *(f"{n} is a {d}" for n, d in job.descriptions.items())])
    for name in job.subjects:
        if name in job.references:
            # higher than a person: mostly head, and a head is what must be known again
            found.append(Member(kind="picture", name=name, word=name, height=1.25))
        else:
            about = job.descriptions.get(name, "")
            if _says_nothing_more(name, about) and not members_in(name):
                continue  # "Bad Harvests: bad harvests" is a thing without a drawing, and nobody
            member = member_called(name, text, about)
            if not any(_is_the_same(member, name, other) for other in found):
                found.append(member)
    named = [w for name in job.subjects for w in tokens(name)]
    people = any(m.kind in ("person", "picture") for m in found)
    known = {m.character or m.word for m in found}
    about = " ".join(job.descriptions.values())
    described = {m.character or m.word for m in members_in(about)}
    # whose picture is kept is in the cast already, whatever the name means
    for member in members_in(_without(seen, job.references)):
        key = member.character or member.word
        generic = member.word in ("man", "woman", "child", "somebody") and people
        if key in known or generic or (key in described and people) or member.name in named:
            continue
        found.append(member)
        known.add(key)
    if any(m.alive and m.word != "somebody" for m in found):
        found = [m for m in found if m.word != "somebody" or m.name in job.subjects]
    if not any(m.alive for m in found):
        found += [m for m in members_in(where) if (m.character or m.word) not in known and (m.alive or m.kind == "set")]
    else:
        found += [m for m in members_in(where) if m.kind == "set" and (m.character or m.word) not in known]
    return found


def _is_the_same(member: Member, name: str, other: Member) -> bool:
    """Whether two names stand for one being: alike in kind, and one's words are all in the other's or they share more
    than the noun ("a girl", "Brave Girl", "Brave Little Girl"; but an old fox is not a young one). Plurals are not."""
    kind, theirs = member.character or member.word, other.character or other.word
    if kind != theirs or member.count > 1 or other.count > 1 or "picture" in (member.kind, other.kind):
        return False
    words, others = set(tokens(name)) - ARTICLES, set(tokens(other.name)) - ARTICLES
    nouns = {w for w in words & others if any((m.character or m.word) == kind for m in members_in(w))}
    return bool(nouns) and (words <= others or others <= words or len(words & others) > len(nouns))


def _says_nothing_more(name: str, about: str) -> bool:
    """Whether a description only repeats the name in small letters: so things are described, people are not."""
    plain = re.sub(r"^(?:an?|the) ", "", about.strip())
    return plain != name and plain.lower() == name.lower()


def _without(text: str, names: Iterable[str]) -> str:
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name.strip())}(?!\w)", " ", text, flags=re.IGNORECASE)
    return text


def known_characters() -> tuple[str, ...]:
    """Every emoji that the cast's data names, for the check that each can be drawn."""
    data = cast_data()
    return (*data["mascots"], *data["things"])
