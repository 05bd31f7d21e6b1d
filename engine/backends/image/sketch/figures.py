"""People as SVG: a doll of head, hair, limbs and clothes in a pose; the same name always gets the same looks.

The view box is 260 × 470 units, the middle at x = 130, the soles at y = 460; an adult is 400 units tall.
"""
# ruff: noqa: E501 - a path of SVG is one word

from __future__ import annotations

from hashlib import blake2b

from engine.backends.image.sketch.drawings import drawing_markup
from engine.backends.image.sketch.plate import hexed, lighter, rgb
from engine.backends.image.sketch.wardrobe import back_of, hat_of, outfit_of
from engine.types import Frozen

BOX = (260, 470)
SOLES = 460
SKINS = ("#f6cfa9", "#eab98a", "#d69a68", "#b07546", "#8a5534", "#fbdcc4")
HAIRS = ("#3b2418", "#1f1a1a", "#7a4a21", "#c98b2f", "#a63c1e", "#5b3a2e")
SHIRTS = ("#d9534a", "#3c82c4", "#3f9b6c", "#e0a030", "#8a5bb8", "#d9739b", "#2f8f9b")


class Look(Frozen, frozen=True):
    """What a person looks like. `age` is child, adult or old; `sex` f, m or "" (drawn from the name)."""

    outfit: str = "casual"
    main: str = ""
    second: str = ""
    hat: str = ""
    hair: str = ""
    hair_colour: str = ""
    beard: bool = False
    prop: str = ""
    shield: bool = False
    sex: str = ""
    age: str = "adult"
    skin: str = ""
    glasses: bool = False


class Pose(Frozen, frozen=True):
    """Hands and feet in units; the figure faces right. `mood` is happy, sad, angry, scared or asleep."""

    hand: tuple[float, float] = (182, 300)
    other: tuple[float, float] = (82, 304)
    foot: tuple[float, float] = (150, 450)
    heel: tuple[float, float] = (110, 450)
    mood: str = "happy"


POSES: dict[str, Pose] = {
    "stand": Pose(),
    "hold": Pose(hand=(198, 250)),
    "point": Pose(hand=(226, 216)),
    "raise": Pose(hand=(206, 136), other=(54, 136)),
    "wave": Pose(hand=(206, 128)),
    "walk": Pose(hand=(178, 286), other=(78, 280), foot=(172, 450), heel=(90, 450)),
    "run": Pose(hand=(206, 250), other=(62, 262), foot=(196, 436), heel=(68, 428)),
    "reach": Pose(hand=(222, 244), other=(214, 262)),
    "fly": Pose(hand=(218, 150), other=(46, 170), foot=(142, 452), heel=(118, 446)),
}


def chosen(name: str, salt: str, options: tuple[str, ...]) -> str:
    """One of `options`, always the same for that name."""
    digest = blake2b(f"{salt}:{name.lower()}".encode(), digest_size=4).digest()
    return options[int.from_bytes(digest, "big") % len(options)]


def dressed(look: Look, name: str) -> Look:
    """`look` with everything that it leaves open drawn from the name."""
    sex = look.sex or chosen(name, "sex", ("f", "m"))
    styles = ("long", "bun", "bob", "pony", "curly") if sex == "f" else ("short", "short", "tuft", "curly", "parted")
    if look.age == "child" and sex == "f":
        styles = ("pigtails", "bob", "pony", "long")
    grey = look.age == "old"
    return Look(
        outfit=look.outfit,
        main=look.main or chosen(name, "main", SHIRTS),
        second=look.second or chosen(name, "second", ("#34495e", "#5a4636", "#3d5a80", "#4a4e69")),
        hat=look.hat,
        hair=look.hair or chosen(name, "hair", styles),
        hair_colour=look.hair_colour or ("#d6d8dc" if grey else chosen(name, "haircolour", HAIRS)),
        beard=look.beard,
        prop=look.prop,
        shield=look.shield,
        sex=sex,
        age=look.age,
        skin=look.skin or chosen(name, "skin", SKINS),
        glasses=look.glasses or (grey and chosen(name, "glasses", ("1", "0")) == "1"),
    )


def figure_svg(look: Look, pose: Pose, window: tuple[float, float, float, float] | None = None, held: str = "") -> str:
    """The whole doll, or the `window` (x, y, width, height) of it. `look` must be complete (`dressed`).

    `held` is the emoji in the nearer hand, if any.
    """
    small = look.age == "child"
    neck = 206 if small else 168
    body = _scaled(pose, neck)
    x, y, w, h = window or (0, 0, *BOX)
    parts = [
        back_of(look, neck),
        _hair_back(look, neck),
        _legs(look, body, neck),
        _arm(look, (104, neck + 22), body.other, far=True),
        outfit_of(look, neck),
        _head(look, neck, pose.mood),
        hat_of(look, neck),
        _nested("🛡", body.other[0] - 12, body.other[1] - 22, 96) if look.shield else "",
        _nested(held, body.hand[0] + 12, body.hand[1] - 30, 84) if held else "",
        _arm(look, (156, neck + 22), body.hand, far=False),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {w} {h}">'
        '<defs><linearGradient id="shine" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#fff" '
        'stop-opacity=".55"/><stop offset=".6" stop-color="#fff" stop-opacity="0"/></linearGradient></defs>'
        f"{''.join(parts)}</svg>"
    )


