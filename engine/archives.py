"""A zip archive that came over the network, unpacked with nothing outside its folder and no more than it says.

Knows no models. The names are judged before anything is written, and what they unpack to is counted while it is.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from engine.errors import PackRefused
from engine.safe_names import clash, name_problem, shown

MAX_FILES = 20_000
MAX_BYTES = 64 << 30
MAX_RATIO = 100
"""How much larger than the archive its content may be; weights hardly shrink at all."""


def unpack_zip(archive: Path, folder: Path) -> None:
    """Unpack `archive` into the empty `folder`; a single folder at its top is left out.

    Raises `PackRefused` naming the member, with what was written so far left to the caller to remove.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [info for info in opened.infolist() if not info.is_dir()]
            _judge(archive, members)
            top = {info.filename.partition("/")[0] for info in members if "/" in info.filename}
            alone = len(top) == 1 and all("/" in info.filename for info in members)
            for info in members:
                name = info.filename.partition("/")[2] if alone else info.filename
                _write(archive, opened, info, folder / PurePosixPath(name))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise PackRefused(f"{archive.name} is damaged or no zip archive ({error}): fetch it again.") from error


def _judge(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    for info in members:
        problem = name_problem(info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if problem is None and kind not in (0, stat.S_IFREG):
            problem = "is a link or a device"
        if problem is None and info.flag_bits & 1:
            problem = "is encrypted"
        if problem:
            raise PackRefused(f"{archive.name} is not unpacked: {shown(info.filename)} {problem}.")
    doubled = clash(info.filename for info in members)
    if doubled:
        raise PackRefused(f"{archive.name} is not unpacked: {shown(doubled)} is in it twice.")
    size = sum(info.file_size for info in members)
    if len(members) > MAX_FILES or size > min(MAX_BYTES, MAX_RATIO * archive.stat().st_size):
        raise PackRefused(f"{archive.name} is not unpacked: it would grow to {len(members)} files of {size} bytes.")


def _write(archive: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, target.open("xb") as file:
        written = 0
        for block in iter(lambda: source.read(1 << 20), b""):
            written += len(block)
            if written > info.file_size:
                raise PackRefused(f"{archive.name} is not unpacked: {shown(info.filename)} is larger than it says.")
            file.write(block)
    if written != info.file_size:
        raise PackRefused(f"{archive.name} is not unpacked: {shown(info.filename)} is shorter than it says.")
