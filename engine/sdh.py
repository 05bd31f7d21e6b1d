"""What captions for the deaf and hard of hearing say besides the words: who speaks, what is heard, what is sung.

In the manner of Netflix's SDH guidelines: speakers and sounds in brackets, lyrics between notes. Knows the script, not
when anything is shown. Pure.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import yaml

from engine.captions import NOTE
from engine.fonts import printable
from engine.formats import Format
from engine.shots import same_name
from engine.types import Frozen, Script, StoryRequest


class Named(Frozen, frozen=True):
    """A language's words for the narrator, and for the music by its mood; "" where they are not known."""

    narrator: str = ""
    fades: str = NOTE
    calm: str = NOTE
    wonder: str = NOTE
    tense: str = NOTE
    bright: str = NOTE
    pulse: str = NOTE
    warm: str = NOTE


class Besides(Frozen, frozen=True):
    """Of a shot: `speaker` in brackets where it is to be told who speaks, else ""; whether its line is `sung`."""

    speaker: str = ""
    sung: bool = False


def besides(request: StoryRequest, script: Script, fmt: Format, number: int) -> Besides:
    """What is to be told of shot `number` besides its words; nothing unless the request asks for it."""
    if not request.sdh:
        return Besides()
    if not fmt.narration:  # nobody speaks
        return Besides(sung=True)
    return Besides(speaker=speaker_label(script, number, request.locale))


def speaker_label(script: Script, number: int, locale: str) -> str:
    """Who speaks in shot `number`, in brackets, where somebody else spoke before; "" where it is evident: in a film of
    one voice, or where the same one goes on. The narrator has no label in a language without a word for them."""
    spoken = [shot for shot in script.shots[: number + 1] if shot.narration.strip()]
    if not spoken or not script.shots[number].narration.strip():
        return ""
    if len({_known(shot.speaker) for shot in script.shots if shot.narration.strip()}) < 2:
        return ""
    if len(spoken) > 1 and _known(spoken[-1].speaker) == _known(spoken[-2].speaker):
        return ""
    name = printable(spoken[-1].speaker or "").strip("[]") or _named(locale).narrator
    return f"[{name}]" if name else ""


def music_labels(request: StoryRequest, fmt: Format) -> tuple[str, str]:
    """What is told of the music when the film begins, and when it ends; empty unless asked for, and without music."""
    if not request.sdh or not request.music:
        return "", ""
    words = _named(request.locale)
    return f"[{getattr(words, fmt.music.mood)}]", f"[{words.fades}]"


def told_texts(request: StoryRequest, script: Script, fmt: Format) -> tuple[str, ...]:
    """All that may be shown besides what is said, for the fonts to be cut by."""
    if not request.sdh:
        return ()
    labels = [speaker_label(script, number, request.locale) for number in range(len(script.shots))]
    return (*labels, *music_labels(request, fmt), NOTE)


def narrator_name(locale: str) -> str:
    """How a list of speakers calls whoever is nobody's voice."""
    name = _named(locale).narrator or _named("en").narrator
    return name[:1].upper() + name[1:]


def _known(speaker: str | None) -> str:
    return same_name(speaker) if speaker else ""


def _named(locale: str) -> Named:
    return _languages().get(locale.replace("_", "-").split("-")[0].lower(), Named())


@cache
def _languages() -> dict[str, Named]:
    raw = yaml.safe_load(Path(__file__).with_name("sounds.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, Named])
