"""Who, where and what the lines of a small writer speak of: characters, scenes, items and what is seen in each shot.

Found in prompt and lines with a lexicon; what they leave open is chosen by the writer from lists, by grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from engine.formats import Format
from engine.shots import framing_of
from engine.types import CameraMove, Character, Item, Plan, Scene, Shot
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.setting import TIMES, light_of, time_in, weather_in
from engine.writing.steps import Figures, capital, load_defaults, of_format
from engine.writing.topic import CALENDAR, LIVING, Phrase, Topic, clip, find_phrases, mentions, words_of

MAX_CHARACTERS, MAX_SCENES, MAX_ITEMS = 4, 6, 4
SMALL = frozenset("a an the and or of in on at to for by with from how".split())
LEADING = frozenset("until that which who when while because into about after before over under as its their".split())
HEADLINE_LENGTH = 72
VISIBLE = frozenset(
    "fly swim run walk sleep jump climb dance sing ride cook bake read write paint play sit eat drink fish dig fight "
    "laugh cry smile sail drive fall hug wave talk speak say tell ask whisper shout listen meet look watch search find "
    "give carry hold throw catch open push pull lift build help save rescue follow chase lead cross wait hide hurry "
    "rush point teach show learn celebrate cheer clap bow nod kneel touch feed plant pick pour wash fix repair gather "
    "collect discover explore travel wander return arrive leave dive soar glide float slide roll spin knock".split()
)
DOING = {"say": "talking", "tell": "talking", "speak": "talking", "ask": "talking"}
"""What is seen of those who do it."""
ANOTHER: dict[str, tuple[str, str]] = {
    "wide": ("medium", "close"),
    "medium": ("close", "wide"),
    "close": ("medium", "wide"),
}
FRAMED = {"wide": "wide shot", "medium": "medium shot", "close": "close-up"}
LATER = ("trial", "ending")
"""Beats of a story before which time has passed."""
LIKE_THINGS = frozenset("fire flame rainbow lava feather horn snow ice".split())
BACK: dict[CameraMove, CameraMove] = {
    "pan_left": "pan_right", "pan_right": "pan_left", "push_in": "pull_out", "pull_out": "push_in",
    "tilt_up": "tilt_down", "tilt_down": "tilt_up",
}  # fmt: skip
PRONOUNS = frozenset("i we he she it they him her them his their its my our".split())
FRIENDS = frozenset("friend partner companion".split())
"""What people are to each other; whoever is one has been named otherwise, if two have been."""

NOWHERE = frozenset("side top end world room land home roof corner sky moon planet place area".split())
"""Places in which a scene cannot be set without saying more."""


class Casting:
    """One script's people, places and things; `lines` are all of its lines, in order."""

    def __init__(
        self, plan: Plan, fmt: Format, topic: Topic, figures: Figures, lines: Sequence[str], lexicon: Lexicon, pen: Pen
    ) -> None:
        self._plan, self._fmt, self._topic, self._figures = plan, fmt, topic, figures
        self._lines, self._pen = lines, pen
        self._lexicon = lexicon
        self._phrases = [find_phrases(line, lexicon) for line in lines]
        self._defaults = load_defaults()
        self._story = " ".join(lines)
        self._all = (*topic.phrases, *chain(*self._phrases))

    def characters(self) -> tuple[Character, ...]:
        """The host, if there is one, then the prompt's people and animals, then those that only the lines name."""
        roles = of_format(self._defaults.roles, self._fmt.name)
        found = {p.head.lower(): p for p in (self._figures.hero, self._figures.other) if p is not None and _acts(p)}
        for phrase in self._all:
            if _acts(phrase):
                found.setdefault(phrase.head.lower(), phrase)
        if self._friends_are_named:
            found = {head: phrase for head, phrase in found.items() if head not in FRIENDS}
        cast = [
            Character(
                name=_name(phrase),
                role=roles[min(number + self._fmt.first_person, len(roles) - 1)],
                description=phrase.with_article("a"),
            )
            for number, phrase in enumerate(found.values())
        ]
        if self._fmt.first_person:
            cast.insert(0, Character(name=self._figures.host, role=roles[0], description="a friendly host"))
        if not cast:
            who = of_format(self._defaults.presenters, self._fmt.name)
            cast = [Character(name=who.capitalize(), role=who, description=f"a {who}")]
        return tuple(cast[:MAX_CHARACTERS])

    def items(self) -> tuple[Item, ...]:
        """Things of the prompt, then of the lines; if nobody names one, one that fits the place and is seen."""
        return tuple(
            Item(
                name=_name(phrase),
                description=self._at_its_fullest(phrase).with_article("a"),
                significance=self._significance(phrase),
            )
            for phrase in self._things
        )

    def scenes(self) -> tuple[tuple[Scene, ...], tuple[int, ...]]:
        """The scenes, and for each line the index of its scene: a new one where a line names another place or time."""
        home = next((p for p in self._topic.phrases if _is_place(p)), None)
        place = self._place_of(home) if home else None
        time = time_in(self._topic.text)
        weather = weather_in(self._topic.text) or "clear"
        first_place = next(filter(_is_place, chain(*self._phrases)), None)
        if place is None and first_place is not None and not self._fmt.first_person:
            place = self._place_of(first_place)
        if place is None:
            places = of_format(self._defaults.places, self._fmt.name)
            word = places[0] if len(places) == 1 else self._pen.choose(self._story, "The place", places)
            place = Phrase(text=word, head=word, kind="places").with_article("a")
        if not time:
            said = next((found for line in self._lines if (found := time_in(line))), "")
            time = said or self._pen.choose(self._story, "The time of day", TIMES)
        scenes: list[Scene] = []
        of_line: list[int] = []
        beat, moves_on = "", not time_in(self._topic.text)
        for planned, line, phrases in zip(self._plan.shots, self._lines, self._phrases, strict=True):
            if not self._fmt.first_person:
                there = next((p for p in phrases if _is_place(p)), None)
                place = self._place_of(there) if there is not None else place
            if planned.beat != beat and planned.beat in LATER and moves_on and time in TIMES:
                time = TIMES[min(TIMES.index(time) + 1, len(TIMES) - 1)]
            beat, time = planned.beat, time_in(line) or time
            weather = weather_in(line) or weather
            scene = Scene(
                description=place,
                time_of_day=time,
                weather=weather,
                lighting=light_of(time, weather, self._pen.choice(97, "light", place)),
            )
            if scene not in scenes and len(scenes) < MAX_SCENES:
                scenes.append(scene)
            there_before = [i for i, one in enumerate(scenes) if one.description == place] or [len(scenes) - 1]
            of_line.append(scenes.index(scene) if scene in scenes else there_before[-1])
        return tuple(scenes), tuple(of_line)

    def shots(self, scene_of: Sequence[int], characters: Sequence[Character]) -> tuple[Shot, ...]:
        """A shot per line: who of the cast is in it (of a pronoun, whoever was spoken of last) and what they do. One
        that follows another of its framing or camera move takes another, so that no two neighbours look the same."""
        seen: tuple[str, ...] = tuple(c.description for c in characters[:1])
        shots: list[Shot] = []
        framings: list[str] = []
        for index, (planned, line) in enumerate(zip(self._plan.shots, self._lines, strict=True)):
            named = self._seen(index, characters)
            seen = named or seen
            # what is done in a line that speaks of somebody else is not done by whoever is still seen
            meant = not self._fmt.supplied_facts_only and PRONOUNS & set(words_of(line.lower()))
            doing = self._action(line) if named or meant else ""
            who = f"{_listed(seen[:3])} {doing}".strip()
            things = [p.with_article("a") for p in self._phrases[index] if _is_thing(p) or _is_place(p)]
            parts = [who, *things[:2]] if who else things[:3]
            for phrase in self._things:
                if self._shown_in(phrase) == index and not any(mentions(part, phrase) for part in parts):
                    parts.append(phrase.with_article("a"))
            visual = ", ".join(dict.fromkeys(parts)) or line
            usual = framing_of(Shot(beat=planned.beat), self._fmt)
            framing = _another(usual, framings)
            framings.append(framing)
            camera = planned.camera
            if shots and shots[-1].camera == camera:
                camera = BACK.get(camera, camera)
            shots.append(
                Shot(
                    scene=scene_of[index],
                    speaker=characters[0].name if self._fmt.first_person else None,
                    narration=line,
                    visual=visual if framing == usual else f"{visual.rstrip(' .!?')}, {FRAMED[framing]}",
                    camera=camera,
                    beat=planned.beat,
                )
            )
        return tuple(shots)

    def title(self) -> str:
        """Two who act name a story; else the prompt's own first words do."""
        hero, other = self._figures.hero, self._figures.other
        if self._fmt.name == "cinematic_story" and self._topic.english and hero and other:
            return _titled(f"{other.with_article('the')} and {hero.with_article('the')}")
        words = self._topic.text.split()
        if not words or not self._topic.english:
            return _titled(hero.with_article("the")) if hero else "Untitled"
        if self._fmt.supplied_facts_only:
            return _headline(words)
        if len(words) <= 9:
            return _titled(" ".join(words).strip(" .!,;:"))
        phrases = [p for p in self._topic.phrases if p.kind != "abstract"][:2]
        return (
            _titled(" and ".join(p.with_article("the") for p in phrases)) if phrases else _titled(" ".join(words[:8]))
        )

    @cached_property
    def _friends_are_named(self) -> bool:
        """Whether who is called a friend is somebody that is in the story anyway."""
        return len({p.head.lower() for p in self._all if _acts(p)} - FRIENDS) >= 2

    def _seen(self, index: int, characters: Sequence[Character]) -> tuple[str, ...]:
        """Whom the line names, as they are described; a friend is the other of the first two."""
        line = self._lines[index]
        known = [c.description for c in characters if _spoken_of(c, line)]
        befriended = self._friends_are_named and any(p.head.lower() in FRIENDS for p in self._phrases[index])
        if befriended and len(known) == 1:
            known += [c.description for c in characters[:2] if c.description not in known][:1]
        acting = [p for p in self._phrases[index] if _acts(p)]
        if self._friends_are_named:
            acting = [p for p in acting if p.head.lower() not in FRIENDS]
        named = [p.with_article("a") for p in acting]
        return tuple(dict.fromkeys((*known, *(n for n in named if not _covered(n, known)))))

    def _action(self, line: str) -> str:
        """What is done in `line`, as "flying", if it can be seen."""
        for word in words_of(line.lower()):
            verb = self._lexicon.verbs.get(word)
            if verb in DOING:
                return DOING[verb]
            if verb in VISIBLE:
                return next(
                    (form for form, of in self._lexicon.verbs.items() if of == verb and form.endswith("ing")), ""
                )
        return ""

    @cached_property
    def _things(self) -> tuple[Phrase, ...]:
        """What becomes an item: each is named by prompt or lines, or seen for want of any such thing."""
        found: dict[str, Phrase] = {}
        for phrase in self._all:
            part = any(phrase.head.lower() in other.text.lower().split() for other in found.values())
            if not part and (_is_thing(phrase) or (phrase.kind == "unknown" and phrase in self._topic.phrases)):
                found.setdefault(phrase.head.lower(), phrase)
        for phrase in self._all if not found else ():
            if phrase.head.lower() in LIKE_THINGS:
                found.setdefault(phrase.head.lower(), phrase)
        if not found:
            word = self._pen.choose(self._story, "A thing in it", self._fitting())
            found[word] = Phrase(text=word, head=word, kind="things")
        return tuple(found.values())[:MAX_ITEMS]

    def _fitting(self) -> tuple[str, ...]:
        """Things of the first place that is named, else things that are anywhere."""
        if self._fmt.supplied_facts_only:
            return self._defaults.items["report"]
        heads = [phrase.head.lower() for phrase in self._all if _is_place(phrase)][:1]
        kinds = (words for places, words in self._defaults.items.items() if heads and heads[0] in places.split())
        return next(kinds, self._defaults.items["anywhere"])

    def _told_in(self, phrase: Phrase) -> list[int]:
        return [index for index, line in enumerate(self._lines) if mentions(line, phrase)]

    def _shown_in(self, phrase: Phrase) -> int:
        """The index of the shot in which the thing is seen, whatever else is."""
        return next(iter(self._told_in(phrase)), 0)

    def _at_its_fullest(self, phrase: Phrase) -> Phrase:
        """The phrase that says most about the same thing: "old golden key" for "key"."""
        return max((phrase, *(p for p in self._all if p.head == phrase.head)), key=lambda p: len(p.text.split()))

    def _place_of(self, phrase: Phrase) -> str:
        """The same words for the same place, whatever the line calls it: it looks the same throughout."""
        first = next(p for p in self._all if p.head == phrase.head)
        return first.with_article("a")

    def _significance(self, phrase: Phrase) -> str:
        told, last = self._told_in(phrase), len(self._lines) - 1
        if not told:
            who = "The prompt asks for it" if phrase in self._topic.phrases else "It shows where the film begins"
            return f"{who}: it is seen in shot {self._shown_in(phrase) + 1}, “{self._lines[self._shown_in(phrase)]}”"
        first = f"“{self._lines[told[0]]}”"
        if len(told) > 1:
            return f"It runs through the film, from shot {told[0] + 1} to shot {told[-1] + 1}: {first}"
        if told[0] in (0, last):
            return f"The film {'begins' if told[0] == 0 else 'ends'} with it: {first}"
        beat = self._plan.shots[told[0]]
        return f"It is what shot {told[0] + 1} ({beat.beat}) turns on: {first}"