def _nested(character: str, x: float, y: float, size: float) -> str:
    """A Twemoji drawing inside the doll's, its middle at (x, y)."""
    return (
        f'<svg x="{x - size / 2:.0f}" y="{y - size / 2:.0f}" width="{size:.0f}" height="{size:.0f}" viewBox="0 0 36 36">'
        f"{drawing_markup(character)}</svg>"
    )


def _scaled(pose: Pose, neck: float) -> Pose:
    """A child's arms start lower: its hands come down by half of that."""
    drop = (neck - 168) * 0.8
    return Pose(
        hand=(pose.hand[0] - drop * 0.2, pose.hand[1] + drop * 0.85),
        other=(pose.other[0] + drop * 0.2, pose.other[1] + drop * 0.85),
        foot=pose.foot,
        heel=pose.heel,
        mood=pose.mood,
    )


ROBES = ("robe", "gown", "dress", "habit", "fairy")
SLEEVES = {"armour": "#b9c2cc", "space": "#eef1f5", "labcoat": "#f4f6f8", "chef": "#fbfbfb", "scrubs": "main"}


def _sleeve(look: Look) -> str:
    if look.outfit == "overalls":
        return look.second
    colour = SLEEVES.get(look.outfit, "main")
    return look.main if colour == "main" else colour


def _arm(look: Look, shoulder: tuple[float, float], hand: tuple[float, float], far: bool) -> str:
    colour = hexed(lighter(rgb(_sleeve(look)), -0.14 if far else 0.03))
    ex = (shoulder[0] + hand[0]) / 2 + (-14 if far else 14)
    ey = (shoulder[1] + hand[1]) / 2 + 10
    glove = {"armour": "#8d98a5", "space": "#d5dbe3", "ninja": look.main}.get(look.outfit, look.skin)
    bare = look.outfit in ("dress", "sport") or (look.age == "child" and look.outfit == "casual")
    width = 30 if look.outfit in ROBES or look.outfit == "space" else 24
    path = f"M{shoulder[0]} {shoulder[1]} Q{ex:.0f} {ey:.0f} {hand[0]:.0f} {hand[1]:.0f}"
    if bare:
        half = ((shoulder[0] + ex) / 2, (shoulder[1] + ey) / 2)
        arm = f'<path d="{path}" stroke="{look.skin}" stroke-width="19" fill="none" stroke-linecap="round"/>'
        arm += (
            f'<path d="M{shoulder[0]} {shoulder[1]} L{half[0]:.0f} {half[1]:.0f}" stroke="{colour}" '
            'stroke-width="26" stroke-linecap="round"/>'
        )
    else:
        arm = f'<path d="{path}" stroke="{colour}" stroke-width="{width}" fill="none" stroke-linecap="round"/>'
    return arm + f'<circle cx="{hand[0]:.0f}" cy="{hand[1]:.0f}" r="13" fill="{glove}"/>'


def _legs(look: Look, pose: Pose, neck: float) -> str:
    if look.outfit in ROBES:
        if look.outfit in ("dress", "fairy"):
            return ""  # shorter than the legs: drawn with it
        shoe = hexed(lighter(rgb(look.main), -0.55))
        return "".join(
            f'<ellipse cx="{x + 7:.0f}" cy="452" rx="19" ry="8" fill="{shoe}"/>' for x in (pose.heel[0], pose.foot[0])
        )
    trousers = {"armour": "#98a3b0", "space": "#e2e7ed", "chef": "#3a4250", "ninja": look.main, "sport": look.skin}
    colour = trousers.get(
        look.outfit, look.main if look.outfit in ("overalls", "suit", "scrubs", "hero") else look.second
    )
    hip = neck + 122
    width = 36 if look.outfit == "space" else 28
    parts = []
    for (fx, fy), hx, tone in ((pose.heel, 117, -0.16), (pose.foot, 143, 0.0)):
        kx, ky = (fx + hx) / 2 + 7, (fy + hip) / 2
        shade = hexed(lighter(rgb(colour), tone))
        shoe = {"armour": "#6f7a87", "space": "#b9c3cf"}.get(look.outfit, "#3b2f2a")
        parts.append(
            f'<path d="M{hx} {hip} Q{kx:.0f} {ky:.0f} {fx:.0f} {fy - 12:.0f}" stroke="{shade}" '
            f'stroke-width="{width}" fill="none" stroke-linecap="round"/>'
            f'<path d="M{fx - 14:.0f} {fy + 8:.0f} q0 -19 17 -19 q24 4 26 19 z" fill="{hexed(lighter(rgb(shoe), tone))}"/>'
        )
        if look.outfit == "sport":
            parts.append(
                f'<path d="M{hx} {hip} L{(hx + kx) / 2:.0f} {(hip + ky) / 2:.0f}" stroke="{look.second}" '
                'stroke-width="36" stroke-linecap="round"/>'
            )
    return "".join(parts)


