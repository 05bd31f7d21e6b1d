"""Whether a file's name that came from somewhere else may become a path below a folder of ours. Opens nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

MAX_LENGTH = 400
MAX_DEPTH = 12
RESERVED = "sha256.json"
"""Our own record of a model's hashes; nobody else brings it along."""


def name_problem(name: str) -> str | None:
    """What is wrong with `name`, as the end of a sentence that begins with it; None if nothing is."""
    if not name or len(name) > MAX_LENGTH:
        return f"is empty or longer than {MAX_LENGTH} characters"
    if "\\" in name or any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name):
        return "has a backslash or a character that is not to be seen"
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "is an absolute path"
    steps = name.split("/")
    if ".." in steps:
        return "climbs out of its folder"
    if "" in steps or "." in steps:
        return "is not spelt as simply as it could be"
    if len(steps) > MAX_DEPTH:
        return f"is deeper than {MAX_DEPTH} folders"
    return None


def clash(names: Iterable[str]) -> str | None:
    """The first name that comes twice, or that is a file here and a folder there; case counts for nothing, since on
    some disks it does not."""
    files: set[str] = set()
    folders: set[str] = set()
    for name in names:
        key = name.casefold()
        parents = {str(parent) for parent in PurePosixPath(key).parents} - {"."}
        if key in files or key in folders or parents & files:
            return name
        files.add(key)
        folders |= parents
    return None


def shown(name: str) -> str:
    """`name` as a message may quote it."""
    return ascii(name[:120])
