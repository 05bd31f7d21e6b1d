"""The entry point `reelhouse`: the engine's commands, with the settings of the whole product. Wiring only."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        # In here, so that Ctrl-C while modules are loading ends as quietly as it does later.
        from engine.cli import build_app, exit_with
        from server.settings import Settings

        exit_with(build_app(Settings))
    except KeyboardInterrupt:
        sys.exit(130)
