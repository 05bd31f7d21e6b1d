"""Who stands where: thirds, real proportions made readable, depth, facing, air, saddle and boat. Draws nothing."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch.backdrop import TALL_LIFT, Backdrop
from engine.backends.image.sketch.reading import Reading
from engine.backends.image.sketch.words import Member
from engine.types import Frozen

GROWN = {"wide": 0.35, "medium": 0.46, "close": 0.46}
SLOTS = {
    1: (0.5,),
    2: (0.30, 0.70),
    3: (0.19, 0.50, 0.81),
    4: (0.13, 0.38, 0.63, 0.88),
    5: (0.10, 0.30, 0.50, 0.70, 0.90),
}
TWO_ROWS = {3: (0.27, 0.73, 0.5), 4: (0.33, 0.76, 0.54, 0.11), 5: (0.30, 0.72, 0.51, 0.09, 0.92)}
"""In tall films: two in front, the others behind and between them."""
PLINTH = 0.8
"""How much closer together they stand on a plinth."""
MOST = 5
SHOWN = 0.52
"""Height, in the frame's units, of a thing that a backdrop is there to show and that stands on it alone."""
COVERED = 0.05
"""Share of the height by which feet may be below what captions leave clear."""
MOST_RAISED = 0.10
"""Share of the height by which those who stand are moved up from a place's own band at most."""
MOST_FLYING = 0.42
"""Share of the height that who flies takes at most, so that there is air below; one who carries a rider takes more."""
UPRIGHT = 1.3
"""Times larger in a tall film, as far as its width allows: there is height to spare, and captions cover legs then."""


class Placed(Frozen, frozen=True):
    """A member on its place: `x` film share, `foot` film share, `height` pixels, `row` 0 near, 1 behind."""

    member: Member
    x: float
    foot: float
    height: float
    facing: int
    row: int
    airborne: bool
    action: str
    held: str = ""
    rides: bool = False


def shown_height(height: float) -> float:
    """Real proportions, compressed, so that a mouse beside a dragon can still be seen: ∛-like below 1, √-like above."""
    return height**0.72 if height >= 1 else height**0.62


def standing(b: Backdrop, clear: float) -> tuple[float, float]:
    """The band of film shares where feet are: the place's, moved up from the captions (below `clear`) as far as there
    is ground; on a plinth its middle."""
    if b.spot is not None:
        return b.spot[1], b.spot[1] + 0.01
    far, near = b.feet
    if b.frame.tall and far < 0.80 and not b.airy:
        far, near = far - TALL_LIFT, near - TALL_LIFT  # such a place gives its band as it gives its levels
    ground = b.ground()
    most = MOST_RAISED if ground is None else min(MOST_RAISED, max(0.0, far - ground - 0.015))
    raised = min(most, max(0.0, near - clear - COVERED))
    return far - raised, near - raised


def arrange(reading: Reading, b: Backdrop, framing: str, rng: np.random.Generator, clear: float = 1.0) -> list[Placed]:
    """Places for everybody in `reading.main`, plurals repeated; captions cover what is below `clear` (film share)."""
    crowd = [_nth(m, k) for m in reading.main for k in range(min(m.count, MOST))][:MOST]
    if framing == "close":
        crowd = list(dict.fromkeys(reading.main))[:2]
    unit, actions = b.frame.unit, reading.actions
    grown = GROWN.get(framing, GROWN["medium"]) * unit * (UPRIGHT if b.frame.tall else 1.0)
    far, near = standing(b, clear)
    rider = _rider(crowd, actions)
    if rider is not None:
        crowd.remove(rider)
    heights = [grown * shown_height(m.height) * _swing(rng, m) for m in crowd]
    shown_alone = reading.place == "backdrop" and len(crowd) == 1 and not crowd[0].alive and crowd[0].kind == "thing"
    if shown_alone:
        heights = [SHOWN * unit]
    limit = 0.62 * b.frame.height
    heights = [min(h, limit) for h in heights]
    order = list(range(len(crowd)))
    if rng.random() < 0.5:
        order.reverse()
    two_rows = b.frame.tall and len(crowd) >= 3
    slots = SLOTS[len(crowd)]
    if len(crowd) == 1:
        slots = (0.5 - 0.13 * b.light.side if not b.frame.tall else 0.5,)
        if shown_alone or (b.indoors and b.feet[0] > 0.85):
            slots = (0.5,)
    if two_rows:
        slots = tuple(TWO_ROWS[len(crowd)][i] for i in range(len(crowd)))
    widths = sum(_breadth(m) * h for m, h in zip(crowd, heights, strict=True))
    kept = any(m.kind == "picture" for m in crowd)
    room = b.frame.width * (
        (1.15 if kept or len(crowd) > 3 else 1.4) if two_rows else 0.94
    )  # no face is hidden by another
    shrink = min(1.0, room / max(1.0, widths))
    if b.spot is not None:
        slots = tuple(b.spot[0] + (x - 0.5) * PLINTH for x in slots)
    fliers = _fliers(crowd, actions, b)
    placed = []
    for i, at in enumerate(order):
        member, x = crowd[at], slots[i] + rng.uniform(-0.025, 0.025)
        row = 1 if (two_rows and i >= 2) or (len(crowd) > 2 and i % 2 == 1 and not two_rows) else 0
        foot = far + (near - far) * (0.15 if row else 0.85)
        facing = 1 if x < 0.5 or (len(crowd) == 1 and x <= 0.5 and rng.random() < 0.7) else -1
        if len(crowd) == 1 and x == 0.5:
            facing = 1 if rng.random() < 0.5 else -1
        height = heights[at] * shrink * (0.9 if row else 1.0)
        airborne = at in fliers
        if airborne:
            if rider is None:
                height = min(height, MOST_FLYING * b.frame.height)
            high = 0.50 if len(crowd) > 1 else 0.56
            foot = high + rng.uniform(-0.05, 0.06) + 0.10 * (height / b.frame.height) + (0.03 if i % 2 else 0.0)
        placed.append(
            Placed(
                member=member,
                x=x,
                foot=foot,
                height=height,
                facing=facing,
                row=row,
                airborne=airborne,
                action=_action(member, i == order[0], actions, airborne),
            )
        )
    if rider is not None:
        placed = _mounted(placed, rider, grown)
    return _with_held(placed, reading)