def _head(look: Look, neck: float, mood: str) -> str:
    cy = neck - 50
    skin, dim = look.skin, hexed(lighter(rgb(look.skin), -0.14))
    brow = hexed(lighter(rgb(look.hair_colour), -0.2))
    asleep = mood == "asleep"
    tilt = {"angry": 6, "sad": -6, "scared": -7}.get(mood, 0)
    eyes = ""
    for x, s in ((120, 1), (154, -1)):
        if asleep:
            eyes += f'<path d="M{x - 7} {cy + 4} q7 7 14 0" stroke="#33261f" stroke-width="3.4" fill="none" stroke-linecap="round"/>'
        else:
            tall = 9.5 if mood == "scared" else 8
            eyes += f'<ellipse cx="{x}" cy="{cy + 4}" rx="5.8" ry="{tall}" fill="#2b2320"/><circle cx="{x + 2}" cy="{cy + 1}" r="2.1" fill="#fff"/>'
        eyes += (
            f'<path d="M{x - 9} {cy - 13 - tilt * s * 0.6} Q{x} {cy - 18} {x + 9} {cy - 13 + tilt * s * 0.6}" '
            f'stroke="{brow}" stroke-width="3.6" fill="none" stroke-linecap="round"/>'
        )
        if look.sex == "f" and not asleep:
            eyes += f'<path d="M{x + 5 * -s} {cy} l{6 * -s} -4" stroke="#2b2320" stroke-width="2.6" stroke-linecap="round"/>'
    mouth = {
        "sad": f'<path d="M127 {cy + 34} q10 -9 20 0" stroke="#8c3b32" stroke-width="3.6" fill="none" stroke-linecap="round"/>',
        "angry": f'<path d="M127 {cy + 31} h20" stroke="#8c3b32" stroke-width="3.8" stroke-linecap="round"/>',
        "scared": f'<ellipse cx="137" cy="{cy + 31}" rx="6" ry="8" fill="#7c2f2a"/>',
        "asleep": f'<path d="M131 {cy + 29} q6 4 12 0" stroke="#8c3b32" stroke-width="3.2" fill="none" stroke-linecap="round"/>',
    }.get(
        mood,
        f'<path d="M123 {cy + 25} q14 17 28 0 z" fill="#8c3b32"/><path d="M127 {cy + 26.5} q10 5 20 0 z" fill="#fff"/>',
    )
    beard = ""
    if look.beard:
        long = 62 if look.age == "old" else 34
        beard = (
            f'<path d="M87 {cy + 6} Q92 {cy + 40} 112 {cy + 48} Q130 {cy + long + 30} 146 {cy + 48} Q174 {cy + 38} 176 {cy + 6} '
            f'Q166 {cy + 22} 150 {cy + 17} Q137 {cy + 12} 124 {cy + 17} Q102 {cy + 22} 87 {cy + 6} Z" fill="{look.hair_colour}"/>'
        )
        mouth = (
            f'<path d="M129 {cy + 29} q8 7 16 0" stroke="#8c3b32" stroke-width="4" fill="none" stroke-linecap="round"/>'
        )
    glasses = ""
    if look.glasses:
        glasses = (
            f'<g fill="#fff" fill-opacity=".22" stroke="#3a3f4a" stroke-width="3"><circle cx="119" cy="{cy + 4}" r="14"/>'
            f'<circle cx="155" cy="{cy + 4}" r="14"/><path d="M133 {cy + 3} h8" fill="none"/></g>'
        )
    return (
        f'<rect x="118" y="{cy + 34}" width="26" height="30" rx="10" fill="{dim}"/>'
        f'<circle cx="{130 - 42}" cy="{cy + 6}" r="9" fill="{dim}"/>'
        f'<ellipse cx="131" cy="{cy}" rx="45" ry="48" fill="{skin}"/>'
        f'<path d="M90 {cy + 18} Q131 {cy + 62} 172 {cy + 18} Q166 {cy + 48} 131 {cy + 48} Q96 {cy + 48} 90 {cy + 18} Z" fill="{dim}" opacity=".35"/>'
        f'<circle cx="108" cy="{cy + 22}" r="8" fill="#e8706a" opacity=".32"/><circle cx="163" cy="{cy + 22}" r="7" fill="#e8706a" opacity=".32"/>'
        f'<path d="M138 {cy + 8} q6 8 -2 9" stroke="{dim}" stroke-width="3.4" fill="none" stroke-linecap="round"/>'
        f"{beard}{eyes}{mouth}{_hair_front(look, cy)}{glasses}"
    )


