"""The only door through which the server reaches what a request names: pictures to fetch, webhooks to post.

A host is looked up once and connected to at exactly the address that was judged, so nothing can change in between; the
name still goes into `Host` and is what the certificate must be for. Each redirect is judged anew. No proxy, no cookie,
no credential. Judging is in `server.addresses`.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import httpcore2
import httpx2

from server.addresses import Refused, Resolver, addresses_of, look_up, read_allowed
from server.errors import BadInput
from server.settings import Settings

MAX_BYTES = 20_000_000
CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 20.0
MOST_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
PICTURES = ("image/png", "image/jpeg", "image/webp")
UNTYPED = ("", "application/octet-stream", "binary/octet-stream")
"""What some stores say of every file; the decoder finds out."""
DATA_URL = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)((?:;[a-z0-9-]+=[^;,]*)*);base64,", re.IGNORECASE | re.ASCII)
HEADER = {"user-agent": "reelhouse", "accept-encoding": "identity", "connection": "close"}
FORM = "it must be an http:// or https:// address without spaces, at most 4096 characters"


class FetchFailed(Exception):
    """Nothing came back, and why, in a sentence."""


class Target(NamedTuple):
    """Where to connect: one of `addresses`, and nowhere else."""

    url: httpx2.URL
    port: int
    addresses: list[str]


def fetch_image(url: str, settings: Settings, *, resolve: Resolver = look_up, seconds: float = TOTAL_SECONDS) -> bytes:
    """The bytes at `url`, or in it if it is a `data:` URL; 20 MB at most, not yet decoded. Raises `BadInput` naming
    `imageUrl`."""
    try:
        if url[:5].lower() == "data:":
            return _inline(url)
        return _fetched(url, settings, resolve, time.monotonic() + seconds)
    except Refused as error:
        hint = "; give the picture as a data: URL instead" if settings.offline == "strict" else ""
        raise BadInput.of("imageUrl", f"{error}{hint}") from error
    except FetchFailed as error:
        raise BadInput.of("imageUrl", str(error)) from error


def check_target(url: str, settings: Settings, field: str, *, resolve: Resolver = look_up) -> None:
    """Whether `url` may be posted to, as far as that can be told now. Raises `BadInput` naming `field`."""
    try:
        _target(url, settings, resolve)
    except Refused as error:
        raise BadInput.of(field, str(error)) from error


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    settings: Settings,
    *,
    resolve: Resolver = look_up,
    seconds: float = TOTAL_SECONDS,
) -> int:
    """The status that `url` answers with; what it says besides is not read, and a redirect is not followed. Raises
    `FetchFailed`."""
    try:
        target = _target(url, settings, resolve)
    except Refused as error:
        raise FetchFailed(str(error)) from error
    status, _, _ = _exchange(target, "POST", headers, body, time.monotonic() + seconds, reads=False)
    return status


def _inline(url: str) -> bytes:
    if len(url) > MAX_BYTES * 4 // 3 + 200:
        raise FetchFailed("the picture is larger than 20 MB")
    head = DATA_URL.match(url)
    if head is None or head[1].lower() not in PICTURES:
        raise FetchFailed(f"a data: URL must begin with data:{{{', '.join(PICTURES)}}};base64,")
    try:
        data = base64.b64decode(unquote_to_bytes(url[head.end() :]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FetchFailed("what follows ;base64, is not base64") from error
    if len(data) > MAX_BYTES:
        raise FetchFailed("the picture is larger than 20 MB")
    return data


def _fetched(url: str, settings: Settings, resolve: Resolver, deadline: float) -> bytes:
    for _ in range(MOST_REDIRECTS + 1):
        target = _target(url, settings, resolve)
        status, headers, data = _exchange(target, "GET", {"accept": ", ".join(PICTURES)}, None, deadline)
        if status not in REDIRECTS or "location" not in headers:
            break
        try:
            url = str(target.url.join(headers["location"]))
        except httpx2.InvalidURL as error:
            raise FetchFailed(f"{target.url.host} redirects to what is no address") from error
    else:
        raise FetchFailed(f"more than {MOST_REDIRECTS} redirects")
    if status != 200:
        raise FetchFailed(f"{target.url.host} answered {status}, where 200 and a picture were expected")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in PICTURES + UNTYPED:
        raise FetchFailed(f"{target.url.host} answered with {kind}, not with a PNG, JPEG or WebP picture")
    return data


def _target(text: str, settings: Settings, resolve: Resolver) -> Target:
    """Raises `Refused`."""
    if not text.isprintable() or " " in text or "\\" in text or len(text) > 4096:
        raise Refused(FORM)
    try:
        url = httpx2.URL(text)
        host, port = url.raw_host.decode("ascii"), url.port
    except (httpx2.InvalidURL, ValueError) as error:
        raise Refused(FORM) from error
    if url.scheme not in ("http", "https") or not host:
        raise Refused(FORM)
    if url.userinfo:
        raise Refused("it must not hold a user name or password")
    port = port or (443 if url.scheme == "https" else 80)
    allowed = read_allowed(settings.allowed_fetch)
    strict = settings.offline == "strict"
    addresses = addresses_of(host.strip("[]").lower(), port, allowed, resolve, allowed_only=strict)
    return Target(url, port, addresses)


def _exchange(
    target: Target,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    deadline: float,
    *,
    reads: bool = True,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body of one request on a connection of its own. Raises `FetchFailed`."""
    url = target.url
    sent = {**HEADER, **headers, "host": url.netloc.decode("ascii")}
    if body is not None:
        sent["content-length"] = str(len(body))
    try:
        with (
            httpcore2.ConnectionPool(tls or _tls(), network_backend=_Judged(target, deadline)) as pool,
            pool.stream(
                method,
                httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=target.port, target=url.raw_path),
                headers=list(sent.items()),
                content=body,
            ) as response,
        ):
            got = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            wanted = reads and response.status == 200
            return response.status, got, _read(response.iter_stream(), got) if wanted else b""
    except httpcore2.TimeoutException as error:
        raise FetchFailed(f"{url.host} took too long") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise FetchFailed(f"{url.host} cannot be reached: {str(error) or type(error).__name__}") from error


def _read(chunks: Iterable[bytes], headers: Mapping[str, str]) -> bytes:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed("it came compressed, which was not asked for")
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        raise FetchFailed("the picture is larger than 20 MB")
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > MAX_BYTES:
            raise FetchFailed("the picture is larger than 20 MB")
    return bytes(data)


@cache
def _tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


class _Judged(httpcore2.NetworkBackend):
    """Connects to the judged addresses, whatever it is asked for, and lets nobody dawdle past the deadline."""

    def __init__(self, target: Target, deadline: float) -> None:
        self.target, self.deadline = target, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        last: Exception = httpcore2.ConnectError("no address")
        until = min(self.deadline, time.monotonic() + CONNECT_SECONDS)
        for address in self.target.addresses:
            try:
                stream = httpcore2.SyncBackend().connect_tcp(address, self.target.port, _left(until))
                return _Hurried(stream, self.deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last


class _Hurried(httpcore2.NetworkStream):
    """A connection that ends at the deadline, however little comes at a time."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        limit = min(self.deadline, time.monotonic() + CONNECT_SECONDS)
        return _Hurried(self.stream.start_tls(ssl_context, server_hostname, _left(limit)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _left(deadline: float) -> float:
    """Seconds until then. Raises if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("too long")
    return left
