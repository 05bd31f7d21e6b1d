"""A script's lines, written one by one: each continues the last, the best of several is kept. Knows formats and words,
not pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import msgspec
import yaml

from engine.errors import WriterFailed
from engine.formats import Format
from engine.types import Frozen, Plan, PlannedShot
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.sentences import Rules, awkwardness, objection, shortened
from engine.writing.topic import LIVING, Phrase, Topic, find_phrases, words_of

FILE = Path(__file__).resolve().parents[1] / "prompts" / "small_steps.yaml"
ENOUGH, AT_MOST = 3, 7
"""Sentences drawn per line: at least so many, and up to so many while none is `GOOD`; `AT_MOST` again, with other
openers and more daring, when none could be used at all."""
GOOD = 2.1
ROUNDS = 3
TOLERANCE = 0.1
"""The words of all lines may miss the plan by this share: the film's length follows from them."""
CONTEXT_LINES = 8
OPENING = frozenset(
    "a an the this that these those some my our your his her its their two three in on at after".split()
)
"""Words that lose their capital where they no longer open the sentence."""


class Steps(Frozen, frozen=True):
    """One format's entry of small_steps.yaml."""

    system: str
    ask: str
    beats: dict[str, tuple[str, ...]]
    more: tuple[str, ...]
    opens: bool = False
    first: bool = False
    second: bool = False
    past: bool = False
    supplied_only: bool = False
    any_word: bool = False
    repeat_penalty: float = 1.15
    overlap: float = 0.5
    words: str = ""
    asking: str = ""
    asks: tuple[str, ...] = ()
    sure: dict[str, tuple[str, ...]] = {}


class Defaults(Frozen, frozen=True):
    cast: tuple[str, ...]
    hosts: tuple[str, ...]
    items: tuple[str, ...]
    places: dict[str, tuple[str, ...]]
    roles: dict[str, tuple[str, ...]]
    presenters: dict[str, str]


class Figures(Frozen, frozen=True):
    """Who and what the lines are about. `host` is a name, for formats that speak in the first person."""

    topic: Phrase | None
    hero: Phrase | None
    other: Phrase | None
    second: Phrase | None
    host: str


