"""The virtual environment of a checkout: whether it is whole, which steps are stamped, how pip is run in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from running import Failed, run, say

NOT_PASSED_ON = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


class Environment:
    """`.venv` of the checkout `root`. A step's stamp holds a hash of what the step depends on; it fits or is void."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.state = self.folder / ".setup"
        self.wheels = self.state / "wheels"
        self.constraints = root / "constraints.txt"
        self.project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    # ---- what it should be -----------------------------------------------------------------------------------------

    @property
    def needs(self) -> list[str]:
        """The requirements of everything that makes films."""
        return self.project["dependencies"] + self.project["optional-dependencies"]["diffusion"]

    @property
    def tools(self) -> list[str]:
        """The requirements of the tests."""
        return self.project["optional-dependencies"]["test"]

    def need(self, name: str) -> str:
        """The requirement of that name."""
        return next(need for need in self.needs if name_of(need) == name)

    def pin(self, name: str) -> str:
        """The pin of that name, for what is installed without being a requirement."""
        lines = self.constraints.read_text(encoding="utf-8").splitlines()
        return next(line.split("#")[0].strip() for line in lines if name_of(line) == name)

    # ---- what it is ------------------------------------------------------------------------------------------------

    def make(self) -> None:
        """Make it, unless it is there and alive; then forget what an interrupted pip left incomplete."""
        if self.is_alive():
            found = self.inspect([])
            if found["broken"]:
                say(f"Installing again what an interruption left incomplete: {_shown(found['broken'])}.")
                self.forget(found)
            return
        if self.folder.exists():
            say(f"Removing {self.folder.name}, which is half made or belongs to another place or Python.")
            shutil.rmtree(self.folder)
        say(f"Making {self.folder.name}.")
        self.state.mkdir(parents=True)
        self.run("making the virtual environment", [sys.executable, "-E", "-m", "venv", self.folder])
        self.stamp("venv")

    def is_alive(self) -> bool:
        """Whether it was made to its end, at this very place, and its Python still runs."""
        if not (self.folder / "pyvenv.cfg").is_file() or not self.is_stamped("venv"):
            return False
        try:
            done = subprocess.run([self.python, "-E", "-c", "import pip"], capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def is_complete(self, steps: Iterable[str], extra: Iterable[str]) -> bool:
        """Whether all these steps are stamped and what they installed, `extra` names included, is still there, file by
        file. If not, what is damaged is forgotten, so that the steps mend it."""
        if not self.is_alive() or not all(self.is_stamped(step) for step in steps):
            return False
        found = self.inspect([*self.needs, *extra])
        if found["whole"]:
            return True
        wrong = found["broken"] + found["differing"] + found["missing"]
        say(f"Something in {self.folder.name} was changed since it was set up ({_shown(wrong)}): mending it.")
        self.forget(found)
        return False

    def inspect(self, wanted: Iterable[str]) -> dict:
        """What inspect_venv.py finds where these requirements are wanted: `whole`, and what is `broken`, `differing`,
        `missing`."""
        names = [name_of(requirement) for requirement in wanted]
        command = [self.python, "-E", "-B", Path(__file__).with_name("inspect_venv.py"), self.constraints, *names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{self.folder} cannot be inspected: remove it and run setup again.\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def forget(self, found: dict) -> None:
        """Unregister broken distributions, so that pip installs them again over their remains, and drop the stamps of
        the steps that install; that of llama.cpp, which takes minutes, only if it is among them."""
        for place in found["broken"]:
            shutil.rmtree(place, ignore_errors=True)
        wrong = {name_of(Path(name).name) for name in found["broken"] + found["differing"] + found["missing"]}
        kept = {"venv"} | (set() if any(name.startswith("llama-cpp-python") for name in wrong) else {"llama"})
        for stamp in self.state.glob("*.done"):
            if stamp.stem not in kept:
                stamp.unlink()

    # ---- stamps ----------------------------------------------------------------------------------------------------

    def is_stamped(self, step: str) -> bool:
        stamp = self.state / f"{step}.done"
        return stamp.is_file() and stamp.read_text(encoding="ascii") == self._fingerprint(step)

    def stamp(self, step: str) -> None:
        fresh = self.state / f"{step}.new"
        fresh.write_text(self._fingerprint(step), encoding="ascii")
        fresh.replace(self.state / f"{step}.done")

    def _fingerprint(self, step: str) -> str:
        everything = [self.project, self.constraints.read_text(encoding="utf-8")]
        basis = {
            "venv": [],  # its interpreter is known by whether it runs
            "torch": [self.need("torch")],
            "llama": [self.need("llama-cpp-python"), Path(__file__).with_name("llama.cmake").read_text("utf-8")],
        }
        return hashlib.sha256(repr([str(self.folder), basis.get(step, everything)]).encode()).hexdigest()

    # ---- running things in it --------------------------------------------------------------------------------------

    def pip(self, what: str, *arguments: str | Path) -> None:
        """Run pip. Raises `Failed`."""
        self.run(what, [self.python, "-m", "pip", *arguments, "--progress-bar", "off"])

    def ask(self, code: str) -> str:
        """The last line that this Python code prints in it. Raises `Failed`."""
        text = self.run("a check", [self.python, "-E", "-W", "ignore", "-c", code])
        return (text.strip().splitlines() or [""])[-1]

    def run(self, what: str, command: list[str | Path]) -> str:
        return run(what, command, self.log(what), self.variables())

    def log(self, what: str) -> Path:
        return self.state / "logs" / f"{re.sub('[^a-z.]+', '-', what.lower())}.log"

    def variables(self) -> dict[str, str]:
        """The environment for what is run: pip without its user's special wishes, temporary files inside .venv."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
        if not kept.get("HOME"):
            kept.pop("HOME", None)  # empty, it would mean the root folder
        scratch = self.state / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return kept | {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_USER": "0",
            "PIP_USE_PEP517": "1",
            "HF_HUB_OFFLINE": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "TMPDIR": str(scratch),
        }


def name_of(requirement: str) -> str:
    """The normalised name of a requirement: `PyYAML>=6` is `pyyaml`."""
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else ""


def _shown(names: list[str]) -> str:
    few = ", ".join(Path(name).name.removesuffix(".dist-info") for name in names[:5])
    return few + (f" and {len(names) - 5} more" if len(names) > 5 else "")
