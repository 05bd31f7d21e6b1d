"""Cuts small static fonts out of the bundled Noto families for exactly the text that a film shows.

Knows scripts and code points, not what is drawn with them. libass matches variable fonts only at their default weight
and falls back to whatever the machine has; a font of our own per script, weight and text makes every machine draw the
same, and every letter that is not in any of them is left out rather than drawn as an empty box.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import ModelUnavailable
from engine.types import Frozen

FONTS_VERSION = 2
MEDIUM, HEAVY = 600, 800

BLOCKS: tuple[tuple[int, int, str], ...] = (
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Oriya"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x1000, 0x109F, "Myanmar"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "CJK"),
    (0x1200, 0x139F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"),
    (0x2600, 0x27BF, "Emoji"),
    (0x2E80, 0xA4CF, "CJK"),
    (0xA8E0, 0xA8FF, "Devanagari"),
    (0xA960, 0xA97F, "CJK"),
    (0xAA60, 0xAA7F, "Myanmar"),
    (0xAC00, 0xD7FF, "CJK"),
    (0xF900, 0xFAFF, "CJK"),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE30, 0xFE4F, "CJK"),
    (0xFE70, 0xFEFE, "Arabic"),
    (0xFF00, 0xFFEF, "CJK"),
    (0x1F000, 0x1FAFF, "Emoji"),
    (0x20000, 0x3FFFF, "CJK"),
)
"""Unicode 16 blocks by the family that draws them; what is in none is tried in Sans, Symbols, Emoji."""

CJK_FACES = {"ja": 0, "ko": 1, "zh": 2, "zh-tw": 3, "zh-hant": 3, "zh-hk": 4}
ALWAYS = "".join(chr(c) for c in (*range(0x20, 0x7F), *range(0xA1, 0x180))) + "–—‘’“”„…•·©"
KEPT_FORMAT = "\u200c\u200d"


class Face(Frozen, frozen=True):
    """One family at one weight. `line` is its height in em: libass sizes letters by that, not by the em.

    `characters` is what it can draw; `family` the name by which libass finds it in `file`'s folder.
    """

    script: str
    weight: int
    family: str
    file: Path
    line: float
    characters: str


class Fonts(Frozen, frozen=True):
    faces: tuple[Face, ...]

    def runs(self, text: str, weight: int) -> list[tuple[Face, str]]:
        """`text` as stretches that one face draws; what no face draws is left out."""
        faces = {face.script: (face, frozenset(face.characters)) for face in self.faces if face.weight == weight}
        runs: list[tuple[Face, str]] = []
        for character in text:
            wanted = script_of(character)
            stays = runs[-1][0].script if runs and not wanted else ""
            stays = "" if stays in ("Symbols", "Emoji") and character != "\u200d" else stays
            for script in (stays, wanted, "Sans", "Symbols", "Emoji"):
                if script in faces and character in faces[script][1]:
                    face = faces[script][0]
                    if runs and runs[-1][0] is face:
                        runs[-1] = (face, runs[-1][1] + character)
                    else:
                        runs.append((face, character))
                    break
        return runs


def printable(text: str) -> str:
    """`text` on one line, without control characters, bidirectional overrides, surrogates and private code points.

    Joiners stay, because Persian, Hindi and emoji need them; direction follows from the letters themselves.
    """
    kept = []
    for character in unicodedata.normalize("NFC", text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")):
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif character in KEPT_FORMAT or category[0] != "C":
            kept.append(character)
    return " ".join("".join(kept).split())


def capitals(text: str) -> str:
    """`text` in capitals, letter for letter: ß is ẞ, and a letter whose capital would be several stays as it is."""
    return "".join("ẞ" if c == "ß" else c.upper() if len(c.upper()) == 1 else c for c in text)


def script_of(character: str) -> str:
    """The family for a character, "" for those that any may draw (Latin, digits, punctuation, space, joiners)."""
    code = ord(character)
    if code < 0x530:
        return "Sans" if character.isalpha() else ""
    return next((script for first, last, script in BLOCKS if first <= code <= last), "")


def cut_fonts(
    texts: Iterable[str], folder: Path, locale: str = "en", weights: Sequence[int] = (MEDIUM, HEAVY)
) -> Fonts:
    """Write one static font per script of `texts` and weight into `folder`; both cases of each letter are there.

    Raises `ModelUnavailable` if the font packages are not installed.
    """
    texts = tuple(texts)
    wanted: dict[str, set[str]] = {"Sans": set(ALWAYS)}
    for character in {c for text in texts for c in text + capitals(text)}:
        for script in dict.fromkeys((script_of(character), "Sans", "Symbols", "Emoji")):
            if script and ord(character) in _cmap(*_source(script, locale, texts)):
                wanted.setdefault(script, set()).add(character)
                break
    faces: list[Face] = []
    for script, characters in wanted.items():
        if script != "Sans":
            shared = _cmap(*_source(script, locale, texts))
            neutral = set(KEPT_FORMAT + " \u00a0.,:;!?-'\"()0123456789،؛؟") | {c for t in texts for c in t}
            characters |= {c for c in neutral if not script_of(c) and ord(c) in shared}
        faces += _cut(script, weights, "".join(sorted(characters)), folder, *_source(script, locale, texts))
    return Fonts(faces=tuple(faces))


def line_height(text: str, locale: str = "en") -> float:
    """Em that libass makes a line of `text` high: the greatest ascent and the greatest descent of its fonts together.

    Raises `ModelUnavailable` if the font packages are not installed.
    """
    ascent, descent = _line("Sans", locale)
    for script in {script_of(character) for character in text} - {"", "Sans"}:
        up, down = _line(script, locale)
        ascent, descent = max(ascent, up), max(descent, down)
    return ascent + descent


@cache
def _line(script: str, locale: str) -> tuple[float, float]:
    from fontTools.ttLib import TTFont

    file, number = _source(script, locale, ())
    with TTFont(file, fontNumber=number, lazy=True) as font:
        tables: dict[str, Any] = {tag: font[tag] for tag in ("OS/2", "head")}
        em = tables["head"].unitsPerEm
        return tables["OS/2"].usWinAscent / em, tables["OS/2"].usWinDescent / em


def _source(script: str, locale: str, texts: Iterable[str]) -> tuple[Path, int]:
    if script != "CJK":
        name = "NotoEmoji" if script == "Emoji" else "NotoSans" + ("" if script == "Sans" else script)
        return _package("manimgx_fonts") / f"{name}[wght].ttf", -1
    return _package("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc", _cjk_face(locale.lower(), "".join(texts))


def _cjk_face(locale: str, text: str) -> int:
    """Japan, Korea, China, Taiwan and Hong Kong draw the same code points differently."""
    for known in (locale, locale.split("-")[0]):
        if known in CJK_FACES:
            return CJK_FACES[known]
    if any("\u3040" <= c <= "\u30ff" for c in text):
        return CJK_FACES["ja"]
    return CJK_FACES["ko" if any("\uac00" <= c <= "\ud7ff" for c in text) else "zh"]


@cache
def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModelUnavailable(f"the package {name} (fonts for captions) is missing: run scripts/setup again.")
    return Path(spec.origin).parent


@cache
def _cmap(file: Path, number: int) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(file, fontNumber=number, lazy=True) as font:
        return frozenset(font.getBestCmap() or {})


def _cut(script: str, weights: Sequence[int], characters: str, folder: Path, file: Path, number: int) -> Iterator[Face]:
    for weight, (data, line, suffix) in zip(
        weights, _cut_at(script, tuple(weights), characters, file, number), strict=True
    ):
        path = folder / f"{script.lower()}-{weight}{suffix}"
        path.write_bytes(data)
        family = _family(script, weight)
        yield Face(script=script, weight=weight, family=family, file=path, line=line, characters=characters)


def _family(script: str, weight: int) -> str:
    return f"Reel {script} {weight}"


@lru_cache(maxsize=16)
def _cut_at(
    script: str, weights: tuple[int, ...], characters: str, file: Path, number: int
) -> tuple[tuple[bytes, float, str], ...]:
    """(the font file, its line height in em, its suffix) for each weight. Kept, because most films of a language show
    the same characters, and cutting takes 0.7 s; 16 are a megabyte of Latin, some more of CJK.

    Subset once, then fix each weight: the other way round takes 3 s for Noto Sans.
    """
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    few = io.BytesIO()
    with TTFont(file, fontNumber=number, lazy=True, recalcTimestamp=False) as font:
        subsetter = Subsetter(Options(layout_features=["*"], notdef_outline=True, name_IDs=[1, 2, 3, 4, 6]))
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.save(few)
    made = []
    for weight in weights:
        few.seek(0)
        with TTFont(few, recalcTimestamp=False) as font:
            tables: dict[str, Any] = {tag: font[tag] for tag in ("fvar", "name", "OS/2", "head")}
            axis, os2 = tables["fvar"].axes[0], tables["OS/2"]
            instantiateVariableFont(font, {"wght": min(max(weight, axis.minValue), axis.maxValue)}, inplace=True)
            family = _family(script, weight)
            names = {1: family, 2: "Regular", 3: family, 4: family, 6: family.replace(" ", "-")}
            tables["name"].names = []
            for name_id, name in names.items():
                tables["name"].setName(name, name_id, 3, 1, 0x409)
            os2.usWeightClass, os2.fsSelection = 400, (os2.fsSelection & ~0x21) | 0x40  # neither italic nor bold
            line = (os2.usWinAscent + os2.usWinDescent) / tables["head"].unitsPerEm
            written = io.BytesIO()
            font.save(written)
            made.append((written.getvalue(), line, ".otf" if "CFF2" in font else ".ttf"))
    return tuple(made)
