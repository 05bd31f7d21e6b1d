"""The command line's table of contents, and how every command ends: exit code, one sentence, never a traceback.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Each command has a file in engine/commands; nothing heavy
is imported before a command really needs it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.artifacts import disk_errors
from engine.catalog import Catalog, load_catalog
from engine.commands.answer import print_error, print_text
from engine.commands.bench import EXAMPLE as BENCH_EXAMPLE
from engine.commands.bench import bench
from engine.commands.doctor import EXAMPLE as DOCTOR_EXAMPLE
from engine.commands.doctor import doctor
from engine.commands.make import EXAMPLE as MAKE_EXAMPLE
from engine.commands.make import make
from engine.commands.models import models_app
from engine.commands.models_network import PIN_EXAMPLE, PULL_EXAMPLE, pin, pull
from engine.commands.models_packs import EXPORT_EXAMPLE, IMPORT_EXAMPLE, export_models, import_models
from engine.commands.plan import EXAMPLE as PLAN_EXAMPLE
from engine.commands.plan import plan
from engine.commands.review import EXAMPLE as REVIEW_EXAMPLE
from engine.commands.review import review
from engine.commands.surroundings import Surroundings, nothing_more
from engine.errors import Cancelled, ReelhouseError, UsageError
from engine.settings import EngineSettings, default_home, load_settings

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def build_app(
    settings: type[EngineSettings] = EngineSettings,
    catalog: Callable[[], Catalog] = load_catalog,
    measurements: Callable[[], Mapping[str, Any]] = nothing_more,
) -> typer.Typer:
    """The engine's commands; `settings` is the kind that they read, so that a server's own names are known too,
    `catalog` what they choose models from, `measurements` what `bench` knows besides the engine's own."""
    app = typer.Typer(
        name="reelhouse",
        help="A prompt becomes a narrated film on your own machine, with open models, offline.",
        epilog='Example: reelhouse make "A fox finds a lantern" --seconds 30 --out film.mp4',
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def root(context: typer.Context, version: Version = False) -> None:
        context.obj = Surroundings(cache(lambda: load_settings(settings)), cache(catalog), measurements)

    app.command(epilog=MAKE_EXAMPLE)(make)
    app.command(epilog=PLAN_EXAMPLE)(plan)
    app.command(epilog=REVIEW_EXAMPLE)(review)
    models_app.command(epilog=PULL_EXAMPLE)(pull)
    models_app.command(epilog=PIN_EXAMPLE)(pin)
    models_app.command("export", epilog=EXPORT_EXAMPLE)(export_models)
    models_app.command("import", epilog=IMPORT_EXAMPLE)(import_models)
    app.add_typer(models_app)
    app.command(epilog=DOCTOR_EXAMPLE)(doctor)
    app.command(epilog=BENCH_EXAMPLE)(bench)
    return app


def _tell_version(asked_for: bool) -> None:
    if asked_for:
        from importlib.metadata import version

        print_text(f"reelhouse {version('reelhouse')}")
        raise typer.Exit()


Version = Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which it is.")]


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run one command line to its exit code; whatever goes wrong is said in one sentence on stderr, and with `--json`
    as `{"error": {"code", "message"}}` on stdout."""
    as_json = "--json" in arguments
    try:
        with disk_errors(Path.cwd()):
            code = app(list(arguments), prog_name="reelhouse", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except BrokenPipeError:
        # Whoever read our stdout has gone, as `reelhouse models list | head` does: nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except typer.TyperException as error:
        told = error.format_message() if hasattr(error, "format_message") else str(error)
        print_error("usage", told, as_json)
        return WRONG_USAGE
    except (KeyboardInterrupt, typer.Abort):
        print_error(Cancelled.code, "Stopped on request.", as_json)
        return INTERRUPTED
    except ReelhouseError as error:
        print_error(error.code, error.message, as_json)
        return INTERRUPTED if isinstance(error, Cancelled) else WRONG_USAGE if isinstance(error, UsageError) else FAILED
    except Exception as error:  # noqa: BLE001 - the outermost boundary: a fault of this program, told in one sentence
        print_error("internal", _fault_sentence(error), as_json)
        return FAILED


def exit_with(app: typer.Typer) -> None:
    """Run the process's own command line and end the process. SIGTERM ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run(app, sys.argv[1:])
    if threading.active_count() > 1:
        # Work that did not stop in time was left behind in its thread; waiting for it is what nobody wants now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _fault_sentence(error: Exception) -> str:
    told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    folder = Path(os.environ.get("REELHOUSE_HOME") or default_home()).expanduser() / "logs"
    log = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    except OSError as unwritable:
        return f"A fault in reelhouse itself ({told}), and no log could be written ({unwritable.strerror} at {log})."
    return f"A fault in reelhouse itself ({told}): please report it with {log}."
