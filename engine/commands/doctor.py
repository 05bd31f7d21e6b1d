"""`reelhouse doctor`: every prerequisite, with the fix for each that fails."""

from __future__ import annotations

import typer

from engine.commands.answer import print_json, print_text, stdout_reserved
from engine.commands.flags import Json, Profile
from engine.commands.surroundings import Surroundings

EXAMPLE = "Example: reelhouse doctor --profile cpu"
MARKS = {"ok": "ok    ", "advice": "advice", "failed": "FAILED"}


def doctor(context: typer.Context, profile: Profile = None, json: Json = False) -> None:
    """Look at every prerequisite; exit 1 if one fails."""
    import msgspec

    from engine.doctor import examine

    around: Surroundings = context.obj
    settings = around.settings()
    if profile is not None:
        settings = msgspec.structs.replace(settings, profile=profile)
    with stdout_reserved():
        checks = examine(settings, around.catalog())
    failed = [check for check in checks if check.state == "failed"]
    if json:
        print_json({"ok": not failed, "checks": checks})
    else:
        for check in checks:
            print_text(f"{MARKS[check.state]}  {check.name}: {check.found}")
            if check.fix and check.state != "ok":
                print_text(f"        → {check.fix}")
        print_text(f"{len(failed)} to mend" if failed else "everything that is needed is here")
    if failed:
        raise typer.Exit(1)
