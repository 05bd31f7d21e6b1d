"""The command line: what it prints, what it leaves behind, how it stops. Every test runs real processes."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from engine.cli import build_app, run
from engine.errors import StorageFull
from engine.made import Film
from engine.media import probe
from engine.pace import read_pace
from engine.types import Script
from server.settings import Settings
from tests.command_line import PROGRAM, CommandLine, document, half_made, stop, wait_for_line

TWO_LINES = ("A fox runs.", "All is well.")
FIELDS = (
    *("storyId", "title", "film", "seconds", "width", "height", "fps", "captions", "script", "clips", "timings"),
    *("models", "seed", "warnings", "transcript", "review"),
)


@pytest.fixture
def reelhouse(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, subprocess.CompletedProcess[str]]:
    """A film of four lines with its work folder `w`, and how it was told; only to be read, or copied."""
    reelhouse = CommandLine(tmp_path_factory.mktemp("finished"))
    made = ("make", "A fox", "--script", reelhouse.script(), "--out", "film.mp4", "--work", "w", "--json")
    return reelhouse, reelhouse(*made)


@pytest.fixture
def again(finished: tuple[CommandLine, subprocess.CompletedProcess[str]], reelhouse: CommandLine) -> CommandLine:
    """A folder of one's own in which that film has been made."""
    shutil.copytree(finished[0].folder, reelhouse.folder, dirs_exist_ok=True)
    return reelhouse


@pytest.mark.parametrize(
    "command", ["", "make", "plan", "review", "models list", "models verify", "models build", "doctor", "bench"]
)
def test_every_command_has_help_with_an_example(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(build_app(Settings), [*command.split(), "--help"]) == 0
    assert "Example: reelhouse" in capfd.readouterr().out


def test_the_command_line_alone_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'torch', 'av', 'moviepy', 'llama_cpp', 'onnxruntime'}"
    program = f"import sys, server.cli, engine.cli; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_installed_command_knows_its_version() -> None:
    command = Path(sys.executable).with_name("reelhouse")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("reelhouse ")


def test_a_film_is_made_and_described_as_one_json_document(
    finished: tuple[CommandLine, subprocess.CompletedProcess[str]],
) -> None:
    reelhouse, done = finished
    assert done.returncode == 0, done.stderr
    told = document(done)
    assert tuple(told) == FIELDS
    film = probe(Path(told["film"]))
    assert Path(told["film"]) == reelhouse.folder / "film.mp4"
    assert (film.width, film.height) == (told["width"], told["height"])
    assert film.seconds == pytest.approx(told["seconds"], abs=0.1)
    assert [clip["narration"] for clip in told["clips"]] == [
        "A fox runs.",
        "She finds a light.",
        "It is warm.",
        "All is well.",
    ]
    assert [clip["order"] for clip in told["clips"]] == [0, 1, 2, 3]
    for clip in told["clips"]:
        for kind in ("still", "video", "audio"):
            assert Path(clip[kind]).is_absolute()
            assert Path(clip[kind]).is_file()
    assert set(told["models"]) == {"writer", "narrator", "composer", "artist", "animator"}
    assert half_made(reelhouse.folder) == []
    kept = msgspec.json.decode((reelhouse.folder / "w" / "script.json").read_bytes(), type=Script)
    assert kept == msgspec.convert(told["script"], Script)
    assert {"clips/noop-animator", "stills/noop-artist", "film"} <= set(read_pace(reelhouse.home))


def test_without_a_work_folder_nothing_is_left_but_the_film_and_its_captions(reelhouse: CommandLine) -> None:
    make = ("make", "--script", reelhouse.script(), "--out", "a.mp4", "--captions", "sidecar", "--json")
    done = reelhouse(*make)
    assert done.returncode == 0, done.stderr
    told = document(done)
    assert {clip[kind] for clip in told["clips"] for kind in ("still", "video", "audio")} == {None}
    assert told["captions"] == {"srt": str(reelhouse.folder / "a.srt"), "vtt": str(reelhouse.folder / "a.vtt")}
    assert "She finds a light" in (reelhouse.folder / "a.srt").read_text(encoding="utf-8")
    assert (reelhouse.folder / "a.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert {path.name for path in reelhouse.folder.iterdir()} == {
        "a.mp4",
        "a.srt",
        "a.vtt",
        "a.transcript.txt",
        "script.json",
        "home",
    }
    assert [path for path in (reelhouse.home / "scratch").iterdir() if path.is_dir()] == []


