"""Sets text: measures it, breaks it into lines, fits it into a width, and lets libass draw it. Knows no film.

libass shapes and orders every script (HarfBuzz, FriBidi). It reads ASS, a format of commands; so text reaches it only
through `escaped`, in files with fixed names, and never as part of a filter graph.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pysubs2
from PIL import ImageFont

from engine.fonts import HEAVY, Fonts, printable
from engine.media import run_ffmpeg
from engine.phrases import CLAUSE_END, CLOSING, SENTENCE_END, break_prices
from engine.progress import Control
from engine.types import Frozen

Measure = Callable[[str], float]
TOP_HEAVY = 0.04
SIZES = tuple(1 - 0.06 * step for step in range(10))
CJK = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
WHITE = 235  # of video range, which libass draws grey frames in


class Block(Frozen, frozen=True):
    """Text to set: `size` in pixels per em, at most `width` pixels wide and `max_lines` high; it shrinks to fit."""

    text: str
    size: float
    width: float
    weight: int = HEAVY
    max_lines: int = 1
    align: str = "left"


@lru_cache(maxsize=100_000)
def columns(text: str) -> float:
    """Width in Latin letters: East Asian letters count two, combining marks nothing."""
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1
        for c in text
    )


def pixels(fonts: Fonts, weight: int, size: float) -> Measure:
    """Width in pixels at `size` pixels per em."""

    def measure(text: str) -> float:
        return sum(_font(face.file).getlength(run) for face, run in fonts.runs(text, weight)) * size / 100

    return measure


@lru_cache(maxsize=64)
def _font(file: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), 100)


def is_rtl(text: str) -> bool:
    """Whether it is read from right to left: its first letter with a direction says so (Unicode UAX #9, P2)."""
    strong = (unicodedata.bidirectional(character) for character in text)
    return next((direction for direction in strong if direction in ("L", "R", "AL")), "L") != "L"


def is_cjk(character: str) -> bool:
    """Whether it stands in a script without spaces between words (Hangul has them)."""
    return CJK.match(character) is not None


def has_cjk(text: str) -> bool:
    """Whether any of it does."""
    return not text.isascii() and CJK.search(text) is not None


def joined(words: Sequence[str]) -> str:
    """Words as running text: spaces between them except where the script has none."""
    spaced = " ".join(words)
    if not has_cjk(spaced):
        return spaced
    text = ""
    for word in words:
        text += "" if not text or (is_cjk(text[-1]) and is_cjk(word[0])) else " "
        text += word
    return text


def pieces(text: str, limit: float, measure: Measure = columns) -> list[str]:
    """The words of `text`; those wider than `limit` and those without spaces are cut where a line may break."""
    found: list[str] = []
    for word in text.split():
        if not has_cjk(word) and measure(word) <= limit:
            found.append(word)
            continue
        piece = ""
        for character in word:
            breaks = piece and (
                (is_cjk(character) and is_cjk(piece[-1]) and character not in SENTENCE_END + CLAUSE_END + CLOSING)
                or (measure(piece + character) > limit and not unicodedata.combining(character))
            )
            if breaks:
                found.append(piece)
                piece = ""
            piece += character
        found.append(piece)
    return found


def break_lines(
    words: Sequence[str],
    limit: float,
    max_lines: int,
    measure: Measure = columns,
    prices: Sequence[float] | None = None,
) -> list[range] | None:
    """Index ranges of the lines: as few as possible, even, rather longer below than above, broken between phrases;
    None if they do not fit. `prices`: of a break after each word, those of English if None."""
    widths: dict[tuple[int, int], float] = {}

    def width(first: int, last: int) -> float:
        if (first, last) not in widths:
            widths[first, last] = measure(joined(words[first:last]))
        return widths[first, last]

    if not words or width(0, len(words)) <= limit:
        return [range(len(words))]
    prices = break_prices(words) if prices is None else prices
    for count in range(2, max_lines + 1):
        even = width(0, len(words)) / count
        best: dict[int, tuple[float, list[range]]] = {0: (0.0, [])}
        for left in reversed(range(count)):
            following: dict[int, tuple[float, list[range]]] = {}
            for first, (cost, lines) in best.items():
                for last in range(first + 1 if left else len(words), len(words) + 1):  # the last line takes the rest
                    if width(first, last) > limit:
                        break
                    price = cost + ((width(first, last) - even) / limit) ** 2 + prices[last - 1]
                    price += TOP_HEAVY if last < len(words) and width(first, last) > even else 0.0
                    if last not in following or price < following[last][0]:
                        following[last] = (price, [*lines, range(first, last)])
            best = following
        if len(words) in best:
            return best[len(words)][1]
    return None


def fit(block: Block, fonts: Fonts) -> tuple[float, list[str]]:
    """The size at which a block fits, and its lines; what fits at no size ends with an ellipsis."""
    text = printable(block.text)
    for share in SIZES:
        measure = pixels(fonts, block.weight, block.size * share)
        words = pieces(text, block.width, measure)
        lines = break_lines(words, block.width, block.max_lines, measure)
        whole = words == pieces(text, float("inf"), measure)
        if lines is not None and (whole or share == SIZES[-1]):
            return block.size * share, [joined(words[line.start : line.stop]) for line in lines if len(line)]
    size = block.size * SIZES[-1]
    measure = pixels(fonts, block.weight, size)
    words = pieces(text, block.width, measure)
    while len(words) > 1:
        words = words[:-1]
        shortened = [*words[:-1], words[-1][: max(1, len(words[-1]) - 2)] + "…"]
        lines = break_lines(shortened, block.width, block.max_lines, measure)
        if lines is not None:
            return size, [joined(shortened[line.start : line.stop]) for line in lines]
    return size, words


# ---- ASS ------------------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """`text` as ASS shows it, letter by letter: no brace opens an override, no backslash begins a command.

    A word joiner parts the backslash from what follows it, since ASS has no escape for it; libass knows `\\{`.
    """
    return printable(text).replace("\\", "\\\u2060").replace("{", "\\{")


def tagged(text: str, fonts: Fonts, weight: int, size: float) -> str:
    """`text` escaped, with the font of each stretch named. libass sizes by line height, hence the face's factor."""
    return "".join(
        f"{{\\fn{face.family}\\fs{size * face.line:.2f}}}{_escaped_run(run)}"
        for face, run in fonts.runs(printable(text), weight)
    )


def _escaped_run(run: str) -> str:
    return run.replace("\\", "\\\u2060").replace("{", "\\{")


def script(width: int, height: int) -> pysubs2.SSAFile:
    """An empty ASS file whose pixels are the film's; `Encoding` -1 takes the direction from the letters."""
    file = pysubs2.SSAFile()
    file.info |= {"PlayResX": str(width), "PlayResY": str(height), "WrapStyle": "2", "ScaledBorderAndShadow": "yes"}
    return file


def style(fonts: Fonts, weight: int, size: float, **fields: object) -> pysubs2.SSAStyle:
    face = next(face for face in fonts.faces if face.script == "Sans" and face.weight == weight)
    base = {"fontname": face.family, "fontsize": size * face.line, "encoding": -1, "outline": 0, "shadow": 0}
    return pysubs2.SSAStyle(**(base | fields))  # type: ignore[arg-type]


def fonts_beside(fonts: Fonts, folder: Path) -> None:
    """Put the fonts where the filter's fixed `fontsdir=fonts` finds them: in `folder`/fonts."""
    (folder / "fonts").mkdir(exist_ok=True)
    for face in fonts.faces:
        link = folder / "fonts" / face.file.name
        if not link.exists():
            link.symlink_to(face.file.absolute())


def masks(blocks: Sequence[Block], fonts: Fonts, folder: Path, *, control: Control | None = None) -> list[np.ndarray]:
    """Each block drawn: height×width, float32 from 0 to 1, cut to its ink; 1×1 and empty for a text without any.

    All are drawn in one run of ffmpeg, as the frames of a film that shows one block a second.
    """
    if not blocks:
        return []
    width = max(int(block.width * 1.1) for block in blocks) + 64
    set_blocks = [fit(block, fonts) for block in blocks]
    height = int(max((size * 1.5 * (len(lines) + 1) for size, lines in set_blocks))) + 64
    width, height = width + width % 2, height + height % 2
    file = script(width, height)
    for number, (block, (size, lines)) in enumerate(zip(blocks, set_blocks, strict=True)):
        name = f"block{number}"
        file.styles[name] = style(fonts, block.weight, size)
        leading = size * (1.18 if all(columns(c) == 1 and c < "\u0530" for line in lines for c in line) else 1.45)
        anchor, x = {"left": ("\\an4", 32), "centre": ("\\an5", width // 2), "right": ("\\an6", width - 32)}[
            block.align
        ]
        for row, line in enumerate(lines):
            y = height / 2 + (row - (len(lines) - 1) / 2) * leading
            text = f"{{{anchor}\\pos({x},{y:.1f})}}{tagged(line, fonts, block.weight, size)}"
            file.append(pysubs2.SSAEvent(start=number * 1000, end=number * 1000 + 1000, style=name, text=text))
    file.save(str(folder / "text.ass"))
    fonts_beside(fonts, folder)
    source = ["-f", "lavfi", "-i", f"color=black:s={width}x{height}:r=1,format=gray"]
    drawing = ["-vf", "ass=filename=text.ass:fontsdir=fonts,format=gray", "-frames:v", str(len(blocks))]
    run_ffmpeg([*source, *drawing, "-f", "rawvideo", "text.gray"], cwd=folder, control=control)
    frames = np.fromfile(folder / "text.gray", np.uint8).reshape(-1, height, width)
    (folder / "text.gray").unlink()
    return [_ink(frame) for frame in frames]


def _ink(frame: np.ndarray) -> np.ndarray:
    rows, cols = np.flatnonzero(frame.max(axis=1) > 8), np.flatnonzero(frame.max(axis=0) > 8)
    if not len(rows):
        return np.zeros((1, 1), np.float32)
    return frame[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].astype(np.float32).clip(0, WHITE) / WHITE
