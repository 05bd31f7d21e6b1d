"""The gallery: each format on a prompt of its own, in three aspect ratios, with contact sheets and a table of figures.

Makes all films in one wave and reads what their reviews measured; it judges nothing itself. Run it again and what is
made already is used again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import NamedTuple

from engine.artifacts import write_atomically
from engine.catalog import load_catalog
from engine.delivery import deliver
from engine.errors import ReelhouseError
from engine.formats import format_names, load_format
from engine.made import Film
from engine.pipeline import make_stories
from engine.progress import Event
from engine.settings import EngineSettings, load_settings
from engine.types import StoryRequest
from engine.workplace import work_folder

PROMPTS = {
    "cinematic_story": "A small dragon who is afraid of heights wants to fly, and a brave girl helps him",
    "news_analysis": "The city council of Riverton voted 7 to 2 on Tuesday to close the old bridge from 3 May. "
    "Engineers found cracks in two pillars. Shop owners say they will lose customers. Repairs cost 4 million euros.",
    "music_video": "A lighthouse keeper sings to the ships on a stormy night at sea",
    "persona_channel": "How I learned to bake bread after three burnt loaves",
    "youtube_clone": "Why the sea has tides: the moon pulls the water, and the earth turns under it",
    "ad_spot": "Swift, a folding bicycle that weighs 9 kilograms and folds in ten seconds",
}
ASPECTS = ("16:9", "9:16", "1:1")
COLUMNS = ("film", "asked, s", "lasts, s", "LUFS", "peak, dBTP", "shots", "cuts a minute", "cues", "letters/s", "found")
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1500px; margin: 2rem auto; padding: 0 1rem; color: #1c1c1e }
table { border-collapse: collapse } td, th { text-align: left; padding: .2rem 1rem .2rem 0 }
td + td { text-align: right }
section { margin: 3rem 0 } video { max-height: 60vh; max-width: 100% } img { max-width: 100% }
"""


class Frame(NamedTuple):
    """One film of the gallery: its request, the folder that keeps its shots, and its name."""

    name: str
    request: StoryRequest
    work: Path


class Row(NamedTuple):
    """What the table says of a film, in the order of `COLUMNS`; all text."""

    cells: tuple[str, ...]


def frames_of(options: argparse.Namespace) -> list[Frame]:
    frames = []
    for kind in options.only or format_names():
        for aspect in options.aspect or ASPECTS:
            seconds = None if load_format(kind).pacing.allowed_seconds else options.seconds
            name = f"{kind}-{aspect.replace(':', 'x')}"
            request = StoryRequest(
                prompt=PROMPTS.get(kind, PROMPTS["cinematic_story"]),
                content_type=kind,
                aspect_ratio=aspect,
                target_seconds=seconds,
                seed=options.seed,
                profile=options.profile,
                captions="both",
            )
            frames.append(Frame(name, request, options.out / "work" / name))
    return frames


def row_of(name: str, film: Film) -> Row:
    assert film.review is not None, "every film that is made has been reviewed"
    figures = film.review.figures
    cues = film.srt.read_text(encoding="utf-8").count(" --> ") if film.srt else 0
    target = film.plan.target_seconds
    return Row(
        (
            name,
            "" if target is None else f"{target:g}",
            f"{film.seconds:.2f}",
            f"{figures['loudnessLufs']:.1f}",
            f"{figures['truePeakDbtp']:.1f}",
            str(len(film.shots)),
            f"{(len(film.shots) - 1) * 60 / film.seconds:.0f}",
            str(cues),
            f"{figures.get('charactersASecond', 0):g}",
            "; ".join(finding.sentence for finding in film.review.findings) or "nothing",
        )
    )


def table(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(row.cells) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def page(rows: Sequence[Row], prompts: dict[str, str]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in COLUMNS)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells) + "</tr>" for row in rows)
    shown = "".join(
        f'<section id="{name}"><h2>{name}</h2><p>{escape(prompts[name])}</p>'
        f'<video controls preload="none" poster="{name}.jpg" src="{name}.mp4"></video>'
        f'<p><img src="{name}.jpg" loading="lazy" alt="Moments of {name}"></p></section>'
        for name in (row.cells[0] for row in rows)
    )
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Gallery</title><style>{STYLE}</style>\n'
        f"<h1>Gallery</h1>\n<table><tr>{head}</tr>{body}</table>\n{shown}</html>\n"
    )


def hang(frame: Frame, film: Film, out: Path) -> Row:
    """Put the film, its captions and its contact sheet beside the page."""
    deliver(film.video, out / f"{frame.name}.mp4")
    for captions in (film.srt, film.vtt):
        if captions is not None:
            deliver(captions, out / f"{frame.name}{captions.suffix}")
    deliver(film.record.parent / "review.jpg", out / f"{frame.name}.jpg")
    return row_of(frame.name, film)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/gallery", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("gallery"), help="folder of films, sheets, table and page")
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--only", nargs="+", metavar="FORMAT", choices=format_names())
    parser.add_argument("--aspect", nargs="+", metavar="W:H", help=f"else {', '.join(ASPECTS)}")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each film whose format does not say itself")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    frames = frames_of(options)
    options.out.mkdir(parents=True, exist_ok=True)

    def listen(event: Event) -> None:
        if event.kind == "stage":
            print(f"{frames[event.story].name}: {event.stage}", file=sys.stderr, flush=True)
        elif event.kind == "warning":
            print(f"{frames[event.story].name}: {event.message}", file=sys.stderr, flush=True)

    home = load_settings(EngineSettings).home
    with ExitStack() as held:
        works = [held.enter_context(work_folder(frame.work, home)) for frame in frames]
        requests = [frame.request for frame in frames]
        outcomes = make_stories(requests, works, home=home, catalog=load_catalog(), on_event=listen)
    rows, failed = [], 0
    for frame, outcome in zip(frames, outcomes, strict=True):
        if isinstance(outcome, ReelhouseError):
            print(f"{frame.name} failed: {outcome.message}", file=sys.stderr)
            failed += 1
        else:
            rows.append(hang(frame, outcome, options.out))
    prompts = {frame.name: frame.request.prompt for frame in frames}
    write_atomically(options.out / "table.md", table(rows).encode())
    write_atomically(options.out / "index.html", page(rows, prompts).encode())
    print(table(rows), end="")
    print(f"{len(rows)} films: {options.out / 'index.html'}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
