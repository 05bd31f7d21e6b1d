"""The entry point `reelhouse`: the engine's commands and the server's, with the settings of the whole product.

Wiring only. Command files import what is heavy when they run, so that `reelhouse make --help` stays quick.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer


def main() -> None:
    try:
        # In here, so that Ctrl-C while modules are loading ends as quietly as it does later.
        from engine.cli import exit_with

        exit_with(build_whole_app())
    except KeyboardInterrupt:
        sys.exit(130)


def _measurements() -> Mapping[str, Any]:
    """What `bench` measures of a server; imported when it is asked for."""
    from server.bench import MEASUREMENTS

    return MEASUREMENTS


def build_whole_app() -> typer.Typer:
    """Every command of the product."""
    from engine.cli import build_app
    from server.commands import backup, gc, serve, worker
    from server.commands.jobs import jobs_app
    from server.commands.keys import keys_app
    from server.commands.users import users_app
    from server.settings import Settings

    app = build_app(Settings, measurements=_measurements)
    app.command(epilog=serve.EXAMPLE)(serve.serve)
    app.command(epilog=worker.EXAMPLE)(worker.worker)
    app.add_typer(users_app)
    app.add_typer(keys_app)
    app.add_typer(jobs_app)
    app.command(epilog=backup.BACKUP_EXAMPLE)(backup.backup)
    app.command(epilog=backup.RESTORE_EXAMPLE)(backup.restore)
    app.command(epilog=gc.EXAMPLE)(gc.gc)
    return app
