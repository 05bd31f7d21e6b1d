"""What this machine is: its prerequisites, its GPU, and how llama.cpp is best compiled for its processor."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

GB = 1024**3
ROOM_CPU, ROOM_CUDA = (
    6 * GB,
    16 * GB,
)  # measured: 3 GB of environment, 1 GB while it is made; CUDA's libraries are large

GET_COMPILER = "install one (on Debian and Ubuntu: apt install build-essential)."
PROBE = """
#include <cstdio>
#include <vector>
int main() { std::vector<int> v(1); std::puts(""); return v[0]; }
"""

# Shared by all builds: only the text library is used, so nothing else is compiled.
LEAN = {
    "LLAVA_BUILD": "OFF",
    "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_CURL": "OFF",
    "LLAMA_ALL_WARNINGS": "OFF",
    "GGML_ALL_WARNINGS": "OFF",
}


class Unfit(Exception):
    """A prerequisite is missing; the message says which and how to get it."""


@dataclass(frozen=True)
class Machine:
    """`llama_flags` are cmake's, `cpu_flags` the kernel's names of what the processor can, `facts` for people."""

    gpu: str | None
    nvcc: bool
    cpu_flags: frozenset[str]
    llama_flags: dict[str, str]
    jobs: int
    facts: list[str] = field(default_factory=list)

    @property
    def cuda_writer(self) -> bool:
        return self.llama_flags.get("GGML_CUDA") == "ON"


def look_around(root: Path) -> Machine:
    """Check the prerequisites and say what was found. Raises `Unfit` with one sentence per missing one."""
    gpu, nvcc = find_gpu(), shutil.which("nvcc") is not None
    missing = [fault for fault in (_compiler_fault(), _room_fault(root, ROOM_CUDA if gpu else ROOM_CPU)) if fault]
    if missing:
        raise Unfit("\n       ".join(missing))
    cpu_flags = read_cpu_flags()
    flags = llama_flags(cpu_flags, cuda=bool(gpu and nvcc))
    jobs = max(1, min(os.cpu_count() or 1, _memory() // GB))  # a compiler job takes up to 1 GB
    facts = [f"GPU: {gpu}" if gpu else "GPU: none found (nvidia-smi lists none), so builds for the CPU are taken"]
    if gpu and not nvcc:
        facts.append("nvcc is not on PATH, so the writer is compiled for the CPU; pictures use the GPU all the same")
    if sys.platform != "linux" or platform.machine() != "x86_64":
        facts.append(
            f"Note: {platform.system()} on {platform.machine()} is not a promised platform (Linux on x86-64 is)"
        )
    return Machine(gpu, nvcc, cpu_flags, flags, jobs, facts)


def find_gpu() -> str | None:
    """The first NVIDIA GPU's name, None if there is none that answers."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        seen = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = seen.stdout.strip().splitlines()
    return names[0].strip() if seen.returncode == 0 and names else None


def read_cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


def llama_flags(cpu_flags: frozenset[str], *, cuda: bool) -> dict[str, str]:
    """cmake's flags for this processor. Never `GGML_NATIVE`: with it, llama.cpp crashes in its AMX kernel on CPUs that
    have AMX (ggml_backend_amx_mul_mat); what it would gain elsewhere is named one by one."""
    flags = {**LEAN, "GGML_NATIVE": "OFF"}
    for option, need in {
        "SSE42": "sse4_2",
        "AVX": "avx",
        "AVX2": "avx2",
        "FMA": "fma",
        "F16C": "f16c",
        "BMI2": "bmi2",
    }.items():
        flags[f"GGML_{option}"] = "ON" if need in cpu_flags else "OFF"
    if cuda:
        flags["GGML_CUDA"] = "ON"
    return flags


def _compiler_fault() -> str | None:
    """Why C++ cannot be compiled here, found by compiling some; None if it can."""
    compilers = {}
    for language, variable, usual in (("C", "CC", ("cc", "gcc", "clang")), ("C++", "CXX", ("c++", "g++", "clang++"))):
        found = os.environ.get(variable) or next((name for name in usual if shutil.which(name)), None)
        if found is None:
            return f"No {language} compiler was found: {GET_COMPILER}"
        compilers[language] = found
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cpp")
        source.write_text(PROBE, encoding="ascii")
        command = [*compilers["C++"].split(), str(source), "-o", str(Path(folder, "probe"))]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            return f"The C++ compiler {compilers['C++']} does not run ({error.strerror}): {GET_COMPILER}"
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:160]
        return f"The C++ compiler {compilers['C++']} cannot build a small program ({why}): {GET_COMPILER}"
    return None


def _room_fault(root: Path, wanted: int) -> str | None:
    if (root / ".venv").is_dir():
        return None  # a part is there already; how much more it takes is not known, and pip says when the disk is full
    free = shutil.disk_usage(root).free
    if free >= wanted:
        return None
    return f"{root} has {free / GB:.1f} GB free and setup needs {wanted / GB:.0f} GB: make room on this disk."


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 2 * GB
