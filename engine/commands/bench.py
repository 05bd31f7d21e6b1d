"""`reelhouse bench`: the product's promises of speed, measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from engine.commands.answer import print_json, print_text, say, stdout_reserved
from engine.commands.flags import Json
from engine.commands.surroundings import Surroundings
from engine.errors import BadRequest

EXAMPLE = "Example: reelhouse bench --only R2,R4"

Only = Annotated[str | None, typer.Option(help="Which measurements, as R2,G1; else all.", metavar="R1,G1,…")]
Toy = Annotated[
    bool, typer.Option("--toy", help="Measure G1 to G7 at toy size, as without a GPU: shows that they run.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="A folder for bench.md, bench.json and bench.png.", metavar="FOLDER", file_okay=False),
]


def bench(context: typer.Context, only: Only = None, toy: Toy = False, out: Out = None, json: Json = False) -> None:
    """Measure R1 to R9 and, of models on the GPU, G1 to G7: ratios, beside what the machine itself can do."""
    from engine.bench import MEASUREMENTS, measure
    from engine.bench_gpu import TOGETHER, Bed, measurements
    from engine.bench_rows import draw, in_markdown
    from engine.interrupts import run_interruptibly

    around: Surroundings = context.obj
    bed = Bed(toy=toy)
    known = {**MEASUREMENTS, **measurements(bed), **around.measurements()}
    names = [name.strip().upper() for name in only.split(",")] if only else list(known)
    unknown = [name for name in names if TOGETHER.get(name, name) not in known]
    if unknown:
        raise BadRequest("only", f"{unknown[0]!r} is not one of {', '.join(sorted({*known, *TOGETHER}))}")
    chosen = {name: known[name] for name in dict.fromkeys(TOGETHER.get(name, name) for name in names)}
    with stdout_reserved():
        home = around.settings().home
        report = run_interruptibly(
            lambda cancelled: measure(chosen, home, say, cancelled, bed),
            lambda: say("Stopping; once more to stop at once."),
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "bench.md").write_text(in_markdown(report) + "\n", encoding="utf-8")
        (out / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
        draw(report, out / "bench.png")
    if json:
        print_json(report)
    else:
        print_text(in_markdown(report))
