"""Clothes and hats for the dolls of `figures`, as SVG. Knows a look's colours and where the neck is, nothing else."""
# ruff: noqa: E501 - a path of SVG is one word

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.backends.image.sketch.plate import hexed, lighter, rgb

if TYPE_CHECKING:
    from engine.backends.image.sketch.figures import Look


def tone(colour: str, by: float) -> str:
    return hexed(lighter(rgb(colour), by))


def back_of(look: Look, neck: float) -> str:
    """What hangs behind: a cape, a rucksack, fairy wings."""
    if look.outfit in ("royal", "armour", "hero"):
        colour = look.second if look.outfit != "armour" else look.main
        return (
            f'<path d="M92 {neck + 8} Q52 {neck + 160} 38 {444 if look.age != "child" else 440} Q120 424 200 446 '
            f'Q196 {neck + 120} 168 {neck + 8} Z" fill="{tone(colour, -0.1)}"/>'
            f'<path d="M96 {neck + 8} Q70 {neck + 150} 66 438 L92 434 Q96 {neck + 140} 112 {neck + 10} Z" fill="{tone(colour, -0.26)}"/>'
        )
    if look.outfit == "space":
        return f'<rect x="74" y="{neck + 10}" width="112" height="112" rx="22" fill="#b4bfcb"/>'
    if look.outfit == "fairy":
        wing = 'fill="#bfe8ff" fill-opacity=".75" stroke="#fff" stroke-width="3"'
        return (
            f'<path d="M120 {neck + 60} Q30 {neck - 70} 8 {neck + 10} Q6 {neck + 80} 118 {neck + 76} Q30 {neck + 90} 42 {neck + 140} Q80 {neck + 160} 122 {neck + 84} Z" {wing}/>'
            f'<path d="M140 {neck + 60} Q230 {neck - 70} 252 {neck + 10} Q254 {neck + 80} 142 {neck + 76} Q230 {neck + 90} 218 {neck + 140} Q180 {neck + 160} 138 {neck + 84} Z" {wing}/>'
        )
    return ""


def outfit_of(look: Look, neck: float) -> str:
    """The torso and what covers the legs."""
    draw = {
        "armour": _armour, "robe": _robe, "habit": _robe, "royal": _royal, "gown": _gown, "dress": _gown,
        "fairy": _gown, "suit": _suit, "overalls": _overalls, "space": _space, "labcoat": _labcoat, "chef": _chef,
        "uniform": _uniform, "sport": _sport, "ninja": _ninja, "hero": _hero, "scrubs": _scrubs, "pirate": _suit,
        "vest": _vest,
    }.get(look.outfit, _casual)  # fmt: skip
    return draw(look, neck)


def _trunk(neck: float, flare: float = 0, foot: float = 132) -> str:
    n = neck
    return (
        f"M110 {n + 6} Q90 {n + 8} 86 {n + 28} L{88 - flare} {n + foot} Q130 {n + foot + 10} {172 + flare} {n + foot} "
        f"L174 {n + 28} Q170 {n + 8} 150 {n + 6} Q130 {n + 18} 110 {n + 6} Z"
    )


def _body(look: Look, neck: float, colour: str, flare: float = 0, foot: float = 132) -> str:
    return (
        f'<path d="{_trunk(neck, flare, foot)}" fill="{colour}"/>'
        f'<path d="M86 {neck + 28} L{88 - flare} {neck + foot} Q98 {neck + foot + 5} 108 {neck + foot + 6} Q98 {neck + 70} 104 {neck + 14} Q90 {neck + 12} 86 {neck + 28} Z" '
        f'fill="{tone(colour, -0.2)}" opacity=".6"/>'
    )


def _casual(look: Look, neck: float) -> str:
    stripe = f'<path d="M87 {neck + 66} h86 v18 h-86 z" fill="{tone(look.main, 0.3)}" opacity=".85"/>'
    collar = f'<path d="M110 {neck + 6} Q130 {neck + 30} 150 {neck + 6} Q130 {neck + 16} 110 {neck + 6} Z" fill="{tone(look.main, -0.25)}"/>'
    return _body(look, neck, look.main) + (stripe if look.age == "child" else "") + collar