def test_without_json_stdout_is_the_films_path_alone(reelhouse: CommandLine) -> None:
    done = reelhouse("make", "The lighthouse: by night!", "--script", reelhouse.script(("One.",)))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{reelhouse.folder / 'the-lighthouse-by-night.mp4'}\n"


def test_the_same_again_uses_everything_that_was_kept_and_gives_the_same_film(again: CommandLine) -> None:
    film = (again.folder / "film.mp4").read_bytes()
    (again.folder / "film.mp4").unlink()
    done = again("make", "A fox", "--script", again.script(), "--out", "film.mp4", "--work", "w")
    assert done.returncode == 0, done.stderr
    assert (again.folder / "film.mp4").read_bytes() == film
    made = [line for line in done.stderr.splitlines() if " of " in line and "(kept)" not in line]
    assert [line for line in made if not line.startswith("review")] == []


def test_a_line_edited_makes_only_its_own_picture_and_voice_again(again: CommandLine) -> None:
    edited = json.loads((again.folder / "w" / "script.json").read_text(encoding="utf-8"))
    edited["shots"][2]["narration"] = edited["shots"][2]["visual"] = "It was cold."
    (again.folder / "script.json").write_text(json.dumps(edited), encoding="utf-8")
    done = again("make", "A fox", "--script", "script.json", "--out", "film.mp4", "--work", "w")
    assert done.returncode == 0, done.stderr
    made = [line for line in done.stderr.splitlines() if " of 4" in line and "(kept)" not in line]
    assert Counter(line.split(":")[0] for line in made)["stills"] == 1
    assert Counter(line.split(":")[0] for line in made)["voices"] == 1


def test_a_plan_tells_everything_and_makes_nothing(reelhouse: CommandLine) -> None:
    done = reelhouse("plan", "A fox", "--seconds", "20", "--json", "--profile", "cpu")
    assert done.returncode == 0, done.stderr
    told = document(done)
    assert told["frames"] == round(20 * told["fps"])
    assert len(told["shots"]) >= 2
    assert all(told[name] > 0 for name in ("memoryGb", "totalSeconds", "diskBytes"))
    assert {"script", "voices", "stills", "clips", "segments", "film"} <= set(told["stageSeconds"])
    assert told["models"]["artist"]["id"] == "sketch"
    assert not reelhouse.home.exists()


def test_measured_pace_improves_the_next_plan(reelhouse: CommandLine) -> None:
    plan = ("plan", "A fox", "--script", reelhouse.script(), "--json")
    before = document(reelhouse(*plan))
    reelhouse.home.mkdir()
    (reelhouse.home / "history.json").write_text('{"clips/noop-animator": 2.0}')
    after = document(reelhouse(*plan))
    assert after["stageSeconds"]["clips"] == pytest.approx(2.0 * after["frames"])
    assert before["totalSeconds"] < after["totalSeconds"]


def test_a_finished_film_is_not_failed_by_a_home_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine import pace
    from engine.pipeline import make_stories
    from tests.small_stories import small_catalog, small_request

    def full(path: Path, data: bytes) -> None:
        raise StorageFull(f"The disk is full while writing {path}.")

    (film,) = make_stories([small_request("It was.")], [tmp_path / "work"], home=tmp_path, catalog=small_catalog())
    assert isinstance(film, Film)
    monkeypatch.setattr(pace, "write_atomically", full)
    pace.remember_pace(tmp_path, film, set())


def test_models_are_listed_with_what_is_on_the_machine(reelhouse: CommandLine) -> None:
    told = document(reelhouse("models", "list", "--json"))
    rows = {row["id"]: row for row in told["models"]}
    assert {"tiny", "cpu"} <= {profile["name"] for profile in told["profiles"]}
    assert rows["toy-sdxl"]["present"] is False
    assert rows["sketch"]["licence"] == "CC-BY-4.0"


