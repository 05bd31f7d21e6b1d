"""Pictures as a viewer sees them: black, flat, half missing, frozen, twice the same. Knows files only.

Measuring (`look_at`, `look_at_picture`) and judging (`judge_shot`, …) are apart, so that what was measured once is
judged anew without decoding. Thresholds stand where neither the darkest night nor the thickest fog that `sketch` draws
comes near them, nor what they are to catch (see docs/measurements.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image

from engine.errors import MediaFailed
from engine.findings import Check, Finding, Look
from engine.reviewing.runs import longest_run

LOOK_VERSION = 2
"""Part of the key of whatever carries a `Look`."""

SIDE = 32
SAMPLES = 4
"""Frames a second that are measured; all are decoded."""

LIGHT = 26
"""Black: not even a hundredth of the picture is lighter (luma, 0–255)."""
SPREAD = 4
"""Flat: luma and colour together vary less (standard deviation, 0–255)."""
VOID, BLACK_CELL = 0.45, 3
"""Half black: so large a share of whole rows or columns is darker than that; a letterbox of 2.4 : 1 takes 0.26."""
MOVED, CELL_CHANGE = 4, 2.5
"""Frozen: fewer cells of a thousand change by so much luma within a second; encoding noise moves none, a held camera
that breathes dozens."""
SAME = 2.0
"""Two 32×32 thumbnails that differ by less (mean absolute, of 255) are the same picture to a viewer."""

LASTING = 0.5
"""Seconds that a fault lasts before it is one: shorter is a flash, or a fade."""
FROZEN_SECONDS = 2.0
CARD_FADE = 1.0
"""Seconds at either end of a card that may be as dark or empty as its design wants."""

STRIP_HEIGHT = 135


def look_at_picture(path: Path) -> Look:
    """One still picture. Raises `MediaFailed` if it is none."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            luma, *colour = (np.asarray(plane) for plane in image.convert("YCbCr").split())
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaFailed(f"{path.name} cannot be read as a picture ({error}): make it again.") from error
    light, spread = _tones(luma, *colour)
    grid = _grid(luma)
    return Look(
        frames=1,
        rate=0,
        light=(light,),
        spread=(spread,),
        void=(_void(grid),),
        moved=(),
        lag=0,
        thumbnail=grid.round().astype(np.uint8).tobytes(),
    )


