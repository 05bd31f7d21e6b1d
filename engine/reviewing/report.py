"""The review for those who would rather look: a page of what was found, beside a contact sheet. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from engine.findings import Finding, Review

PAGE, DOCUMENT, SHEET = "review.html", "review.json", "review.jpg"
SHEET_WIDTH = 1440
LABEL = (6, 4)
FIGURES = {
    "seconds": "length, seconds",
    "frames": "frames",
    "chapters": "chapters",
    "loudnessLufs": "loudness, LUFS",
    "truePeakDbtp": "true peak, dBTP",
    "longestPauseSeconds": "longest pause inside a line, seconds",
    "charactersASecond": "fastest caption, characters a second",
}

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1440px; margin: 2rem auto; padding: 0 1rem; color: #1c1c1e }
h1 { font-size: 1.4rem } table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0 }
.passed { color: #17692c } .found { color: #a01818 } img { max-width: 100% }
@media (prefers-color-scheme: dark) {
 body { background: #1c1c1e; color: #eee } .passed { color: #7ddc94 } .found { color: #ff9a8f } }
"""


class Strip(NamedTuple):
    """Moments of one piece of the film, side by side, and what to call it."""

    name: str
    picture: Image.Image


def open_strip(path: Path) -> Image.Image:
    with Image.open(path, formats=("JPEG",)) as picture:
        return picture.convert("RGB")


def contact_sheet(strips: Sequence[Strip], out: Path) -> None:
    """All strips, named, in as many columns as `SHEET_WIDTH` holds; JPEG."""
    width, height = (max(sides) for sides in zip(*(strip.picture.size for strip in strips), strict=True))
    columns = min(len(strips), max(1, SHEET_WIDTH // width))
    sheet = Image.new("RGB", (columns * width, ceil(len(strips) / columns) * height), "black")
    pen = ImageDraw.Draw(sheet)
    for number, (name, picture) in enumerate(strips):
        at = number % columns * width, number // columns * height
        sheet.paste(picture, at)
        corner = (at[0] + LABEL[0], at[1] + LABEL[1])
        pen.rectangle((at[0], at[1], *(side + 4 for side in pen.textbbox(corner, name)[2:])), fill="black")
        pen.text(corner, name, fill="white")
    sheet.save(out, "JPEG", quality=82)


def verdict(review: Review) -> str:
    """One line: whether it passed, else everything that was found."""
    if review.passed:
        return f"Reviewed: {len(review.checks)} checks passed."
    found = len(review.findings)
    told = "; ".join(finding.sentence for finding in review.findings)
    return f"Reviewed: {found} finding{'s' if found > 1 else ''}: {told}."


def page(title: str, review: Review) -> str:
    """The page, HTML without any script; the sheet lies beside it."""
    outcome = (
        f'<p class="passed">{len(review.checks)} checks passed.</p>'
        if review.passed
        else '<ul class="found">' + "".join(f"<li>{_told(finding)}</li>" for finding in review.findings) + "</ul>"
    )
    figures = "".join(
        f"<tr><th>{escape(FIGURES.get(name, name))}</th><td>{value:g}</td></tr>"
        for name, value in review.figures.items()
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Review of {escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>Review of {escape(title)}</h1>\n{outcome}\n"
        f"<p>Checked: {escape(', '.join(review.checks))}.</p>\n<table>{figures}</table>\n"
        f'<p><img src="{SHEET}" alt="Three moments of each card and shot, in order"></p>\n</html>\n'
    )


def _told(finding: Finding) -> str:
    parts = [escape(finding.sentence)]
    if finding.at is not None:
        parts.append(f"at {finding.at:.1f} s")
    if finding.measured is not None and finding.limit is not None:
        parts.append(f"(measured {finding.measured:g}, limit {finding.limit:g})")
    return " ".join(parts)