def _vest(look: Look, neck: float) -> str:
    return (
        _body(look, neck, look.second)
        + f'<path d="M86 {neck + 28} L88 {neck + 132} L122 {neck + 136} L112 {neck + 8} Q90 {neck + 8} 86 {neck + 28} Z M174 {neck + 28} L172 {neck + 132} L138 {neck + 136} L148 {neck + 8} Q170 {neck + 8} 174 {neck + 28} Z" fill="{look.main}"/>'
        f'<rect x="86" y="{neck + 116}" width="88" height="14" fill="#5b3a22"/><rect x="121" y="{neck + 113}" width="18" height="20" rx="3" fill="#e5b83c"/>'
    )


def _armour(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, "#c5ced8")
        + f'<path d="M98 {n + 20} Q130 {n + 40} 162 {n + 20} L160 {n + 78} Q130 {n + 104} 100 {n + 78} Z" fill="#dfe6ed"/>'
        f'<path d="M98 {n + 20} Q130 {n + 40} 162 {n + 20} L160 {n + 78} Q130 {n + 104} 100 {n + 78} Z" fill="url(#shine)"/>'
        f'<path d="M130 {n + 32} V{n + 92}" stroke="#93a0ae" stroke-width="3"/>'
        f'<path d="M90 {n + 104} h80 l8 50 Q130 {n + 172} 82 {n + 154} Z" fill="{look.main}"/>'
        f'<path d="M130 {n + 110} l9 18 l-9 18 l-9 -18 z" fill="#f0c64a"/>'
        f'<rect x="86" y="{n + 98}" width="88" height="13" rx="3" fill="#6b4526"/><circle cx="130" cy="{n + 104}" r="9" fill="#f0c64a"/>'
        f'<ellipse cx="92" cy="{n + 26}" rx="22" ry="18" fill="#aeb9c5"/><ellipse cx="168" cy="{n + 26}" rx="22" ry="18" fill="#d3dbe3"/>'
        f'<path d="M150 {n + 24} q18 -14 36 0" stroke="#fff" stroke-width="3" fill="none" opacity=".7"/>'
    )


def _robe(look: Look, neck: float) -> str:
    n, foot = neck, 452 - neck
    trim = look.second
    return (
        _body(look, n, look.main, 30, foot) + f'<path d="M122 {n + 10} h16 l6 {foot - 6} h-28 z" fill="{trim}"/>'
        f'<path d="M{58} {n + foot} Q130 {n + foot + 10} {202} {n + foot} l-2 -14 Q130 {n + foot - 4} 60 {n + foot - 14} Z" fill="{trim}"/>'
        f'<path d="M90 {n + 100} Q130 {n + 112} 171 {n + 100} v13 Q130 {n + 124} 89 {n + 113} Z" fill="{tone(look.main, -0.4)}"/>'
    )


def _royal(look: Look, neck: float) -> str:
    n = neck
    spots = "".join(
        f'<path d="M{x} {n + y} l3 8 h-6 z" fill="#2b2b2b"/>' for x, y in ((100, 12), (118, 22), (142, 22), (160, 12))
    )
    return (
        _body(look, n, look.main, 6, 178) + f'<path d="M124 {n + 20} h12 v160 h-12 z" fill="#f2c94c"/>'
        f'<rect x="86" y="{n + 104}" width="88" height="14" rx="4" fill="#7a4d21"/><rect x="118" y="{n + 101}" width="24" height="20" rx="4" fill="#f2c94c"/>'
        f'<path d="M82 {n + 24} Q92 {n + 2} 112 {n + 2} Q130 {n + 18} 150 {n + 2} Q170 {n + 2} 178 {n + 24} Q160 {n + 36} 130 {n + 38} Q100 {n + 36} 82 {n + 24} Z" fill="#fbf6ec"/>{spots}'
    )


