"""`reelhouse gc`: removes what nobody needs any more, and says what that freed."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json
from server.commands.at_place import Data, place_at

EXAMPLE = "Example: reelhouse gc --dry-run"
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")]


def gc(context: typer.Context, dry_run: DryRun = False, data: Data = None, json: Json = False) -> None:
    """Remove files without a row, old work folders, expired rows, and stories past REELHOUSE_RETAIN_DAYS."""
    from server.sweep import sweep

    with place_at(context, data) as place:
        freed = sweep(place, dry_run=dry_run)
    for name in freed.missing_files:
        say(f"{name} is not there, or not whole: restore it from a backup, or delete its story")
    if json:
        print_json(freed)
        return
    would = "would go" if dry_run else "removed"
    print_text(f"{freed.stories} stories {would}, {_size(freed.story_bytes)}")
    print_text(f"{freed.media_files} files without a row {would}, {_size(freed.media_bytes)}")
    print_text(f"{freed.work_folders} work folders {would}, {_size(freed.work_bytes)}")
    print_text(
        f"{freed.idempotency_keys} idempotency keys, {freed.job_events} job events, {freed.deliveries} webhooks, "
        f"{freed.logins} logins {would}"
    )


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB"
