"""The hub's file protocol: what a repository holds at a commit, and where each file is. Knows no disk.

https://huggingface.co/docs/hub/api. Files larger than a few MB come with their SHA-256, the others with git's own hash.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from urllib.parse import quote

import msgspec

from engine.catalog import COMMIT, Weights
from engine.downloads import Network, Wanted
from engine.errors import DownloadFailed
from engine.safe_names import RESERVED, clash, name_problem, shown
from engine.types import Frozen
from engine.weight_files import CODE, PICKLES

ENDPOINT = "https://huggingface.co"
NOT_NEEDED = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4", ".mov", ".webm", ".svg"})


class HubFile(Frozen, frozen=True):
    """`sha256` or `blob` (git's name of the content), of which the hub tells one that can be trusted."""

    size: int
    sha256: str | None
    blob: str | None


class Repository(Frozen, frozen=True):
    """A repository at one commit."""

    name: str
    revision: str
    files: dict[str, HubFile]


class _Large(msgspec.Struct):
    sha256: str | None = None
    size: int | None = None


class _Sibling(msgspec.Struct):
    rfilename: str
    size: int | None = None
    blobId: str | None = None
    lfs: _Large | None = None


class _Answer(msgspec.Struct):
    sha: str
    siblings: list[_Sibling]


def endpoint() -> str:
    """HF_ENDPOINT, where a mirror is used, else the hub itself."""
    return (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")


def read_repository(network: Network, hub: str, name: str, revision: str | None) -> Repository:
    """What `name` holds at `revision` (a commit, branch or tag; None: main). Raises `DownloadFailed`."""
    asked = revision or "main"
    what = f"{name} at {asked}"
    body = network.document(what, f"{hub}/api/models/{quote(name)}/revision/{quote(asked, safe='')}?blobs=true")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DownloadFailed(f"What {hub} tells of {what} is not understood ({error}): is it a hub?") from error
    if not COMMIT.fullmatch(answer.sha) or (COMMIT.fullmatch(asked) and answer.sha != asked):
        raise DownloadFailed(f"{hub} answers for {what} with {shown(answer.sha)}: another commit than was asked for.")
    files = {}
    for one in answer.siblings:
        problem = name_problem(one.rfilename)
        if problem or PurePosixPath(one.rfilename).name == RESERVED:
            raise DownloadFailed(f"{what} is not taken: the file {shown(one.rfilename)} {problem or 'is not for it'}.")
        large = one.lfs or _Large()
        size = large.size if large.size is not None else one.size
        if size is None or size < 0 or not (large.sha256 or one.blobId):
            raise DownloadFailed(f"{hub} does not tell size and hash of {shown(one.rfilename)} in {what}.")
        files[one.rfilename] = HubFile(size=size, sha256=large.sha256, blob=None if large.sha256 else one.blobId)
    doubled = clash(files)
    if doubled or len(files) != len(answer.siblings):
        raise DownloadFailed(f"{what} is not taken: it has {shown(doubled or 'a name')} twice.")
    return Repository(name=name, revision=answer.sha, files=files)


def file_at(hub: str, name: str, revision: str, file: str, size: int | None, sha256: str | None) -> Wanted:
    """Where a file of a repository is."""
    url = f"{hub}/{quote(name)}/resolve/{quote(revision, safe='')}/{quote(file)}"
    return Wanted(name=f"{file} of {name} at {revision[:12]}", url=url, size=size, sha256=sha256)


def choose_files(weights: Weights, repository: Repository) -> dict[str, HubFile]:
    """Those files of the repository that an entry takes. Program code never is; pickles only where one is named.

    Raises `DownloadFailed` if what the entry names is not there, or if all weights that are there are pickles.
    """
    names = [name for name in repository.files if PurePosixPath(name).suffix not in CODE]
    if weights.file is not None or weights.only:
        chosen: dict[str, HubFile] = {}
        for pattern in (weights.file,) if weights.file is not None else weights.only:
            found = [
                n for n in names if n == pattern or (fnmatchcase(n, pattern) and PurePosixPath(n).suffix not in PICKLES)
            ]
            if not found:
                raise DownloadFailed(
                    f"{repository.name} at {repository.revision[:12]} has no file {pattern!r}: correct models.yaml."
                )
            chosen |= {name: repository.files[name] for name in found}
        return chosen
    taken = [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() not in PICKLES | NOT_NEEDED
        and not PurePosixPath(name).name.startswith(".")
    ]
    pickles = [name for name in names if PurePosixPath(name).suffix.lower() in PICKLES]
    if pickles and not any(PurePosixPath(name).suffix in (".safetensors", ".gguf") for name in taken):
        raise DownloadFailed(
            f"{repository.name} at {repository.revision[:12]} has its weights as pickles only ({shown(pickles[0])}), "
            "which can run code when they are read: name a repository with safetensors or GGUF in models.yaml."
        )
    return {name: repository.files[name] for name in taken}
