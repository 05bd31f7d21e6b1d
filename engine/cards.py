"""Decides which cards and panels a format shows, and what stands on them. Pure; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engine.catalog import ModelSpec
from engine.figures import Chart, find_chart, mentions
from engine.fonts import printable
from engine.formats import Format
from engine.plates import Panel, panel_texts
from engine.quotes import quoted, spoken
from engine.shots import beat_of, place_of
from engine.titling import Card
from engine.types import Character, Script, Shot, StoryRequest
from engine.typeset import columns

MADE_HERE = "Made with AI on this machine by Reelhouse"
SOURCE = "Source: information supplied with the request"
THIRD_SECONDS, CHAPTER_SECONDS = 3.2, 2.4
LEAST_SECONDS = 1.2
"""A shot shorter than this is gone before what is drawn over it could be read."""

CALL_LETTERS = 60
"""Of a call to action on an end card, at most; a longer one is heard, not read."""


def film_title(request: StoryRequest, script: Script, fmt: Format) -> str:
    return printable(request.title or "") or printable(script.title) or fmt.title


def credits(specs: Mapping[str, ModelSpec]) -> tuple[str, ...]:
    """Who made it, as licences ask: a line for each. Families without weights are Reelhouse itself."""
    named = [printable(spec.attribution) or spec.id for spec in specs.values() if spec.attribution or spec.weights]
    return tuple(dict.fromkeys(named))


def title_card(request: StoryRequest, script: Script, fmt: Format) -> Card:
    title, logline = film_title(request, script, fmt), printable(script.logline)
    if logline.casefold().rstrip(".") == title.casefold().rstrip(".") or len(logline) > 120:
        logline = ""
    return Card(
        title=title,
        kicker=fmt.title.upper(),
        lines=(logline,) if logline else (),
        accent=fmt.overlays.accent,
        left=_to_the_left(fmt),
        tagged=_to_the_left(fmt),
    )


def end_card(request: StoryRequest, script: Script, fmt: Format, specs: Mapping[str, ModelSpec]) -> Card:
    """The format's last words, or the product and what to do now, above who made the film."""
    title, made = film_title(request, script, fmt), (MADE_HERE, *credits(specs))
    if fmt.overlays.end_card == "product":
        product, call = product_name(request, script, fmt), call_to_action(script)
        return Card(title=product, call=call, lines=made, accent=fmt.overlays.accent, closing=True)
    lines = [title] if fmt.overlays.end_line else []
    return Card(
        title=fmt.overlays.end_line or title,
        lines=(*lines, *made),
        accent=fmt.overlays.accent,
        closing=True,
        left=_to_the_left(fmt),
    )


def product_name(request: StoryRequest, script: Script, fmt: Format) -> str:
    """The title that was asked for; else the first item that the prompt or the title names; else the film's title."""
    title = film_title(request, script, fmt)
    said = f"{request.prompt} {title}".casefold()
    named = (printable(item.name) for item in script.items if item.name.strip() and item.name.casefold() in said)
    name = "" if printable(request.title or "") else next(named, "")
    return name[:1].upper() + name[1:] if name else title


def call_to_action(script: Script) -> str:
    """The last line whose beat asks for something, if it is short enough to be read; "" if there is none."""
    lines = [printable(shot.narration) for shot in script.shots if shot.beat == "call to action"]
    return lines[-1] if lines and columns(lines[-1]) <= CALL_LETTERS else ""


def _to_the_left(fmt: Format) -> bool:
    """Reports and explainers set their cards flush left, as their panels are; stories are centred."""
    return fmt.overlays.lower_third in ("headline", "scene")


def shot_panels(number: int, seconds: float, request: StoryRequest, script: Script, fmt: Format) -> tuple[Panel, ...]:
    """What is drawn over shot `number`, which lasts `seconds`: a bar, and one or two of chapter, chart, quote and
    third."""
    shot, overlays = script.shots[number], fmt.overlays
    panel = partial(Panel, accent=overlays.accent, plate=overlays.plate)
    panels: list[Panel] = []
    if overlays.lower_third == "headline":
        label = printable(shot.beat or fmt.name.split("_")[0]).upper()
        title = film_title(request, script, fmt)
        panels.append(panel(kind="bar", text=title, label=label, animated=number == 0, start=0.0))
    if seconds <= LEAST_SECONDS:
        return tuple(panels)
    start, until = 0.25, seconds - 0.1
    chapter = _chapter(number, script, fmt)
    if chapter is not None:
        gone = min(CHAPTER_SECONDS, until)
        panels.append(panel(kind="chapter", label=chapter[0], text=chapter[1], start=0.1, until=gone))
        start = gone if until - gone > 2 else 0.5
    chart = _chart(number, request, script) if overlays.data else None
    quote = _quote(shot, script) if overlays.quotes and chart is None else None
    named = None if chapter or chart or quote else _named(number, script, overlays.lower_third)
    if chart is not None:
        source = SOURCE if overlays.lower_third == "headline" else ""
        panels.append(panel(kind="data", text="", label=source, chart=chart, start=start, until=until))
    elif quote is not None:
        panels.append(panel(kind="quote", text=quote[0], label=quote[1], start=start, until=until))
    elif named is not None:
        until = min(THIRD_SECONDS, until)
        panels.append(panel(kind="third", text=named[0], label=named[1], until=until))
    return tuple(panels)