def _gown(look: Look, neck: float) -> str:
    n = neck
    foot = {"gown": 452, "dress": 400, "fairy": 396}[look.outfit]
    legs = ""
    if foot < 440:
        legs = "".join(
            f'<rect x="{x}" y="{foot - 8}" width="17" height="{452 - foot}" fill="{look.skin}"/>'
            f'<path d="M{x - 4} 460 q0 -16 14 -16 q16 4 18 16 z" fill="{tone(look.main, -0.5)}"/>'
            for x in (108, 136)
        )
    return (
        legs
        + f'<path d="M110 {n + 8} Q94 {n + 10} 92 {n + 28} L98 {n + 92} Q70 {foot - 80} 52 {foot} Q90 {foot + 10} 130 {foot - 2} Q170 {foot + 10} 208 {foot} Q190 {foot - 80} 162 {n + 92} L168 {n + 28} Q166 {n + 10} 150 {n + 8} Q130 {n + 34} 110 {n + 8} Z" fill="{look.main}"/>'
        f'<path d="M98 {n + 92} Q70 {foot - 80} 52 {foot} Q70 {foot + 5} 88 {foot + 3} Q98 {foot - 90} 108 {n + 94} Z" fill="{tone(look.main, -0.22)}"/>'
        f'<path d="M146 {n + 96} Q150 {foot - 90} 160 {foot + 3}" stroke="{tone(look.main, 0.25)}" stroke-width="6" fill="none" opacity=".7"/>'
        f'<path d="M97 {n + 86} Q130 {n + 98} 163 {n + 86} v12 Q130 {n + 110} 97 {n + 98} Z" fill="{look.second}"/>'
    )


def _suit(look: Look, neck: float) -> str:
    n = neck
    tie = look.second if look.outfit == "suit" else "#8c2f2a"
    return (
        _body(look, n, look.main, 2, 138)
        + f'<path d="M114 {n + 8} L130 {n + 78} L146 {n + 8} Q130 {n + 18} 114 {n + 8} Z" fill="#fafafa"/>'
        f'<path d="M124 {n + 16} h12 l-3 10 l6 40 l-9 12 l-9 -12 l6 -40 z" fill="{tie}"/>'
        f'<path d="M112 {n + 7} L100 {n + 34} L130 {n + 80} Z M148 {n + 7} L160 {n + 34} L130 {n + 80} Z" fill="{tone(look.main, 0.14)}"/>'
        f'<circle cx="130" cy="{n + 98}" r="3.5" fill="{tone(look.main, -0.5)}"/><circle cx="130" cy="{n + 116}" r="3.5" fill="{tone(look.main, -0.5)}"/>'
    )


def _overalls(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.second)
        + f'<path d="M102 {n + 56} h56 v30 h14 v54 Q130 {n + 148} 88 {n + 140} V{n + 86} H102 Z" fill="{look.main}"/>'
        f'<path d="M104 {n + 58} L98 {n + 8} M156 {n + 58} L162 {n + 8}" stroke="{look.main}" stroke-width="12"/>'
        f'<circle cx="106" cy="{n + 64}" r="5" fill="#f0d27a"/><circle cx="154" cy="{n + 64}" r="5" fill="#f0d27a"/>'
        f'<rect x="114" y="{n + 74}" width="32" height="24" rx="4" fill="{tone(look.main, -0.2)}"/>'
    )


def _space(look: Look, neck: float) -> str:
    n = neck
    return (
        f'<path d="M104 {n} Q72 {n + 8} 74 {n + 40} L80 {n + 140} Q130 {n + 156} 180 {n + 140} L186 {n + 40} Q188 {n + 8} 156 {n} Z" fill="#f2f4f7"/>'
        f'<path d="M74 {n + 40} L80 {n + 140} Q96 {n + 148} 108 {n + 149} Q94 {n + 70} 100 {n + 4} Q74 {n + 10} 74 {n + 40} Z" fill="#c5ceda"/>'
        f'<rect x="104" y="{n + 50}" width="52" height="40" rx="8" fill="#9aa8b8"/><circle cx="116" cy="{n + 62}" r="5" fill="#e2574c"/>'
        f'<circle cx="131" cy="{n + 62}" r="5" fill="#f2c94c"/><circle cx="146" cy="{n + 62}" r="5" fill="#4fb3d9"/>'
        f'<rect x="110" y="{n + 74}" width="40" height="8" rx="3" fill="#5c6b7c"/>'
        f'<path d="M80 {n + 116} Q130 {n + 130} 181 {n + 116} v12 Q130 {n + 142} 80 {n + 128} Z" fill="{look.main}"/>'
    )


