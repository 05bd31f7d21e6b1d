"""Runs ffmpeg, writes frames, reads facts of media files. Knows no story, no caption and no format.

ffmpeg is the static build that imageio-ffmpeg carries; it is called with argument lists, reads only local files, and
dies with its process group when somebody cancels.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO

import av
import imageio_ffmpeg
import msgspec
import numpy as np
from av.error import FFmpegError

from engine.errors import MediaFailed, ModelUnavailable, StorageFull
from engine.progress import Control
from engine.types import Frozen

POLL_SECONDS = 0.1
INPUT = ("-protocol_whitelist", "file,pipe")
"""Goes before each `-i`: whatever a file says, ffmpeg opens nothing but files and its standard input."""

BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
TO_BT709 = "scale=out_color_matrix=bt709:out_range=tv,setsar=1"


def segment_codec(fps: int) -> list[str]:
    """The one way in which the pieces of a film are encoded, so that they can be joined without encoding again: closed
    groups of two seconds, and a time base that all frame times are whole in."""
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-profile:v", "high", "-pix_fmt", "yuv420p"]
    return [*codec, "-g", str(2 * fps), "-flags", "+cgop", *BT709, "-video_track_timescale", str(512 * fps), "-an"]


class Codec(Frozen, frozen=True):
    """ffmpeg's arguments of an encoder, and why that one."""

    arguments: tuple[str, ...]
    sentence: str


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", *BT709)
NVENC = ("-c:v", "h264_nvenc", "-preset", "p2", "-rc", "constqp", "-qp", "16", "-pix_fmt", "yuv420p", *BT709)


@cache
def clip_codec() -> Codec:
    """How clips are kept until they are cut into segments: by the GPU's own encoder where one frame proves that it
    works, else by libx264. Segments always take `segment_codec`, or they could not be joined. Tried once a process."""
    if shutil.which("nvidia-smi") is None and not Path("/dev/nvidia0").exists():
        return Codec(arguments=X264, sentence="clips are encoded by libx264, because there is no NVIDIA GPU")
    if why := _fails(NVENC):
        return Codec(arguments=X264, sentence=f"clips are encoded by libx264, because h264_nvenc does not work ({why})")
    return Codec(arguments=NVENC, sentence="clips are encoded by h264_nvenc, because it encoded one frame rightly")


