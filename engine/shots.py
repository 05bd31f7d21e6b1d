"""What a shot of the script looks like, in words: prompt, subjects, framing, camera, seed. Pure; opens no model.

Everything follows from the shot's own content, nothing from its number, so that an edited line changes its own
picture and no other's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.artifacts import content_key
from engine.formats import Beat, Format
from engine.types import CameraMove, Character, Item, Plan, Scene, Script, Shot, StoryRequest

LESSER_WORDS = """
    a an and at by de der die el for from her his in la le of on or our the their to van von with
    sir lady lord mr mrs ms dr big little old young small great king queen prince princess captain professor
"""
"""Words of a name that do not name anybody by themselves."""

MOVES_IN_WORDS: dict[CameraMove, str] = {
    "hold": "static camera",
    "push_in": "slow push in",
    "pull_out": "slow pull back",
    "pan_left": "slow pan to the left",
    "pan_right": "slow pan to the right",
    "tilt_up": "slow tilt up",
    "tilt_down": "slow tilt down",
}


FRAMINGS: dict[str, str] = {
    "close": r"\bclose-?ups?\b|\bclose (?:shot|view)\b",
    "wide": r"\b(?:wide|establishing|long) (?:shot|view)\b",
    "medium": r"\bmedium (?:shot|view)\b",
}
"""How a visual names a framing."""


class Act(NamedTuple):
    """A part of the film: its name, "" where the format knows none, and the indices of its shots, one after another."""

    name: str
    shots: range


def seen(shot: Shot) -> str:
    """What the shot shows: its visual, or its line where none is given."""
    return shot.visual.strip() or shot.narration.strip()


def scene_of(shot: Shot, script: Script) -> Scene | None:
    return script.scenes[shot.scene] if 0 <= shot.scene < len(script.scenes) else None


def place_of(shot: Shot, script: Script) -> str:
    """Where the shot is, in the script's words; "" where the script has no such scene."""
    scene = scene_of(shot, script)
    return scene.description if scene is not None else ""


def beat_of(shot: Shot, fmt: Format) -> Beat | None:
    return next((beat for beat in fmt.beats if beat.name == shot.beat), None)


def acts(script: Script, fmt: Format) -> tuple[Act, ...]:
    """The film's parts in order, each shot in exactly one: neighbours whose beats share an act. A shot whose beat the
    format does not know goes on with the act before it."""
    parts: list[Act] = []
    for index, shot in enumerate(script.shots):
        beat = beat_of(shot, fmt)
        name = (beat.act or beat.name) if beat else parts[-1].name if parts else ""
        if parts and parts[-1].name == name:
            parts[-1] = Act(name, range(parts[-1].shots.start, index + 1))
        else:
            parts.append(Act(name, range(index, index + 1)))
    return tuple(parts)


def framing_of(shot: Shot, fmt: Format) -> str:
    """The framing that the shot's visual names ("close-up of a fox"), else its beat's."""
    named = next((framing for framing, words in FRAMINGS.items() if re.search(words, shot.visual, re.IGNORECASE)), "")
    if named:
        return named
    beat = beat_of(shot, fmt)
    return beat.framing if beat else "medium"


def camera_of(shot: Shot, fmt: Format, seed: int) -> CameraMove:
    """The shot's own move, else its beat's, else one that its seed chooses."""
    beat = beat_of(shot, fmt)
    moves: tuple[CameraMove, ...] = ("push_in", "pan_right", "pull_out", "pan_left", "tilt_up")
    return shot.camera or (beat.camera if beat else moves[seed % len(moves)])


def shot_seeds(plan: Plan, script: Script) -> tuple[int, ...]:
    """A seed per shot, 0 to 2³¹-1, from the plan's and the shot's content. Shots alike in all get different ones, one
    apart: an artist that reads anything of the lowest bits shows neighbours differently for certain."""
    times: dict[str, int] = {}
    seeds = []
    for shot in script.shots:
        content = content_key(seed=plan.seed, scene=scene_of(shot, script), beat=shot.beat, seen=seen(shot))
        times[content] = times.get(content, 0) + 1
        first = int(content_key(content=content, time=1)[:8], 16)
        seeds.append((first + times[content] - 1) & 0x7FFFFFFF)
    return tuple(seeds)


def another_seed(seed: int) -> int:
    """For the second take of a picture or clip that came out spoiled."""
    return int(content_key(again=seed)[:8], 16) & 0x7FFFFFFF


def subjects_of(shot: Shot, script: Script) -> tuple[Character | Item, ...]:
    """Who and what of the script is in the shot: first those named in what is seen, as they are named, then who
    speaks, then those named in the line."""
    ranked = []
    for order, one in enumerate([*script.characters, *script.items]):
        in_sight, in_line = _first_mention(one.name, shot.visual), _first_mention(one.name, shot.narration)
        if in_sight is not None:
            ranked.append((0, in_sight, order, one))
        elif shot.speaker is not None and shot.speaker == one.name and isinstance(one, Character):
            ranked.append((1, 0, order, one))
        elif in_line is not None:
            ranked.append((2, in_line, order, one))
    return tuple(one for *_, one in sorted(ranked, key=lambda entry: entry[:3]))


