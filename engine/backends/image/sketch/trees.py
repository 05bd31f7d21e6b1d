"""Trees and bushes as SVG, each lit from one side. Knows sizes only as a view box; who draws them scales."""
# ruff: noqa: E501 - a path of SVG is one word

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch.plate import Colour, hexed, lighter, mix, rgb


def tree_svg(kind: str, variant: int, colour: str, side: int) -> str:
    """The drawing of a tree whose crown has that colour (#rrggbb), its foot at the view box's lower edge."""
    rng = np.random.default_rng([variant, *kind.encode()])
    crown = rgb(colour)
    draw = {"pine": _pine, "snowpine": _pine, "palm": _palm, "cactus": _cactus, "bare": _bare}.get(kind, _leafy)
    view, body = draw(rng, crown, side, kind)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {view[0]} {view[1]}">{body}</svg>'


def _bark(crown: Colour) -> Colour:
    level = sum(crown) / 3
    return mix((0.42 * level * 2.2, 0.29 * level * 2.2, 0.2 * level * 2.2), crown, 0.25)


def _pine(rng: np.random.Generator, crown: Colour, side: int, kind: str) -> tuple[tuple[int, int], str]:
    parts = [f'<rect x="28.5" y="84" width="5" height="16" fill="{hexed(_bark(crown))}"/>']
    lit, dim = hexed(lighter(crown, 0.14)), hexed(lighter(crown, -0.22))
    tiers = 5
    for i in range(tiers, 0, -1):
        y1 = 12 + 15.5 * i + rng.uniform(-1, 1)
        y0 = y1 - 26 - 2 * i
        half = 7.5 + 4.4 * i + rng.uniform(-1.5, 1.5)
        y0 = max(1.0, y0)
        edge = [(31 + half * s, y1 + (1.5 if j % 2 else -2.2)) for j, s in enumerate(np.linspace(-1, 1, 9))]
        path = " ".join(f"L{x:.1f} {y:.1f}" for x, y in edge)
        parts.append(f'<path d="M31 {y0:.1f} {path} Z" fill="{hexed(lighter(crown, -0.05))}"/>')
        sunny = [p for p in edge if (p[0] - 31) * side >= -1]
        sunny = sunny if side > 0 else sunny[::-1]
        path = " ".join(f"L{x:.1f} {y:.1f}" for x, y in sunny)
        parts.append(f'<path d="M31 {y0:.1f} {path} Z" fill="{lit}" opacity=".75"/>')
        parts.append(
            f'<path d="M{31 - half:.1f} {y1:.1f} Q31 {y1 - 7:.1f} {31 + half:.1f} {y1:.1f} Z" fill="{dim}" opacity=".5"/>'
        )
        if kind == "snowpine":
            drape = f"M31 {y0:.1f} L{31 + half * 0.72:.1f} {y1 - 7:.1f} Q{31 + half * 0.3:.1f} {y1 - 10:.1f} 31 {y1 - 8:.1f}"
            drape += f" Q{31 - half * 0.4:.1f} {y1 - 11:.1f} {31 - half * 0.72:.1f} {y1 - 7:.1f} Z"
            parts.append(f'<path d="{drape}" fill="{hexed(lighter(crown, 0.82))}" opacity=".92"/>')
    return (62, 100), "".join(parts)


def _leafy(rng: np.random.Generator, crown: Colour, side: int, kind: str) -> tuple[tuple[int, int], str]:
    bush = kind == "bush"
    width, height = (150, 100) if bush else (105, 100) if kind == "jungle" else (92, 100)
    bark = _bark(crown)
    parts = []
    middle = width / 2
    if not bush:
        lean = rng.uniform(-4, 4)
        parts.append(
            f'<path d="M{middle - 6} 100 Q{middle - 3} 78 {middle - 3 + lean:.1f} 52 L{middle + 4 + lean:.1f} 52 '
            f'Q{middle + 3} 80 {middle + 7} 100 Z" fill="{hexed(bark)}"/>'
            f'<path d="M{middle} 76 Q{middle + 8} 66 {middle + 17} 56 M{middle} 70 Q{middle - 8} 62 {middle - 15} 55" '
            f'stroke="{hexed(bark)}" stroke-width="3" fill="none"/>'
        )
    puffs = []
    for i in range(17 if bush else 15):
        angle, far = rng.uniform(0, 6.283), rng.uniform(0.15, 1) ** 0.6
        rx, ry = (56, 30) if bush else (width * 0.33, 26)
        x, y = middle + np.cos(angle) * far * rx, (66 if bush else 36) + np.sin(angle) * far * ry
        puffs.append((y, x, rng.uniform(12, 19) if i > 3 else 21.0))
    puffs.sort(key=lambda p: -p[0])
    if bush:
        parts.append(f'<path d="M12 100 Q20 70 75 66 Q132 70 138 100 Z" fill="{hexed(lighter(crown, -0.2))}"/>')
    for tone, dx, shrink in ((-0.24, 0.0, 1.0), (-0.02, 2.2 * side, 0.86), (0.08, 5.0 * side, 0.58)):
        for y, x, r in puffs:
            if tone > 0.1 and (x - middle) * side < -width * 0.12:
                continue
            top = 100 - r if bush else 99
            cy = min(top, y - (1 - shrink) * r * 0.8)
            parts.append(
                f'<circle cx="{x + dx:.1f}" cy="{max(r * shrink, cy):.1f}" r="{r * shrink:.1f}" fill="{hexed(lighter(crown, tone))}"/>'
            )
    return (width, height), "".join(parts)