@cache
def load_steps(name: str) -> Steps:
    """A format's entry; a format that has none of its own is told like a story."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return msgspec.convert(raw.get(name, raw["cinematic_story"]), Steps)


@cache
def load_defaults() -> Defaults:
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8"))["defaults"], Defaults)


def write_lines(
    plan: Plan, fmt: Format, topic: Topic, figures: Figures, lexicon: Lexicon, pen: Pen, *, form_only: bool = False
) -> tuple[str, ...]:
    """One line (a sentence or two) per planned shot; all together as many words as planned, within `TOLERANCE`.

    Raises `WriterFailed` when nothing acceptable came of a line's bounded attempts.
    """
    steps = load_steps(fmt.name)
    scribe = _Scribe(steps, topic, figures, lexicon, pen, form_only)
    lines: list[str] = []
    total = sum(shot.words for shot in plan.shots)
    slack = max(2, round(TOLERANCE * total))
    for index, shot in enumerate(plan.shots):
        rest = sum(s.words for s in plan.shots[index:])
        left = total - sum(len(words_of(line)) for line in lines)
        target = max(3, round(left * shot.words / rest))
        last = index == len(plan.shots) - 1
        pen.shot = index
        lines.append(scribe.line(index, shot, target, slack if last else max(4, round(0.6 * target)), lines))
    pen.shot = None
    return tuple(lines)


class _Scribe:
    def __init__(
        self, steps: Steps, topic: Topic, figures: Figures, lexicon: Lexicon, pen: Pen, form_only: bool
    ) -> None:
        self._steps = steps
        self._topic = topic
        self._lexicon = lexicon
        self._pen = pen
        self._fields = opener_fields(topic, figures)
        self._figures = figures
        self._statements = statements_of(topic.text)
        self._used: set[str] = set()
        self._prompt = steps.ask.format(prompt=topic.text or (figures.hero.text if figures.hero else "a walk"))
        self._named = tuple(w for field in self._fields.values() for w in words_of(field))
        keys = [word.lower() for word in topic.words if word.lower() not in lexicon.function]
        self._order = {self._stem(word): place for place, word in reversed([*enumerate(keys)])}
        self._keys = set(self._order)
        self._inflected = [form for form, verb in lexicon.verbs.items() if verb in self._keys]
        self._any_word = form_only or (steps.any_word and topic.english)
        self._rules = Rules(
            first=steps.first,
            second=steps.second,
            past=steps.past,
            overlap=steps.overlap,
            form_only=form_only,
            meta=frozenset(w.lower() for w in topic.words)
            | (frozenset(["report", "reports"]) if steps.supplied_only else frozenset()),
        )

    def line(self, index: int, shot: PlannedShot, target: int, slack: int, told: Sequence[str]) -> str:
        """A line of about `target` words, at most `slack` off."""
        objections: list[str] = []
        for round_ in range(ROUNDS):
            if round_ == ROUNDS - 1:
                slack = max(slack, round(0.6 * target))
            opener = self._opener(shot.beat, index, round_)
            best: tuple[float, str] | None = None
            whole = opener.endswith(("?", "."))
            for attempt in range(1 if whole else AT_MOST):
                if attempt >= ENOUGH and best is not None and best[0] < GOOD:
                    break
                for score, sentence in self._candidates(
                    opener, index, round_ * AT_MOST + attempt, target, told, objections
                ):
                    if abs(len(words_of(sentence)) - target) <= slack and (best is None or score < best[0]):
                        best = (score, sentence)
            if best is not None:
                self._used.add(opener)
                return self._filled(best[1], index, target, slack, told)
        for sure in filter(None, map(self._fill, self._steps.sure.get(shot.beat, ()))):
            if sure not in told:
                return sure
        raise WriterFailed(
            f"The writer found no sentence for shot {index + 1} ({shot.beat}) in {ROUNDS * AT_MOST} attempts "
            f"(the last: {objections[-1] if objections else 'too long or too short'}): say the prompt in other words, "
            "take another seed, or give an own script"
        )

    @cached_property
    def _words(self) -> tuple[str, ...]:
        """The words that a line is kept to; none: any."""
        if self._any_word:
            return ()
        base = self._lexicon.words
        if self._steps.supplied_only:
            base = (*self._steps.words.split(), *self._steps.asking.split(), *self._inflected)
        return tuple(dict.fromkeys((*base, *self._topic.words, *self._named)))

    def _filled(self, first: str, index: int, target: int, slack: int, told: Sequence[str]) -> str:
        """`first`, with a second sentence where a good one closes the gap to `target`."""
        missing = target - len(words_of(first))
        if missing < max(4, 0.4 * target) or (first.endswith("?") and self._steps.supplied_only):
            return first
        best: tuple[float, str] | None = None
        for attempt in range(ENOUGH):
            for score, sentence in self._candidates("", index, 100 + attempt, missing, [*told, first], []):
                if abs(len(words_of(sentence)) - missing) < missing and (best is None or score < best[0]):
                    best = (score, sentence)
        return first if best is None else f"{first} {best[1]}"

    def _candidates(
        self, opener: str, index: int, attempt: int, target: int, told: Sequence[str], objections: list[str]
    ) -> list[tuple[float, str]]:
        """Acceptable sentences of one attempt with their scores: 0 is perfect, a unit is one of surprise."""
        surprise, whole = 0.5, True
        if opener.endswith(("?", ".")):
            sentence = opener
        else:
            before = [*told[:1], *told[1:][-CONTEXT_LINES:]]
            answer = self._pen.write(
                [
                    ("system", self._steps.system),
                    ("user", self._prompt),
                    ("assistant", " ".join([*before, opener]).strip()),
                ],
                max_tokens=max(10, round(1.45 * (target - len(opener.split()))) + 8),
                name=("line", index, opener),
                attempt=attempt,
                temperature=0.55 + 0.05 * min(attempt, 6),
                stop=(".", "!", "?", "\n"),
                words=self._words,
                repeat_penalty=self._steps.repeat_penalty,
            )
            surprise = answer.surprise
            sentence = _tidy(f"{opener} {answer.text.strip(' ,')}") + "."
            if not answer.whole:
                whole = False
                objections.append("cut off")
        scored = []
        for form in shortened(sentence)[0 if whole else 1 :]:
            wrong = objection(form, told, self._rules, self._lexicon.adjectives) or self._strays(form, opener)
            if wrong:
                objections.append(wrong)
            else:
                scored.append((surprise + awkwardness(form, target, self._rules) - self._relevance(form, opener), form))
        return scored

    def _strays(self, sentence: str, opener: str) -> str | None:
        """Why `sentence` says too little or, in a report, what nobody supplied."""
        tail = words_of(sentence.lower())[len(words_of(opener)) :]
        if sentence == opener:
            return None
        if len(tail) < 2 and not self._rules.form_only:
            return "too short"
        if not self._steps.supplied_only or self._rules.form_only:
            return None
        asks = any(
            sentence.startswith(self._fill(own) or "\n") for beat in self._steps.asks for own in self._steps.beats[beat]
        )
        binding = {*self._steps.words.split(), *(self._steps.asking.split() if asks else ())}
        places = [self._order.get(self._stem(word), -1) for word in tail if word not in binding]
        if -1 in places:
            return "says what was not supplied"
        if not asks and (len(set(places)) < 2 or places != sorted(set(places))):
            return "says it otherwise than it was supplied"
        return None

    def _stem(self, word: str) -> str:
        return self._lexicon.verbs.get(word, word.rstrip("s"))

    def _relevance(self, sentence: str, opener: str) -> float:
        """Up to 0.9 for what it shares with the prompt beyond its opener, and 0.1 for something to be seen."""
        tail = sentence[len(opener) :]
        words = [word.lower() for word in words_of(tail)]
        shared = set(map(self._stem, words)) & self._keys
        seen = any(phrase.kind != "unknown" for phrase in find_phrases(tail, self._lexicon))
        return 0.3 * min(3, len(shared)) + 0.1 * seen

    def _opener(self, beat: str, index: int, round_: int) -> str:
        """A beat's opener with its fields filled; the next unused one for each further line and each further round."""
        own = [*self._steps.beats.get(beat, ())]
        filled = [*self._statements] if "{statement}" in own else []
        filled += [text for text in map(self._fill, own) if text]
        whole = [text for text in filled if text.endswith(("?", "."))]
        fresh = [text for text in whole if text not in self._used]
        if fresh and round_ == 0:
            return fresh[0]
        spare = [text for text in filled if text not in self._used and text not in whole]
        if not spare:
            spare = [text for text in map(self._fill, self._steps.more) if text and text not in self._used]
        if not spare:
            self._used.clear()
            spare = [text for text in map(self._fill, self._steps.more) if text] or ["Then"]
        return spare[(self._pen.choice(len(spare), "opener", index) + round_) % len(spare)]

    def _fill(self, opener: str) -> str | None:
        needed = re.findall(r"\{(\w+)\}", opener)
        if any(not self._fields.get(name) for name in needed):
            return None
        text = opener.format(**{name: self._fields[name] for name in needed})
        return text[:1].upper() + text[1:]


