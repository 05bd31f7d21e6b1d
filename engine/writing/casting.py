"""Who, where and what the lines of a small writer speak of: characters, scenes and items.

Found in prompt and lines with a lexicon; what they leave open is chosen by the writer from lists, by grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from engine.formats import Format
from engine.types import Character, Frozen, Item, Plan, Scene
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.scribe import Line
from engine.writing.setting import TIMES, light_of, time_in, weather_in
from engine.writing.steps import FRIENDS, HOSTS, Figures, is_the_host, load_defaults, of_format
from engine.writing.topic import CALENDAR, LIVING, Phrase, Topic, find_phrases, mentions

MAX_CHARACTERS, MAX_SCENES, MAX_ITEMS = 4, 6, 4
LATER = ("trial", "ending")
"""Beats of a story before which time has passed."""
LIKE_THINGS = frozenset("fire flame rainbow lava feather horn snow ice".split())
NO_ITEMS = frozenset("water sand mud dust grass rain snow ice rock stone root branch log wall button".split())
"""Things that are part of a place."""
HEAVENLY = frozenset("moon earth planet".split())
"""Places that are things where one only looks at them."""
ANYBODY = frozenset("animal creature beast".split())
"""Words for whoever is spoken of anyway: "he was more than just an animal"."""
NOWHERE = frozenset("side top end world room land home roof corner sky moon earth planet place area".split())
"""Places in which a scene cannot be set without saying more."""


class Part(Frozen, frozen=True):
    """One of the cast, and the word that lines call them by, besides their name."""

    character: Character
    head: str


class Casting:
    """One script's people, places and things; `lines` are all of its lines, in order."""

    def __init__(
        self,
        plan: Plan,
        fmt: Format,
        topic: Topic,
        figures: Figures,
        lines: Sequence[Line],
        lexicon: Lexicon,
        pen: Pen,
    ) -> None:
        self.plan, self.fmt, self.topic, self.figures = plan, fmt, topic, figures
        self.spoken = lines
        self.lines = [line.text for line in lines]
        self.phrases = [tuple(filter(self._is_told_of, find_phrases(line.text, lexicon))) for line in lines]
        self._pen = pen
        self._defaults = load_defaults()
        self._story = " ".join(filter(None, self.lines))
        self._all = (*topic.phrases, *chain(*self.phrases))

    def _is_told_of(self, phrase: Phrase) -> bool:
        """Whether a line tells of something by that phrase; where the prompt names somebody, "an animal" is them."""
        named = {one.head.lower() for one in self.topic.phrases if one.kind in LIVING}
        return phrase.head.lower() not in ANYBODY - named or not named

    @cached_property
    def cast(self) -> tuple[Part, ...]:
        """The host, if there is one, then the prompt's people and animals, then those that only the lines name: nobody
        twice, and nobody whom a host only speaks of."""
        roles = of_format(self._defaults.roles, self.fmt.name)
        first_person, figures = self.fmt.first_person, self.figures
        speaking = (line.by for line in self.spoken)
        presented = self._presented
        found: dict[str, Phrase] = {}
        for phrase in (figures.hero, figures.other, *speaking):
            if phrase is not None and acts(phrase):
                found.setdefault(phrase.head.lower(), phrase)
        if (first_person or presented) and figures.hero not in self.topic.phrases:
            found = {}
        for phrase in self.topic.phrases if first_person or presented else self._all:
            if acts(phrase) and not (first_person and self._speaks(phrase)):
                found.setdefault(phrase.head.lower(), phrase)
        if self.friends_are_named:
            found = {head: phrase for head, phrase in found.items() if head not in FRIENDS}
        parts = [
            Part(
                character=Character(
                    name=phrase.called or name_of(phrase),
                    role=roles[min(number + (first_person or presented), len(roles) - 1)],
                    description=phrase.with_article("a"),
                ),
                head=phrase.head.lower(),
            )
            for number, phrase in enumerate(found.values())
        ]
        if first_person:
            host = Character(name=figures.host, role=roles[0], description=figures.host_looks)
            parts = [Part(character=host, head="host"), *(p for p in parts if p.character.name != host.name)]
        if not parts or presented:
            who = of_format(self._defaults.presenters, self.fmt.name)
            role = roles[0] if presented else who
            presenter = Part(character=Character(name=who.capitalize(), role=role, description=f"a {who}"), head=who)
            parts = [presenter, *(part for part in parts if part.head != who)]
        return tuple(parts[:MAX_CHARACTERS])

    @cached_property
    def _presented(self) -> bool:
        """Whether somebody is seen to explain, who is not of the prompt."""
        return not self.fmt.first_person and any(beat.shows == "host" for beat in self.fmt.beats)

    @cached_property
    def characters(self) -> tuple[Character, ...]:
        return tuple(part.character for part in self.cast)

    def speaker(self, line: Line) -> Character | None:
        """Who says the line; None is the narrator."""
        if self.fmt.first_person:
            return self.characters[0]
        head = line.by.head.lower() if line.by is not None else None
        return next((part.character for part in self.cast if part.head == head), None)

    def items(self) -> tuple[Item, ...]:
        """Things of the prompt, then of the lines; if nobody names one, one that fits the place and is seen."""
        return tuple(
            Item(
                name=phrase.called or name_of(phrase),
                description=self._at_its_fullest(phrase).with_article("a"),
                significance=self._significance(phrase),
            )
            for phrase in self.things
        )

    @cached_property
    def scenes(self) -> tuple[tuple[Scene, ...], tuple[int, ...]]:
        """The scenes, and for each line the index of its scene: a new one where a line names another place or time."""
        if self.fmt.one_set:
            return (self._the_set(),), (0,) * len(self.lines)
        home = next((p for p in self.topic.phrases if is_place(p)), None)
        place = self._place_of(home) if home else None
        time = time_in(self.topic.text)
        weather = weather_in(self.topic.text) or "clear"
        first_place = next(filter(is_place, chain(*self.phrases)), None)
        if place is None and first_place is not None and not self._home:
            place = self._place_of(first_place)
        if place is None:
            place = self._fitting_place()
        if not time:
            said = next((found for line in self.lines if (found := time_in(line))), "")
            time = said or self._pen.choose(self._story, "The time of day", TIMES)
        scenes: list[Scene] = []
        of_line: list[int] = []
        beat, moves_on = "", not time_in(self.topic.text)
        for planned, line, phrases in zip(self.plan.shots, self.lines, self.phrases, strict=True):
            there = next((p for p in phrases if is_place(p)), None)
            place = self._place_of(there) if there is not None else place
            if planned.beat != beat and planned.beat in LATER and moves_on and time in TIMES:
                time = TIMES[min(TIMES.index(time) + 1, len(TIMES) - 1)]
            beat, time = planned.beat, time_in(line) or time
            weather = weather_in(line) or weather
            scene = self._scene(place, time, weather)
            if scene not in scenes and len(scenes) < MAX_SCENES:
                scenes.append(scene)
            there_before = [i for i, one in enumerate(scenes) if one.description == place] or [len(scenes) - 1]
            of_line.append(scenes.index(scene) if scene in scenes else there_before[-1])
        return tuple(scenes), tuple(of_line)

    def _the_set(self) -> Scene:
        """A host's own room whatever they speak of; else the place that the film is about, or the format's set."""
        place = self.figures.topic
        if self.fmt.first_person or not is_place(place):
            word = of_format(self._defaults.places, self.fmt.name)[0]
            place = Phrase(text=word, head=word.split()[-1], kind="places")
        return self._scene(place.with_article("a"), time_in(self.topic.text) or "day", "clear")

    def _scene(self, place: str, time: str, weather: str) -> Scene:
        light = light_of(time, weather, self._pen.choice(97, "light", place))
        return Scene(description=place, time_of_day=time, weather=weather, lighting=light)

    def _fitting_place(self) -> str:
        """Where what the prompt is about is at home, else a place that the writer chooses."""
        word = self._home
        if not word:
            places = of_format(self._defaults.places, self.fmt.name)
            word = places[0] if len(places) == 1 else self._pen.choose(self._story, "The place", places)
        return Phrase(text=word, head=word, kind="places").with_article("the" if word in ("sea", "sky") else "a")

    @cached_property
    def _home(self) -> str:
        """Where the first thing or being that the prompt names is at home; "" if it is anywhere."""
        words = [word.rstrip("s") for phrase in self.topic.phrases for word in phrase.text.lower().split()]
        at_home = {thing: place for place, things in self._defaults.homes.items() for thing in things.split()}
        return next((at_home[word] for word in words if word in at_home), "")

    @cached_property
    def friends_are_named(self) -> bool:
        """Whether who is called a friend is somebody that is in the story anyway."""
        return len({p.head.lower() for p in self._all if acts(p)} - FRIENDS) >= 2

    def _speaks(self, phrase: Phrase) -> bool:
        """Whether the prompt's phrase is the host."""
        first = phrase is self.topic.phrases[0]
        return phrase.head.lower() in HOSTS or (first and is_the_host(phrase, self.topic))

    @cached_property
    def things(self) -> tuple[Phrase, ...]:
        """What becomes an item: each is named by prompt or lines, or seen for want of any such thing."""
        found: dict[str, Phrase] = {}
        for phrase in self._all:
            part = any(phrase.head.lower() in other.text.lower().split() for other in found.values())
            if not part and (is_thing(phrase) or (phrase in self.topic.phrases and self._explained(phrase))):
                found.setdefault(phrase.head.lower(), phrase)
        for phrase in self._all if not found else ():
            if phrase.head.lower() in LIKE_THINGS:
                found.setdefault(phrase.head.lower(), phrase)
        if not found:
            word = self._pen.choose(self._story, "A thing in it", self._fitting())
            found[word] = Phrase(text=word, head=word, kind="things")
        return tuple(found.values())[:MAX_ITEMS]

    def _explained(self, phrase: Phrase) -> bool:
        """Whether what the prompt names is a thing of it: nobody knows what, or what an explainer points at."""
        pointed = self._presented
        matter = phrase.kind in ("things", "parts", "phenomena") or phrase.head.lower() in HEAVENLY
        return phrase.kind == "unknown" or (pointed and matter)

    def _fitting(self) -> tuple[str, ...]:
        """Things of such a format, else of the first place that is named, else things that are anywhere."""
        like = "news_analysis" if self.fmt.supplied_facts_only else self.fmt.name
        heads = [phrase.head.lower() for phrase in self._all if is_place(phrase)][:1]
        kinds = (words for places, words in self._defaults.items.items() if heads and heads[0] in places.split())
        return self._defaults.items.get(like) or next(kinds, self._defaults.items["anywhere"])

    def _told_in(self, phrase: Phrase) -> list[int]:
        return [index for index, line in enumerate(self.lines) if mentions(line, phrase)]

    def shown_in(self, phrase: Phrase) -> int:
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
        told, last = self._told_in(phrase), len(self.lines) - 1
        if not told:
            who = "The prompt asks for it" if phrase in self.topic.phrases else "It shows where the film begins"
            return f"{who}: it is seen in shot {self.shown_in(phrase) + 1}, “{self.lines[self.shown_in(phrase)]}”"
        first = f"“{self.lines[told[0]]}”"
        if len(told) > 1:
            return f"It runs through the film, from shot {told[0] + 1} to shot {told[-1] + 1}: {first}"
        if told[0] in (0, last):
            return f"The film {'begins' if told[0] == 0 else 'ends'} with it: {first}"
        beat = self.plan.shots[told[0]]
        return f"It is what shot {told[0] + 1} ({beat.beat}) turns on: {first}"


def acts(phrase: Phrase) -> bool:
    """Whether it is somebody."""
    somebody = phrase.proper and phrase.kind not in ("places", "regions") and phrase.head.lower() not in CALENDAR
    return not phrase.aside and (phrase.kind in LIVING or somebody)


def is_place(phrase: Phrase) -> bool:
    return phrase.kind == "places" and phrase.head.lower() not in NOWHERE


def is_thing(phrase: Phrase) -> bool:
    return phrase.kind == "things" and phrase.head.lower() not in NO_ITEMS


def name_of(phrase: Phrase) -> str:
    return phrase.text if phrase.proper else " ".join(word[:1].upper() + word[1:] for word in phrase.text.split())
