"""A hub on this machine that speaks the real one's file protocol over HTTP, and misbehaves on demand."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = 2048
"""From here on a file is told of with its SHA-256, as the hub does for what lies in its large-file storage."""


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def commit(files: dict[str, bytes]) -> str:
    told = repr(sorted((name, sha256(content)) for name, content in files.items()))
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """`cuts`: after how many bytes each next body breaks off. `statuses`: what the next requests for files are answered
    with instead. `lies`: file → other bytes than those listed. `elsewhere`: bodies come by a redirect from there."""

    address: str = ""
    repos: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    lies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etags: bool = True
    bytes_a_second: float | None = None
    elsewhere: str | None = None
    secret: str | None = None
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0

    def push(self, repo: str, files: dict[str, bytes]) -> str:
        """A new commit of `repo`, to which main moves."""
        revision = commit(files)
        self.repos.setdefault(repo, {})[revision] = files
        self.branches[repo] = revision
        return revision

    def push_folder(self, repo: str, folder: Path) -> str:
        names = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
        return self.push(repo, {name: path.read_bytes() for name, path in names.items() if name != "sha256.json"})

    def asked_for_files(self) -> list[str]:
        return [path for path, _ in self.seen if "/api/" not in path]


class Answering(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # whoever does not trust us hangs up
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        return

    def do_GET(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.seen.append((path, {name.lower(): value for name, value in self.headers.items()}))
        if hub.secret and self.headers.get("authorization") != f"Bearer {hub.secret}":
            return self._say(401)
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^/]+)", path)
        if found:
            return self._list(found[1], found[2])
        if hub.statuses:
            return self._say(hub.statuses.pop(0))
        content = hub.archives.get(path)
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if found:
            content = hub.repos.get(found[1], {}).get(self._revision(found[1], found[2]), {}).get(found[3])
            content = hub.lies.get(found[3], content)
        if content is None:
            return self._say(404)
        if hub.elsewhere:
            return self._say(302, location=hub.elsewhere + self.path)
        self._send(content)

    def _revision(self, repo: str, revision: str) -> str:
        return self.hub.branches.get(repo, "") if revision == "main" else revision

    def _list(self, repo: str, revision: str) -> None:
        revision = self._revision(repo, revision)
        files = self.hub.repos.get(repo, {}).get(revision)
        if files is None:
            return self._say(404)
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
            | ({"lfs": {"sha256": sha256(content), "size": len(content)}} if len(content) >= LARGE else {})
            for name, content in files.items()
        ]
        body = json.dumps({"id": repo, "sha": revision, "siblings": siblings}).encode()
        self._say(200, body)

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, **(self.hub.headers if status >= 400 else {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, content: bytes) -> None:
        hub, start, etag = self.hub, 0, f'"{sha256(content)[:16]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        still = self.headers.get("if-range") in (None, etag)
        if asked and hub.ranges and still:
            start = int(asked[1])
            if start >= len(content):
                return self._say(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if hub.etags:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:]
        if hub.cuts:
            body = body[: hub.cuts.pop(0)]
            self.close_connection = True
        step = 64 << 10 if hub.bytes_a_second is None else max(1, int(hub.bytes_a_second / 20))
        for at in range(0, len(body), step):
            self.wfile.write(body[at : at + step])
            self.wfile.flush()
            hub.sent += len(body[at : at + step])
            if hub.bytes_a_second is not None:
                time.sleep(0.05)


@contextlib.contextmanager
def serving(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """A hub that listens while this lasts. As a proxy it answers for every host."""
    hub = Hub()
    server = ThreadingHTTPServer((host, 0), type("Handler", (Answering,), {"hub": hub}))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    hub.address = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
