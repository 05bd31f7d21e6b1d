"""Decides which cards and panels a format shows, and what stands on them. Pure; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping

from engine.catalog import ModelSpec
from engine.fonts import printable
from engine.formats import Format
from engine.plates import Card, Panel
from engine.types import Script, StoryRequest

MADE_HERE = "Made with AI on this machine by Reelhouse"
SOURCE = "Source: information supplied with the request"
THIRD_SECONDS, CHAPTER_SECONDS = 3.2, 2.4


def film_title(request: StoryRequest, script: Script, fmt: Format) -> str:
    return printable(request.title or "") or printable(script.title) or fmt.title


def credits(specs: Mapping[str, ModelSpec]) -> str:
    """Who made it, as licences ask: one running line. Families without weights are Reelhouse itself."""
    named = [printable(spec.attribution) or spec.id for spec in specs.values() if spec.attribution or spec.weights]
    return " · ".join(dict.fromkeys(named))


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
    )


def end_card(request: StoryRequest, script: Script, fmt: Format, specs: Mapping[str, ModelSpec]) -> Card:
    title = film_title(request, script, fmt)
    lines = [title] if fmt.overlays.end_line else []
    return Card(
        title=fmt.overlays.end_line or title,
        lines=(*lines, MADE_HERE, credits(specs)),
        accent=fmt.overlays.accent,
        closing=True,
        left=_to_the_left(fmt),
    )


def _to_the_left(fmt: Format) -> bool:
    """Reports and explainers set their cards flush left, as their panels are; stories are centred."""
    return fmt.overlays.lower_third in ("headline", "scene")


def shot_panels(number: int, seconds: float, request: StoryRequest, script: Script, fmt: Format) -> tuple[Panel, ...]:
    """What is drawn over shot `number`, which lasts `seconds`."""
    shot, before = script.shots[number], script.shots[number - 1] if number else None
    accent, third = fmt.overlays.accent, fmt.overlays.lower_third
    panels: list[Panel] = []
    if third == "headline":
        label = printable(shot.beat or fmt.name.split("_")[0]).upper()
        title = film_title(request, script, fmt)
        panels.append(Panel(kind="bar", text=title, label=label, accent=accent, animated=number == 0, start=0.0))
    if fmt.overlays.chapter_cards and shot.beat.startswith("chapter") and (not before or before.beat != shot.beat):
        chapters = [s.beat for s in script.shots[: number + 1] if s.beat.startswith("chapter")]
        until = min(CHAPTER_SECONDS, seconds - 0.1)
        name = _scene(script, number) or printable(shot.beat).capitalize()
        count = str(len(dict.fromkeys(chapters)))
        return (*panels, Panel(kind="chapter", text=name, label=count, accent=accent, start=0.1, until=until))
    named = _named(number, script, third)
    if named is not None and seconds > 1.2:
        until = min(THIRD_SECONDS, seconds - 0.1)
        panels.append(Panel(kind="third", text=named[0], label=named[1], accent=accent, until=until))
    return tuple(panels)


def _named(number: int, script: Script, third: str) -> tuple[str, str] | None:
    """Name and detail of a lower third; None where nobody new is to be named."""
    shot, before = script.shots[number], script.shots[number - 1] if number else None
    changed = before is None or before.speaker != shot.speaker
    person = next((c for c in script.characters if shot.speaker and c.name == shot.speaker), None)
    if third == "headline" and changed:
        if person is None:
            return (printable(shot.speaker or ""), SOURCE) if shot.speaker else ("Reelhouse report", SOURCE)
        return printable(person.name), " · ".join(filter(None, (printable(person.role), SOURCE)))
    if third == "speaker" and changed:
        person = person or next(iter(script.characters), None)
        return (printable(person.name), printable(person.role or person.description)) if person else None
    if third == "scene" and number and before is not None and before.scene != shot.scene:
        name = _scene(script, number)
        return (name, "") if name else None
    return None


def _scene(script: Script, number: int) -> str:
    scene = script.shots[number].scene
    return printable(script.scenes[scene].description) if 0 <= scene < len(script.scenes) else ""


def all_text(request: StoryRequest, script: Script, fmt: Format, specs: Mapping[str, ModelSpec]) -> tuple[str, ...]:
    """Every text that may be drawn in the film, for the fonts to be cut by."""
    cards = (title_card(request, script, fmt), end_card(request, script, fmt, specs))
    panels = [p for number in range(len(script.shots)) for p in shot_panels(number, 60, request, script, fmt)]
    return (
        *(text for card in cards for text in (card.title, card.kicker, *card.lines)),
        *(text for panel in panels for text in (panel.text, panel.label)),
        *(printable(shot.narration) for shot in script.shots),
    )
