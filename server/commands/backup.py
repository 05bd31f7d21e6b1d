"""`reelhouse backup` and `reelhouse restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json
from server.commands.at_place import Data, settings_at

BACKUP_EXAMPLE = "Example: reelhouse backup /mnt/backups/2026-04-04"
RESTORE_EXAMPLE = "Example: reelhouse restore /mnt/backups/2026-04-04 --data /srv/reelhouse"

Target = Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.", metavar="DIR")]
Source = Annotated[Path, typer.Argument(help="What `reelhouse backup` made.", metavar="DIR")]
Force = Annotated[bool, typer.Option("--force", help="Move data that is there aside, into a folder in it.")]


def backup(context: typer.Context, folder: Target, data: Data = None, json: Json = False) -> None:
    """Copy database, media and secret into DIR, while the server runs."""
    from server.backup import back_up

    made = back_up(settings_at(context, data), folder, say)
    for name in made.missing:
        say(f"{name} is not there, or not whole, so it is not in the backup")
    if json:
        print_json(made)
    else:
        print_text(f"{made.path}: {made.files} files, {made.bytes / 2**20:.1f} MB")


def restore(
    context: typer.Context, folder: Source, force: Force = False, data: Data = None, json: Json = False
) -> None:
    """Put a backup in the place of the data folder. The server must not run."""
    from server import backup as backups

    done = backups.restore(settings_at(context, data), folder, say, force=force)
    if json:
        print_json(done)
        return
    if done.moved_aside is not None:
        say(f"what was there lies in {done.moved_aside}")
    print_text(f"{done.data}: {done.files} files, {done.bytes / 2**20:.1f} MB, as of {done.created_at}")
