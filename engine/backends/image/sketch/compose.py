"""Puts the cast, what lies about and what stands far away onto a place's plates. Knows no words."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from engine.backends.image.sketch.arrange import COVERED, GROWN, MOST_RAISED, Placed, arrange, shown_height, standing
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import emoji_picture
from engine.backends.image.sketch.figures import SOLES
from engine.backends.image.sketch.plate import Plate, ellipse
from engine.backends.image.sketch.reading import HEAVENLY, Reading
from engine.backends.image.sketch.relight import far_tinted, lit, shadow
from engine.backends.image.sketch.sprites import Drawn, draw, neck_of, units_of
from engine.backends.image.sketch.town import cottage, fortress, lighthouse
from engine.backends.image.sketch.transit import span

WATERLINES = {
    "sea": 0.80,
    "lake": 0.70,
    "harbour": 0.70,
    "beach": 0.68,
    "island": 0.66,
    "bridge": 0.72,
    "waterfall": 0.74,
}
SHOWN = {"harbour": "🗼", "station": "🚉", "airport": "🛫", "space_station": "🚉"}
"""What a place shows anyway."""
HIPS, KNEES = 330, 430
"""Of a doll, in its units."""
UNDER_THE_CHIN = 0.03
"""Share of the film's height between a close-up's chin and the captions."""
HEADROOM = 0.11
"""Share of the film's height above whoever flies: a camera that comes nearer cuts a tenth off."""
DARK = (0.02, 0.03, 0.08)


def put_sets(reading: Reading, b: Backdrop) -> None:
    """Castles, houses, volcanoes and the like, far behind, unless the place shows them anyway."""
    if b.indoors or b.airy:
        return
    for i, member in enumerate(reading.sets):
        share = 0.5 + (0.30 if i == 0 else -0.28) * -b.light.side
        if member.character == "🏰":
            if reading.place != "castle":
                fortress(b, b.middle, share, 0.69, 0.40, 0.45)
        elif member.character in ("🏠", "🏡"):
            if reading.place not in ("village", "farm"):
                cottage(b, b.middle, share, 0.745, 0.34, 0.12)
        elif member.word == "lighthouse":
            if reading.place != "harbour":
                lighthouse(b, share)
        elif member.character == "🌉":
            if reading.place != "bridge":
                span(b, b.middle, 0.60, (0.56, 0.40, 0.36), 0.45)
        elif member.character not in SHOWN.get(reading.place, ""):
            height = max(8, round(0.115 * b.frame.unit * member.height))
            picture = far_tinted(emoji_picture(member.character, height), b.light, 0.35)
            x, foot = b.frame.x(share), b.level(0.735)
            b.middle.soft(x, foot, picture.shape[1] * 0.55, 0.015 * b.frame.unit, DARK, 0.4)
            b.middle.sprite(picture, x - picture.shape[1] / 2, foot - picture.shape[0] * 0.98)


def put_cast(
    reading: Reading,
    b: Backdrop,
    near: Plate,
    framing: str,
    references: dict[str, Path],
    rng: np.random.Generator,
    clear: float = 1.0,
) -> None:
    """Draw everybody: the row behind onto the floor's plate, the others onto `near`; faces above `clear`."""
    placed = arrange(reading, b, framing, rng, clear)
    # the larger behind the smaller; a rider goes before the mount that hides the legs
    size = {i: placed[i + 1].height + 1 if p.rides else p.height for i, p in enumerate(placed)}
    lead = next((i for i, p in enumerate(placed) if p.member == reading.main[0]), 0)
    _put_cards(reading, b, b.floor)
    for row in (1, 0):
        for i in sorted((i for i, p in enumerate(placed) if p.row == row), key=lambda i: -size[i]):
            if framing != "close":
                plate = b.floor if row else near
            elif i == lead:
                continue
            else:
                plate = b.floor
                placed[i] = _beside_the_lead(placed[i], b)
            _put(placed[i], b, plate, reading, references, rng, placed[i + 1] if placed[i].rides else None)
    if framing == "close":
        _close_up(placed[lead], b, near, reading, references, clear)
    _put_props(reading, placed, b, near, framing, rng)


def _beside_the_lead(p: Placed, b: Backdrop) -> Placed:
    """Where a close-up's first leaves room for the second, who looks at the first."""
    side = b.light.side
    return p if b.frame.tall else msgspec.structs.replace(p, x=0.5 + 0.30 * side, facing=-side)