def product_of(script: Script, fmt: Format) -> Item | None:
    """What a format that ends with a product advertises: the script's first item; None where it names none."""
    return script.items[0] if fmt.overlays.end_card == "product" and script.items else None


def pictured(shot: Shot, script: Script, fmt: Format) -> tuple[Character | Item, ...]:
    """Who and what the shot's picture is of: its subjects. In an advertisement the product is in every picture; where
    its beat shows the subject it comes first, without the script's characters."""
    subjects, product = subjects_of(shot, script), product_of(script, fmt)
    if product is None:
        return subjects
    others = tuple(subject for subject in subjects if subject != product)
    if _is_of_the_product(shot, fmt):
        return (product, *(other for other in others if isinstance(other, Item)))
    return (*others, product)


def _is_of_the_product(shot: Shot, fmt: Format) -> bool:
    beat = beat_of(shot, fmt)
    return beat is not None and beat.shows == "subject"


def _with_the_product(shot: Shot, script: Script, fmt: Format) -> str:
    """What the shot shows, with the product where the words leave it out; somebody has it where they name nobody."""
    text, product = seen(shot), product_of(script, fmt)
    if product is None:
        return text
    name = product.description.strip(" .") or product.name
    named = _first_mention(product.name, text) is not None
    if _is_of_the_product(shot, fmt):
        return text if named else f"{name}. {text}"
    known = re.findall(r"\w+", f"{product.name} {name} {script.title} {LESSER_WORDS} close up wide medium shot".lower())
    people = any(isinstance(subject, Character) for subject in subjects_of(shot, script))
    if not people and set(re.findall(r"\w+", text.lower())) <= set(known):
        return f"somebody with {name}. {text}"
    return text if named else f"{text}, with {name}"


def same_name(name: str) -> str:
    """Two names that this makes alike are one: NFC, trimmed, case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).strip().casefold())


def named_in(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of `names` that `text` names, in the order in which it does."""
    found = [(at, name.strip()) for name in names if (at := _first_mention(name, text)) is not None]
    return tuple(name for _, name in sorted(found))


def references_of(subjects: Iterable[Character | Item], references: Mapping[str, Path]) -> dict[str, Path]:
    """By the subjects' own names, in their order, the pictures that they must look like."""
    by_name = {same_name(name): picture for name, picture in references.items()}
    return {s.name: by_name[same_name(s.name)] for s in subjects if same_name(s.name) in by_name}


def description_of(subject: Character | Item) -> str:
    """What an artist must know who has never heard the name: "dragon, small and green"; "" if the script is silent."""
    role = subject.role if isinstance(subject, Character) else ""
    parts = [part.strip(" .") for part in (role, subject.description) if part.strip(" .")]
    if len(parts) == 2 and parts[0].lower() in parts[1].lower():
        parts = parts[1:]
    return ", ".join(parts)


def still_prompt(shot: Shot, script: Script, fmt: Format, words: int | None = None) -> str:
    """What matters most first, because text encoders cut the end off; `words` is the most that the artist reads."""
    parts = [_with_the_product(shot, script, fmt)]
    for subject in pictured(shot, script, fmt):
        description = description_of(subject)
        if description and description.lower() not in parts[0].lower():
            parts.append(f"{subject.name}: {description}")
    scene = scene_of(shot, script)
    if scene is not None:
        parts += [scene.description, scene.time_of_day, scene.weather, scene.lighting]
    text = ". ".join(part.strip(" .") for part in parts if part.strip(" ."))
    return " ".join(text.split()[:words])


def clip_prompt(shot: Shot, camera: CameraMove, style: str) -> str:
    return ". ".join(part for part in (seen(shot).strip(" ."), MOVES_IN_WORDS[camera], style) if part)


def style_of(request: StoryRequest, fmt: Format) -> str:
    """The user's style before the format's look."""
    return ", ".join(part.strip() for part in (request.style or "", fmt.look) if part.strip())


def _first_mention(name: str, text: str) -> int | None:
    """Where `text` first names it: by the whole name, else by a word of it that stands for it alone."""
    for alias in _aliases(name):
        found = re.search(_whole_words(alias), text, re.IGNORECASE)
        if found:
            return found.start()
    return None


def _aliases(name: str) -> Sequence[str]:
    words = [word for word in re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", name) if len(word) > 2]
    return [name.strip(), *(word for word in words if word.lower() not in LESSER_WORDS.split())] if name.strip() else []


def _whole_words(alias: str) -> str:
    # Scripts without spaces between words (Han, kana, Thai) have no word boundaries to look for.
    spaced = all(ord(letter) < 0x0E00 for letter in alias)
    return rf"(?<!\w){re.escape(alias)}(?:'s|’s|s|es)?(?!\w)" if spaced else re.escape(alias)
