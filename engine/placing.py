"""Where panels lie in the picture: never over the captions, never over each other, never at an edge that is cut off.

Rectangles only: knows no words, no colours and no time.
"""

from __future__ import annotations

from engine.types import Frozen

HEAD, SIDE = 0.06, 0.05
"""Shares of height and width that stay free at the upper edge and at the sides: televisions and phones cut there."""

PHONE_HEAD = 0.07
"""Where phones draw their own controls, a share of the height of upright films."""


class Rect(Frozen, frozen=True):
    """Pixels from `left` and `top`, up to but not including `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def meets(self, other: Rect) -> bool:
        """Whether they have a pixel in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def is_upright(size: tuple[int, int]) -> bool:
    """Whether a film is one for phones, which draw their controls over its foot."""
    return size[1] > 1.3 * size[0]


def bar_height(size: tuple[int, int]) -> int:
    """Pixels of a headline bar, even: the picture under it stores colour for every second pixel."""
    height = max(14, round(min(size) * 0.092))
    return height + height % 2


def bar_place(size: tuple[int, int]) -> Rect:
    """A headline bar at the foot, or at the head where phones cover the foot."""
    top = round(size[1] * PHONE_HEAD) & ~1 if is_upright(size) else size[1] - bar_height(size)
    return Rect(left=0, top=top, right=size[0], bottom=top + bar_height(size))


def taken_at_foot(size: tuple[int, int], barred: bool) -> int:
    """Pixels of the lower edge that a headline bar takes from the captions."""
    return bar_height(size) if barred and not is_upright(size) else 0


class Stage(Frozen, frozen=True):
    """What is free in a shot: from `top` to `foot`, `left` to `right`, in pixels; `gap` keeps things apart."""

    left: int
    right: int
    top: int
    foot: int
    gap: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return max(0, self.foot - self.top)


def stage(size: tuple[int, int], captions: Rect, barred: bool) -> Stage:
    """The part of the picture above the captions, and below a bar at the head."""
    gap = max(2, round(min(size) * 0.022))
    side = round(size[0] * SIDE)
    head = bar_place(size).bottom + gap if barred and is_upright(size) else round(size[1] * HEAD)
    head = max(head, round(size[1] * 0.12)) if is_upright(size) else head
    return Stage(left=side, right=size[0] - side, top=head, foot=max(head, captions.top - gap), gap=gap)


def place_chapter(plate: tuple[int, int], free: Stage, rtl: bool = False) -> Rect:
    """A chapter's card in the upper corner that reading begins at."""
    return _rect(free.right - plate[0] if rtl else free.left, free.top, plate)


def place_third(plate: tuple[int, int], free: Stage, rtl: bool = False) -> Rect:
    """A lower third at the side that reading begins at, above the captions."""
    return _rect(free.right - plate[0] if rtl else free.left, free.foot - plate[1], plate)


def place_large(plate: tuple[int, int], free: Stage) -> Rect:
    """A quote or a chart in the upper part of what is free: whoever is seen mostly stands in the lower one."""
    top = free.top + round((free.height - plate[1]) * 0.12)
    return _rect(free.left + (free.width - plate[0]) // 2, top, plate)


def _rect(left: int, top: int, plate: tuple[int, int]) -> Rect:
    left, top = max(0, left) & ~1, max(0, top) & ~1
    return Rect(left=left, top=top, right=left + plate[0], bottom=top + plate[1])