def _nth(member: Member, number: int) -> Member:
    """Several of a kind are alike but not the same: each has a name, hence looks, of its own."""
    if number == 0 or member.kind != "person":
        return member
    return Member(**{**{f: getattr(member, f) for f in Member.__struct_fields__}, "name": f"{member.name} {number}"})


def _swing(rng: np.random.Generator, member: Member) -> float:
    return float(rng.uniform(0.92, 1.06)) if member.count > 1 else 1.0


def _breadth(member: Member) -> float:
    return 0.48 if member.kind in ("person", "mascot") else 0.95 if member.kind == "picture" else 1.0


def _rider(crowd: list[Member], actions: tuple[str, ...]) -> Member | None:
    people = [m for m in crowd if m.kind in ("person", "mascot", "picture")]
    mounts = [m for m in crowd if m.mount or m.boat or (m.flies and m.height >= 1)]
    boats = [m for m in crowd if m.boat]
    if people and mounts and ("ride" in actions or boats):
        return people[0]
    return None


def _mounted(placed: list[Placed], rider: Member, grown: float) -> list[Placed]:
    """The rider goes right behind the first mount: drawn before it, so that the legs are hidden."""
    at = next(
        i for i, p in enumerate(placed) if p.member.mount or p.member.boat or (p.member.flies and p.member.height >= 1)
    )
    mount = placed[at]
    if mount.airborne:  # low enough that the rider's head is in the picture
        mount = _changed(mount, foot=0.74)
    up = Placed(
        member=rider,
        x=mount.x,
        foot=mount.foot,
        height=grown * shown_height(rider.height) * 0.85,
        facing=mount.facing,
        row=mount.row,
        airborne=mount.airborne,
        action="hold",
        rides=True,
    )
    return [*placed[:at], up, mount, *placed[at + 1 :]]


def _fliers(crowd: list[Member], actions: tuple[str, ...], b: Backdrop) -> set[int]:
    if b.airy:
        return {i for i, m in enumerate(crowd) if m.character not in ("🦀", "🐌", "⛵", "🚢")}
    born = {i for i, m in enumerate(crowd) if m.flies}
    small = {i for i in born if crowd[i].height < 0.3}
    if "ride" in actions and any(crowd[i].height >= 1 for i in born):
        return born
    if "fly" in actions:
        people = {i for i, m in enumerate(crowd) if m.kind in ("person", "mascot", "picture")}
        return born or people
    return small


def _action(member: Member, first: bool, actions: tuple[str, ...], airborne: bool) -> str:
    if airborne:
        return "fly"
    for action in actions:
        if action in ("point", "wave", "reach", "hold") and not first:
            continue  # one does, the other listens
        if action not in ("fly", "ride", "swim"):
            return action
    return "raise" if "fly" in actions else "wave" if first and not actions else "stand"


def _with_held(placed: list[Placed], reading: Reading) -> list[Placed]:
    """The first person holds the first prop, else the tool of the trade."""
    done, free = [], [p for p in reading.props]
    for p in placed:
        held = ""
        if p.member.kind == "person" and not p.airborne:
            if free and reading.actions and {"hold", "reach", "point", "raise", "walk"} & set(reading.actions):
                held = free.pop(0).character
            elif p.member.look and p.member.look.prop:
                held = p.member.look.prop
        action = "hold" if held and p.action in ("stand", "wave") else p.action
        done.append(_changed(p, held=held, action=action))
    return done


def _changed(p: Placed, **changes: object) -> Placed:
    return Placed(**{**{name: getattr(p, name) for name in Placed.__struct_fields__}, **changes})  # type: ignore[arg-type]
