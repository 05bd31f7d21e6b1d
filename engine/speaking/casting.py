"""Which voice each speaker of a script has: kept, wished for, or chosen by name and description. Knows no narrator."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from engine.catalog import Limits, VoiceTraits
from engine.errors import BadRequest
from engine.formats import Format
from engine.shots import same_name
from engine.speaking.language import load_language
from engine.types import Character, Script

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def choose_voices(
    script: Script,
    fmt: Format,
    limits: Limits,
    voice: str | None,
    *,
    kept: Mapping[str, str] | None = None,
    locale: str = "en",
) -> dict[str | None, str]:
    """A voice per speaker, None being the narrator.

    A character's own voice in the script comes first, then what `kept` says that they have in their series, if the
    model has it. Others get one that nobody has yet if there is one, never the narrator's where there is another, near
    to what their description says of gender and age; between equals the name decides, so neither the order of shots
    nor that of characters matters. Formats with a single voice give it to everybody who has none. Raises `BadRequest`
    if `voice` is unknown.
    """
    voices = limits.voices or ("",)
    if voice is not None and voice not in voices:
        raise BadRequest("voice", f"{voice!r} is not one of {', '.join(voices)}")
    narrator = voice or voices[0]
    cast: dict[str | None, str] = {None: narrator}
    series = {same_name(name): theirs for name, theirs in (kept or {}).items()}
    characters = {character.name: character for character in script.characters}
    speakers = sorted({shot.speaker for shot in script.shots if shot.speaker}, key=lambda name: (same_name(name), name))
    for name in speakers:
        wishes = (getattr(characters.get(name), "voice", None), series.get(same_name(name)))
        own = next((wish for wish in wishes if wish and wish in voices), None)
        if own is not None:
            cast[name] = own
    wanted = {name: traits_of(characters.get(name) or Character(name=name), locale) for name in speakers}
    others = [v for v in voices if v != narrator] or [narrator]
    # Those of whom something is known choose first: the others may take what is left.
    for name in sorted((n for n in speakers if n not in cast), key=lambda n: wanted[n] == VoiceTraits()):
        if fmt.voices < 2 or fmt.first_person:
            cast[name] = narrator
            continue
        taken = [*cast.values(), *series.values()]
        cast[name] = min(
            others,
            key=lambda v, name=name, taken=taken: (
                taken.count(v),
                -_fit(wanted[name], limits.voice_traits.get(v, VoiceTraits())),
                hashlib.sha256(f"{same_name(name)}\0{v}".encode()).digest(),
            ),
        )
    return cast


def traits_of(character: Character, locale: str) -> VoiceTraits:
    """What name, role and description say of a character, in the words of the film's language or in English; of two
    contradicting words the first counts."""
    language = load_language(locale.replace("_", "-").split("-")[0].lower()) or load_language("en")
    people = language.people if language else {}
    words = WORD.findall(f"{character.role}. {character.description}. {character.name}".lower())

    def first(*kinds: str) -> str:
        return next((kind for word in words for kind in kinds if word in people.get(kind, ())), "")

    return msgspec.convert({"gender": first("female", "male"), "age": first("young", "old")}, VoiceTraits)


def _fit(wanted: VoiceTraits, has: VoiceTraits) -> int:
    fit = 0
    for want, have, weight in ((wanted.gender, has.gender, 2), (wanted.age, has.age, 1)):
        if want and have:
            fit += weight if want == have else -weight
    return fit