def _chapter(number: int, script: Script, fmt: Format) -> tuple[str, str] | None:
    """Count and name of the chapter that shot `number` opens; None if it opens none."""
    shot, before = script.shots[number], script.shots[number - 1] if number else None
    if not fmt.overlays.chapter_cards or not shot.beat.startswith("chapter") or (before and before.beat == shot.beat):
        return None
    chapters = [s.beat for s in script.shots[: number + 1] if s.beat.startswith("chapter")]
    beat = beat_of(shot, fmt)
    named = printable(beat.title) if beat else ""
    return str(len(dict.fromkeys(chapters))), named or printable(place_of(shot, script)) or printable(
        shot.beat
    ).capitalize()


def _chart(number: int, request: StoryRequest, script: Script) -> Chart | None:
    """The chart that a shot's own line describes, or the prompt's, in the first shot that speaks of one of its values:
    else in the one that brings the evidence."""
    lines = [printable(shot.narration) for shot in script.shots]
    own = find_chart(lines[number])
    if own is not None:
        return own
    asked = find_chart(printable(request.prompt))
    if asked is None or any(find_chart(line) == asked for line in lines):
        return None
    speaking = [i for i, line in enumerate(lines) if mentions(line, asked)]
    proving = [i for i, shot in enumerate(script.shots) if shot.beat == "evidence"]
    return asked if number in (speaking or proving)[:1] else None


def _quote(shot: Shot, script: Script) -> tuple[str, str] | None:
    """What is shown large, and whose it is: words in quotation marks, or what a character says. Where the same one says
    every line, that is the narrator, and nobody is quoted."""
    line, person = printable(shot.narration), _person(shot, script)
    passage = quoted(line)
    if passage:
        return passage, printable(person.name) if person else ""
    if person is None or all(other.speaker == shot.speaker for other in script.shots):
        return None
    said = spoken(line)
    return (said, ", ".join(filter(None, (printable(person.name), printable(person.role))))) if said else None


def _person(shot: Shot, script: Script) -> Character | None:
    return next((c for c in script.characters if shot.speaker and c.name == shot.speaker), None)


def _named(number: int, script: Script, third: str) -> tuple[str, str] | None:
    """Name and detail of a lower third; None where nobody new is to be named."""
    shot, before = script.shots[number], script.shots[number - 1] if number else None
    changed = before is None or before.speaker != shot.speaker
    person = _person(shot, script)
    if third == "headline" and changed:
        if person is None:
            return (printable(shot.speaker or ""), SOURCE) if shot.speaker else ("Reelhouse report", SOURCE)
        return printable(person.name), " · ".join(filter(None, (printable(person.role), SOURCE)))
    if third == "speaker" and changed:
        person = person or next(iter(script.characters), None)
        return (printable(person.name), printable(person.role or person.description)) if person else None
    if third == "scene" and number and before is not None and before.scene != shot.scene:
        name = printable(place_of(shot, script))
        return (name, "") if name else None
    return None


def all_text(request: StoryRequest, script: Script, fmt: Format, specs: Mapping[str, ModelSpec]) -> tuple[str, ...]:
    """Every text that may be drawn in the film, for the fonts to be cut by."""
    cards = (title_card(request, script, fmt), end_card(request, script, fmt, specs))
    # Of every length: what a short shot leaves out may be drawn when its line is edited, with the same fonts.
    panels = [p for number in range(len(script.shots)) for p in shot_panels(number, 60, request, script, fmt)]
    return (
        *(text for card in cards for text in (card.title, card.kicker, card.call, *card.lines)),
        *(text for panel in panels for text in panel_texts(panel)),
        *(printable(shot.narration) for shot in script.shots),
    )
