"""The light of a scene as numbers: sky colours, sun, tint, haze; made from time of day, weather and style."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.backends.image.sketch.plate import Colour, lighter, mix, rgb, times
from engine.types import Frozen

GREY_SKIES = {"rain": 0.75, "storm": 0.9, "fog": 0.7, "snow": 0.6, "clouds": 0.45}
WET_TINT = {"rain": "#b4bfcb", "storm": "#8e99ad", "fog": "#d3d8da", "snow": "#e0e8f2", "clouds": "#dde2e8"}


class Light(Frozen, frozen=True):
    """`sun_at`: across the film and above the horizon (both 0–1); `side` −1 when it comes from the left, 1 the right.

    `tint` multiplies what stands near; `haze` is what distance fades to, `thick` (0–1) how fast; `key` 0–1 how strongly
    the light models; `stars` 0–1; `lamps`: whether windows are lit; `weather` is rain, storm, fog, snow, clouds, wind
    or "".
    """

    time: str
    weather: str
    style: str
    sky: tuple[Colour, Colour, Colour]
    sun: Colour
    sun_at: tuple[float, float]
    sun_size: float
    tint: Colour
    haze: Colour
    thick: float
    key: float
    stars: float

    @property
    def side(self) -> int:
        return -1 if self.sun_at[0] < 0.5 else 1

    @property
    def dark(self) -> bool:
        return self.time in ("night", "dusk")

    @property
    def lamps(self) -> bool:
        return self.dark or self.weather == "storm"

    def far(self, base: Colour, depth: float) -> Colour:
        """`base` as seen at `depth` (0: here, 1: at the horizon) in this light."""
        return mix(times(base, self.tint), self.haze, min(0.96, depth * self.thick))


@cache
def _times_of_day() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((Path(__file__).parent / "light.yaml").read_text(encoding="utf-8"))


def light_of(time: str, weather: str = "", style: str = "", mirrored: bool = False) -> Light:
    """The light at that time of day; `mirrored` puts the sun on the other side. Unknown times are `day`."""
    known = _times_of_day()
    data = known.get(time, known["day"])
    sky = tuple(rgb(c) for c in data["sky"])
    tint, haze, sun = rgb(data["tint"]), rgb(data["haze"]), rgb(data["sun"])
    key, stars, size, thick = data["key"], data["stars"], data["size"], 0.85
    grey = GREY_SKIES.get(weather, 0.0)
    if grey:
        level = sum(sky[1]) / 3
        dull = (level * 0.80, level * 0.86, level * 0.94)
        sky = tuple(mix(c, lighter(dull, 0.25 * i - 0.28), grey) for i, c in enumerate(sky))
        tint = times(tint, mix((1.0, 1.0, 1.0), rgb(WET_TINT[weather]), grey))
        haze = mix(haze, lighter(sky[2], 0.06), grey)
        key, stars, size = key * (1 - 0.6 * grey), stars * (1 - grey) ** 2, size if weather == "clouds" else 0.0
        thick = {"fog": 1.25, "snow": 1.0, "rain": 1.0, "storm": 0.95}.get(weather, thick)
    across, above = data["at"]
    return Light(
        time=time if time in known else "day",
        weather=weather,
        style=style,
        sky=(sky[0], sky[1], sky[2]),
        sun=sun,
        sun_at=(1 - across if mirrored else across, above),
        sun_size=size,
        tint=tint,
        haze=haze,
        thick=thick,
        key=key,
        stars=stars,
    )
