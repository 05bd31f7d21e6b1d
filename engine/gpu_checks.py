"""What `reelhouse doctor` says of the GPU: whether driver, build of torch and card go together, who else has it, and
what it does. Imports no model library: the card is tried in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from engine.errors import ReelhouseError
from engine.machine import DriverMemory
from engine.media import clip_codec
from engine.rates import Card, remember_card
from engine.types import Camel

PCI = Path("/sys/bus/pci/devices")
NVIDIA, DISPLAY = "0x10de", "0x03"
"""Vendor of a PCI device, and how the classes of displays and 3D controllers begin."""
TRY_SECONDS = 180
MUCH_GB = 2.0
"""Taken by others, that is worth a remedy; a desktop takes less."""
SETUP = "run scripts/setup again"
XID = "look at nvidia-smi and the kernel's log for Xid errors, and restart the machine if it stays so"
ANOTHER = "end them (nvidia-smi lists them), wait, or choose another GPU with CUDA_VISIBLE_DEVICES"


class Check(Camel, frozen=True):
    """`state` failed: no film can be made until `fix` is done; advice: something optional is missing."""

    name: str
    state: Literal["ok", "advice", "failed"]
    found: str
    fix: str | None = None


def plugged_in(devices: Path = PCI) -> bool:
    """Whether the machine has an NVIDIA GPU, with a driver or not."""
    for device in devices.glob("*") if devices.is_dir() else ():
        try:
            vendor, kind = ((device / what).read_text().strip() for what in ("vendor", "class"))
        except OSError:
            continue  # unplugged this moment, or not to be read here
        if vendor == NVIDIA and kind.startswith(DISPLAY):
            return True
    return False


def check_gpu(driver: DriverMemory, visible: str | None, *, plugged: bool) -> Check:
    """The card as its driver sees it; `visible` is CUDA_VISIBLE_DEVICES."""
    if driver.name:
        found = f"{driver.name}, compute capability {driver.capability}, driver {driver.driver} (CUDA {driver.cuda}), "
        found += f"{driver.free_gb:.1f} of {driver.total_gb:.1f} GB free"
        if driver.taken_gb < MUCH_GB:
            return Check(name="gpu", state="ok", found=found)
        who = f" (processes {', '.join(map(str, driver.others))})" if driver.others else ""
        found += f": other programs have {driver.taken_gb:.1f} GB{who}"
        return Check(name="gpu", state="advice", found=found, fix=f"{ANOTHER}; `auto` takes what fits the rest")
    if visible is not None and visible.split(",")[0].strip() in ("", "-1"):
        return Check(name="gpu", state="ok", found=f"none: CUDA_VISIBLE_DEVICES is {visible!r}")
    if not plugged and not driver.loaded:
        return Check(name="gpu", state="ok", found="none; the CPU profiles need none")
    return Check(name="gpu", state="advice", found=f"an NVIDIA GPU is there, but {driver.trouble}", fix=_remedy(driver))


def _remedy(driver: DriverMemory) -> str:
    said = driver.trouble.lower()
    if "not installed" in said:
        return f"{SETUP} for its library"
    if "mismatch" in said:
        return "restart the machine: its driver was updated while it ran"
    if "not found" in said or "invalid argument" in said:
        return "set CUDA_VISIBLE_DEVICES to the number or UUID of a GPU that `nvidia-smi -L` lists, or unset it"
    return "install the NVIDIA driver, so that nvidia-smi lists the GPU; then run scripts/setup again"


def check_card(
    driver: DriverMemory, home: Path, torch: str, *, needed: bool, ask: Callable[[Path], str] | None = None
) -> Check:
    """What the card does in two seconds, remembered for plans. `torch` is the version that is installed, `needed`
    whether the profile has models for it, `ask` what gives the card's own words (see `engine.backends.card`), by
    default a process of its own."""

    def broken(found: str, fix: str) -> Check:
        return Check(name="gpu works", state="failed" if needed else "advice", found=found, fix=fix)

    try:
        card = msgspec.json.decode((ask or ask_card)(home), type=Card)
    except subprocess.TimeoutExpired:
        return broken(f"it did not answer in {TRY_SECONDS} s", XID)
    except msgspec.DecodeError as error:
        return broken(f"it answered something else: {error}", SETUP)
    except subprocess.CalledProcessError as error:
        return broken(*why_not(error.stderr or "", driver, torch))
    if card.device == "cpu":
        return broken(f"torch {torch} sees no GPU: it is built for the CPU", "remove .venv and run scripts/setup again")
    found = (
        f"{card.tflops:.0f} TFLOP/s in {card.dtype}, {card.to_device_gb_s:.1f} GB/s from main memory, attention by "
        f"{card.attention}; {clip_codec().sentence}"
    )
    try:
        remember_card(home, driver.name, card)
    except ReelhouseError as error:
        found += f"; plans will not know it: {error.message}"
        return Check(name="gpu works", state="advice", found=found, fix="make REELHOUSE_HOME writable, with room")
    return Check(name="gpu works", state="ok", found=found)


def why_not(said: str, driver: DriverMemory, torch: str) -> tuple[str, str]:
    """A sentence of what torch said of the card, and the remedy."""
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    last = last.split(": ", 1)[-1][:200] if "Error" in last.split(": ", 1)[0] else last[:200]
    words = said.lower()
    if "too old" in words or "driver version is insufficient" in words or "unsupported display driver" in words:
        found = f"driver {driver.driver} knows CUDA {driver.cuda} at most, and torch {torch} is built for a later one"
        index = "or set REELHOUSE_TORCH_INDEX to torch's builds for that CUDA and run scripts/setup again"
        return found, f"update the NVIDIA driver, {index}"
    if "no kernel image" in words:
        found = f"torch {torch} has no code for compute capability {driver.capability}"
        return found, "set REELHOUSE_TORCH_INDEX to torch's builds that have it, or choose the profile cpu"
    if "busy or unavailable" in words:
        return "another process has the GPU for itself", ANOTHER
    if "out of memory" in words:
        return f"its memory is full: other programs have {driver.taken_gb:.1f} of {driver.total_gb:.1f} GB", ANOTHER
    if "no module named" in words:
        return last, SETUP
    return last, XID


def ask_card(home: Path) -> str:
    """Raises what `subprocess.run` does."""
    command = [sys.executable, "-m", "engine.backends.card", str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TRY_SECONDS, check=True).stdout
