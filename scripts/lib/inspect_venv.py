"""Run by .venv's own Python: are the installed distributions whole, and are they the pinned ones? Prints JSON.

Arguments: constraints.txt, then the names that must be there. `broken` are dist-info folders whose distribution lacks
files or has them in another size, `differing` and `missing` are names.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import sysconfig
from pathlib import Path


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def release(version: str) -> str:
    """Without the local part and leading zeros: `2.013.0+cpu` is `2.13.0`."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", version.partition("+")[0].strip())


def lacks_files(place: Path, site: Path) -> bool:
    """Whether a file of RECORD is gone or cut short. Caches come and go, and setup removes torchaudio's libraries."""
    record = place / "RECORD"
    if not record.is_file() or not (place / "METADATA").is_file():
        return True
    with record.open(newline="", encoding="utf-8") as rows:
        for name, _, size in csv.reader(rows):
            if not size or name.endswith(".pyc") or name.startswith("torchaudio/lib/"):
                continue
            try:
                if (site / name).stat().st_size != int(size):
                    return True
            except OSError:
                return True
    return False


def read_pins(constraints: Path) -> dict[str, str]:
    pins = {}
    for line in constraints.read_text(encoding="utf-8").splitlines():
        name, found, version = line.split("#")[0].split(";")[0].strip().partition("==")
        if found:
            pins[normal(name)] = release(version)
    return pins


def inspect(site: Path, pins: dict[str, str], wanted: list[str]) -> dict[str, object]:
    """What is wrong in a site-packages folder."""
    places = {}
    for place in site.glob("*.dist-info"):
        name, _, version = place.name.removesuffix(".dist-info").partition("-")
        places[normal(name)] = (place, release(version))
    broken = [str(place) for place, _ in places.values() if lacks_files(place, site)]
    differing = [name for name, (_, version) in places.items() if name in pins and version != pins[name]]
    missing = [name for name in wanted if name not in places]
    whole = not (broken or differing or missing)
    return {"whole": whole, "broken": broken, "differing": differing, "missing": missing}


if __name__ == "__main__":
    print(json.dumps(inspect(Path(sysconfig.get_paths()["purelib"]), read_pins(Path(sys.argv[1])), sys.argv[2:])))
