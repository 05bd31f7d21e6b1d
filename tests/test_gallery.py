"""The gallery hangs what was made beside a page, with the figures that the reviews measured."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toy_weights import shared_home

GALLERY = Path(__file__).resolve().parents[1] / "scripts" / "lib" / "gallery.py"


def gallery(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "REELHOUSE_HOME": str(home), "XDG_CONFIG_HOME": str(folder / "config")}
    command = [sys.executable, str(GALLERY), "--out", str(folder / "gallery"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own whose weights are the shared ones."""
    own = tmp_path / "home"
    own.mkdir()
    for one in shared_home(tmp_path_factory).iterdir():
        (own / one.name).symlink_to(one)
    return own


def test_each_film_hangs_with_its_captions_its_contact_sheet_and_a_row_of_figures(tmp_path: Path, home: Path):
    shown = ("--profile", "tiny", "--only", "cinematic_story", "--aspect", "1:1", "--seconds", "6")
    made = gallery(tmp_path, home, *shown)
    assert made.returncode == 0, made.stderr
    out = tmp_path / "gallery"
    assert {path.suffix for path in out.glob("cinematic_story-1x1.*")} == {".mp4", ".jpg", ".srt", ".vtt"}
    (row,) = [line for line in (out / "table.md").read_text().splitlines() if line.startswith("| cinematic_story-1x1")]
    asked, lasts = row.split(" | ")[1:3]
    assert float(asked) == 6 and float(lasts) == pytest.approx(6, rel=0.03)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'src="cinematic_story-1x1.mp4"' in page and "afraid of heights" in page


def test_a_format_that_says_its_length_itself_is_asked_for_none():
    spec = importlib.util.spec_from_file_location("gallery", GALLERY)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options = module.parse(["--only", "ad_spot", "cinematic_story", "--aspect", "1:1", "--seconds", "6"])
    assert [frame.request.target_seconds for frame in module.frames_of(options)] == [None, 6]


def test_a_film_that_cannot_be_made_is_named_and_the_exit_code_says_so(tmp_path: Path, home: Path):
    made = gallery(
        tmp_path, home, "--profile", "tiny", "--only", "cinematic_story", "--aspect", "1:1", "--seconds", "2"
    )
    assert made.returncode == 1
    assert "cinematic_story-1x1 failed: seconds" in made.stderr
