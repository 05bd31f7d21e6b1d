"""Compiles llama.cpp for this machine, beside everything else, and asks the result whether it fits."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from environment import Environment
from machine import Machine
from running import Background, Failed, compiled, say

NAME = "llama-cpp-python"
KERNEL_NAMES = {"AVX": "avx", "AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "BMI2": "bmi2", "AVX512": "avx512f"}


def start_building_llama(home: Environment, machine: Machine) -> Background | None:
    """Compile it into a wheel in the background; None if it is installed or compiled already."""
    if home.is_stamped("llama") or _wheel(home):
        return None
    say(f"Compiling llama.cpp in the background, {machine.jobs} files at a time (2 to 4 minutes on two cores).")
    return _build(home, machine)


def install_llama(home: Environment, machine: Machine, build: Background | None) -> None:
    """Wait for the wheel, install it, and see that it fits. Raises `Failed`."""
    if home.is_stamped("llama"):
        return
    if build:
        build.wait()
    _install(home)
    fault = _misfit(home, machine)
    if fault:
        # pip's cache knows the version of what it keeps, not what it was compiled for.
        say(f"  pip had kept a llama.cpp that does not fit this machine ({fault}): compiling it anew.")
        shutil.rmtree(home.wheels)
        _build(home, machine, "--no-cache-dir").wait()
        _install(home)
        fault = _misfit(home, machine)
    if fault:
        shutil.rmtree(home.wheels)
        raise Failed(f"llama.cpp was compiled and does not work here: {fault}")
    home.stamp("llama")


def _build(home: Environment, machine: Machine, *extra: str) -> Background:
    home.wheels.mkdir(parents=True, exist_ok=True)
    flags = machine.llama_flags | {
        "CMAKE_PROJECT_llama_cpp_INCLUDE": shlex.quote(str(Path(__file__).with_name("llama.cmake")))
    }
    return Background(
        "compiling llama.cpp",
        [home.python, "-m", "pip", "wheel", "-v", "--no-deps", *extra, "-w", home.wheels, home.need(NAME)],
        home.log("compiling llama.cpp"),
        home.variables()
        | {
            "CMAKE_ARGS": " ".join(f"-D{name}={value}" for name, value in flags.items()),
            "CMAKE_BUILD_PARALLEL_LEVEL": str(machine.jobs),
        },
        compiled,
    )


def _install(home: Environment) -> None:
    wheel = _wheel(home)
    if wheel is None:
        raise Failed(f"pip made no wheel of llama.cpp; see {home.log('compiling llama.cpp')}")
    say("Installing llama-cpp-python.")
    what = "installing llama-cpp-python"
    home.pip(what, "install", "-c", home.constraints, "--force-reinstall", "--no-deps", wheel)
    home.pip(what, "install", "-c", home.constraints, wheel)


def _wheel(home: Environment) -> Path | None:
    version = home.need(NAME).partition("==")[2]
    return next(iter(home.wheels.glob(f"llama_cpp_python-{version}-*.whl")), None)


def _misfit(home: Environment, machine: Machine) -> str | None:
    """Why the installed llama.cpp does not fit this machine, from its own account of itself; None if it does."""
    try:
        told = home.ask(
            "import llama_cpp as l; l.llama_backend_init();"
            "print(l.llama_print_system_info().decode(), '| GPU =', int(l.llama_supports_gpu_offload()))"
        )
    except Failed as failure:
        return str(failure).splitlines()[-1].strip(" |")
    return misfit(told, machine)


def misfit(told: str, machine: Machine) -> str | None:
    """The same from what llama.cpp says of itself, as `CPU : AVX2 = 1 | AMX_INT8 = 1 | GPU = 0`."""
    able = set(re.findall(r"(\w+) = 1\b", told))
    beyond = [name for name in able if name in KERNEL_NAMES and KERNEL_NAMES[name] not in machine.cpu_flags]
    beyond += [name for name in able if name.startswith("AMX")]  # its kernel crashes, see machine.llama_flags
    if beyond:
        return f"it is compiled for {', '.join(sorted(beyond))}"
    if machine.cuda_writer and "GPU" not in able:
        return "it is compiled without CUDA"
    return None
