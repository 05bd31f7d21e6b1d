"""Bodies for drawings that are only a face: plush animals and robots that stand like the dolls of `figures`.

Same view box and poses as there; the face is Twemoji's, the fur its main colour.
"""
# ruff: noqa: E501 - a path of SVG is one word

from __future__ import annotations

from engine.backends.image.sketch.drawings import drawing_markup, main_colour
from engine.backends.image.sketch.figures import BOX, Pose
from engine.backends.image.sketch.plate import hexed, lighter, mix

TAILS = {
    "🦊": "bushy",
    "🐺": "bushy",
    "🦁": "tuft",
    "🐯": "long",
    "🐵": "long",
    "🐭": "thin",
    "🐱": "long",
    "🦝": "bushy",
}
SIDEWAYS = frozenset("🦄🦏🦓🦅")  # faces drawn from the side, looking to the left
FURS = {"🦓": (0.93, 0.93, 0.94), "🦁": (0.88, 0.66, 0.25), "🦅": (0.36, 0.26, 0.2), "🐮": (0.86, 0.88, 0.9)}
HEAD = 150


def mascot_svg(character: str, pose: Pose, window: tuple[float, float, float, float] | None = None) -> str:
    """The face `character` on a body of its colour; the whole view box or the `window` of it."""
    metal = character == "🤖"
    fur = (0.36, 0.60, 0.82) if metal else FURS.get(character) or main_colour(character)
    x, y, w, h = window or (0, 0, *BOX)
    body = _robot(pose) if metal else _plush(character, pose, hexed(fur), hexed(mix(fur, (1.0, 0.97, 0.9), 0.55)))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {w} {h}">{body}{_face(character, metal)}</svg>'


def _face(character: str, metal: bool) -> str:
    inner = drawing_markup(character)
    size = 132 if metal else HEAD
    return f'<svg x="{130 - size / 2}" y="{(225 if metal else 252) - size}" width="{size}" height="{size}" viewBox="0 0 36 36">{inner}</svg>'


def _limb(a: tuple[float, float], b: tuple[float, float], colour: str, width: int, bend: float) -> str:
    mx, my = (a[0] + b[0]) / 2 + bend, (a[1] + b[1]) / 2 + 8
    return (
        f'<path d="M{a[0]} {a[1]} Q{mx:.0f} {my:.0f} {b[0]:.0f} {b[1]:.0f}" stroke="{colour}" '
        f'stroke-width="{width}" fill="none" stroke-linecap="round"/>'
    )


def _low(hand: tuple[float, float]) -> tuple[float, float]:
    """Shorter arms that start lower than a doll's."""
    return 130 + (hand[0] - 130) * 0.95, 262 + (hand[1] - 262) * 0.72


def _plush(character: str, pose: Pose, fur: str, belly: str) -> str:
    dim = _toned(fur, -0.2)
    tail = {
        "bushy": f'<path d="M92 380 Q18 400 22 318 Q24 276 48 270 Q44 320 104 344 Z" fill="{dim}"/><path d="M26 300 Q26 276 48 270 Q47 288 50 302 Z" fill="{belly}"/>',
        "tuft": f'<path d="M96 380 Q40 396 36 330" stroke="{fur}" stroke-width="12" fill="none" stroke-linecap="round"/><circle cx="36" cy="322" r="17" fill="{_toned(fur, -0.45)}"/>',
        "long": f'<path d="M96 384 Q30 400 34 330 Q36 300 58 304" stroke="{dim}" stroke-width="14" fill="none" stroke-linecap="round"/>',
        "thin": f'<path d="M96 390 Q30 420 22 360" stroke="{belly}" stroke-width="8" fill="none" stroke-linecap="round"/>',
    }.get(TAILS.get(character, ""), f'<circle cx="76" cy="376" r="17" fill="{dim}"/>')
    feet = "".join(
        f"{_limb((hx, 372), (fx, fy - 10), tone, 40, 4)}"
        f'<ellipse cx="{fx + 8:.0f}" cy="{fy - 2:.0f}" rx="29" ry="13" fill="{tone}"/>'
        for (fx, fy), hx, tone in ((pose.heel, 108, dim), (pose.foot, 152, fur))
    )
    return (
        f"{tail}{_limb((98, 256), _low(pose.other), dim, 32, -12)}{feet}"
        f'<path d="M96 232 Q70 270 74 350 Q78 404 130 406 Q182 404 186 350 Q190 270 164 232 Z" fill="{fur}"/>'
        f'<path d="M96 232 Q70 270 74 350 Q76 388 104 400 Q84 320 106 236 Z" fill="{dim}" opacity=".6"/>'
        f'<ellipse cx="136" cy="326" rx="34" ry="56" fill="{belly}"/>'
        f"{_limb((164, 256), _low(pose.hand), fur, 32, 12)}"
    )


def _robot(pose: Pose) -> str:
    steel, dim, dark = "#8fb8d8", "#5f8fb4", "#3a5a78"
    parts = [_limb((92, 256), _low(pose.other), dim, 20, -10), _claw(_low(pose.other), dark)]
    for (fx, fy), hx in ((pose.heel, 108), (pose.foot, 152)):
        parts.append(_limb((hx, 384), (fx, fy - 18), dim, 22, 0))
        parts.append(f'<path d="M{fx - 26:.0f} {fy + 10:.0f} q0 -30 30 -30 q30 2 30 30 z" fill="{dark}"/>')
    parts.append(
        f'<rect x="116" y="214" width="28" height="26" fill="{dark}"/>'
        f'<rect x="78" y="232" width="104" height="160" rx="24" fill="{steel}"/>'
        f'<path d="M102 232 Q78 232 78 256 V368 Q78 392 102 392 H112 Q96 320 104 232 Z" fill="{dim}" opacity=".7"/>'
        '<rect x="100" y="258" width="62" height="46" rx="9" fill="#22384d"/>'
        '<path d="M106 286 l12 -14 10 18 12 -22 16 14" stroke="#5ef2c2" stroke-width="4" fill="none" stroke-linejoin="round"/>'
        '<circle cx="110" cy="328" r="9" fill="#e8584e"/><circle cx="134" cy="328" r="9" fill="#f4c542"/><circle cx="158" cy="328" r="9" fill="#62c370"/>'
        f'<path d="M96 356 h72 M96 370 h72" stroke="{dim}" stroke-width="5"/>'
        '<path d="M168 244 q6 6 6 20" stroke="#fff" stroke-width="6" fill="none" stroke-linecap="round" opacity=".7"/>'
    )
    parts.append(_limb((168, 256), _low(pose.hand), steel, 20, 10) + _claw(_low(pose.hand), dark))
    return "".join(parts)


def _claw(hand: tuple[float, float], colour: str) -> str:
    x, y = hand
    return f'<path d="M{x - 14:.0f} {y + 10:.0f} a16 16 0 1 1 28 0" stroke="{colour}" stroke-width="10" fill="none" stroke-linecap="round"/>'


def _toned(colour: str, by: float) -> str:
    r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return hexed(lighter((r, g, b), by))
