"""One file over HTTP to a place on this disk: continued where it broke off, bounded in size, time and tries.

Knows no hub and no models. Ranges and If-Range: RFC 9110, 14.2 and 13.1.5. The system's certificates, or SSL_CERT_FILE;
proxies from HTTPS_PROXY and the like. A token goes to the one origin that it is for, never to where that redirects.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from engine.artifacts import disk_errors, file_hash, flush
from engine.errors import DownloadFailed, StorageFull
from engine.types import Frozen

TRIES = 6
PATIENCE = 30.0
SLOWEST = 1024
"""Bytes a second, over as long as the patience lasts. What is slower than a modem does not arrive in this life."""
PROGRESS = 1 << 20
"""Who gained so many bytes has not failed, and may try as often again."""
REDIRECTS = 5
LONGEST_WAIT = 60.0
LARGEST_DOCUMENT = 64 << 20
SPARE = 64 << 20
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Tell = Callable[[int], None]


class Wanted(Frozen, frozen=True):
    """`name` is for messages. `size` and `sha256` None: not known beforehand."""

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None


class _Again(Exception):
    """It may go better the next time."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class Network:
    """`token` is sent to `origin` (as `https://host`) only. `sleep` and `patience` in seconds."""

    def __init__(
        self,
        *,
        token: str | None = None,
        origin: str = "",
        tries: int = TRIES,
        patience: float = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._token = token
        self._origin = _origin(httpx2.URL(origin)) if origin else None
        self._tries, self._patience, self._sleep = tries, patience, sleep
        self._http = httpx2.Client(
            timeout=httpx2.Timeout(patience, connect=min(patience, 15.0)),
            headers={"user-agent": "reelhouse", "accept-encoding": "identity"},
            follow_redirects=False,
        )

    def __enter__(self) -> Network:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._http.close()

    def document(self, name: str, url: str) -> bytes:
        """What is at `url`, whole, at most `LARGEST_DOCUMENT` bytes. Raises `DownloadFailed`."""

        def read() -> bytes:
            with self._open(name, url, {}) as answer:
                body = bytearray()
                for block in self._watched(answer):
                    body += block
                    if len(body) > LARGEST_DOCUMENT:
                        raise DownloadFailed(f"{name} is larger than any description of a model: it is not read.")
                return bytes(body)

        return self._persist(name, read, lambda: 0)

    def fetch(self, wanted: Wanted, target: Path, tell: Tell = lambda _: None) -> str:
        """Bring `wanted` to `target`, whole and verified or not at all; its SHA-256. What came of it lies in
        `target.part` until then, and is gone on with the next time. `tell` hears how many bytes are there.

        Raises `DownloadFailed`, `StorageFull`, `StorageUnwritable`.
        """
        part, mark = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.etag")
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            resumed = _size(part) > 0
            while True:
                self._persist(wanted.name, lambda: self._go_on(wanted, part, mark, tell), lambda: _size(part))
                digest = file_hash(part)
                if wanted.sha256 in (None, digest):
                    break
                part.unlink()
                mark.unlink(missing_ok=True)
                if not resumed:
                    raise DownloadFailed(
                        f"What {_host(wanted.url)} sends as {wanted.name} is another file than the one meant (its "
                        f"SHA-256 is {digest[:12]}…, not {str(wanted.sha256)[:12]}…): nothing of it is kept. If the "
                        "source was changed on purpose, look at it and run `reelhouse models pin` again."
                    )
                resumed = False  # the beginning may have come from another file: once more, from there
            flush(part)
            part.replace(target)
            mark.unlink(missing_ok=True)
        return digest

    def _persist(self, name: str, attempt: Callable[[], Any], gained: Callable[[], int]) -> Any:
        failures = 0
        while True:
            before = gained()
            try:
                return attempt()
            except (_Again, httpx2.TransportError) as trouble:
                if "CERTIFICATE_VERIFY_FAILED" in str(trouble):
                    raise DownloadFailed(
                        f"{name} is not fetched: the server's certificate is not trusted ({trouble}). Behind a proxy "
                        "that inspects traffic, set SSL_CERT_FILE to its certificate."
                    ) from trouble
                failures = 1 if gained() - before >= PROGRESS else failures + 1
                why = str(trouble) or type(trouble).__name__
                if failures >= self._tries:
                    raise DownloadFailed(
                        f"{name} did not come, in {failures} tries: {why}. What came is kept; run the same command "
                        "again to go on."
                    ) from trouble
                wait = trouble.wait if isinstance(trouble, _Again) else 0.0
                self._sleep(min(LONGEST_WAIT, max(wait, 0.5 * 2**failures)))

    def _go_on(self, wanted: Wanted, part: Path, mark: Path, tell: Tell) -> None:
        at, etag = _size(part), mark.read_text(encoding="ascii") if mark.is_file() else ""
        if wanted.size is not None and at == wanted.size:
            part.touch()  # of no bytes at all, nothing is to be asked for
            return
        if (wanted.size is not None and at > wanted.size) or not (etag or wanted.sha256):
            at = 0
        headers = {"range": f"bytes={at}-"} if at else {}
        if at and etag:
            headers["if-range"] = etag
        with self._open(wanted.name, wanted.url, headers) as answer:
            if answer.status_code == 206 and at:
                if not re.match(rf"bytes {at}-\d+/(\d+|\*)$", answer.headers.get("content-range", "")):
                    part.unlink()
                    raise _Again("the server continued at another place than asked for")
            else:
                at = 0
            told = answer.headers.get("content-length")
            total = at + int(told) if told and told.isdecimal() else None
            _check_size(wanted, total)
            _check_room(part, (total or wanted.size or at) - at)
            strong = answer.headers.get("etag", "")
            mark.write_text(strong if strong.isascii() and strong.startswith('"') else "", encoding="ascii")
            with part.open("r+b" if at else "wb") as file:
                file.seek(at)
                file.truncate()
                for block in self._watched(answer):
                    at += len(block)
                    _check_size(wanted, at, so_far=True)
                    file.write(block)
                    tell(at)
        expected = wanted.size if wanted.size is not None else total
        if expected is not None and at < expected:
            raise _Again(f"it ended after {at} of {expected} bytes")

    @contextlib.contextmanager
    def _open(self, name: str, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        here = httpx2.URL(url)
        for _ in range(REDIRECTS + 1):
            if here.scheme not in ("http", "https"):
                raise DownloadFailed(f"{name} is not fetched from {here.scheme!r}: only from http and https.")
            mine = {"authorization": f"Bearer {self._token}"} if self._token and _origin(here) == self._origin else {}
            with self._http.stream("GET", here, headers=headers | mine) as answer:
                if answer.status_code not in (301, 302, 303, 307, 308):
                    self._judge(name, answer, asked=bool(headers))
                    yield answer
                    return
                there = here.join(answer.headers.get("location", ""))
            if here.scheme == "https" and there.scheme != "https":
                raise DownloadFailed(f"{name} is not fetched: {here.host} sends us on to a place without encryption.")
            here = there
        raise DownloadFailed(f"{name} is not fetched: {httpx2.URL(url).host} sends us on and on.")

    def _judge(self, name: str, answer: httpx2.Response, asked: bool) -> None:
        status, host = answer.status_code, answer.url.host
        if status in (200, 206):
            return
        if status == 416 and asked:
            raise _Again("the server has less than what is here already")
        if status in AGAIN:
            wait = answer.headers.get("retry-after", "")
            raise _Again(f"{host} answers {status}", float(wait) if wait.isdecimal() else 0.0)
        if status in (401, 403):
            raise DownloadFailed(
                f"{host} does not give us {name} ({status}): if it exists, accept its terms on its page there, and set "
                "HF_TOKEN to a token that may read it."
            )
        if status in (404, 410):
            raise DownloadFailed(
                f"{host} has no {name} ({status}): it was moved or removed. See its page there, correct models.yaml, "
                "and run `reelhouse models pin` again."
            )
        raise DownloadFailed(f"{host} answers {status} to the request for {name}: try again later.")

    def _watched(self, answer: httpx2.Response) -> Iterator[bytes]:
        """Its blocks; whoever sends one byte at a time, for ever, is left."""
        since, got = time.monotonic(), 0
        for block in answer.iter_raw():  # of no given size: a chunk that is never filled would never come
            got += len(block)
            yield block
            passed = time.monotonic() - since
            if passed >= self._patience:
                if got < SLOWEST * passed:
                    raise _Again(f"{answer.url.host} sends less than {SLOWEST} bytes a second")
                since, got = time.monotonic(), 0


def git_blob(path: Path) -> str:
    """The name that git gives a file's content: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check_room(folder: Path, needed: int) -> None:
    """Raise `StorageFull` unless so many bytes, and some to spare, are free where `folder` is or will be."""
    place = next(p for p in (folder, *folder.parents) if p.is_dir())
    free = shutil.disk_usage(place).free
    if free < needed + SPARE:
        raise StorageFull(
            f"{needed / 1e9:.1f} GB are needed at {folder} and {free / 1e9:.1f} GB are free: free some space, or set "
            "REELHOUSE_HOME to a larger disk."
        )


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise StorageFull(f"{needed / 1e6:.1f} MB are still needed at {part} and {free / 1e6:.1f} MB are free.")


def _check_size(wanted: Wanted, size: int | None, so_far: bool = False) -> None:
    if wanted.size is None or size is None or size == wanted.size or (so_far and size < wanted.size):
        return
    raise DownloadFailed(
        f"What {_host(wanted.url)} sends as {wanted.name} has {'at least ' if so_far else ''}{size} bytes, and the "
        f"file that is meant has {wanted.size}: it is another one, and not taken."
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _host(url: str) -> str:
    return httpx2.URL(url).host


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def environment_token() -> str | None:
    """HF_TOKEN, from the environment alone: it is never stored."""
    return os.environ.get("HF_TOKEN") or None
