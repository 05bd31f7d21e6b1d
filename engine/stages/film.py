"""The last cut: the segments joined without encoding again, one audio mix, chapters, marks and caption files.

Knows how the pieces fit, not how they were made. What is kept was read back first: frames, length, order, marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import av

from engine.artifacts import Store, content_key, write_atomically
from engine.audio import CEILING_DBTP
from engine.burned_captions import lay_out_film
from engine.caption_files import srt, vtt
from engine.captions import CAPTIONS_VERSION, SIDECAR, Cue, cut_cues, moved, shot_words, sound_cues
from engine.cards import credits, film_title
from engine.catalog import ModelSpec
from engine.errors import MediaFailed
from engine.formats import Format
from engine.made import Cut, FilmFiles, Music, Segment, Timing, Voice
from engine.marking import add_xmp, chapters, marks, read_xmp, starts_fast, tags, xmp
from engine.media import INPUT, probe, run_ffmpeg, scratch_folder
from engine.mixing import mix_film_audio
from engine.progress import Control
from engine.reel import Reel
from engine.reviewing.sound import HEARD_VERSION, PEAK, Heard, hear
from engine.sdh import besides, music_labels
from engine.transcript import transcript
from engine.types import Frozen, Plan, Script, StoryRequest

STAGE_VERSION = 2
SOUND_VERSION = 5
MIXES = 4
"""How often the sound is mixed at most, each time with more room for what the coder adds to its peaks."""
ROOM = 0.3
"""Decibels of room beyond what the last mix would have needed; the coder adds no two times the same."""
TOLERANCE_SECONDS = 0.1


class Sound(Frozen, frozen=True):
    """A film's whole sound: AAC, 48 kHz stereo, 192 kbit/s; and how it is heard once it is decoded again."""

    audio: Path
    heard: Heard


def mix_sound(
    plan: Plan,
    fmt: Format,
    voices: Sequence[Voice],
    timings: Sequence[Timing],
    music: Music,
    *,
    store: Store,
    control: Control,
) -> Sound:
    """The film's whole sound, kept by content. It needs no picture, so it is made before the last clip.

    Coded sound peaks a little higher than what it was made of, now and then much: it is heard, and mixed again with
    more room until it keeps to `PEAK`.
    """
    seconds = film_frames(plan, timings) / plan.fps
    key = content_key(
        stage="sound",
        version=(SOUND_VERSION, HEARD_VERSION),
        voices=[voice.audio for voice in voices],
        music=music.audio,
        timings=timings,
        style=fmt.music,
        title=plan.title_seconds,
        seconds=seconds,
    )

    def make(folder: Path) -> Sound:
        audio, ceiling = folder.absolute() / "sound.m4a", CEILING_DBTP
        codec = ["-c:a", "aac", "-b:a", "192k", "-ar", "48000", "-ac", "2"]
        with scratch_folder(folder) as scratch:
            mix = scratch / "mix.wav"
            for _ in range(MIXES):
                mix_film_audio(voices, timings, music, plan.title_seconds, seconds, fmt.music, mix, ceiling)
                control.check()
                run_ffmpeg([*INPUT, "-i", mix, *codec, "-f", "mp4", audio], control=control)
                heard = hear(audio, voices, timings)
                if heard.peak <= PEAK:
                    break
                ceiling -= heard.peak - PEAK + ROOM
        return Sound(audio=folder / "sound.m4a", heard=heard)

    return store.find("film", key, Sound) or store.keep("film", key, Sound, make)