def _hair_back(look: Look, neck: float) -> str:
    c, cy = hexed(lighter(rgb(look.hair_colour), -0.12)), neck - 50
    return {
        "long": f'<path d="M78 {cy - 6} Q80 {cy - 58} 131 {cy - 56} Q184 {cy - 58} 182 {cy} Q190 {cy + 70} 174 {cy + 104} Q130 {cy + 92} 88 {cy + 104} Q70 {cy + 60} 78 {cy - 6} Z" fill="{c}"/>',
        "bob": f'<path d="M80 {cy} Q78 {cy - 56} 131 {cy - 56} Q184 {cy - 56} 180 {cy} Q184 {cy + 40} 172 {cy + 50} L90 {cy + 50} Q76 {cy + 40} 80 {cy} Z" fill="{c}"/>',
        "bun": f'<circle cx="118" cy="{cy - 58}" r="23" fill="{c}"/>',
        "pony": f'<path d="M92 {cy - 40} Q40 {cy - 40} 46 {cy + 40} Q52 {cy + 74} 66 {cy + 78} Q62 {cy + 10} 98 {cy - 10} Z" fill="{c}"/>',
        "pigtails": f'<path d="M86 {cy - 8} Q48 {cy - 8} 50 {cy + 62} Q74 {cy + 66} 92 {cy + 18} Z M176 {cy - 8} Q214 {cy - 8} 210 {cy + 62} Q188 {cy + 66} 170 {cy + 18} Z" fill="{c}"/>',
        "curly": "".join(
            f'<circle cx="{x}" cy="{cy + dy}" r="24" fill="{c}"/>'
            for x, dy in ((92, 8), (170, 8), (86, -18), (176, -18))
        ),
    }.get(look.hair, "")


def _hair_front(look: Look, cy: float) -> str:
    if look.hair == "bald":
        side = hexed(rgb(look.hair_colour))
        return f'<path d="M86 {cy - 4} q-6 12 0 24 l8 -4 z M176 {cy - 4} q6 12 0 24 l-8 -4 z" fill="{side}"/>'
    c = look.hair_colour
    shine = hexed(lighter(rgb(c), 0.18))
    cap = {
        "short": f"M84 {cy + 2} Q76 {cy - 56} 131 {cy - 56} Q186 {cy - 56} 178 {cy} Q172 {cy - 18} 166 {cy - 24} Q130 {cy - 16} 100 {cy - 26} Q90 {cy - 16} 84 {cy + 2} Z",
        "tuft": f"M84 {cy} Q76 {cy - 52} 118 {cy - 54} Q134 {cy - 72} 148 {cy - 64} Q146 {cy - 56} 150 {cy - 54} Q184 {cy - 44} 178 {cy} Q170 {cy - 24} 150 {cy - 28} Q110 {cy - 30} 94 {cy - 20} Q88 {cy - 12} 84 {cy} Z",
        "parted": f"M84 {cy + 2} Q78 {cy - 56} 131 {cy - 56} Q184 {cy - 56} 178 {cy + 2} Q172 {cy - 26} 156 {cy - 34} Q128 {cy - 36} 112 {cy - 40} Q104 {cy - 22} 92 {cy - 18} Q88 {cy - 12} 84 {cy + 2} Z",
        "curly": f"M84 {cy - 4} Q70 {cy - 30} 94 {cy - 44} Q104 {cy - 64} 130 {cy - 58} Q158 {cy - 66} 168 {cy - 44} Q192 {cy - 30} 178 {cy - 2} Q170 {cy - 24} 152 {cy - 22} Q140 {cy - 34} 126 {cy - 24} Q104 {cy - 32} 84 {cy - 4} Z",
    }.get(
        look.hair,
        f"M84 {cy + 8} Q74 {cy - 58} 131 {cy - 57} Q188 {cy - 58} 178 {cy + 8} Q176 {cy - 16} 150 {cy - 34} Q132 {cy - 14} 98 {cy - 14} Q88 {cy - 8} 84 {cy + 8} Z",
    )
    return (
        f'<path d="{cap}" fill="{c}"/><path d="M104 {cy - 44} Q128 {cy - 53} 152 {cy - 45}" stroke="{shine}" '
        'stroke-width="5" fill="none" stroke-linecap="round" opacity=".6"/>'
    )
