"""Every prerequisite, looked at for real, with the fix for each that fails. Imports no model library itself.

Whatever could crash or be slow to import is tried in a process of its own.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from engine.catalog import Catalog, ModelSpec, Profile
from engine.errors import ReelhouseError
from engine.gpu_checks import SETUP, Check, check_card, check_gpu, plugged_in
from engine.machine import driver_memory, this_machine
from engine.settings import EngineSettings
from engine.weights import check_weights, find_weights, repair, with_places

MIN_DISK_GB = 2.0
MIN_MEMORY_GB = 2.0
SAFE_SQLITE = (3, 51, 3)
"""From here on several writers cannot corrupt a database in WAL mode: https://www.sqlite.org/wal.html."""
TRY_SECONDS = 180
PYTHONS = ((3, 11), (3, 13))
FONT_TRIAL = "Aß Ж ش 字 ☀"


def examine(settings: EngineSettings, catalog: Catalog) -> list[Check]:
    """All checks, for the profile of `settings`."""
    profile = catalog.profile(settings.profile, this_machine().vram_gb)
    specs = [catalog.model(model_id) for model_id in profile.models.values()]
    return [
        check_python(sys.version_info[:2]),
        check_platform(platform.system(), platform.machine()),
        check_home(settings.home),
        check_disk(settings.home),
        check_memory(psutil.virtual_memory().total / 2**30, psutil.virtual_memory().available / 2**30),
        check_ffmpeg(),
        check_fonts(),
        check_sqlite(_sqlite_version()),
        *check_gpus(settings.home, needed=any(spec.needs_gpu for spec in specs)),
        check_profile(settings, profile),
        *(check_model(spec, settings.home) for spec in specs),
        *check_opens([spec for spec in specs if not spec.needs_gpu], settings.home),
        *check_torches(specs),
        check_espeak(),
    ]


def check_gpus(home: Path, *, needed: bool) -> list[Check]:
    """The GPU as its driver sees it and, where torch is there for it, what it does."""
    driver = driver_memory()
    seen = check_gpu(driver, os.environ.get("CUDA_VISIBLE_DEVICES"), plugged=plugged_in())
    torch = _version("torch")
    if not driver.name or torch is None or torch.endswith("+cpu"):
        return [seen]
    return [seen, check_card(driver, home, torch, needed=needed)]


def check_python(version: tuple[int, ...]) -> Check:
    shown = ".".join(map(str, version))
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return Check(name="python", state="ok", found=f"CPython {shown}")
    return Check(name="python", state="failed", found=f"CPython {shown}", fix="install CPython 3.11, 3.12 or 3.13")


def check_platform(system: str, machine: str) -> Check:
    found = f"{system} on {machine}"
    if (system, machine) == ("Linux", "x86_64"):
        return Check(name="platform", state="ok", found=found)
    return Check(name="platform", state="advice", found=found, fix="use Linux on x86-64; on Windows, use WSL2")


def check_home(home: Path) -> Check:
    fix = f"make {home} writable, or set REELHOUSE_HOME to a folder that is"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"reelhouse")
    except OSError as error:
        return Check(name="home", state="failed", found=f"{home}: {error.strerror}", fix=fix)
    return Check(name="home", state="ok", found=f"{home} is writable")


def check_disk(home: Path) -> Check:
    place = next(p for p in (home, *home.parents) if p.is_dir())
    free = shutil.disk_usage(place).free / 2**30
    found = f"{free:.1f} GB free at {place}"
    if free >= MIN_DISK_GB:
        return Check(name="disk", state="ok", found=found)
    return Check(name="disk", state="failed", found=found, fix=f"free {MIN_DISK_GB:g} GB, or set REELHOUSE_HOME")


def check_memory(total: float, available: float) -> Check:
    found = f"{available:.1f} of {total:.1f} GB available"
    if available >= MIN_MEMORY_GB:
        return Check(name="memory", state="ok", found=found)
    return Check(name="memory", state="failed", found=found, fix=f"close programs until {MIN_MEMORY_GB:g} GB are free")


def check_ffmpeg() -> Check:
    """ffmpeg runs, and has H.264 and libass built in."""
    from engine.media import ffmpeg_exe

    try:
        exe = ffmpeg_exe()
        version = _output([exe, "-hide_banner", "-version"]).splitlines()[0]
        encoders, filters = _output([exe, "-hide_banner", "-encoders"]), _output([exe, "-hide_banner", "-filters"])
    except ReelhouseError as error:
        return Check(name="ffmpeg", state="failed", found=error.message, fix=SETUP)
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        return Check(name="ffmpeg", state="failed", found=f"it does not run: {error}", fix=SETUP)
    missing = [
        name for name, where in (("libx264", encoders), (" ass ", filters), ("loudnorm", filters)) if name not in where
    ]
    if missing:
        fix = "unset IMAGEIO_FFMPEG_EXE, so that the ffmpeg is used that comes with imageio-ffmpeg"
        return Check(name="ffmpeg", state="failed", found=f"{exe} has no {', '.join(missing)}", fix=fix)
    return Check(name="ffmpeg", state="ok", found=f"{' '.join(version.split()[:3])} with libx264 and libass")


def check_fonts() -> Check:
    """The bundled fonts can be cut for several scripts."""
    from engine.fonts import MEDIUM, cut_fonts

    try:
        with tempfile.TemporaryDirectory() as folder:
            faces = cut_fonts([FONT_TRIAL], Path(folder), weights=[MEDIUM]).faces
    except (ReelhouseError, OSError, ImportError) as error:
        return Check(name="fonts", state="failed", found=str(error), fix=SETUP)
    scripts = ", ".join(dict.fromkeys(face.script for face in faces))
    return Check(name="fonts", state="ok", found=f"bundled Noto for {scripts} and more")


