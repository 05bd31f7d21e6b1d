"""Says in the film's file what it is: title, chapters, seed, models, attribution, and that a machine made it.

The mark of AI-made media is an XMP packet in a `uuid` box at the end of the file (ISO 14496-12, 4.2; XMP specification
part 3, 1.2.7.1), where it moves no media and faststart stays true.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

from engine.cards import MADE_HERE
from engine.catalog import ModelSpec
from engine.errors import MediaFailed
from engine.fonts import printable
from engine.formats import Format
from engine.made import Timing
from engine.shots import acts, beat_of, place_of
from engine.types import Plan, Scene, Script

XMP_BOX = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
DRAWN_FAMILIES = frozenset({"sketch"})
CHAPTER_LETTERS = 70


class Marks(NamedTuple):
    """What a film says of itself. `source_type` is a term of the IPTC digital source type vocabulary."""

    title: str
    seed: int
    models: dict[str, str]
    attribution: str
    source_type: str
    language: str
    own_music: bool = False

    @property
    def comment(self) -> str:
        models = ", ".join(f"{role} {model}" for role, model in self.models.items())
        music = "Music: own track. " if self.own_music else ""
        return f"{MADE_HERE} {version('reelhouse')}. Seed {self.seed}. Models: {models}. {music}{self.source_type}."


class Chapter(NamedTuple):
    start: float
    end: float
    title: str


def marks(
    title: str, plan: Plan, specs: Mapping[str, ModelSpec], attribution: str, *, own_music: bool = False
) -> Marks:
    """`own_music`: the music is a track of the user's own, whose rights are theirs to see to. Drawn
    pictures under generated words and voices are a composite; generated pictures are trained media."""
    drawn = specs["artist"].family in DRAWN_FAMILIES
    kind = "compositeWithTrainedAlgorithmicMedia" if drawn else "trainedAlgorithmicMedia"
    models = {role: spec.id for role, spec in sorted(specs.items())}
    return Marks(title, plan.seed, models, attribution, kind, plan.locale, own_music)


def chapters(script: Script, timings: Sequence[Timing], seconds: float, fmt: Format) -> list[Chapter]:
    """A chapter per act of the format, in film time, without gaps: the first begins with the title card, the last ends
    with the film. Of a script without the format's beats, a chapter per scene."""
    known = any(beat_of(shot, fmt) for shot in script.shots)
    named = _by_act(script, fmt) if known else _by_scene(script)
    starts = [(timings[number].start if number else 0.0, _shortened(title)) for number, title in named]
    ends = [start for start, _ in starts[1:]] + [seconds]
    return [Chapter(start, end, title) for (start, title), end in zip(starts, ends, strict=True)]


def _by_act(script: Script, fmt: Format) -> list[tuple[int, str]]:
    """The shots with which acts begin, and what those are called: by the title of their first beat, else by their own
    name; where the film goes from place to place also by where that is. An act that comes back is numbered."""
    parts = acts(script, fmt)
    places = [printable(place_of(script.shots[part.shots[0]], script)) for part in parts]
    moves = len(set(filter(None, places))) > 1
    found: list[tuple[int, str]] = []
    times: Counter[str] = Counter()
    for part, place in zip(parts, places, strict=True):
        beat = beat_of(script.shots[part.shots[0]], fmt)
        title = printable((beat.title if beat else "") or _capital(part.name)) or f"Part {len(found) + 1}"
        title = f"{title}: {place}" if moves and place and not (beat and beat.title) else title
        times[title] += 1
        found.append((part.shots[0], title if times[title] == 1 else f"{title} {times[title]}"))
    return found


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _by_scene(script: Script) -> list[tuple[int, str]]:
    """A scene that comes back is a chapter again; places of one name are told apart by their time of day."""
    found: list[tuple[int, str]] = []
    places = Counter(scene.description for scene in script.scenes)
    for number, shot in enumerate(script.shots):
        if number and script.shots[number - 1].scene == shot.scene:
            continue
        scene = script.scenes[shot.scene] if 0 <= shot.scene < len(script.scenes) else Scene(description="")
        told = (scene.description, scene.time_of_day if places[scene.description] > 1 else "")
        title = printable(", ".join(part for part in told if part)) or f"Scene {len(found) + 1}"
        found.append((number, title))
    return found


def _shortened(title: str) -> str:
    if len(title) <= CHAPTER_LETTERS:
        return title
    return title[:CHAPTER_LETTERS].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def tags(marks: Marks) -> dict[str, str]:
    """What players show, by the names of https://wiki.multimedia.cx/index.php/FFmpeg_Metadata (MP4)."""
    said = {"title": marks.title, "comment": marks.comment, "copyright": marks.attribution}
    return {name: text for name, value in said.items() if (text := printable(value))}


def xmp(marks: Marks) -> bytes:
    """The packet: Dublin Core, and IPTC Extension's DigitalSourceType and AISystemUsed (IPTC Video Metadata Hub)."""

    def text(value: str) -> str:
        return escape(printable(value))

    system = f"Reelhouse {version('reelhouse')}: {', '.join(f'{r} {m}' for r, m in marks.models.items())}"
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{text(marks.title)}</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text(marks.comment)}</rdf:li></rdf:Alt></dc:description>
   <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{text(marks.attribution)}</rdf:li></rdf:Alt></dc:rights>
   <dc:language><rdf:Bag><rdf:li>{text(marks.language)}</rdf:li></rdf:Bag></dc:language>
   <xmp:CreatorTool>Reelhouse {version("reelhouse")}</xmp:CreatorTool>
   <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES}{marks.source_type}</Iptc4xmpExt:DigitalSourceType>
   <Iptc4xmpExt:AISystemUsed>{text(system)}</Iptc4xmpExt:AISystemUsed>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


class Box(NamedTuple):
    """A top-level box of an MP4 file: where it begins and how many bytes it takes, header included."""

    kind: str
    start: int
    size: int


def boxes(path: Path) -> Iterator[Box]:
    """The top-level boxes, in order. Raises `MediaFailed` if they do not fill the file exactly."""
    length, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < length:
            file.seek(at)
            size, kind = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
            if size == 1:
                (size,) = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
            size = size or length - at
            if size < 8 or at + size > length:
                raise MediaFailed(f"{path.name} is not a whole MP4 file: make it again.")
            yield Box(kind.decode("latin-1"), at, size)
            at += size


def starts_fast(path: Path) -> bool:
    """Whether the index stands before the media, so that a player can begin while the film still arrives."""
    order = [box.kind for box in boxes(path)]
    return "moov" in order and "mdat" in order and order.index("moov") < order.index("mdat")


def add_xmp(path: Path, packet: bytes) -> None:
    """Append the packet as a `uuid` box."""
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + XMP_BOX + packet)


def read_xmp(path: Path) -> bytes | None:
    """The XMP packet of a film, None if it has none. Raises `MediaFailed` for what is no whole MP4 file."""
    for box in boxes(path):
        if box.kind == "uuid":
            with path.open("rb") as file:
                file.seek(box.start + 8)
                if file.read(16) == XMP_BOX:
                    return file.read(box.size - 24)
    return None
