"""`reelhouse worker`: one more worker, until it is asked to leave."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from server.commands.at_place import Data, place_at

EXAMPLE = "Example: reelhouse worker --data /srv/reelhouse"

ParentPid = Annotated[int | None, typer.Option(hidden=True, help="The process to die with: that of `serve`.")]


def worker(
    context: typer.Context,
    data: Data = None,
    parent: ParentPid = None,
) -> None:
    """Make the films that the server has accepted, with one GPU or none."""
    import structlog

    from engine.machine import this_machine
    from server.fault import arm
    from server.logs import configure
    from server.parents import die_with_parent
    from server.place import whereabouts
    from server.worker import Worker

    if parent is not None:
        die_with_parent(parent)
    with place_at(context, data) as place:
        configure(place.folders.logs / "worker.log")
        structlog.get_logger("reelhouse.worker").info("starting", **whereabouts(place))
        arm(place.settings.fault)
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES") or ("0" if this_machine().gpu else None)
        Worker(place, gpu).run()