def _fails(codec: Sequence[str]) -> str:
    """What goes wrong when one grey frame is encoded like that and decoded again; empty if nothing does."""
    grey = np.full((256, 256, 3), 128, dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "frame.mp4"
        try:
            with FrameWriter(out, 256, 256, 24, codec=codec) as writer:
                writer.write(grey)
            with av.open(str(out)) as file:
                (frame,) = file.decode(video=0)
                light = float(frame.to_ndarray(format="rgb24").mean())
        except (MediaFailed, FFmpegError, ValueError) as error:
            return " ".join(str(error).split())[:160]
    return "" if abs(light - 128) < 8 else f"grey came out as {light:.0f} of 255"


class MediaFacts(Frozen, frozen=True):
    """What a file says of itself. `frames` is what its index lists, counted where it has none; audio fields are None, 0
    without sound; `parameters` is a digest of the encoder's parameter sets."""

    width: int
    height: int
    fps: float
    frames: int
    seconds: float
    video_codec: str
    pix_fmt: str
    audio_codec: str | None = None
    audio_seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    bit_rate: int = 0
    parameters: str = ""
    metadata: dict[str, str] = {}
    chapters: tuple[tuple[float, float, str], ...] = ()


@cache
def ffmpeg_exe() -> str:
    """The path of ffmpeg. Raises `ModelUnavailable` if imageio-ffmpeg brought none for this platform."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise ModelUnavailable("imageio-ffmpeg carries no ffmpeg for this machine: run scripts/setup again.") from error


def run_ffmpeg(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    control: Control | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> None:
    """Run ffmpeg to its end; `on_frame(n)` hears how many frames are written.

    Raises `MediaFailed` with ffmpeg's last line, `StorageFull`, `Cancelled`; whatever `control` or `on_frame` raises
    ends ffmpeg first.
    """
    command = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
    with tempfile.TemporaryFile() as log:
        process = _start([*command, *map(str, arguments)], stdin=subprocess.DEVNULL, log=log, cwd=cwd)
        try:
            _follow(process, control, on_frame)
        except BaseException:
            end(process)
            raise
        finally:
            if process.stdout:
                process.stdout.close()
        if process.returncode:
            raise _failure(log, process.returncode)


@contextlib.contextmanager
def scratch_folder(inside: Path) -> Iterator[Path]:
    """A folder for fixed file names, gone afterwards; `inside` the artefact's own unfinished folder, so that even a
    killed process leaves nothing anywhere else."""
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=inside) as folder:
        yield Path(folder).absolute()


def _follow(process: subprocess.Popen[bytes], control: Control | None, on_frame: Callable[[int], None] | None) -> None:
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    while True:
        if control is not None:
            control.check()
        # Whoever ends closes its output: heard at once, where waiting for a process with a timeout looks every 50 ms.
        readable, _, _ = select.select([process.stdout], [], [], POLL_SECONDS)
        said = process.stdout.read() if readable else None
        for line in (said or b"").splitlines():
            if on_frame is not None and line.startswith(b"frame=") and line[6:].strip().isdigit():
                on_frame(int(line[6:]))
        if said == b"":
            process.wait()
            return


def _start(command: list[str], *, stdin: int, log: IO[bytes], cwd: Path | None) -> subprocess.Popen[bytes]:
    whole = [*_dying_with_us(), *command]
    return subprocess.Popen(
        whole, stdin=stdin, stdout=subprocess.PIPE, stderr=log, cwd=cwd, start_new_session=True, bufsize=0
    )


@cache
def _dying_with_us() -> tuple[str, ...]:
    """What makes the kernel kill ffmpeg when the thread that started it ends, be it by SIGKILL: else it would encode
    on for minutes. util-linux has it; where that is missing, orphans end by themselves."""
    setpriv = shutil.which("setpriv")
    command = (setpriv, "--pdeathsig", "KILL") if setpriv else ()
    return command if command and subprocess.run([*command, "true"], capture_output=True).returncode == 0 else ()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its group. What it was writing lies in a folder that is thrown away, so there is nothing to
    ask it for; asked, ffmpeg would first wait for the end of its input."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _failure(log: IO[bytes], code: int) -> MediaFailed | StorageFull:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    said = "\n".join(lines)
    # ffmpeg's exit code is the last byte of its error; its words may have found no room in the folder for logs.
    full = code in (256 - errno.ENOSPC, 256 - errno.EDQUOT)
    if full or "No space left on device" in said or "Disk quota exceeded" in said:
        return StorageFull("The disk is full while ffmpeg was writing: free some space and run it again.")
    return MediaFailed(f"ffmpeg gave up (exit {code}): {lines[-1] if lines else 'it said nothing'}")


class FrameWriter:
    """Encode RGB frames to a silent H.264 MP4 of `width`×`height` (even), constant `fps`, bt709, all frames kept.

    `codec` replaces the encoder's arguments, as `segment_codec` gives them. A context manager: an error inside, also
    `Cancelled`, removes the half-made file. Raises `MediaFailed`, `StorageFull`.
    """

    def __init__(
        self,
        out: Path,
        width: int,
        height: int,
        fps: float,
        *,
        crf: int = 14,
        preset: str = "ultrafast",
        codec: Sequence[str] | None = None,
    ) -> None:
        if width % 2 or height % 2:
            raise MediaFailed(f"H.264 needs even sides, not {width}×{height}: choose a size that is a multiple of 2.")
        self.out, self.frames, self._shape = out, 0, (height, width, 3)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0"]
        codec = codec or ["-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-pix_fmt", "yuv420p", *BT709]
        command = [ffmpeg_exe(), "-hide_banner", "-y", "-loglevel", "error", *source, "-an", "-vf", TO_BT709, *codec]
        self._process = _start([*command, "-f", "mp4", str(out)], stdin=subprocess.PIPE, log=self._log, cwd=None)

    def write(self, frame: np.ndarray) -> None:
        """Append one frame: `height`×`width`×3, uint8, RGB."""
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise MediaFailed(f"a frame is {frame.dtype} {frame.shape}; this film takes uint8 {self._shape}.")
        assert self._process.stdin is not None
        data = memoryview(np.ascontiguousarray(frame).data).cast("B")
        try:
            while data:  # an unbuffered pipe takes less than a frame at a time
                data = data[self._process.stdin.write(data) or 0 :]
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            raise _failure(self._log, self._process.wait()) from error
        self.frames += 1

    def close(self) -> None:
        """Finish the file. Raises `MediaFailed`, `StorageFull` if ffmpeg could not."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            if self._process.returncode:
                raise _failure(self._log, self._process.returncode)

    def __enter__(self) -> FrameWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        try:
            if kind is None:
                self.close()
        except BaseException:
            self.out.unlink(missing_ok=True)
            raise
        finally:
            if kind is not None:
                end(self._process)
                for pipe in (self._process.stdin, self._process.stdout):
                    if pipe:
                        with contextlib.suppress(BrokenPipeError):
                            pipe.close()
                self.out.unlink(missing_ok=True)
            self._log.close()


def probe(path: Path, *, decode: bool = False) -> MediaFacts:
    """The facts of a film or clip; `decode` decodes every frame and counts those.

    Raises `MediaFailed` if it holds no video that can be read.
    """
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            if not file.streams.video:
                raise MediaFailed(f"{path.name} holds no video: make it again.")
            video = file.streams.video[0]
            audio = file.streams.audio[0] if file.streams.audio else None
            if decode:
                video.thread_type = "AUTO"
                frames = sum(1 for _ in file.decode(video))
            else:
                frames = video.frames or sum(1 for packet in file.demux(video) if packet.size)
            rate = video.average_rate or Fraction(0)
            facts = MediaFacts(
                width=video.width,
                height=video.height,
                fps=float(rate),
                frames=frames,
                seconds=float(frames / rate) if rate else 0.0,
                video_codec=video.codec_context.name,
                pix_fmt=video.pix_fmt or "",
                metadata=dict(file.metadata),
                bit_rate=file.bit_rate or 0,
                parameters=sha256(video.codec_context.extradata or b"").hexdigest(),
                chapters=tuple(
                    (
                        float(c["start"] * (c["time_base"] or 0)),
                        float(c["end"] * (c["time_base"] or 0)),
                        str(c["metadata"].get("title", "")),
                    )
                    for c in file.chapters()
                ),
            )
            if audio is None:
                return facts
            seconds = float((audio.duration or 0) * (audio.time_base or 0))
            return _with_sound(facts, audio.codec_context.name, seconds, audio.rate, audio.channels)
    except (FFmpegError, OSError) as error:
        raise MediaFailed(f"{path.name} cannot be read as a film ({error}): make it again.") from error


def _with_sound(facts: MediaFacts, codec: str, seconds: float, rate: int, channels: int) -> MediaFacts:
    return msgspec.structs.replace(facts, audio_codec=codec, audio_seconds=seconds, sample_rate=rate, channels=channels)
