"""Dockerfile.cuda names things; they exist. No image is built here."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.api import health
from server.cli import build_whole_app


@pytest.fixture
def steps(root: Path) -> list[tuple[str, str]]:
    """The instructions, continued lines joined: (instruction, the rest)."""
    text = (root / "Dockerfile.cuda").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def commands(steps: list[tuple[str, str]], instruction: str) -> list[str]:
    (rest,) = [rest for name, rest in steps if name == instruction]
    return json.loads(re.search(r"\[.*\]", rest)[0])


def test_every_copied_path_exists(root: Path, steps: list[tuple[str, str]]) -> None:
    copied = [part for name, rest in steps if name == "COPY" and "--from" not in rest for part in rest.split()[:-1]]
    assert {"pyproject.toml", "constraints.txt", "models.yaml", "engine", "server"} <= set(copied)
    assert [path for path in copied if not (root / path).exists()] == []


def test_every_install_keeps_to_the_pins(root: Path, steps: list[tuple[str, str]]) -> None:
    pinned = (root / "constraints.txt").read_text(encoding="utf-8")
    installs = [part for name, rest in steps if name == "RUN" for part in rest.split("&&") if "pip install" in part]
    assert len(installs) >= 4
    for install in installs:
        assert "-c constraints.txt" in install
        named = re.sub(r"(?<!\S)(-e \S+|-c \S+|--\S+)", "", install.split("pip install")[1]).split()
        assert [name for name in named if f"\n{name}==" not in pinned] == [], install


def test_every_extra_exists(root: Path, steps: list[tuple[str, str]]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {extra for _, rest in steps for extra in re.findall(r"\.\[(\w+)\]", rest)}
    assert extras == {"diffusion"}
    assert extras <= set(project["optional-dependencies"])


def test_the_entry_point_is_ours_and_the_commands_exist(root: Path, steps: list[tuple[str, str]]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert commands(steps, "ENTRYPOINT") == ["reelhouse"] == list(project["scripts"])
    assert commands(steps, "CMD") == ["--help"]
    named = set(re.findall(r"[ `]reelhouse (\w+)\b", (root / "Dockerfile.cuda").read_text(encoding="utf-8")))
    assert named >= {"make", "serve", "worker", "doctor"}
    for name in named:
        assert CliRunner().invoke(build_whole_app(), [name, "--help"]).exit_code == 0, name


def test_its_health_is_asked_of_a_path_that_answers(steps: list[tuple[str, str]]) -> None:
    (check,) = [rest for name, rest in steps if name == "HEALTHCHECK"]
    asked = re.search(r"http://127\.0\.0\.1:8000(/[a-z/]+)", check)
    assert asked and asked[1] in {path for handler in health.HANDLERS for path in handler.paths}


def test_it_runs_as_somebody_without_rights(steps: list[tuple[str, str]]) -> None:
    users = [rest for name, rest in steps if name == "USER"]
    last_stage = max(i for i, (name, _) in enumerate(steps) if name == "FROM")
    assert users == ["reelhouse"]
    assert [name for name, _ in steps].index("USER") > last_stage
    assert any("useradd" in rest and "reelhouse" in rest for name, rest in steps[last_stage:] if name == "RUN")


def test_phonemes_have_their_program(steps: list[tuple[str, str]]) -> None:
    last_stage = max(i for i, (name, _) in enumerate(steps) if name == "FROM")
    assert any("espeak-ng" in rest for name, rest in steps[last_stage:] if name == "RUN")
