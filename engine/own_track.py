"""A track of the user's own: whether it can be used, what its beats are, and how it is made to last as long as a film.

Whatever ffmpeg reads as sound will do, the sound of a video too. No more of it is read than a film can need, so that a
track of an hour takes no more memory than the film.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.audio import RATE, read_wav, resample, write_wav
from engine.beats import RATE as LISTENING_RATE
from engine.beats import find_beats
from engine.errors import BadRequest, MediaFailed
from engine.made import Track
from engine.media import INPUT, run_ffmpeg, scratch_folder
from engine.progress import Control

SHORTEST = 1.0
"""Seconds under which a track is no track: repeated, it would be a rattle."""

SILENT = 1e-4
"""The highest sample of what counts as silence, -80 dB."""

FORMATS = (
    "wav,w64,aiff,au,caf,mp3,flac,ogg,aac,ac3,eac3,ape,wv,asf,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv"
)
"""Demuxers that are let near a user's file: those that read sound, and no playlist, which would name other files."""

FADE = 3.0
"""Seconds in which a track goes out that is longer than the film."""

CROSS = 0.06
"""Seconds of cross-fade where a track goes back to its first bar; it ends on the beat, which so stays whole."""

GONE_OUT = 0.5
"""Of a usual bar's level: bars at the end that are softer are the track's own fade, over which it does not go on."""

BEATS_A_BAR = 4
FEWEST_BEATS = 2 * BEATS_A_BAR


def check_track(path: Path) -> None:
    """Raise `BadRequest` saying what is wrong with it, if `path` is no file whose beginning can be heard."""
    if not path.exists():
        raise BadRequest("music", f"there is no file {str(path)!r}")
    if path.is_dir():
        raise BadRequest("music", f"{str(path)!r} is a folder: name a sound file in it")
    if not path.is_file():
        raise BadRequest("music", f"{str(path)!r} is no ordinary file: name a sound file")
    if not os.access(path, os.R_OK):
        raise BadRequest("music", f"{str(path)!r} may not be read: change its permissions")


def hear_track(path: Path, most_seconds: float, scratch: Path, control: Control) -> Track:
    """Length and beats of the first `most_seconds` of a track. `scratch`: a folder for what is read of it.

    Raises `BadRequest` if it holds no sound that can be read, is silent or hardly longer than a click; `Cancelled`.
    """
    check_track(path)
    samples = _decoded(path, most_seconds, LISTENING_RATE, 1, scratch, control)[:, 0]
    seconds = len(samples) / LISTENING_RATE
    if seconds < SHORTEST:
        raise BadRequest("music", f"{path.name!r} lasts {seconds:.1f} s: a track of {SHORTEST:g} s or more is needed")
    if np.abs(samples).max() < SILENT:
        raise BadRequest("music", f"{path.name!r} is silent: choose another track, or --no-music")
    control.check()
    return _heard(samples)


def hear_piece(path: Path) -> Track:
    """Length and beats of a WAV that was made here."""
    return _heard(resample(read_wav(path).mean(axis=0), RATE, LISTENING_RATE))


def _heard(samples: np.ndarray) -> Track:
    beats = find_beats(samples)
    beats = beats if len(beats) > FEWEST_BEATS else ()
    return Track(seconds=len(samples) / LISTENING_RATE, beats=beats, loop=_loop(samples, beats))


def _loop(samples: np.ndarray, beats: tuple[float, ...]) -> tuple[float, float] | None:
    """From the first bar that something is heard before, to fade in from, to the last before the track goes out."""
    bars = [beat for beat in beats[::BEATS_A_BAR] if beat >= CROSS]
    edges = [round(beat * LISTENING_RATE) for beat in bars]
    if len(bars) < 3:
        return None
    loud = [float(np.sqrt(np.square(samples[a:b]).mean())) for a, b in pairwise(edges)]
    enough = GONE_OUT * float(np.median(loud))
    last = max(i for i, level in enumerate(loud, 1) if level >= enough)
    return (bars[0], bars[last]) if last >= 2 else None


def lay_track(path: Path, track: Track, seconds: float, out: Path, control: Control) -> None:
    """Write a stereo 48 kHz WAV of `seconds` to `out`: the track, going out at the film's end if it is longer, going
    round at a bar line if it is shorter. Raises what `hear_track` raises."""
    with scratch_folder(out.parent) as scratch:
        wanted = round(seconds * RATE)
        samples = _decoded(path, seconds, RATE, 2, scratch, control).T
        have = samples.shape[-1]
        laid = np.zeros((2, wanted), np.float32)
        laid[:, : min(have, wanted)] = samples[:, :wanted]
        if have < wanted:
            _go_round(laid, samples, track)
        fade = round(min(FADE, seconds / 4) * RATE)
        laid[:, wanted - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32))
        write_wav(out, laid, RATE)


def beats_laid(track: Track, seconds: float) -> tuple[float, ...]:
    """The beats of what `lay_track` writes."""
    if track.loop is None or track.seconds >= seconds:
        return tuple(beat for beat in track.beats if beat < seconds)
    start, end = track.loop
    before = tuple(beat for beat in track.beats if beat < start - 1e-9)
    once = [beat for beat in track.beats if start - 1e-9 <= beat < end - 1e-9]
    turns = int((seconds - start) / (end - start)) + 1
    return before + tuple(t for turn in range(turns) for beat in once if (t := beat + turn * (end - start)) < seconds)


def _go_round(laid: np.ndarray, samples: np.ndarray, track: Track) -> None:
    """Fill `laid` behind the first time with further times from the loop's first bar on."""
    wanted, have = laid.shape[-1], samples.shape[-1]
    loop = track.loop
    if loop is not None:
        start, end, cross = round(loop[0] * RATE), min(round(loop[1] * RATE), have), round(CROSS * RATE)
    else:
        cross = min(RATE, have // 4)
        start, end = cross, have
    rise = np.sin(np.linspace(0, np.pi / 2, cross, dtype=np.float32))
    at = end
    while at < wanted:
        # What comes in is heard for the length of the cross-fade before its own first beat, what goes out until then.
        coming = _slice(samples, start - cross, end)
        laid[:, at - cross : at] = laid[:, at - cross : at] * rise[::-1] + coming[:, :cross] * rise
        length = min(end - start, wanted - at)
        laid[:, at : at + length] = coming[:, cross : cross + length]
        at += end - start


def _slice(samples: np.ndarray, start: int, end: int) -> np.ndarray:
    piece = samples[:, max(0, start) : end]
    return np.pad(piece, ((0, 0), (max(0, -start), 0)))


def _decoded(path: Path, most_seconds: float, rate: int, channels: int, scratch: Path, control: Control) -> np.ndarray:
    """The first `most_seconds` of the file's first sound, (n, channels) float32. Raises `BadRequest`, `Cancelled`."""
    raw = scratch / "track.raw"
    sound = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-ac", str(channels), "-ar", str(rate), "-f", "f32le"]
    given = [*INPUT, "-format_whitelist", FORMATS, "-t", f"{most_seconds:.3f}", "-i", path.absolute()]
    try:
        run_ffmpeg([*given, *sound, raw], control=control)
    except MediaFailed as error:
        raise BadRequest("music", f"{path.name!r} holds no sound that can be read ({_reason(error)})") from error
    samples = np.fromfile(raw, np.float32)
    raw.unlink()
    return np.nan_to_num(samples[: len(samples) // channels * channels].reshape(-1, channels), copy=False)


def _reason(error: MediaFailed) -> str:
    return error.message.rstrip(".").splitlines()[-1][:160]