def check_sqlite(version: tuple[int, ...]) -> Check:
    shown = ".".join(map(str, version))
    if version >= SAFE_SQLITE:
        return Check(name="sqlite", state="ok", found=shown)
    found = f"{shown}: write-ahead logging is not safe with several writers before {'.'.join(map(str, SAFE_SQLITE))}"
    return Check(name="sqlite", state="advice", found=found, fix=f"nothing for `make`; for a server, {SETUP}")


def _sqlite_version() -> tuple[int, ...]:
    """Of the SQLite that a server's database uses: the wheel's; CPython's own where that is missing."""
    try:
        import pysqlite3
    except ImportError:
        import sqlite3

        return sqlite3.sqlite_version_info
    return pysqlite3.sqlite_version_info


def check_profile(settings: EngineSettings, profile: Profile) -> Check:
    why = "asked for" if settings.profile != "auto" else "the best that this machine holds"
    return Check(name="profile", state="ok", found=f"{profile.name}, {why}: {profile.about}")


def check_model(spec: ModelSpec, home: Path) -> Check:
    """The weights are there, complete and unaltered."""
    name = f"{spec.role}: {spec.id}"
    try:
        path = find_weights(spec, home)
        if path is not None:
            check_weights(with_places(spec, home), path)
    except ReelhouseError as error:
        return Check(name=name, state="failed", found=error.message, fix=repair(spec))
    hashed = " (SHA-256 as declared)" if spec.weights and spec.weights.sha256 else ""
    return Check(name=name, state="ok", found=f"{path}{hashed}" if path else "comes with its code")


def check_opens(specs: Sequence[ModelSpec], home: Path) -> list[Check]:
    """The models really open, in a process of their own: a library built for another CPU takes that one down only."""
    program = (
        "import sys; from pathlib import Path; from engine.catalog import load_catalog; "
        "from engine.models import load_model; catalog = load_catalog()\n"
        "for name in sys.argv[2:]: "
        "load_model(catalog.model(name), Path(sys.argv[1])).close(); print('\\n' + name, flush=True)"
    )
    wrong = try_each(program, [str(home)], [spec.id for spec in specs])
    checks = []
    for spec in specs:
        why, fix = wrong[spec.id], f"{SETUP}; {repair(spec)}" if spec.weights else SETUP
        name, found = f"{spec.role} opens", f"{spec.id}: {why}" if why else spec.id
        checks.append(Check(name=name, state="failed" if why else "ok", found=found, fix=fix if why else None))
    return checks


def check_torches(specs: Sequence[ModelSpec]) -> list[Check]:
    """Which builds of torch and torchaudio there are, and whether they import; only diffusion models and Coqui voices
    need torch, only those voices torchaudio.

    torchaudio's compiled libraries are linked against CUDA and do not load beside a CPU build of torch.
    """
    users = {"torch": "tiny and the GPU profiles need", "torchaudio": "Coqui voices need"}
    versions, needed = {name: _version(name) for name in users}, _need_torch(specs)
    odd = this_machine().gpu is not None and (versions["torch"] or "").endswith("+cpu")
    trials = [name for name, version in versions.items() if version is not None and not (odd and name == "torch")]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name); print('\\n' + name, flush=True)"
    )
    wrong = try_each(program, [], trials)
    checks = []
    for name, version in versions.items():
        if version is None:
            checks.append(_optional(name, f"not installed: only {users[name]} it", needed))
        elif name not in wrong:
            fix = "remove .venv and run scripts/setup again on this machine, or set REELHOUSE_TORCH_INDEX for it"
            found = f"{version}, a CPU build beside a GPU"
            checks.append(Check(name=name, state="advice", found=found, fix=fix))
        elif wrong[name]:
            checks.append(_optional(name, f"{version} cannot be imported: {wrong[name]}", needed))
        else:
            checks.append(Check(name=name, state="ok", found=version))
    return checks


def try_each(program: str, arguments: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """What went wrong with each of `names`, "" where nothing did.

    `program`, given `arguments` and then names, tries them in turn and prints each that went well on a line of its own.
    One process for all, for most of the time goes into importing what they share; after one that ended it, another.
    """
    wrong = dict.fromkeys(names, "")
    left = list(names)
    while left:
        command = [sys.executable, "-c", program, *arguments, *left]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECONDS)
            lines, why = done.stdout.splitlines(), (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        except subprocess.TimeoutExpired as error:
            said = error.stdout or b""
            lines, why = os.fsdecode(said).splitlines(), f"no answer within {TRY_SECONDS} s"
        left = [name for name in left if name not in lines]
        if left:
            wrong[left.pop(0)] = why
    return wrong


def check_espeak() -> Check:
    exe = shutil.which("espeak-ng") or shutil.which("espeak")
    if exe:
        return Check(name="espeak-ng", state="ok", found=exe)
    found = "not on PATH: only Coqui voices that speak from phonemes need it"
    return Check(name="espeak-ng", state="advice", found=found, fix="install the package espeak-ng to use those")


def _need_torch(specs: Sequence[ModelSpec]) -> bool:
    return any(spec.family in ("sdxl", "wan", "ltx", "ace_step", "coqui") for spec in specs)


def _optional(name: str, found: str, needed: bool) -> Check:
    return Check(name=name, state="failed" if needed else "advice", found=found, fix=SETUP)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECONDS, check=True).stdout
