"""`reelhouse bench`: the product's promises of speed, measured on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say, stdout_reserved
from engine.commands.flags import Json
from engine.commands.surroundings import Surroundings
from engine.errors import BadRequest

EXAMPLE = "Example: reelhouse bench --only R2,R4"

Only = Annotated[str | None, typer.Option(help="Which measurements, as R2,R4; else all.", metavar="R1,R2,…")]


def bench(context: typer.Context, only: Only = None, json: Json = False) -> None:
    """Measure R1 to R8: each a ratio within one run, beside the machine's own arithmetic and copying speed."""
    from engine.bench import MEASUREMENTS, measure
    from engine.interrupts import run_interruptibly

    around: Surroundings = context.obj
    known = {**MEASUREMENTS, **around.measurements()}
    names = [name.strip().upper() for name in only.split(",")] if only else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadRequest("only", f"{unknown[0]!r} is not one of {', '.join(known)}")
    chosen = {name: known[name] for name in names}
    with stdout_reserved():
        home = around.settings().home
        report = run_interruptibly(
            lambda cancelled: measure(chosen, home, say, cancelled), lambda: say("Stopping; once more to stop at once.")
        )
    if json:
        print_json(report)
        return
    print_text(f"{'':3} {'what':62} {'measured':>9} {'goal':>9}")
    for row in report.rows:
        sign = "≥" if row.at_least else "≤"
        goal = f"{sign} {row.goal:g}{row.unit}"
        print_text(
            f"{row.id:3} {row.what:62} {f'{row.value:.3g}{row.unit}':>9} {goal:>9}  {'' if row.met else 'MISSED'}"
        )
    print_text(
        f"on {report.cores} cores with {report.gemm_gflops:.0f} GFLOP/s of matrix products and "
        f"{report.copy_gb_s:.1f} GB/s of copying, in {report.seconds:.0f} s"
    )
