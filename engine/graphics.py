"""Sets cards and panels in motion: they arrive, grow, stay and leave, composed with MoviePy.

The only importer of MoviePy, and only when something is drawn. Knows words, colours and places; not which format
wants which card. Text arrives here as masks, drawn by libass (engine/typeset.py), because that shapes every script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageFilter, ImageOps

from engine.captions import Cue
from engine.fonts import MEDIUM, Fonts
from engine.media import FrameWriter
from engine.palette import LUMINANCE, colour, encoded, linear
from engine.placing import Rect
from engine.plates import Panel, Placed, draw_plates
from engine.progress import Control
from engine.titling import BRIGHTEST, INK, Card, card_words
from engine.types import Frozen
from engine.typeset import is_rtl

GRAPHICS_VERSION = 4
ARRIVE, LEAVE = 0.5, 0.35
"""Seconds in which panels and words come and go."""

GROW = 0.9
"""Seconds in which bars and lines grow; they begin while their panel still arrives."""


class Overlay(Frozen, frozen=True):
    """A video with alpha to be laid over a shot at `x`, `y`; its last frame stays."""

    video: Path
    x: int
    y: int


def ease(share: float) -> float:
    """Fast, then slow: cubic ease-out over 0–1."""
    return 1 - (1 - min(max(share, 0.0), 1.0)) ** 3


# ---- cards ----------------------------------------------------------------------------------------------------------


def draw_card(
    card: Card,
    picture: Path,
    writer: FrameWriter,
    *,
    frames: int,
    size: tuple[int, int],
    fps: int,
    fonts: Fonts,
    folder: Path,
    control: Control,
) -> None:
    """Write `frames` frames of the card to `writer`; `folder` is for scratch files."""
    from moviepy import CompositeVideoClip, VideoClip

    seconds = frames / fps
    words, rule = card_words(card, size, fonts, folder, control)
    region = (words.shape[1], words.shape[0])
    side = round(size[0] * 0.09)
    x = {"left": side, "right": size[0] - side - region[0], "centre": (size[0] - region[0]) // 2}[card.align]
    x = max(0, x)
    y = max(0, round((size[1] - region[1]) * (0.5 if not card.left else 0.56)))
    rise = max(2, round(size[1] * 0.03))

    def drawn(t: float) -> np.ndarray:
        """The rule grows out of its beginning or its middle while the words rise, and shrinks while they leave."""
        frame = words.copy()
        left, top, right, bottom = rule
        gone = 0.0 if card.closing else 1 - ease((seconds - 0.12 - t) / LEAVE)
        kept = round((right - left) * ease(t / 0.7) * (1 - gone))
        start = {"left": left, "right": right - kept, "centre": (left + right - kept) // 2}[card.align]
        frame[top:bottom, start : start + kept] = (*colour(card.accent), 255)
        return frame

    colours = VideoClip(lambda t: drawn(t)[..., :3], duration=seconds)
    opacity = VideoClip(
        lambda t: drawn(t)[..., 3] / 255.0 * _presence(t, seconds, card.closing), is_mask=True, duration=seconds
    )
    text = colours.with_mask(opacity).with_position(lambda t: (0, round(rise * (1 - ease(t / 0.8)))))
    # MoviePy composes whole pictures several times over; it is given only the part that the words cover.
    backdrop = _backdrop(picture, size, seconds, card)
    area = (slice(y, min(size[1], y + region[1] + rise)), slice(x, x + region[0]))
    frame = backdrop(0)

    def behind(t: float) -> np.ndarray:
        nonlocal frame
        frame = backdrop(t)
        return frame[area]

    film = CompositeVideoClip([VideoClip(behind, duration=seconds), text], use_bgclip=True)
    for number in range(frames):
        control.check()
        words_over = film.get_frame(number / fps)
        frame[area] = words_over
        writer.write(frame)
    film.close()


def _presence(t: float, seconds: float, closing: bool) -> float:
    """Opacity of a card's words: in at once, out before a title card gives way to the picture."""
    leaving = 1.0 if closing else min(1.0, max(0.0, (seconds - 0.12 - t) / LEAVE))
    return ease(t / ARRIVE) * leaving


