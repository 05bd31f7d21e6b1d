"""How a film reaches the place that the user named: whole or not at all. Knows files, not films."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import unicodedata
from pathlib import Path

from engine.artifacts import disk_errors, flush
from engine.errors import BadRequest, StorageFull

MARGIN_BYTES = 64 * 2**20
NAME_LENGTH = 48
NAME_WORDS = 8


def check_out(out: Path) -> Path:
    """`out` made absolute, links followed, after trying that a file can be made beside it.

    Raises `BadRequest` naming what is wrong with the place.
    """
    out = out.expanduser().absolute()
    if out.is_dir():
        raise BadRequest("out", f"{out} is a folder: name a file in it, as {out / 'film.mp4'}")
    if out.suffix.lower() != ".mp4":
        raise BadRequest("out", f"a film is an MP4 file: name it {out.with_suffix('.mp4').name}, not {out.name}")
    out = out.resolve()
    if out.exists() and not out.is_file():
        raise BadRequest("out", f"{out} is no ordinary file: name another one")
    if not out.parent.is_dir():
        raise BadRequest("out", f"the folder {out.parent} is not there: make it first, or choose another")
    _sweep(out)
    trial = _beside(out)
    try:
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise BadRequest("out", f"{out} cannot be written ({error.strerror}): choose another place") from error
    return out


def default_out(name: str, folder: Path) -> Path:
    """A file in `folder` named after `name`'s first words, that is not there yet."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", name).lower())[:NAME_WORDS]
    stem = "-".join(words)
    while len(stem.encode("utf-8", "replace")) > NAME_LENGTH:
        stem = stem[:-1]
    stem = stem.strip("-_") or "film"
    out, number = folder / f"{stem}.mp4", 1
    while out.exists():
        number += 1
        out = folder / f"{stem}-{number}.mp4"
    return out


def check_space(needs: dict[Path, int]) -> None:
    """Raise `StorageFull` if the disk of one of these folders has less room than the bytes that are to go there, plus
    a margin. Folders that are not there yet count as their nearest parent that is."""
    together: dict[int, tuple[Path, int]] = {}
    for folder, bytes_needed in needs.items():
        place = next(p for p in (folder, *folder.parents) if p.is_dir())
        device = place.stat().st_dev
        together[device] = (place, together.get(device, (place, 0))[1] + bytes_needed)
    for place, bytes_needed in together.values():
        free = shutil.disk_usage(place).free
        if free < bytes_needed + MARGIN_BYTES:
            raise StorageFull(
                f"The disk of {place} has {free / 2**20:.0f} MB free, and this film needs about "
                f"{(bytes_needed + MARGIN_BYTES) / 2**20:.0f} MB: free some space, or ask for a shorter film."
            )


def deliver(made: Path, out: Path) -> None:
    """Put a copy of `made` at `out`: written beside it, flushed, then renamed over whatever is there.

    Raises `StorageFull`, `StorageUnwritable`; then nothing is there that was not before.
    """
    temporary = _beside(out)
    with disk_errors(out):
        try:
            shutil.copyfile(made, temporary)
            flush(temporary)
            temporary.replace(out)
            flush(out.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _beside(out: Path) -> Path:
    return out.with_name(f".{out.name}.tmp-{os.getpid()}-{secrets.token_hex(3)}")


def _sweep(out: Path) -> None:
    """Remove what a killed process left beside `out`."""
    for half in out.parent.glob(f".{glob_escape(out.name)}.tmp-*-*"):
        owner = half.name.rsplit("-", 2)[-2]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            half.unlink(missing_ok=True)


def glob_escape(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