def _another(usual: str, before: Sequence[str]) -> str:
    """`usual`, or where the shot before has that framing, another: rather one that the two before have not."""
    if not before or before[-1] != usual:
        return usual
    return next((f for f in ANOTHER[usual] if f not in before[-2:]), ANOTHER[usual][0])


def _acts(phrase: Phrase) -> bool:
    somebody = phrase.proper and phrase.kind not in ("places", "regions") and phrase.head.lower() not in CALENDAR
    return phrase.kind in LIVING or somebody


def _is_place(phrase: Phrase) -> bool:
    return phrase.kind == "places" and phrase.head.lower() not in NOWHERE


def _is_thing(phrase: Phrase) -> bool:
    return phrase.kind == "things"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def _name(phrase: Phrase) -> str:
    return phrase.text if phrase.proper else " ".join(word.capitalize() for word in phrase.text.split())


def _spoken_of(character: Character, line: str) -> bool:
    head = character.name.split()[-1].lower()
    return any(word.strip(".,!?;:'").lower() in (head, f"{head}s", f"{head}'s") for word in line.split())


def _covered(name: str, known: Sequence[str]) -> bool:
    return any(name.split()[-1].rstrip("s") == other.split()[-1].rstrip("s") for other in known)


def _headline(words: Sequence[str]) -> str:
    """As many of the first words as a headline holds, without one at the end that leads on."""
    line = clip(" ".join(words), HEADLINE_LENGTH).split()
    while len(line) > 1 and line[-1].lower() in SMALL | LEADING:
        line.pop()
    return capital(" ".join(line).strip(" .!,;:"))


def _titled(text: str) -> str:
    """Title case: the first and last word and every word that is not small."""
    words = text.split()
    last = len(words) - 1
    return " ".join(
        word if any(c.isupper() for c in word) or (0 < i < last and word in SMALL) else capital(word)
        for i, word in enumerate(words)
    )
