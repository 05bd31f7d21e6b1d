"""Captions burned into the picture: where they lie in it, and the ASS that libass draws. Knows cues, no film."""

from __future__ import annotations

from collections.abc import Sequence

import pysubs2

from engine.captions import Cue
from engine.fonts import HEAVY, MEDIUM, Fonts
from engine.formats import CaptionStyle, Format
from engine.placing import Rect, taken_at_foot
from engine.types import Frozen
from engine.typeset import joined, pixels, script, style, tagged

EM_PER_LETTER = {MEDIUM: 0.56, HEAVY: 0.62}
SMALLEST = 9
LATIN_LINE = 1.362
"""Em that a line of Noto Sans is high."""
MAX_LINES = 2


class Layout(Frozen, frozen=True):
    """How captions lie in the picture: letters of `size` pixels per em, at most `columns` Latin letters a line in
    `lines` lines no wider than `width`, `bottom` pixels above the lower edge."""

    frame: tuple[int, int]
    size: float
    weight: int
    width: int
    bottom: int
    columns: int
    lines: int


def lay_out(width: int, height: int, look: CaptionStyle, taken: int = 0) -> Layout:
    """Where captions go in a picture of that size; `taken` pixels at the lower edge belong to somebody else.

    Upright films keep clear of the lower fifth, where phones draw their own controls; all keep the safe margins of
    SMPTE ST 2046-1, a twentieth of each side. Letters are never smaller than can be read. Narrow pictures break lines
    earlier; a look of one line gets a second one for it, and none ever gets a third.
    """
    short, upright = min(width, height), height > 1.3 * width
    share = {"outline": 0.05, "box": 0.046, "pop": 0.078}[look.look]
    size = max(SMALLEST, round(short * share * (1.12 if upright else 1)))
    weight = HEAVY if look.look == "pop" else MEDIUM
    room = round(width * (0.84 if width <= height else 0.76))
    bottom = round(height * (0.2 if upright else 0.075))
    letters = int(room / (size * EM_PER_LETTER[weight] * (1.12 if look.uppercase else 1)))
    columns = max(8, min(look.max_chars, letters))
    lines = min(MAX_LINES, look.max_lines + (1 if columns < 0.75 * look.max_chars else 0))
    bottom = max(bottom, taken + max(round(short * 0.035), round(0.45 * size))) if taken else bottom
    return Layout(
        frame=(width, height), size=size, weight=weight, width=room, bottom=bottom, columns=columns, lines=lines
    )


def lay_out_film(width: int, height: int, fmt: Format) -> Layout:
    """As `lay_out`, above the bar that a format keeps at the foot of all its shots."""
    barred = fmt.overlays.lower_third == "headline"
    return lay_out(width, height, fmt.captions, taken_at_foot((width, height), barred))


def clear_above(width: int, height: int, fmt: Format) -> float:
    """The share of the height from which on captions may cover a film's picture, in Latin letters."""
    layout = lay_out_film(width, height, fmt)
    return caption_place(layout, fmt.captions, LATIN_LINE).top / height


def caption_place(layout: Layout, look: CaptionStyle, line: float) -> Rect:
    """All that captions may ever cover: as many lines as the layout allows, `line` em high each, with box or edge.

    libass makes a line as high as its fonts' ascent and descent; what a box adds around it is its `Shadow`, what
    letters add their outline, both as `ass` sets them.
    """
    width, height = layout.frame
    around = layout.size * (0.34 if look.look == "box" else 0.14)
    tall = layout.lines * layout.size * line + 2 * around
    bottom = height - layout.bottom + around
    half = layout.width / 2 + around
    return Rect(
        left=max(0, int(width / 2 - half)),
        top=max(0, int(bottom - tall)),
        right=min(width, int(width / 2 + half) + 1),
        bottom=min(height, int(bottom) + 1),
    )