def _labcoat(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main)
        + f'<path d="M112 {n + 6} Q90 {n + 8} 86 {n + 28} L78 {n + 196} Q100 {n + 204} 120 {n + 200} L122 {n + 60} Z M148 {n + 6} Q170 {n + 8} 174 {n + 28} L182 {n + 196} Q160 {n + 204} 140 {n + 200} L138 {n + 60} Z" fill="#f7f9fb"/>'
        f'<path d="M86 {n + 28} L78 {n + 196} L94 {n + 201} Q94 {n + 80} 102 {n + 14} Q88 {n + 14} 86 {n + 28} Z" fill="#cfd8e2"/>'
        f'<path d="M146 {n + 118} h28 v30 h-27 z" fill="#dfe6ed"/><rect x="150" y="{n + 52}" width="18" height="4" fill="#8fa3b5"/>'
        f'<path d="M158 {n + 40} v14" stroke="#3c82c4" stroke-width="4"/>'
    )


def _scrubs(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main)
        + f'<path d="M112 {n + 6} L130 {n + 44} L148 {n + 6} Q130 {n + 16} 112 {n + 6} Z" fill="{look.skin}"/>'
        f'<path d="M106 {n + 6} Q100 {n + 80} 126 {n + 82} Q146 {n + 84} 152 {n + 6}" stroke="#3a4250" stroke-width="5" fill="none"/>'
        f'<circle cx="126" cy="{n + 86}" r="9" fill="#b9c3cf" stroke="#3a4250" stroke-width="3"/>'
    )


def _chef(look: Look, neck: float) -> str:
    n = neck
    buttons = "".join(f'<circle cx="{x}" cy="{n + y}" r="4" fill="#39404c"/>' for x in (118, 142) for y in (40, 62, 84))
    return (
        _body(look, n, "#fcfcfc")
        + f'{buttons}<path d="M90 {n + 92} h80 l6 92 Q130 {n + 196} 84 {n + 184} Z" fill="#eef1f4"/>'
        f'<path d="M86 {n + 90} h88 v9 h-88 z" fill="#d5dbe2"/>'
        f'<path d="M108 {n + 6} Q130 {n + 26} 152 {n + 6} l4 14 Q130 {n + 40} 104 {n + 20} Z" fill="{look.main}"/>'
    )


def _uniform(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main, 0, 134)
        + f'<path d="M124 {n + 12} h12 l5 56 l-11 12 l-11 -12 z" fill="{tone(look.main, -0.45)}"/>'
        f'<path d="M150 {n + 44} l11 4 v10 q-3 9 -11 13 q-8 -4 -11 -13 v-10 z" fill="#f2c94c"/>'
        f'<rect x="86" y="{n + 116}" width="88" height="15" fill="#23262e"/><rect x="120" y="{n + 114}" width="20" height="19" rx="3" fill="#d8b24a"/>'
        f'<rect x="84" y="{n + 12}" width="22" height="9" rx="3" fill="#f2c94c"/><rect x="154" y="{n + 12}" width="22" height="9" rx="3" fill="#f2c94c"/>'
    )


def _sport(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main) + f'<path d="M122 {n + 40} h16 v50 h-9 v-40 h-7 z" fill="#fff"/>'
        f'<path d="M88 {n + 110} h84 l4 46 h-40 l-6 -20 l-6 20 h-40 z" fill="{look.second}"/>'
    )


def _ninja(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main)
        + f'<path d="M108 {n + 8} L152 {n + 80} M152 {n + 8} L108 {n + 80}" stroke="{tone(look.main, 0.25)}" stroke-width="6"/>'
        f'<rect x="86" y="{n + 92}" width="88" height="15" fill="{look.second}"/>'
    )