def look_at(path: Path, strip: Path | None = None) -> Look:
    """A whole film, clip or segment, every frame decoded; what does not decode ends it, `spoiled`.

    `strip`: where to write three of its moments side by side, JPEG. Raises `MediaFailed` for what is no film at all.
    """
    light, spread, void, grids = [], [], [], []
    moments: list[Image.Image] = []
    frames, spoiled = 0, False
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            if not file.streams.video:
                raise MediaFailed(f"{path.name} holds no video: make it again.")
            stream = file.streams.video[0]
            stream.thread_type = "AUTO"
            stream.codec_context.options = {"err_detect": "explode"}
            rate = float(stream.average_rate or 1)
            step = max(1, int(rate) // SAMPLES)
            wanted = {round((stream.frames - 1) * share) for share in (0.1, 0.5, 0.9)} if strip else set()
            try:
                for frame in file.decode(stream):
                    spoiled = spoiled or frame.is_corrupt
                    if frames % step == 0:
                        planes = _planes(frame)
                        tones = _tones(*planes)
                        light.append(tones[0])
                        spread.append(tones[1])
                        grids.append(_grid(planes[0]))
                        void.append(_void(grids[-1]))
                    if frames in wanted:
                        width = max(2, round(STRIP_HEIGHT * frame.width / frame.height))
                        moments.append(frame.to_image(width=width, height=STRIP_HEIGHT))
                    frames += 1
            except FFmpegError:
                spoiled = True
            # A file that was cut off behind its index ends without any error.
            spoiled = spoiled or frames < stream.frames
    except (FFmpegError, OSError) as error:
        raise MediaFailed(f"{path.name} cannot be read as a film ({error}): make it again.") from error
    if strip is not None and moments:
        _side_by_side(moments).save(strip, "JPEG", quality=80)
    lag = max(0, min(round(rate / step), len(grids) - 1))
    return Look(
        frames=frames,
        rate=rate / step,
        light=tuple(light),
        spread=tuple(spread),
        void=tuple(void),
        moved=tuple(_moved(grids[i - lag], grids[i]) for i in range(lag, len(grids))) if lag else (),
        lag=lag,
        thumbnail=grids[len(grids) // 2].round().astype(np.uint8).tobytes() if grids else b"",
        spoiled=spoiled or not frames,
    )


def _planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """Luma and colour, stretched from video range (16–235) to 0–255."""
    planes = []
    for plane in (frame if frame.format.name in ("yuv420p", "yuvj420p") else frame.reformat(format="yuv420p")).planes:
        padded = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        planes.append(FULL_RANGE[padded[:, : plane.width]] if not planes else padded[:, : plane.width])
    return planes


FULL_RANGE = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)


def _tones(luma: np.ndarray, *colour: np.ndarray) -> tuple[int, int]:
    """Light and spread, of some hundred pixels each way: a picture of a million is known by fewer."""
    seen = _some(luma)
    counts = np.cumsum(np.bincount(seen.ravel(), minlength=256))
    variance = sum(float(np.var(_some(plane))) for plane in (luma, *colour))
    return int(np.searchsorted(counts, 0.99 * counts[-1])), round(variance**0.5)


def _some(plane: np.ndarray) -> np.ndarray:
    return plane[:: max(1, plane.shape[0] // 100), :: max(1, plane.shape[1] // 100)]


def _grid(luma: np.ndarray) -> np.ndarray:
    """Mean luma of 32×32 cells."""
    cells = Image.fromarray(np.ascontiguousarray(luma)).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(cells, dtype=np.float32)


def _void(grid: np.ndarray) -> float:
    black = grid < BLACK_CELL
    return round(float(max(black.all(axis=0).mean(), black.all(axis=1).mean())), 3)


def _moved(before: np.ndarray, after: np.ndarray) -> int:
    return round(1000 * float((np.abs(after - before) >= CELL_CHANGE).mean()))


def _side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    strip = Image.new("RGB", (sum(one.width for one in pictures), STRIP_HEIGHT))
    at = 0
    for one in pictures:
        strip.paste(one, (at, 0))
        at += one.width
    return strip


# ---- judging --------------------------------------------------------------------------------------------------------


def judge_picture(look: Look, shot: int, at: float | None = None) -> Iterator[Finding]:
    """A still of its own."""
    yield from _dark_or_flat(look, shot, at, f"the picture of shot {shot + 1}")


def judge_shot(look: Look, shot: int, at: float, *, moves: bool) -> Iterator[Finding]:
    """A clip or segment that begins at film time `at`; one that `moves` must not stand still."""
    if look.spoiled:
        yield Finding(check="decodes", shot=shot, at=at, sentence=f"shot {shot + 1} does not decode to its end")
        return
    yield from _dark_or_flat(look, shot, at, f"shot {shot + 1}")
    if moves:
        yield from _frozen(look, shot, at)


def judge_card(look: Look, name: str, at: float) -> Iterator[Finding]:
    """A card may stand still, and begin and end as dark or empty as it likes."""
    if look.spoiled:
        yield Finding(check="decodes", at=at, sentence=f"the {name} does not decode to its end")
        return
    margin = min(round(CARD_FADE * look.rate), len(look.light) // 3)
    yield from _dark_or_flat(look, None, at, f"the {name}", margin)


def judge_neighbours(looks: Sequence[Look | None], starts: Sequence[float]) -> Iterator[Finding]:
    """Of each still whether it shows what the one before it showed."""
    for shot, (before, after) in enumerate(pairwise(looks), start=1):
        if before is None or after is None:
            continue
        one, other = (np.frombuffer(look.thumbnail, np.uint8).astype(np.float32) for look in (before, after))
        apart = float(np.abs(one - other).mean())
        if apart < SAME:
            yield Finding(
                check="same",
                shot=shot,
                at=starts[shot],
                measured=round(apart, 2),
                limit=SAME,
                sentence=f"shots {shot} and {shot + 1} show the same picture",
            )


def _dark_or_flat(look: Look, shot: int | None, at: float | None, what: str, margin: int = 0) -> Iterator[Finding]:
    """The longest stretch of each fault, if it lasts; `margin` samples at either end count for nothing."""
    part = slice(margin, len(look.light) - margin)
    light, spread, void = look.light[part], look.spread[part], look.void[part]
    dark = [value < LIGHT for value in light]
    flat = [value < SPREAD and not black for value, black in zip(spread, dark, strict=True)]
    half = [value >= VOID and not black for value, black in zip(void, dark, strict=True)]
    kinds: tuple[tuple[Check, list[bool], Sequence[float], float, str], ...] = (
        ("black", dark, light, LIGHT, "is nearly black"),
        ("flat", flat, spread, SPREAD, "shows one colour and nothing else"),
        ("black", half, void, VOID, "is black in a large part"),
    )
    for check, faults, values, limit, word in kinds:
        start, length = longest_run(faults)
        if not length or length < min(len(faults), max(1, round(LASTING * look.rate))):
            continue
        seconds, begins = (length / look.rate, (margin + start) / look.rate) if look.rate else (0.0, 0.0)
        yield Finding(
            check=check,
            shot=shot,
            at=None if at is None else round(at + begins, 3),
            measured=sorted(values[start : start + length])[length // 2],
            limit=limit,
            sentence=f"{what} {word}" + (f" for {seconds:.1f} s" if length < len(faults) else ""),
        )


def _frozen(look: Look, shot: int, at: float) -> Iterator[Finding]:
    still = [value < MOVED for value in look.moved]
    start, length = longest_run(still)
    whole = bool(still) and all(still)
    seconds = (length + look.lag) / look.rate if length else 0.0
    if whole or seconds >= FROZEN_SECONDS + 0.5 / look.rate:
        yield Finding(
            check="frozen",
            shot=shot,
            at=round(at + start / look.rate, 3),
            measured=round(seconds, 2),
            limit=FROZEN_SECONDS,
            sentence=f"shot {shot + 1} stands still" + ("" if whole else f" for {seconds:.1f} s"),
        )
