"""The command line as a real process, with models that only wait, so that its tests take seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.kept_fonts import keep_fonts
keep_fonts()
from engine.bench_rig import bench_catalog
from engine.cli import build_app, exit_with
from server.settings import Settings
slow = float(sys.argv.pop(1))
exit_with(build_app(Settings, lambda: bench_catalog(animator_seconds=slow, short_side=96, fps=12)))
"""

FOUR_LINES = ("A fox runs.", "She finds a light.", "It is warm.", "All is well.")


class CommandLine:
    """`reelhouse`, started in `folder`, with its home there; `slow` seconds per clip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("REELHOUSE_")}
        self.environ |= {
            "REELHOUSE_HOME": str(self.home),
            "REELHOUSE_PROFILE": "bench",
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    def start(self, *arguments: str, slow: float = 0.0, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(slow), *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, slow: float = 0.0, **environ: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, slow=slow, **environ)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def script(self, lines: tuple[str, ...] = FOUR_LINES) -> str:
        """A script file with a shot per line; its path."""
        shots = [{"narration": line, "visual": line} for line in lines]
        script = {
            "title": "The Light",
            "characters": [{"name": "Fox"}],
            "scenes": [{"description": "a hill"}],
            "items": [{"name": "light"}],
            "shots": shots,
        }
        path = self.folder / "script.json"
        path.write_text(json.dumps(script), encoding="utf-8")
        return str(path)


def wait_for_line(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """Read stderr until a line begins so; what was read."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"no line began with {beginning!r}: {lines}")


def stop(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str, float]:
    """Send a signal; stdout, the rest of stderr, and the seconds until the process had ended."""
    sent = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return out, err, time.monotonic() - sent


def half_made(folder: Path) -> list[Path]:
    """What a film in the making leaves beside its place while it is not whole."""
    return [path for path in folder.iterdir() if ".tmp-" in path.name]


def document(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)
