"""A film joined piece by piece: pictures and sound copied as they are, under one set of tags and chapters.

Each piece is copied as soon as it exists, so that a finished film waits for its last piece only. Knows MP4, no story.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from av.container import core
from av.error import FFmpegError

from engine.errors import MediaFailed, ReelhouseError, StorageFull
from engine.made import Segment
from engine.marking import Chapter

OPTIONS = {"protocol_whitelist": "file"}
MILLISECOND = Fraction(1, 1000)


class Reel:
    """Write `video`, an MP4 whose index stands before its media, from pieces of `fps` that share codec parameters.

    A context manager: `append` the pieces in order; leaving it finishes the file, an error inside removes it. The sound
    of `sound` (AAC in MP4, as long as the film) goes in step with the pictures, so that a player which has begun need
    not look ahead for it. Raises `MediaFailed`, `StorageFull`.
    """

    def __init__(
        self, video: Path, sound: Path, fps: int, tags: dict[str, str], chapters: Sequence[Chapter] = ()
    ) -> None:
        self._video, self._fps, self._frames, self._parameters = video, fps, 0, ""
        with _told(video):
            self._sound = av.open(str(sound), options=OPTIONS)
            self._out = av.open(str(video), "w", format="mp4", options={"movflags": "+faststart"})
        self._audio = self._out.add_stream_from_template(self._sound.streams.audio[0])
        self._heard = self._sound.demux(self._sound.streams.audio[0])
        self._picture: av.VideoStream | None = None
        self._out.metadata.update(tags)
        self._out.set_chapters([_chapter(number, chapter) for number, chapter in enumerate(chapters)])

    def append(self, piece: Segment) -> None:
        """Copy `piece` to the end, and the sound up to there."""
        if self._parameters not in ("", piece.parameters):
            raise MediaFailed("the segments were encoded in different ways: remove the work folder and run it again.")
        self._parameters = piece.parameters
        with _told(piece.video), av.open(str(piece.video), options=OPTIONS) as file:
            source = file.streams.video[0]
            if self._picture is None:
                self._picture = self._out.add_stream_from_template(source)
                self._picture.time_base = source.time_base
            moved = round(self._frames / self._fps / (source.time_base or 1))
            for packet in file.demux(source):
                if packet.dts is None or packet.pts is None:  # the end of the file
                    continue
                packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                packet.stream = self._picture
                self._out.mux(packet)
        self._frames += piece.frames
        self._copy_sound(until=self._frames / self._fps)

    def _copy_sound(self, until: float) -> None:
        with _told(self._video):
            for packet in self._heard:
                if packet.pts is None:
                    continue
                end = float((packet.pts + (packet.duration or 0)) * (packet.time_base or 0))
                packet.stream = self._audio
                self._out.mux(packet)
                if end >= until:
                    return

    def __enter__(self) -> Reel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        try:
            with _told(self._video):
                if kind is None:
                    self._copy_sound(until=float("inf"))
                self._out.close()
        except ReelhouseError:
            self._video.unlink(missing_ok=True)
            if kind is None:
                raise
        finally:
            self._sound.close()
            if kind is not None:
                self._video.unlink(missing_ok=True)


def _chapter(number: int, chapter: Chapter) -> core.Chapter:
    start, end = round(chapter.start * 1000), round(chapter.end * 1000)
    return {"id": number, "start": start, "end": end, "time_base": MILLISECOND, "metadata": {"title": chapter.title}}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one sentence what libav could not do about `path`."""
    try:
        yield
    except (FFmpegError, OSError) as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(
                "The disk is full while the film was joined: free some space and run it again."
            ) from error
        raise MediaFailed(f"{path.name} cannot be joined to the film ({error}): make it again.") from error