def opener_fields(topic: Topic, figures: Figures) -> dict[str, str]:
    """What the braces of an opener stand for; "" where the prompt has no such thing."""
    fields = {"host": figures.host, "quote": _quote(topic.text)}
    for name, phrase in (
        ("hero", figures.hero),
        ("other", figures.other),
        ("topic", figures.topic),
        ("second", figures.second),
    ):
        if phrase is not None:
            fields[f"a_{name}"] = phrase.with_article("a")
            fields[f"the_{name}"] = phrase.with_article("the")
            fields[f"The_{name}"] = _capital(phrase.with_article("the"))
    if figures.topic is not None:
        general = figures.topic.text if figures.topic.plural else figures.topic.with_article("the")
        fields |= {"topic": general, "Topic": _capital(general)}
    first = re.match(r"[^.!?]+[.!?]?", topic.text)
    sentence = first.group().strip() if first else ""
    count = len(words_of(sentence))
    if re.match(r"(?:how|why|what|when|where|who|which|is|are|do|does|can|could)\b", sentence, re.I) and count <= 18:
        inverted = re.match(
            r"(?:(?:how|why|what|when|where|who)\s+)?(?:is|are|do|does|did|can|could|was|were|will)\b", sentence, re.I
        )
        asked = sentence.rstrip(".!? ")
        if sentence.endswith("?") or inverted:
            fields["question"] = _capital(asked) + "?"
        else:  # "Why the sky is blue" names a question without asking it
            fields["question"] = f"Have you ever wondered {asked[:1].lower()}{asked[1:]}?"
    return fields


def _quote(text: str) -> str:
    """The first sentence of `text`, to go on with after "According to the report,"; "" if it is a mere heading."""
    first = next(iter(statements_of(text)), "").rstrip(".")
    verb = re.search(r"\b(?:is|are|was|were|has|have|had|will|says?|said|\w+ed|\w+es|\w+s)\b", first[4:])
    if not verb or len(words_of(first)) < 6:
        return ""
    head = first.split()
    return " ".join([head[0].lower() if head[0].lower() in OPENING else head[0], *head[1:]])


def statements_of(text: str) -> list[str]:
    """The sentences of `text` that can be said as they stand."""
    parts = [part.strip(" .!?,") for part in re.split(r"(?<=[.!?])\s+", text) if not part.endswith("?")]
    return [_capital(part) + "." for part in parts if 4 <= len(words_of(part)) <= 26]


def choose_figures(topic: Topic, lines_format: str, pen: Pen) -> Figures:
    """Who acts: the prompt's people and animals, else its first noun, else one of the default cast."""
    defaults = load_defaults()
    living = [p for p in topic.phrases if p.kind in LIVING or (p.proper and p.kind == "names")]
    living = [p for p in living if p.kind in LIVING] or living
    things = [p for p in topic.phrases if p not in living]
    hero = living[0] if living else things[0] if things else None
    if hero is None:
        name = defaults.cast[pen.choice(len(defaults.cast), "cast")]
        hero = Phrase(text=name, head=name.split()[-1], kind="people")
    return Figures(
        topic=topic.phrases[0] if topic.phrases else hero,
        hero=hero,
        second=next((p for p in topic.phrases[1:] if not p.proper), None),
        other=living[1] if len(living) > 1 else None,
        host=defaults.hosts[pen.choice(len(defaults.hosts), "host")],
    )


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,;])", r"\1", " ".join(text.split())).rstrip(" ,;:-")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
