"""What a worker and its generation child say to each other: one JSON document a line, over a socket.

Knows no model and no table, so that both sides import it cheaply.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.findings import Review
from engine.types import Script, StoryRequest

LOST_DEVICE = 71
"""Exit code of a child whose GPU faulted: it has told which story that was, and the others have no part in it."""


class Assignment(msgspec.Struct, frozen=True):
    """A story to make in the work folder `work`; `references` are pictures by character name, `cast` the
    voices that they have in the story's series, `lexicon` how words are said there."""

    job_id: str
    work: str
    request: StoryRequest
    references: dict[str, str] = {}
    cast: dict[str, str] = {}
    lexicon: dict[str, str] = {}
    request_id: str | None = None


# ---- to the child ---------------------------------------------------------------------------------------------------


class Make(msgspec.Struct, frozen=True, tag="make"):
    """Make these stories as one wave."""

    wave: tuple[Assignment, ...]


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Stop one story; the others go on."""

    job_id: str


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """The worker lives. A child that hears none for `within` seconds ends itself: its leases have lapsed."""

    within: float


Order = Make | Stop | Beat

# ---- from the child -------------------------------------------------------------------------------------------------


class Step(msgspec.Struct, frozen=True, tag="step"):
    """`share` (0–1) of `stage` is done."""

    job_id: str
    stage: str
    share: float


class Warned(msgspec.Struct, frozen=True, tag="warned"):
    job_id: str
    message: str


class Written(msgspec.Struct, frozen=True, tag="written"):
    """The script as it is filmed, how many seconds each of its shots lasts, and whose voice each speaker has."""

    job_id: str
    script: Script
    seconds: tuple[float, ...]
    voices: dict[str, str] = {}


class Artefact(msgspec.Struct, frozen=True, tag="artefact"):
    """A file of a shot that is finished and stays as it is. `kind`: still, video or audio."""

    job_id: str
    shot: int
    kind: str
    path: str


class Filmed(msgspec.Struct, frozen=True, tag="filmed"):
    """A story is finished. `audio[i]` is None where nothing is said."""

    job_id: str
    title: str
    film: str
    seconds: float
    srt: str | None
    vtt: str | None
    stills: tuple[str, ...]
    videos: tuple[str, ...]
    audio: tuple[str | None, ...]
    warnings: tuple[str, ...]
    models: dict[str, str]
    review: Review | None = None
    transcript: str | None = None


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """`code` is that of an `engine.errors` class; `fault` marks a fault of the program itself."""

    job_id: str
    code: str
    message: str
    fault: bool = False


class WaveEnded(msgspec.Struct, frozen=True, tag="ended"):
    """Ready for the next wave. `loads`: how often each model was opened since the child began."""

    loads: dict[str, int]


News = Step | Warned | Written | Artefact | Filmed | Failed | WaveEnded


class Line:
    """One end of the wire. `say` may be called by several threads; `hear` by one."""

    def __init__(self, end: socket.socket, kind: Any) -> None:
        self._end = end
        self._decoder = msgspec.json.Decoder(kind)
        self._saying = threading.Lock()  # when the other side is slow, a message goes out in pieces

    def say(self, message: Any) -> None:
        """Raises `OSError` when the other side has gone."""
        line = msgspec.json.encode(message) + b"\n"
        with self._saying:
            self._end.sendall(line)

    def hear(self) -> Iterator[Any]:
        """Message after message until the other side has gone. What it was killed over is no message."""
        with self._end.makefile("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield self._decoder.decode(line)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other side has gone already
            self._end.shutdown(socket.SHUT_RDWR)  # or a thread that hears would hold it open
        self._end.close()