def _hero(look: Look, neck: float) -> str:
    n = neck
    return (
        _body(look, n, look.main)
        + f'<path d="M130 {n + 30} l26 14 l-26 40 l-26 -40 z" fill="#f2c94c"/><path d="M130 {n + 40} l12 8 l-12 20 l-12 -20 z" fill="{look.second}"/>'
        f'<rect x="86" y="{n + 106}" width="88" height="14" rx="4" fill="#f2c94c"/>'
    )


def hat_of(look: Look, neck: float) -> str:
    """What is worn on the head."""
    cy = neck - 50
    m, s = look.main, look.second
    gold = "#f2c230"
    return {
        "crown": f'<path d="M88 {cy - 26} L82 {cy - 74} L106 {cy - 50} L131 {cy - 84} L156 {cy - 50} L180 {cy - 74} L174 {cy - 26} Q131 {cy - 42} 88 {cy - 26} Z" fill="{gold}"/><path d="M88 {cy - 26} Q131 {cy - 42} 174 {cy - 26} l-1 -10 Q131 {cy - 54} 87 {cy - 36} Z" fill="#d99b16"/><circle cx="131" cy="{cy - 56}" r="6" fill="#d9433f"/><circle cx="106" cy="{cy - 46}" r="4.5" fill="#3c82c4"/><circle cx="156" cy="{cy - 46}" r="4.5" fill="#3c82c4"/>',
        "tiara": f'<path d="M96 {cy - 36} L104 {cy - 58} L118 {cy - 48} L131 {cy - 72} L144 {cy - 48} L158 {cy - 58} L166 {cy - 36} Q131 {cy - 52} 96 {cy - 36} Z" fill="{gold}"/><circle cx="131" cy="{cy - 54}" r="5" fill="#e66fa8"/>',
        "wizard": f'<path d="M64 {cy - 22} Q131 {cy - 52} 198 {cy - 22} Q131 {cy - 4} 64 {cy - 22} Z" fill="{tone(m, -0.15)}"/><path d="M90 {cy - 28} Q112 {cy - 70} 118 {cy - 112} Q128 {cy - 120} 150 {cy - 110} Q140 {cy - 96} 148 {cy - 76} Q158 {cy - 50} 172 {cy - 28} Q131 {cy - 44} 90 {cy - 28} Z" fill="{m}"/><path d="M88 {cy - 26} Q131 {cy - 44} 174 {cy - 26} l-4 -12 Q131 {cy - 56} 94 {cy - 38} Z" fill="{s}"/><path d="M130 {cy - 84} l4 8 9 1 -7 6 2 9 -8 -5 -8 5 2 -9 -7 -6 9 -1 z" fill="{gold}"/>',
        "toque": f'<path d="M92 {cy - 22} V{cy - 50} Q66 {cy - 62} 78 {cy - 84} Q92 {cy - 100} 108 {cy - 92} Q131 {cy - 114} 154 {cy - 92} Q172 {cy - 100} 184 {cy - 82} Q194 {cy - 62} 170 {cy - 50} V{cy - 22} Q131 {cy - 34} 92 {cy - 22} Z" fill="#fdfdfd"/><path d="M92 {cy - 22} Q131 {cy - 34} 170 {cy - 22} v-14 Q131 {cy - 48} 92 {cy - 36} Z" fill="#d9e0e7"/>',
        "straw": f'<path d="M58 {cy - 22} Q131 {cy - 54} 204 {cy - 22} Q131 {cy - 6} 58 {cy - 22} Z" fill="#dba94e"/><path d="M92 {cy - 30} Q94 {cy - 74} 131 {cy - 74} Q168 {cy - 74} 170 {cy - 30} Q131 {cy - 44} 92 {cy - 30} Z" fill="#edc268"/><path d="M92 {cy - 30} Q131 {cy - 44} 170 {cy - 30} v-11 Q131 {cy - 55} 92 {cy - 41} Z" fill="#b5432f"/>',
        "cap": f'<path d="M86 {cy - 22} Q84 {cy - 62} 131 {cy - 62} Q178 {cy - 62} 176 {cy - 22} Q131 {cy - 36} 86 {cy - 22} Z" fill="{m}"/><path d="M120 {cy - 32} Q170 {cy - 36} 204 {cy - 18} Q170 {cy - 10} 120 {cy - 26} Z" fill="{tone(m, -0.3)}"/>',
        "police": f'<path d="M80 {cy - 38} Q76 {cy - 74} 131 {cy - 74} Q186 {cy - 74} 182 {cy - 38} Z" fill="{m}"/><path d="M88 {cy - 22} V{cy - 40} H174 V{cy - 22} Q131 {cy - 34} 88 {cy - 22} Z" fill="#20242e"/><path d="M88 {cy - 24} Q131 {cy - 38} 180 {cy - 22} Q150 {cy - 8} 131 {cy - 16} Q110 {cy - 8} 88 {cy - 24} Z" fill="#14171e"/><path d="M131 {cy - 66} l12 6 v9 q-4 8 -12 12 q-8 -4 -12 -12 v-9 z" fill="{gold}"/>',
        "hardhat": f'<path d="M78 {cy - 18} Q131 {cy - 36} 186 {cy - 18} L180 {cy - 30} Q178 {cy - 68} 131 {cy - 70} Q86 {cy - 68} 84 {cy - 30} Z" fill="#f5b921"/><path d="M120 {cy - 70} h22 v38 h-22 z" fill="#ffd45c"/>',
        "visor": f'<path d="M78 {cy + 22} Q70 {cy - 66} 131 {cy - 66} Q192 {cy - 66} 184 {cy + 22} L172 {cy + 34} Q176 {cy - 10} 166 {cy - 24} Q131 {cy - 36} 98 {cy - 24} Q86 {cy - 8} 90 {cy + 34} Z" fill="#b4bfca"/><path d="M90 {cy - 24} Q131 {cy - 46} 174 {cy - 24} Q178 {cy - 50} 131 {cy - 52} Q86 {cy - 50} 90 {cy - 24} Z" fill="#8995a2"/><path d="M100 {cy - 36} h14 M122 {cy - 41} h16 M146 {cy - 38} h14" stroke="#4d5866" stroke-width="4"/><path d="M124 {cy - 64} Q96 {cy - 112} 48 {cy - 86} Q78 {cy - 84} 84 {cy - 62} Q100 {cy - 52} 132 {cy - 62} Z" fill="{m}"/><path d="M150 {cy - 58} q20 8 24 32" stroke="#fff" stroke-width="5" fill="none" opacity=".6" stroke-linecap="round"/>',
        "glass": f'<circle cx="131" cy="{cy}" r="68" fill="#bfe4f7" fill-opacity=".20" stroke="#eef2f6" stroke-width="9"/><path d="M90 {cy - 40} Q112 {cy - 60} 138 {cy - 58}" stroke="#fff" stroke-width="8" fill="none" stroke-linecap="round" opacity=".85"/><rect x="92" y="{cy + 56}" width="78" height="16" rx="7" fill="#9aa8b8"/>',
        "pirate": f'<path d="M62 {cy - 20} Q76 {cy - 84} 131 {cy - 60} Q186 {cy - 84} 200 {cy - 20} Q131 {cy - 50} 62 {cy - 20} Z" fill="#23262e"/><path d="M62 {cy - 20} Q76 {cy - 84} 131 {cy - 60} Q186 {cy - 84} 200 {cy - 20}" stroke="{gold}" stroke-width="4" fill="none"/><circle cx="131" cy="{cy - 48}" r="9" fill="#f4f4f0"/><path d="M112 {cy - 36} l38 -22 M150 {cy - 36} l-38 -22" stroke="#f4f4f0" stroke-width="4"/>',
        "hood": f'<path d="M74 {cy + 50} Q60 {cy - 70} 131 {cy - 76} Q202 {cy - 70} 188 {cy + 50} L172 {cy + 46} Q186 {cy - 40} 131 {cy - 46} Q78 {cy - 40} 92 {cy + 46} Z" fill="{m}"/>',
        "mask": f'<path d="M84 {cy - 8} Q78 {cy - 58} 131 {cy - 58} Q186 {cy - 58} 178 {cy - 8} Z" fill="{m}"/><path d="M86 {cy + 16} H176 Q172 {cy + 52} 131 {cy + 52} Q92 {cy + 52} 86 {cy + 16} Z" fill="{m}"/>',
        "eyemask": f'<path d="M86 {cy - 8} Q131 {cy - 20} 177 {cy - 8} Q176 {cy + 18} 152 {cy + 16} L137 {cy + 8} L122 {cy + 16} Q92 {cy + 20} 86 {cy - 8} Z" fill="{s}"/><ellipse cx="120" cy="{cy + 4}" rx="8" ry="7" fill="#fff"/><ellipse cx="154" cy="{cy + 4}" rx="8" ry="7" fill="#fff"/><circle cx="122" cy="{cy + 4}" r="4" fill="#222"/><circle cx="156" cy="{cy + 4}" r="4" fill="#222"/>',
        "cowboy": f'<path d="M50 {cy - 30} Q70 {cy - 14} 131 {cy - 22} Q192 {cy - 14} 212 {cy - 30} Q180 {cy + 2} 131 {cy - 4} Q82 {cy + 2} 50 {cy - 30} Z" fill="#7a4d28"/><path d="M92 {cy - 18} Q90 {cy - 84} 114 {cy - 78} Q131 {cy - 70} 148 {cy - 78} Q172 {cy - 84} 170 {cy - 18} Q131 {cy - 26} 92 {cy - 18} Z" fill="#96622f"/>',
        "tophat": f'<path d="M72 {cy - 26} Q131 {cy - 44} 190 {cy - 26} Q131 {cy - 12} 72 {cy - 26} Z" fill="#1d1f26"/><path d="M94 {cy - 30} L90 {cy - 106} Q131 {cy - 116} 172 {cy - 106} L168 {cy - 30} Q131 {cy - 42} 94 {cy - 30} Z" fill="#2b2e38"/><path d="M94 {cy - 32} Q131 {cy - 44} 168 {cy - 32} v-12 Q131 {cy - 56} 94 {cy - 44} Z" fill="#a3343f"/>',
        "beanie": f'<path d="M84 {cy - 18} Q82 {cy - 66} 131 {cy - 66} Q180 {cy - 66} 178 {cy - 18} Q131 {cy - 32} 84 {cy - 18} Z" fill="{m}"/><path d="M82 {cy - 16} Q131 {cy - 32} 180 {cy - 16} v-14 Q131 {cy - 46} 82 {cy - 30} Z" fill="{tone(m, 0.35)}"/><circle cx="131" cy="{cy - 70}" r="12" fill="{tone(m, 0.5)}"/>',
        "beret": f'<path d="M76 {cy - 28} Q70 {cy - 66} 131 {cy - 66} Q204 {cy - 60} 186 {cy - 26} Q131 {cy - 44} 76 {cy - 28} Z" fill="#a3343f"/>',
        "nurse": f'<path d="M96 {cy - 34} L90 {cy - 66} Q131 {cy - 80} 172 {cy - 66} L166 {cy - 34} Q131 {cy - 48} 96 {cy - 34} Z" fill="#fcfcfc"/><path d="M127 {cy - 70} h8 v8 h8 v8 h-8 v8 h-8 v-8 h-8 v-8 h8 z" fill="#d9433f"/>',
        "headphones": f'<path d="M82 {cy + 4} Q76 {cy - 66} 131 {cy - 66} Q186 {cy - 66} 180 {cy + 4}" stroke="#2b2e38" stroke-width="9" fill="none"/><rect x="72" y="{cy - 8}" width="20" height="34" rx="9" fill="#2b2e38"/><rect x="170" y="{cy - 8}" width="20" height="34" rx="9" fill="#2b2e38"/>',
        "flower": "".join(
            f'<circle cx="{96 + i * 14}" cy="{cy - 36 - (8 if 0 < i < 5 else 0)}" r="8" fill="{("#f28cb1", "#f7d154", "#ffffff")[i % 3]}"/>'
            for i in range(6)
        ),
    }.get(look.hat, "")