def join_film(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    timings: Sequence[Timing],
    sound: Sound,
    cuts: Iterable[Cut],
    *,
    cues: Sequence[Cue],
    specs: Mapping[str, ModelSpec],
    store: Store,
    control: Control,
) -> FilmFiles:
    """Join what is cut and `sound` to the finished film; write its captions unless they are off, and
    its transcript.

    `cuts` may block until the next piece exists; those before it are joined meanwhile. `cues` are what `film_cues`
    makes of the same film. The length is that of the pieces to the frame. Raises `MediaFailed` if what comes out is
    not that, `StorageFull`, `Cancelled`; then nothing is kept.
    """
    frames = film_frames(plan, timings)
    seconds = frames / plan.fps
    own_music = request.music_file is not None
    said = marks(film_title(request, script, fmt), plan, specs, " · ".join(credits(specs)), own_music=own_music)
    named, packet = chapters(script, timings, seconds, fmt), xmp(said)
    cues = [] if request.captions == "none" else cues
    text = transcript(film_title(request, script, fmt), script, fmt, timings, plan.locale)
    bottom = lay_out_film(plan.width, plan.height, fmt).bottom / plan.height
    with store.scratch("film") as scratch, ExitStack() as joining:
        draft = scratch / "film.mp4"

        def begin() -> Reel:
            return joining.enter_context(Reel(draft, sound.audio, plan.fps, tags(said), named))

        segments = _joined_as_they_come(cuts, begin, control)
        control.emit("stage", "film", total=1)
        key = content_key(
            stage="film",
            version=(STAGE_VERSION, CAPTIONS_VERSION),
            segments=[segment.video for segment in segments],
            sound=sound.audio,
            tags=tags(said),
            chapters=named,
            xmp=packet.decode(),
            cues=cues,
            read=(plan.locale, bottom, text),
        )

        def make(folder: Path) -> _Joined:
            video = folder / "film.mp4"
            if not draft.exists():
                _joined_as_they_come((Cut(segment=segment, reused=False) for segment in segments), begin, control)
            joining.close()
            draft.replace(video)
            add_xmp(video, packet)
            _check(video, plan, frames, packet)
            if text:
                write_atomically(folder / "transcript.txt", text.encode())
            read = folder / "transcript.txt" if text else None
            if not cues:
                return _Joined(video=video, transcript=read)
            write_atomically(folder / "captions.srt", srt(cues).encode())
            write_atomically(folder / "captions.vtt", vtt(cues, plan.locale, bottom).encode())
            return _Joined(video=video, srt=folder / "captions.srt", vtt=folder / "captions.vtt", transcript=read)

        kept = store.find("film", key, _Joined)
        joined = kept or store.keep("film", key, _Joined, make)
    shots = tuple(segment.shot for segment in segments if segment.shot is not None)
    files = FilmFiles(
        video=joined.video,
        seconds=seconds,
        srt=joined.srt,
        vtt=joined.vtt,
        shots=shots,
        pieces=tuple(segments),
        transcript=joined.transcript,
    )
    control.emit("shot", "film", done=1, total=1, reused=kept is not None, made=files)
    return files


def _joined_as_they_come(cuts: Iterable[Cut], begin: Callable[[], Reel], control: Control) -> list[Segment]:
    """The pieces, on a reel from the first new one on: a film of which nothing is new is there already."""
    segments: list[Segment] = []
    reel: Reel | None = None
    for cut in cuts:
        control.check()
        if reel is None and not cut.reused:
            reel = begin()
            for before in segments:
                reel.append(before)
        if reel is not None:
            reel.append(cut.segment)
        segments.append(cut.segment)
    return segments


class _Joined(Frozen, frozen=True):
    video: Path
    srt: Path | None = None
    vtt: Path | None = None
    transcript: Path | None = None


def film_frames(plan: Plan, timings: Sequence[Timing]) -> int:
    cards = round(plan.title_seconds * plan.fps) + round(plan.end_seconds * plan.fps)
    return cards + sum(timing.frames for timing in timings)


def film_cues(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    voices: Sequence[Voice],
    timings: Sequence[Timing],
) -> list[Cue]:
    """The captions of the whole film in film time, as players like them: never across two shots. If the request wants
    them for the deaf and hard of hearing, the cards have some too, which tell of the music."""
    opening, closing = music_labels(request, fmt)
    cues = sound_cues(opening, plan.title_seconds, SIDECAR)
    for number, (shot, voice, timing) in enumerate(zip(script.shots, voices, timings, strict=True)):
        words = shot_words(shot.narration, voice, timing, plan.fps)
        told = besides(request, script, fmt, number)
        seconds = timing.frames / plan.fps
        said = cut_cues(words, seconds, SIDECAR, locale=plan.locale, speaker=told.speaker, sung=told.sung)
        cues += moved(said, timing.start)
    ending = film_frames(plan, timings) / plan.fps - plan.end_seconds
    return [*cues, *moved(sound_cues(closing, plan.end_seconds, SIDECAR), ending)]


def _check(video: Path, plan: Plan, frames: int, packet: bytes) -> None:
    """Read the film back. Its frames were decoded when they were cut; here three of them prove the copy."""
    facts, seconds = probe(video), frames / plan.fps
    wrong = [
        fault
        for fault, found in (
            (f"{facts.frames} frames instead of {frames}", facts.frames != frames),
            (f"{facts.seconds:.2f} s instead of {seconds:.2f} s", abs(facts.seconds - seconds) > TOLERANCE_SECONDS),
            (f"{facts.audio_seconds:.2f} s of sound", abs(facts.audio_seconds - seconds) > TOLERANCE_SECONDS),
            ("an index behind the media", not starts_fast(video)),
            ("another mark than was written", read_xmp(video) != packet),
        )
        if found
    ]
    with av.open(str(video)) as file:
        stream = file.streams.video[0]
        for share in (0, 0.5, 0.95):
            file.seek(round(share * seconds * av.time_base))
            if next(file.decode(stream), None) is None:
                wrong.append("no picture")
    if wrong:
        raise MediaFailed(f"the joined film has {', '.join(wrong)}: run it again with the same work folder.")
