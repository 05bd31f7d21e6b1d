"""The three plates that a place is drawn on, and what its drawing tells those who stand there."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.plate import Colour, Frame, Plate, mix
from engine.backends.image.sketch.sky import lightning, paint_sky
from engine.types import Frozen

GRASS: Colour = (0.40, 0.60, 0.27)
TALL_LIFT = 0.03
"""Share of its height by which a place lies higher in a tall film."""
SNOW: Colour = (0.90, 0.94, 0.99)


class View(Frozen, frozen=True):
    """`zoom` ≥ 1 enlarges about the ground in front; `aside` −0.5–0.5 is the film share by which the middle of what is
    enlarged stands left or right of the film's; `mirrored` shows the place from its other side."""

    zoom: float = 1.0
    aside: float = 0.0
    mirrored: bool = False


class Backdrop:
    """Three plates to draw a place on. `feet` is the band (film shares) where whoever stands there has the feet;
    `free` the columns that big trees leave free; `indoors` and `wet` tell how shadows fall; `decked`: who stands,
    stands on a ship, with the water behind it; `spot` (film shares) where what the place is there to show stands."""

    def __init__(self, frame: Frame, light: Light, rng: np.random.Generator) -> None:
        self.frame, self.light, self.rng = frame, light, rng
        self.back, self.middle, self.floor = Plate(frame), Plate(frame), Plate(frame)
        self.feet = (0.80, 0.90)
        self.free = (0.20, 0.80)
        self.indoors = False
        self.wet = False
        self.airy = False
        self.decked = False
        self.lamps: list[tuple[float, float]] = []
        self.spot: tuple[float, float] | None = None

    @property
    def white(self) -> bool:
        return self.light.weather == "snow"

    def level(self, share: float) -> float:
        """A height given for a wide film, a little higher in a tall one: its captions lie over the near ground."""
        return self.frame.y(share - (TALL_LIFT if self.frame.tall else 0.0))

    def ground(self) -> float | None:
        """The film share from which on there is floor where feet are, in the middle of the film; None where none is."""
        x = slice(round(self.frame.x(0.2)), round(self.frame.x(0.8)))
        closed = (self.floor.pixels[:, x, 3] > 127).mean(axis=1) > 0.97
        feet = round(self.frame.y(sum(self.feet) / 2))
        if not closed[feet]:
            return None
        open_rows = np.flatnonzero(~closed[:feet])
        first = int(open_rows[-1]) + 1 if len(open_rows) else 0
        return (first - self.frame.margin_y) / self.frame.height

    def look(self, view: View) -> None:
        """Show what was drawn so far from `view`; its light turns with it."""
        at = np.array([self.frame.x(0.5 + view.aside), self.frame.y(0.80)])
        matrix = np.array([[view.zoom, 0, (1 - view.zoom) * at[0]], [0, view.zoom, (1 - view.zoom) * at[1]]])
        width = self.frame.full[0]
        if view.mirrored:
            matrix[0] = [-view.zoom, 0, width - 1 - matrix[0, 2]]
            across, above = self.light.sun_at
            self.light = msgspec.structs.replace(self.light, sun_at=(1 - across, above))
        for plate in (self.back, self.middle, self.floor):
            plate.pixels[...] = cv2.warpAffine(
                plate.pixels, matrix, self.frame.full, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        self.lamps = [(matrix[0, 0] * x + matrix[0, 2], matrix[1, 1] * y + matrix[1, 2]) for x, y in self.lamps]
        if self.spot is not None:
            x = matrix[0, 0] * self.frame.x(self.spot[0]) + matrix[0, 2]
            y = matrix[1, 1] * self.frame.y(self.spot[1]) + matrix[1, 2]
            self.spot = ((x - self.frame.margin_x) / self.frame.width, (y - self.frame.margin_y) / self.frame.height)

    def sky(self, horizon: float, clouds: float | None = None) -> float:
        y = self.level(horizon)
        paint_sky(self.back, self.light, y, self.rng, clouds)
        if self.light.weather == "storm":
            lightning(self.back, y, self.rng)
        return y

    def green(self, base: Colour = GRASS) -> Colour:
        return mix(base, SNOW, 0.88) if self.white else base

    def kinds(self, *kinds: str) -> tuple[str, ...]:
        return ("snowpine", "bare") if self.white else kinds

    def grass(self, top: float, base: Colour = GRASS, blooms: int = 50, relief: float = 0.02) -> None:
        """The near ground with tufts and flowers, unless snow lies."""
        base = self.green(base)
        land.ground(self.floor, self.light, self.rng, self.level(top), base, relief)
        if not self.white:
            near = self.light.far(base, 0.0)
            land.tufts(self.floor, self.rng, self.level(top + 0.035), self.frame.y(1.12), near, 420)
            if not self.light.dark:
                land.flowers(self.floor, self.rng, self.light, self.level(top + 0.06), self.frame.y(1.12), blooms)

    def sides(self, kinds: tuple[str, ...], height: float, count: int = 2, foot: float = 0.80) -> None:
        """Large trees at the picture's sides."""
        for i in range(count * 2):
            share = self.rng.uniform(-0.08, 0.13) if i % 2 else self.rng.uniform(0.87, 1.08)
            size = height * self.frame.unit * self.rng.uniform(0.75, 1.15)
            kind = kinds[int(self.rng.integers(len(kinds)))]
            y = self.level(foot + self.rng.uniform(-0.03, 0.03))
            land.plant(self.floor, self.light, self.rng, kind, self.frame.x(share), y, size, 0.1)