def _put(
    p: Placed,
    b: Backdrop,
    plate: Plate,
    reading: Reading,
    references: dict[str, Path],
    rng: np.random.Generator,
    mount: Placed | None,
) -> None:
    """One of the cast where it was placed; `mount` is what it rides."""
    tilt = _tilt(p, b, rng)
    drawn = draw(
        p.member,
        p.height,
        p.facing,
        p.action,
        reading.feeling,
        b.light,
        held=p.held,
        tilt=tilt,
        seated=mount is not None,
        depth=0.10 if p.row else 0.0,
        key=0.45 if b.indoors else None,
        reference=references.get(p.member.name),
    )
    x, foot = b.frame.x(p.x), b.level(p.foot) if p.airborne else b.frame.y(p.foot)
    if b.decked and p.member.water and not p.airborne:
        plate, foot = b.middle, b.level(0.775)  # the ship's rail hides what is under water
    afloat = reading.place in WATERLINES and (mount.member if mount else p.member).boat
    if afloat:
        foot, plate = b.level(WATERLINES[reading.place]), plate if reading.place == "sea" else b.middle
    if mount is not None:
        # sits where the mount's back is (a dragon's is low between neck and tail), hidden from the hips down
        seat = 0.46 if p.member.kind != "picture" else 0.66  # a portrait has its face where others have their hips
        if mount.member.flies:
            seat, x = 0.25, x - 0.17 * mount.height * mount.facing
        if mount.member.boat:
            seat, x = 0.30, x - 0.33 * mount.height * mount.facing
        foot += p.height * 0.30 - mount.height * seat
    if tilt > 60 and reading.place == "bedroom" and not b.frame.tall:
        x, foot = b.frame.x(0.80), b.level(0.655)  # in the bed
    half = drawn.width / 2
    if drawn.width < b.frame.width and mount is None:
        x = min(max(x, b.frame.x(0.01) + half), b.frame.x(0.99) - half)
    if p.airborne:
        if not b.airy and not b.indoors:
            plate.soft(x, b.frame.y(0.90), drawn.width * 0.42, drawn.width * 0.06, DARK, 0.28)
        if mount is None:
            foot = max(foot, b.frame.y(HEADROOM) + drawn.foot)
    elif mount is None and not afloat and not ((b.wet or b.decked) and p.member.water):
        shadow(plate, drawn.pixels, x, foot, b.light, b.indoors)
    plate.sprite(drawn.pixels, x - drawn.middle, foot - drawn.foot)
    if p.member.lamp:
        _shine(b, plate, x, foot - p.height / 2, p.height)
    if afloat and mount is None:
        _wash(b, plate, x, foot, drawn)


def _tilt(p: Placed, b: Backdrop, rng: np.random.Generator) -> float:
    """Degrees, nose up: people fly head first, birds climb a little, who sleeps lies."""
    doll = p.member.kind in ("person", "mascot", "picture")
    if p.action == "sleep" and doll:
        return 84.0
    if not p.airborne or p.rides:
        return 0.0
    if doll:
        return -28.0 if not b.airy else float(rng.uniform(-26, -12))
    return 0.0 if p.member.character in ("🚀", "🎈", "🛸") else float(rng.uniform(4, 11))


def _shine(b: Backdrop, plate: Plate, x: float, y: float, size: float) -> None:
    """A fire's or lamp's light on everything around it."""
    if b.light.dark or b.indoors:
        for layer in (b.back, b.middle, b.floor):
            layer.glow(x, y, size * 3.0, (1.0, 0.62, 0.28), 0.30)
        plate.glow(x, y, size * 1.6, (1.0, 0.75, 0.4), 0.4)


def _wash(b: Backdrop, plate: Plate, x: float, foot: float, drawn: Drawn) -> None:
    """Foam along a boat's waterline."""
    foam = b.light.far((0.92, 0.97, 1.0), 0.0)
    for k in range(7):
        dx = (k / 3 - 1) * drawn.width * 0.55
        plate.polygon(ellipse(x + dx, foot - 0.004 * b.frame.unit, drawn.width * 0.14, 0.012 * b.frame.unit), foam, 0.6)


def _close_up(p: Placed, b: Backdrop, near: Plate, reading: Reading, references: dict[str, Path], clear: float) -> None:
    """The first of the cast large: a person from the hips up, the chin above `clear`; else the whole thing."""
    unit, member = b.frame.unit, p.member
    x = b.frame.x(b.spot[0] if b.spot else 0.5 if b.frame.tall else 0.5 - 0.09 * b.light.side)
    key = 0.5 if b.indoors else None
    reference = references.get(member.name)
    if member.kind in ("person", "mascot") and reference is None:
        size = 1.32 if not b.frame.tall else 1.5  # so that in a tall film the face is above the captions
        action = p.action if p.action in ("raise", "wave", "point", "reach", "hold") else "stand"
        drawn = draw(member, size * unit, p.facing, action, reading.feeling, b.light, held=p.held, key=key)
        scale = size * unit / units_of(member)
        # hips hang at the plate's foot, or knees where the chin would be under the captions: even a camera that moves
        # down never finds where the drawing ends
        soles = b.frame.full[1] + 2 + (SOLES - HIPS) * scale
        chin = soles - (SOLES - neck_of(member)) * scale
        soles -= min(max(0.0, chin - b.frame.y(clear - UNDER_THE_CHIN)), (KNEES - HIPS) * scale)
        near.sprite(drawn.pixels, x - drawn.middle, soles - drawn.foot)
        return
    height = min((0.60 if reference is None else 0.74) * unit, (0.7 if reference else 0.84) * b.frame.width)
    drawn = draw(member, height, p.facing, p.action, reading.feeling, b.light, key=key, reference=reference)
    if p.airborne:
        near.sprite(drawn.pixels, x - drawn.middle, b.frame.y(0.46) - drawn.pixels.shape[0] / 2)
        return
    lowest = 0.88 if reference is None else 0.94
    band = standing(b, clear)[1]
    foot = b.frame.y(band if b.spot else min(lowest, max(band, clear + COVERED, lowest - MOST_RAISED)))
    shadow(near, drawn.pixels, x, foot, b.light, b.indoors)
    near.sprite(drawn.pixels, x - drawn.middle, foot - drawn.foot)


