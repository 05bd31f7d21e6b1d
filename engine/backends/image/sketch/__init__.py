"""Artist family `sketch`: vector drawings composed into a picture by place, time, weather, subjects and what they do.

Twemoji's drawings (CC BY 4.0) and dolls of its own stand on procedurally drawn places. No network is asked and no
weights are needed; half a second a picture on a CPU. It reads English.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np

from engine.backends.image.sketch import (
    atmosphere,
    compose,
    cosmos,
    country,
    depths,
    fields,
    finish,
    rooms,
    shows,
    town,
    transit,
    waters,
)
from engine.backends.image.sketch.backdrop import Backdrop, View
from engine.backends.image.sketch.light import Light, light_of
from engine.backends.image.sketch.plate import Frame, Plate
from engine.backends.image.sketch.reading import Reading, read
from engine.backends.params import read_params
from engine.backends.protocols import StillJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.made import Still
from engine.types import Frozen

STEPS = 5
OPEN_TIMES = ("morning", "day", "afternoon", "sunset")
NEARNESS = {"wide": 1.0, "medium": 1.14, "close": 1.4}
"""How much larger a place is drawn than its wide view."""
ONE_SIDED = ("studio",)

PLACES: dict[str, Callable[[Backdrop], None]] = {
    "mountains": country.mountains,
    "meadow": country.meadow,
    "forest": country.forest,
    "jungle": country.jungle,
    "desert": country.desert,
    "snow": country.snow,
    "sea": waters.sea,
    "beach": waters.beach,
    "island": waters.island,
    "lake": waters.lake,
    "waterfall": waters.waterfall,
    "bridge": transit.bridge,
    "station": transit.station,
    "airport": transit.airport,
    "farm": fields.farm,
    "road": fields.road,
    "garden": fields.garden,
    "sports": fields.sports,
    "city": town.city,
    "village": town.village,
    "market": town.market,
    "castle": town.castle,
    "harbour": town.harbour,
    "space": cosmos.space,
    "space_station": cosmos.space_station,
    "moon": cosmos.moon,
    "planet": cosmos.planet,
    "underwater": depths.underwater,
    "cave": depths.cave,
    "sky": cosmos.sky_place,
    "stage": shows.stage,
    "studio": shows.studio,
    "backdrop": shows.backdrop,
}


class Params(Frozen, frozen=True):
    """This family has no parameters."""


def load(spec: ModelSpec, weights: Path | None) -> SketchArtist:
    """An artist that needs no files but its packages'. Raises `BadCatalog` for unknown parameters."""
    read_params(spec, Params)
    return SketchArtist(spec)


class SketchArtist:
    """An `ImageModel`."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        """Write `still.png` and `layer-0.png` (far, opaque) … `layer-4.png` (near); the still is their film's frame.

        Raises `ModelCorrupt` for a reference picture that cannot be read, `StorageFull`, `StorageUnwritable`.
        """
        reading = read(job)
        frame = Frame.of(job.width, job.height)
        ground, chance = _generators(job, reading)
        tick(0, STEPS)
        backdrop = Backdrop(frame, _light(reading, ground), ground)
        _draw_place(backdrop, reading)
        atmosphere.put_haze(backdrop)
        backdrop.look(_view(job, reading))
        tick(1, STEPS)
        compose.put_sets(reading, backdrop)
        if job.framing == "close":
            _defocus(backdrop)
        near, front = Plate(frame), Plate(frame)
        compose.put_cast(reading, backdrop, near, job.framing, job.references, chance, job.clear)
        tick(2, STEPS)
        atmosphere.put_foreground(backdrop, front, reading.place, job.framing, chance)
        atmosphere.put_weather(backdrop, front, chance)
        tick(3, STEPS)
        plates = [backdrop.back, backdrop.middle, backdrop.floor, near, front]
        layers = [finish.straight(finish.graded(plate.pixels, frame, reading.style)) for plate in plates]
        tick(4, STEPS)
        paths = tuple(folder / f"layer-{i}.png" for i in range(len(layers)))
        still = folder / "still.png"
        finish.write_pngs({still: finish.flattened(layers, frame), **dict(zip(paths, layers, strict=True))})
        tick(STEPS, STEPS)
        return Still(image=still, layers=paths)

    def close(self) -> None:
        """Nothing is held but the rasters that the process keeps anyway."""


def _generators(job: StillJob, reading: Reading) -> tuple[np.random.Generator, np.random.Generator]:
    """One for the place, one for what happens there. A scene that is come back to has the same hills and houses; what
    is not part of a scene follows from prompt and seed alone."""
    scene = job.scene
    same = f"{scene.description}|{reading.place}" if scene and scene.description else f"{job.prompt}|{job.seed}"
    return _generator(f"place|{same}"), _generator(f"cast|{job.prompt}|{job.seed}|{job.framing}")


def _view(job: StillJob, reading: Reading) -> View:
    """From where the place is seen: the nearer the framing the nearer, and by the seed's lowest bits from one side or
    the other. So neighbours in a scene are seen like two takes of it, not like one picture."""
    right, near = job.seed & 1, (job.seed >> 1) & 1
    zoom = NEARNESS.get(job.framing, NEARNESS["medium"]) * (1.07 if near else 1.0)
    # a chart that rises must not be seen falling
    return View(zoom=zoom, aside=0.09 if right else -0.09, mirrored=bool(right) and reading.place not in ONE_SIDED)


def _generator(text: str) -> np.random.Generator:
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _light(reading: Reading, rng: np.random.Generator) -> Light:
    """The light that the words name; where they name none, one of the day's, the same for the same scene."""
    mirrored, drawn = rng.random() < 0.5, OPEN_TIMES[int(rng.integers(len(OPEN_TIMES)))]
    if reading.place == "moon":
        return light_of("night", "", reading.style, mirrored)
    return light_of(reading.time or drawn, reading.weather, reading.style, mirrored)


def _draw_place(backdrop: Backdrop, reading: Reading) -> None:
    if reading.place in PLACES:
        PLACES[reading.place](backdrop)
    else:
        rooms.room(backdrop, reading.place)
    standing = [m for m in reading.main if not (m.boat or m.water or m.flies)]
    if reading.place == "sea" and standing and not any(m.boat for m in reading.main):
        town.deck(backdrop, 0.76)  # whoever cannot swim stands on a ship
        backdrop.wet, backdrop.feet, backdrop.decked = False, (0.84, 0.92), True


def _defocus(backdrop: Backdrop) -> None:
    """A close-up's short depth of field: the farther, the softer."""
    unit = backdrop.frame.unit
    for plate, share in ((backdrop.back, 0.010), (backdrop.middle, 0.008), (backdrop.floor, 0.005)):
        size = max(1, round(unit * share))
        for _ in range(2):
            plate.pixels[...] = cv2.blur(plate.pixels, (size, size), borderType=cv2.BORDER_REPLICATE)