def _palm(rng: np.random.Generator, crown: Colour, side: int, kind: str) -> tuple[tuple[int, int], str]:
    bark = mix(_bark(crown), (0.62, 0.46, 0.3), 0.4)
    x, y = 46 + rng.uniform(-4, 4), 30
    parts = [
        f'<path d="M38 100 Q36 62 {x - 2.4:.1f} {y} L{x + 2.4:.1f} {y} Q44 64 47 100 Z" fill="{hexed(bark)}"/>',
        f'<path d="M42 100 Q40 62 {x:.1f} {y} L{x + 2.4:.1f} {y} Q44 64 47 100 Z" fill="{hexed(lighter(bark, 0.2 * side))}"/>',
    ]
    for i, angle in enumerate((2.9, 0.2, 2.3, 0.8, 3.4, -0.3, 1.6)):
        reach = rng.uniform(28, 36)
        tx, ty = x + np.cos(angle) * reach, y - np.sin(angle) * reach * 0.55 + 12
        cx, cy = x + np.cos(angle) * reach * 0.5, y - abs(np.sin(angle)) * 16 - 12
        tone = lighter(crown, 0.14 if i % 2 else -0.14)
        parts.append(
            f'<path d="M{x:.1f} {y} Q{cx:.1f} {cy - 4:.1f} {tx:.1f} {ty:.1f} Q{cx:.1f} {cy + 9:.1f} {x:.1f} {y + 3} Z" fill="{hexed(tone)}"/>'
        )
    parts.append(f'<circle cx="{x - 3:.1f}" cy="{y + 3}" r="3.2" fill="{hexed(lighter(bark, -0.2))}"/>')
    parts.append(f'<circle cx="{x + 3:.1f}" cy="{y + 4}" r="3.2" fill="{hexed(lighter(bark, -0.3))}"/>')
    return (85, 100), "".join(parts)


def _cactus(rng: np.random.Generator, crown: Colour, side: int, kind: str) -> tuple[tuple[int, int], str]:
    arm = rng.uniform(-5, 5)
    body = (
        "M22 100 V14 Q22 6 28 6 Q34 6 34 14 V100 Z "
        f"M24 {66 + arm:.1f} H14 Q8 {66 + arm:.1f} 8 {58 + arm:.1f} V{44 + arm:.1f} Q8 40 11.5 40 Q15 40 15 44 V{56 + arm:.1f} H24 Z "
        f"M32 {56 - arm:.1f} H41 V{38 - arm:.1f} Q41 34 44.5 34 Q48 34 48 38 V{56 - arm:.1f} Q48 64 41 64 H32 Z"
    )
    light = "M30 12 V100 M43 40 V58" if side > 0 else "M25.5 12 V100 M11 44 V60"
    return (55, 100), (
        f'<path d="{body}" fill="{hexed(crown)}"/>'
        f'<path d="{light}" stroke="{hexed(lighter(crown, 0.22))}" stroke-width="2.4" fill="none" stroke-linecap="round"/>'
    )


def _bare(rng: np.random.Generator, crown: Colour, side: int, kind: str) -> tuple[tuple[int, int], str]:
    strokes: list[str] = []

    def grow(x: float, y: float, angle: float, length: float, width: float) -> None:
        tx, ty = x + np.cos(angle) * length, y - np.sin(angle) * length
        strokes.append(f'<path d="M{x:.1f} {y:.1f} L{tx:.1f} {ty:.1f}" stroke-width="{width:.1f}"/>')
        if length > 6:
            for turn in (rng.uniform(0.25, 0.6), -rng.uniform(0.25, 0.6)):
                grow(tx, ty, angle + turn, length * rng.uniform(0.62, 0.78), width * 0.62)

    grow(45, 100, 1.57 + rng.uniform(-0.08, 0.08), 30, 7)
    return (90, 100), f'<g stroke="{hexed(crown)}" stroke-linecap="round" fill="none">{"".join(strokes)}</g>'