def _put_props(
    reading: Reading, placed: list[Placed], b: Backdrop, near: Plate, framing: str, rng: np.random.Generator
) -> None:
    """What nobody holds lies between the cast, on the ground in front."""
    held = {p.held for p in placed}
    free = [m for m in reading.props if m.character not in held]
    xs = sorted(p.x for p in placed)
    gaps = [(a + c) / 2 for a, c in pairwise(xs)] + [0.80 if xs and xs[0] < 0.55 else 0.24, 0.16, 0.86]
    if framing == "close":
        gaps = [0.83 if b.light.side > 0 else 0.17, 0.2, 0.8]
    size = (0.62 if framing == "close" else GROWN.get(framing, GROWN["medium"])) * b.frame.unit
    for member, share in zip(free, gaps, strict=False):
        count = min(member.count, 3)
        height = size * shown_height(member.height) * 0.9
        drawn = draw(member, height, 1, "", "", b.light, key=0.5 if b.indoors else None)
        for k in range(count):
            x = b.frame.x(share) + (k - (count - 1) / 2) * drawn.width * 0.9
            if member.flies or b.airy:
                foot = b.level(0.46 + rng.uniform(-0.06, 0.06))
            else:
                foot = b.frame.y(min(0.95, b.feet[1] + 0.02))
                shadow(near, drawn.pixels, x, foot, b.light, b.indoors)
            near.sprite(drawn.pixels, x - drawn.middle, foot - drawn.foot)
            if member.lamp or member.character in ("🏮", "🕯", "💡"):
                _shine(b, near, x, foot - height / 2, height)


def _put_cards(reading: Reading, b: Backdrop, plate: Plate) -> None:
    """Ideas (the economy, the law, the climate) float as panels in the upper part, behind the cast; the earth and the
    moon hang in the sky where there is one."""
    for i, member in enumerate(reading.cards):
        size = 0.24 * b.frame.unit
        share = 0.5 + (0.32 if i == 0 else -0.32) * b.light.side
        x, y = b.frame.x(share), b.level(0.30)
        if member.character in HEAVENLY and not b.indoors:
            # the first away from the sun, the second above everybody, none over the other
            narrow = b.frame.width < 1.2 * b.frame.height
            across = -(0.29 if narrow else 0.36) if i == 0 else 0.06 if b.frame.tall else 0.15
            y = b.frame.y((0.24 if b.frame.tall else 0.18) if i == 0 else 0.14 if b.frame.tall else 0.19)
            large = size * (0.62 if member.character == "🌕" else 0.85)
            _put_in_the_sky(member.character, b, b.frame.x(0.5 + across * b.light.side), y, large)
            continue
        plate.soft(x + 0.02 * size, y + 0.06 * size, 0.85 * size, 0.8 * size, DARK, 0.45)
        half, r = 0.56 * size, 0.12 * size
        corner = ellipse(0, 0, r, r)
        outline = corner + np.where(corner > 0, half - r, r - half) + (x, y)
        plate.gradient(outline, (1.0, 1.0, 1.0), (0.88, 0.92, 0.97))
        picture = emoji_picture(member.character, max(6, round(size * 0.78)))
        plate.sprite(picture, x - picture.shape[1] / 2, y - picture.shape[0] / 2)


def _put_in_the_sky(character: str, b: Backdrop, x: float, y: float, size: float) -> None:
    """A heavenly body far away: round, lit from the sun's side, pale with the air before it, in a glow of its own."""
    ball = lit(emoji_picture(character, max(6, round(size * 1.15))), b.light, b.light.side, key=0.9)
    picture = far_tinted(ball, b.light, 0.18)
    b.back.glow(x, y, size * 1.1, b.light.haze, 0.12)
    b.back.sprite(picture, x - picture.shape[1] / 2, y - picture.shape[0] / 2)