def test_verifying_names_the_altered_file_and_its_repair(reelhouse: CommandLine) -> None:
    toy = reelhouse.home / "toys" / "toy-llama"
    toy.mkdir(parents=True)
    (toy / "toy.gguf").write_bytes(b"GGUF but not really")
    done = reelhouse("models", "verify", "toy-llama", "--json")
    assert done.returncode == 1
    (found,) = document(done)["models"]
    assert found["state"] == "corrupt"
    assert "reelhouse models build" in found["message"]
    assert reelhouse("models", "verify", "toy-sdxl").returncode == 1
    assert reelhouse("models", "verify", "sketch").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_stops_gently_and_the_next_run_resumes(reelhouse: CommandLine, number: signal.Signals) -> None:
    make = ("make", "A fox", "--script", reelhouse.script(TWO_LINES), "--out", "film.mp4", "--work", "w")
    process = reelhouse.start(*make, slow=1.0)
    wait_for_line(process, "clips: 1 of 2")
    out, err, _ = stop(process, number)
    assert process.returncode == 130
    assert out == ""
    assert "run the same command again to resume" in err
    assert "Traceback" not in err
    assert not (reelhouse.folder / "film.mp4").exists()
    assert half_made(reelhouse.folder) == []
    done = reelhouse(*make, slow=1.0)
    assert done.returncode == 0
    assert "clips: 1 of 2 (kept)" in done.stderr


def test_stopped_without_a_work_folder_nothing_is_left_and_the_way_to_resume_is_said(reelhouse: CommandLine) -> None:
    script = reelhouse.script(TWO_LINES)
    process = reelhouse.start("make", "--script", script, "--out", "film.mp4", "--json", slow=1.0)
    wait_for_line(process, "clips: 1 of 2")
    out, err, _ = stop(process, signal.SIGINT)
    assert process.returncode == 130
    assert json.loads(out)["error"]["code"] == "cancelled"
    assert "--work" in err
    assert [path for path in (reelhouse.home / "scratch").iterdir() if path.is_dir()] == []


def test_killed_at_a_shot_it_resumes_and_sweeps_what_was_half_made(reelhouse: CommandLine) -> None:
    lines = ("A fox runs.", "She finds a light.", "All is well.")
    make = ("make", "A fox", "--script", reelhouse.script(lines), "--out", "film.mp4", "--work", "w")
    process = reelhouse.start(*make, slow=0.7)
    wait_for_line(process, "clips: 2 of 3")
    stop(process, signal.SIGKILL)
    assert not (reelhouse.folder / "film.mp4").exists()
    done = reelhouse(*make, slow=0.7)
    assert done.returncode == 0, done.stderr
    assert "clips: 2 of 3 (kept)" in done.stderr
    assert list((reelhouse.folder / "w").rglob("*.tmp-*")) == []
    probe(reelhouse.folder / "film.mp4")


def test_the_scratch_folder_of_a_killed_run_is_swept_by_the_next(reelhouse: CommandLine) -> None:
    process = reelhouse.start("make", "--script", reelhouse.script(("One.",)), "--out", "film.mp4", slow=2.0)
    wait_for_line(process, "clips: begins")
    stop(process, signal.SIGKILL)
    scratch = reelhouse.home / "scratch"
    assert [path for path in scratch.iterdir() if path.is_dir()] != []
    assert reelhouse("make", "--script", reelhouse.script(("One.",)), "--out", "b.mp4").returncode == 0
    assert [path for path in scratch.iterdir() if path.is_dir()] == []


def test_two_runs_do_not_share_a_work_folder(reelhouse: CommandLine) -> None:
    script = reelhouse.script(("One.",))
    first = reelhouse.start("make", "--script", script, "--out", "a.mp4", "--work", "w", slow=30.0)
    wait_for_line(first, "clips: begins")
    second = reelhouse("make", "--script", script, "--out", "b.mp4", "--work", "w")
    stop(first, signal.SIGINT)
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr


def test_on_a_terminal_there_are_bars_with_the_time_left(reelhouse: CommandLine) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            "0",
            "make",
            "--script",
            reelhouse.script(("One.", "Two.")),
            "--out",
            "film.mp4",
        ],
        cwd=reelhouse.folder,
        env={**reelhouse.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.DEVNULL,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break  # the terminal's other end is closed: the process has ended
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait() == 0
    text = shown.decode("utf-8", "replace")
    assert "stills" in text
    assert "2/2" in text
    assert "left" in text


STUBBORN = """
import subprocess, sys, threading, time
from engine.errors import Cancelled
from engine.interrupts import run_interruptibly

def work(cancelled):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print(child.pid, flush=True)
    child.wait()
    time.sleep(600)

try:
    run_interruptibly(work, lambda: print("heard", flush=True))
except Cancelled:
    import os
    os._exit(130)
"""


def test_a_second_signal_ends_work_that_does_not_stop_and_its_children() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "heard\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not Path(f"/proc/{child}").exists() or "Z (zombie)" in Path(f"/proc/{child}/status").read_text()