def ass(cues: Sequence[Cue], look: CaptionStyle, layout: Layout, fonts: Fonts, accent: str) -> str:
    """The ASS of a shot; `accent` (#rrggbb) lights up the spoken word of the `pop` look."""
    size, weight = layout.size, layout.weight
    file = script(*layout.frame)
    side = round((layout.frame[0] - layout.width) / 4)
    common = {"alignment": pysubs2.Alignment.BOTTOM_CENTER, "marginl": side, "marginr": side, "marginv": layout.bottom}
    black, white = pysubs2.Color(0, 0, 0), pysubs2.Color(255, 255, 255)
    if look.look == "box":  # BorderStyle 4, libass's own: one box of BackColour behind the event, Shadow its padding
        fields = {"borderstyle": 4, "shadow": size * 0.34, "backcolor": pysubs2.Color(12, 14, 18, 56)}
    else:
        edge = 0.075 if look.look == "outline" else 0.1
        fields = {"outline": max(1.0, size * edge), "shadow": size * 0.035, "backcolor": pysubs2.Color(0, 0, 0, 110)}
    file.styles["Default"] = style(
        fonts,
        weight,
        size,
        primarycolor=white,
        outlinecolor=black,
        **common | fields,  # type: ignore[operator]
    )
    measure = pixels(fonts, weight, size)
    for cue in cues:
        widest = max((measure(line) for line in cue.text), default=0)
        fitted = size * min(1.0, layout.width / widest if widest else 1.0)
        if look.look == "pop":
            _light_up(file, cue, fonts, weight, fitted, _bright(accent))
        else:
            text = "\\N".join(tagged(line, fonts, weight, fitted) for line in cue.text)
            _add(file, cue.start, cue.end, text)
    return file.to_string("ass")


def _light_up(file: pysubs2.SSAFile, cue: Cue, fonts: Fonts, weight: int, size: float, colour: str) -> None:
    """The cue once for each of its words, lit while it is said: at its own time, as far as the cue is shown then."""
    words = cue.words
    turns = [cue.start, *(min(max(word.start, cue.start), cue.end) for word in words[1:]), cue.end]
    grow = "{\\fscx86\\fscy86\\t(0,90,\\fscx100\\fscy100)}"
    for number, word in enumerate(words):
        lines = []
        for line in cue.lines:
            texts = [tagged(w.text, fonts, weight, size) for w in line]
            lit = [
                f"{{\\1c{colour}}}{t}{{\\1c&HFFFFFF&}}" if w is word else t for w, t in zip(line, texts, strict=True)
            ]
            # joined() decides about spaces by letters, so it is asked with the words and answered with the tags.
            lines.append(_interleave([w.text for w in line], lit))
        if _add(file, turns[number], turns[number + 1], grow + "\\N".join(lines)):
            grow = ""


def _interleave(words: Sequence[str], tags: Sequence[str]) -> str:
    text = tags[0]
    for number in range(1, len(words)):
        spaced = len(joined(words[number - 1 : number + 1])) > len(words[number - 1]) + len(words[number])
        text += (" " if spaced else "") + tags[number]
    return text


def _add(file: pysubs2.SSAFile, start: float, end: float, text: str) -> bool:
    """Whether there is a hundredth of a second in which it is shown."""
    first, last = round(start * 100) * 10, round(end * 100) * 10
    if last > first:
        file.append(pysubs2.SSAEvent(start=first, end=last, text=text))
    return last > first


def _bright(accent: str) -> str:
    """`accent` as an ASS colour, mixed with white until it stands out from a black edge (relative luminance 0.45)."""
    red, green, blue = (int(accent[i : i + 2], 16) for i in (1, 3, 5))
    while 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 * 255:
        red, green, blue = (value + (255 - value) // 8 + 1 if value < 255 else 255 for value in (red, green, blue))
    return f"&H{min(blue, 255):02X}{min(green, 255):02X}{min(red, 255):02X}&"
