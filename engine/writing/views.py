"""What is seen in each shot of a small writer's script, from where and with which move. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence

from engine.formats import Format
from engine.shots import beat_of, framing_of
from engine.types import CameraMove, Shot
from engine.writing.casting import Casting, Part, acts, is_place, is_thing
from engine.writing.facts import listed
from engine.writing.lexicon import Lexicon
from engine.writing.steps import FRIENDS
from engine.writing.topic import mentions, words_of

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
BACK: dict[CameraMove, CameraMove] = {
    "pan_left": "pan_right", "pan_right": "pan_left", "push_in": "pull_out", "pull_out": "push_in",
    "tilt_up": "tilt_down", "tilt_down": "tilt_up",
}  # fmt: skip
PRONOUNS = frozenset("i we he she it they him her them his hers its their my our".split())


def shots_of(casting: Casting, lexicon: Lexicon) -> tuple[Shot, ...]:
    """A shot per line: who of the cast is in it (of a pronoun, whoever was spoken of last) and what they do. One that
    follows another of its framing or camera move takes another of the format's: no two neighbours look alike."""
    fmt, (_, scene_of) = casting.fmt, casting.scenes
    seen: tuple[str, ...] = tuple(character.description for character in casting.characters[:1])
    shots: list[Shot] = []
    framings: list[str] = []
    for index, (planned, line) in enumerate(zip(casting.plan.shots, casting.spoken, strict=True)):
        beat = beat_of(Shot(beat=planned.beat), fmt)
        speaker = casting.speaker(line)
        named = _named(index, casting)
        seen = named or seen
        if speaker is not None and not fmt.first_person:
            seen, visual = (speaker.description,), f"{speaker.description} talking"
        elif beat is not None and beat.shows == "host":
            visual = _with_things(f"{casting.characters[0].description} talking to the camera", index, casting)
        elif beat is not None and beat.shows == "subject":
            about = [casting.figures.topic.with_article("a")] if casting.topic.phrases else []
            visual = ", ".join(dict.fromkeys([*about, *_things(index, casting), *named])) or listed(seen)
        elif not line.text:
            visual = ", ".join(_things(index - 1, casting)) or casting.scenes[0][scene_of[index]].description
        else:
            # what is done in a line that speaks of somebody else is not done by whoever is still seen
            meant = not fmt.supplied_facts_only and PRONOUNS & set(words_of(line.text.lower()))
            doing = _action(line.text, lexicon) if named or meant else ""
            visual = _with_things(f"{listed(seen[:3])} {doing}".strip(), index, casting)
        usual = framing_of(Shot(beat=planned.beat), fmt)
        framing = _another("close" if line.by is not None else usual, framings, fmt)
        framings.append(framing)
        camera = planned.camera
        if shots and shots[-1].camera == camera:
            camera = BACK.get(camera, camera)
        shots.append(
            Shot(
                scene=scene_of[index],
                speaker=speaker.name if speaker is not None else None,
                narration=line.text,
                visual=visual if framing == usual else f"{visual.rstrip(' .!?')}, {FRAMED[framing]}",
                camera=camera,
                beat=planned.beat,
            )
        )
    return tuple(shots)


def _with_things(who: str, index: int, casting: Casting) -> str:
    """`who`, with up to two things or places of the line, and the items that are seen here."""
    things = _things(index, casting)
    parts = [who, *things[:2]] if who else things[:3]
    for phrase in casting.things:
        if casting.shown_in(phrase) == index and not any(mentions(part, phrase) for part in parts):
            parts.append(phrase.with_article("a"))
    return ", ".join(dict.fromkeys(parts)) or casting.lines[index]


def _things(index: int, casting: Casting) -> list[str]:
    """Things and places that the line names; in a fixed set only things."""
    places = not casting.fmt.one_set
    return [p.with_article("a") for p in casting.phrases[index] if is_thing(p) or (places and is_place(p))]


def _named(index: int, casting: Casting) -> tuple[str, ...]:
    """Whom the line names, as they are described; a friend is the other of the first two."""
    line, phrases = casting.lines[index], casting.phrases[index]
    known = [part.character.description for part in casting.cast if _spoken_of(part, line)]
    befriended = casting.friends_are_named and any(p.head.lower() in FRIENDS for p in phrases)
    if befriended and len(known) == 1:
        known += [c.description for c in casting.characters[:2] if c.description not in known][:1]
    acting = [p for p in phrases if acts(p) and not (casting.friends_are_named and p.head.lower() in FRIENDS)]
    named = [p.with_article("a") for p in acting]
    return tuple(dict.fromkeys((*known, *(n for n in named if not _covered(n, known)))))


def _action(line: str, lexicon: Lexicon) -> str:
    """What is done in `line`, as "flying", if it can be seen."""
    for word in words_of(line.lower()):
        verb = lexicon.verbs.get(word)
        if verb in DOING:
            return DOING[verb]
        if verb in VISIBLE:
            return next((form for form, of in lexicon.verbs.items() if of == verb != form and form.endswith("ing")), "")
    return ""


def _another(usual: str, before: Sequence[str], fmt: Format) -> str:
    """`usual`, or where the shot before has that framing, another of the format's: rather one that the two before have
    not."""
    own = {beat.framing for beat in fmt.beats}
    others = [framing for framing in ANOTHER[usual] if framing in own]
    if not before or before[-1] != usual or not others:
        return usual
    return next((framing for framing in others if framing not in before[-2:]), others[0])


def _spoken_of(part: Part, line: str) -> bool:
    words = {word.strip(".,!?;:'").lower().removesuffix("'s") for word in line.split()}
    last = part.character.name.split()[-1].lower()
    return not words.isdisjoint((last, f"{last}s", part.head, f"{part.head}s"))


def _covered(name: str, known: Sequence[str]) -> bool:
    return any(name.split()[-1].rstrip("s").lower() == other.split()[-1].rstrip("s").lower() for other in known)
