"""What a measurement gives, a ratio beside its goal, and how a report of them is shown: Markdown, and a picture."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.types import Camel

TOY_NOTE = "toy size on CPU: shows that the code runs, says nothing of speed"


class Row(Camel, frozen=True):
    """One ratio. `at_least`: the goal is a lower bound; `parts` are the seconds that it was made from; `note` says what
    must be known to read it."""

    id: str
    what: str
    value: float
    goal: float
    met: bool
    at_least: bool = False
    unit: str = ""
    parts: dict[str, float] = {}
    note: str = ""


class Report(Camel, frozen=True):
    """The rows, beside what the machine can do at all: float32 matrix products and copying of memory on the CPU,
    reading of a file; where models were measured, half precision products on the device and copying to it."""

    cores: int
    ram_gb: float
    gpu: str | None
    gemm_gflops: float
    copy_gb_s: float
    disk_gb_s: float
    seconds: float
    rows: tuple[Row, ...]
    device_tflops: float | None = None
    to_device_gb_s: float | None = None
    versions: dict[str, str] = {}


def at_most(
    id: str, what: str, value: float, goal: float, parts: dict[str, float], *, unit: str = "", note: str = ""
) -> Row:
    return Row(id=id, what=what, value=value, goal=goal, met=value <= goal, unit=unit, parts=_rounded(parts), note=note)


def at_least(id: str, what: str, value: float, goal: float, parts: dict[str, float], note: str = "") -> Row:
    return Row(
        id=id, what=what, value=value, goal=goal, met=value >= goal, at_least=True, parts=_rounded(parts), note=note
    )


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6 if abs(value) < 0.001 else 3) for name, value in parts.items()}


def in_markdown(report: Report) -> str:
    """One table, and a line of what the machine can do."""
    lines = ["| id | what | measured | goal | | made from |", "|---|---|---|---|---|---|"]
    for row in report.rows:
        goal = f"{'≥' if row.at_least else '≤'} {row.goal:g}{row.unit}"
        said = row.note or ("" if row.met else "MISSED")
        parts = ", ".join(f"{name} {value:g}" for name, value in row.parts.items())
        lines.append(f"| {row.id} | {row.what} | {row.value:.3g}{row.unit} | {goal} | {said} | {parts} |")
    device = ""
    if report.device_tflops is not None:
        device = f", {report.gpu or 'the CPU'} with {report.device_tflops:.3g} TFLOP/s"
    if report.to_device_gb_s is not None:
        device += f" and {report.to_device_gb_s:.1f} GB/s to it"
    versions = "".join(f", {name} {version}" for name, version in report.versions.items())
    machine = (
        f"{report.cores} cores with {report.gemm_gflops:.0f} GFLOP/s of matrix products and "
        f"{report.copy_gb_s:.1f} GB/s of copying, "
        f"files read at {report.disk_gb_s:.2f} GB/s{device}{versions}; in {report.seconds:.0f} s"
    )
    return "\n".join([*lines, "", machine])


BAR, LEFT, WIDE = 34, 600, 1300
FIGURES = 200
"""Pixels kept right of the longest bar for what stands there."""
LONGEST_BAR = 3.0
SPELLED = str.maketrans({"÷": "/", "−": "-", "×": "x", "≥": ">", "≤": "<"})
"""For Pillow's own font, which has no mathematics."""


def draw(report: Report, file: Path) -> None:
    """A PNG: how far each ratio is on its way to its goal, as a bar; what ends right of the line is met."""
    rows = report.rows
    picture = Image.new("RGB", (WIDE, BAR * (len(rows) + 2)), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=15)
    reached = [_reached(row) for row in rows]
    across = (WIDE - LEFT - FIGURES) / max(1.25, *reached)
    machine = report.gpu or f"a CPU of {report.cores} cores"
    pen.text((8, 8), f"reelhouse bench on {machine}: right of the line is met", fill="black", font=font)
    pen.line((LEFT + across, BAR, LEFT + across, BAR * (len(rows) + 1)), fill="black", width=2)
    for number, (row, share) in enumerate(zip(rows, reached, strict=True), start=1):
        top = BAR * number + 6
        colour = "#9a9a9a" if row.note else "#3a7d44" if row.met else "#b3392f"
        pen.rectangle((LEFT, top, LEFT + share * across, top + BAR - 14), fill=colour)
        pen.text((8, top + 1), _fitted(f"{row.id}  {row.what}", font), fill="black", font=font)
        figure = f"{row.value:.3g}, goal at {'least' if row.at_least else 'most'} {row.goal:g}"
        where = (LEFT + share * across + 6, top + 1)
        pen.rectangle(pen.textbbox(where, figure, font=font), fill="white")  # the line goes behind it
        pen.text(where, figure, fill="black", font=font)
    toys = f"; grey: {TOY_NOTE}" if any(row.note for row in rows) else ""
    note = f"how much of the goal is reached, cut at {LONGEST_BAR:g} times" + toys
    pen.text((8, BAR * (len(rows) + 1) + 8), note, fill="black", font=font)
    picture.save(file)


def _reached(row: Row) -> float:
    """1 where a ratio is just at its goal, more where it is better."""
    share = row.value / row.goal if row.at_least else row.goal / max(row.value, 1e-9)
    return min(LONGEST_BAR, max(0.0, share))


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of it as there is room for left of the bars, in characters that the font has."""
    text = text.translate(SPELLED)
    if font.getlength(text) <= LEFT - 16:
        return text
    while font.getlength(f"{text} ...") > LEFT - 16:
        text = text.rpartition(" ")[0]
    return f"{text} ..."