def _backdrop(picture: Path, size: tuple[int, int], seconds: float, card: Card) -> Callable[[float], np.ndarray]:
    """The still, blurred and darkened, slowly pushed; the title card clears into it, the end card fades to black."""
    import cv2

    width, height = size
    with Image.open(picture, formats=("PNG", "JPEG", "WEBP")) as image:
        clear = ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS)
    small = ImageOps.fit(clear, (max(2, width // 4), max(2, height // 4)))
    soft = small.filter(ImageFilter.GaussianBlur(min(size) / 4 / 55)).resize(size, Image.Resampling.BICUBIC)
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade = (1 - 0.35 * np.clip(across**2 + down**2, 0, 1.6) / 1.6) * (0.4 if card.closing else 0.56)
    if card.left:
        shade = shade * (0.8 + 0.3 * ((across if card.align == "left" else -across) + 1) / 2)
    ink = np.array(INK, np.float32)
    dark = _under_words((np.asarray(soft, np.float32) * shade[..., None] + ink * 0.35).clip(0, 255))
    bright = np.asarray(clear)

    def frame(t: float) -> np.ndarray:
        share = t / seconds
        zoom = 1 + 0.06 * (share if card.closing else 1 - ease(share))
        move = np.array([[zoom, 0, width / 2 * (1 - zoom)], [0, zoom, height / 2 * (1 - zoom)]])
        shown = cv2.warpAffine(dark, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        if card.closing:
            light = min(1.0, t / 0.25, max(0.0, (seconds - t - 1 / 30) / 0.45))
            return shown if light >= 1 else cv2.convertScaleAbs(shown, alpha=light)
        cleared = min(1.0, max(0.0, 1 - (seconds - t - 0.04) / 0.4))
        if cleared > 0:
            shown = cv2.addWeighted(shown, 1 - cleared, bright, cleared, 0)
        return shown if t >= 0.3 else cv2.convertScaleAbs(shown, alpha=t / 0.3)

    return frame


def _under_words(picture: np.ndarray) -> np.ndarray:
    """`picture`, its lights pressed below `BRIGHTEST` and its darks left alone, so that any word of a card can be read
    on any still. All channels of a pixel alike, in linear light: its hue stays."""
    colours = linear(picture)
    light = (colours @ LUMINANCE)[..., None]
    pressed = colours / (1 + (light / BRIGHTEST) ** 3) ** (1 / 3)
    return encoded(pressed).round().astype(np.uint8)


# ---- panels ---------------------------------------------------------------------------------------------------------


def draw_panels(
    panels: Sequence[Panel],
    folder: Path,
    *,
    frames: int,
    size: tuple[int, int],
    captions: Rect,
    fps: int,
    fonts: Fonts,
    control: Control,
) -> list[Overlay]:
    """Each panel as a video with alpha in `folder` (`overlay-0.mov` …); none of them reaches into `captions`."""
    overlays = []
    for number, placed in enumerate(draw_plates(panels, size, captions, fonts, folder, control)):
        out = folder / f"overlay-{number}.mov"
        if placed.panel.animated:
            _animate(placed, out, frames, fps, control)
        else:
            _write_alpha(out, [placed.plate], fps)
        overlays.append(Overlay(video=out, x=placed.place.left, y=placed.place.top))
    return overlays


def _animate(placed: Placed, out: Path, frames: int, fps: int, control: Control) -> None:
    """Slide in from the side that reading begins at, grow what grows, stay, slide out; only frames in which something
    moves are composed anew."""
    from moviepy import CompositeVideoClip, VideoClip

    panel, plate, grow = placed.panel, placed.plate, placed.grow
    height, width = plate.shape[:2]
    until = panel.until if panel.until is not None else frames / fps + LEAVE
    travel = width if panel.kind == "bar" else max(8, width // 4)
    way = 1 if is_rtl(panel.text) else -1
    growing = GROW if grow else 0.0

    def position(t: float) -> tuple[int, int]:
        arrived, gone = ease((t - panel.start) / ARRIVE), 1 - ease((until - t) / LEAVE)
        return round(way * travel * (1 - arrived + gone)), 0

    def presence(t: float) -> float:
        solid = panel.kind == "bar"
        return float(panel.start <= t < until) * (1.0 if solid else min(1.0, (t - panel.start) * 4, (until - t) * 4))

    @lru_cache(maxsize=1)
    def grown(t: float) -> np.ndarray:
        share = ease((t - panel.start - ARRIVE / 2) / GROW) if grow else 1.0
        return grow(share) if grow and share < 1 else plate

    seconds = frames / fps
    image = VideoClip(lambda t: grown(t)[..., :3], duration=seconds).with_mask(
        VideoClip(lambda t: grown(t)[..., 3] / 255.0, is_mask=True, duration=seconds)
    )
    film = CompositeVideoClip([image.with_position(position)], size=(width, height), bg_color=None)

    def frame(number: int) -> np.ndarray:
        t = number / fps
        shown = presence(t)
        if shown <= 0 or film.mask is None:
            return np.zeros_like(plate)
        alpha = np.asarray(film.mask.get_frame(t)) * shown
        return np.dstack([np.asarray(film.get_frame(t), np.uint8), (alpha * 255).round().astype(np.uint8)])

    def moving(number: int) -> bool:
        t = number / fps
        arriving = panel.start - 1 / fps <= t <= panel.start + ARRIVE + growing + 1 / fps
        return arriving or until - LEAVE - 1 / fps <= t <= until

    made: list[np.ndarray] = []
    for number in range(frames):
        control.check()
        still = made and not moving(number) and not moving(number - 1)
        made.append(made[-1] if still else frame(number))
    film.close()
    _write_alpha(out, made, fps)


def _write_alpha(out: Path, frames: Sequence[np.ndarray], fps: int) -> None:
    """Lossless QuickTime animation with alpha; unchanged frames cost a few bytes."""
    with av.open(str(out), "w", format="mov") as file:
        stream = file.add_stream("qtrle", rate=fps)
        stream.height, stream.width, stream.pix_fmt = frames[0].shape[0], frames[0].shape[1], "argb"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgba").reformat(format="argb")
            picture.pts = number
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))


# ---- yardstick ------------------------------------------------------------------------------------------------------


def moviepy_reference(
    clips: Sequence[Path], cues: Sequence[Sequence[Cue]], out: Path, *, fps: int, fonts: Fonts
) -> None:
    """The same clips with their captions as MoviePy alone would cut them: what `reelhouse bench` compares us with (R1).

    `cues[i]` are those of `clips[i]`, in shot time. Encoded with the same preset and quality as our segments, no sound.
    """
    from moviepy import CompositeVideoClip, TextClip, VideoFileClip, concatenate_videoclips

    face = next(face for face in fonts.faces if face.script == "Sans" and face.weight == MEDIUM)
    pieces = []
    for clip, said in zip(clips, cues, strict=True):
        picture = VideoFileClip(str(clip), audio=False)
        size = max(9, round(min(picture.size) * 0.05))
        texts = [
            TextClip(
                font=str(face.file),
                text="\n".join(cue.text),
                font_size=size,
                color="white",
                stroke_color="black",
                stroke_width=max(1, round(size * 0.075)),
                text_align="center",
            )
            .with_start(cue.start)
            .with_end(min(cue.end, picture.duration))
            .with_position(("center", 0.8), relative=True)
            for cue in said
        ]
        pieces.append(CompositeVideoClip([picture, *texts]))
    film = concatenate_videoclips(pieces)
    codec = {"codec": "libx264", "preset": "veryfast", "ffmpeg_params": ["-crf", "20", "-pix_fmt", "yuv420p"]}
    film.write_videofile(str(out), fps=fps, audio=False, logger=None, **codec)
    for piece in (film, *pieces):
        piece.close()
