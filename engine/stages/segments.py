"""The cutting room: title card, shots and end card, each encoded once, all with the same parameters.

A shot is its clip fitted to its time, its panels, and its captions; beside it goes the same shot with nothing but its
narration. Runs while later clips are still being made, two pieces at a time: while one is written and looked at, the
next is encoded. Knows neither music nor the finished film.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import count
from pathlib import Path
from threading import Lock

import msgspec

from engine.artifacts import Store, content_key
from engine.burned_captions import Layout, ass, caption_place, lay_out, lay_out_film
from engine.captions import CAPTIONS_VERSION, Cue, cut_cues, shot_words, sound_cues
from engine.cards import all_text, end_card, shot_panels, title_card
from engine.catalog import ModelSpec
from engine.errors import MediaFailed
from engine.fonts import FONTS_VERSION, Fonts, cut_fonts, line_height
from engine.formats import CaptionStyle, Format
from engine.graphics import GRAPHICS_VERSION, draw_card, draw_panels
from engine.made import Clip, Cut, Segment, Still, Timing, Voice
from engine.media import INPUT, FrameWriter, probe, run_ffmpeg, scratch_folder, segment_codec
from engine.palette import coloured
from engine.placing import Rect
from engine.plates import Panel
from engine.progress import Control
from engine.reviewing.pictures import LOOK_VERSION, look_at
from engine.sdh import Besides, besides, music_labels, told_texts
from engine.titling import Card
from engine.types import Plan, Script, StoryRequest
from engine.typeset import fonts_beside

STAGE_VERSION = 3
VERSIONS = (STAGE_VERSION, LOOK_VERSION, CAPTIONS_VERSION, GRAPHICS_VERSION, FONTS_VERSION)
BURN = "ass=filename=captions.ass:fontsdir=fonts"
AT_ONCE = 2
LOSSLESS = 0  # of a card that is encoded once more with its captions


def cut_segments(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    voices: Sequence[Voice],
    timings: Sequence[Timing],
    stills: Sequence[Still],
    clips: Iterable[Clip],
    *,
    specs: Mapping[str, ModelSpec],
    store: Store,
    control: Control,
) -> Iterator[Cut]:
    """Title card (if the plan has one), a segment per shot, end card; exactly as many frames as plan and timings say.

    Each is told of as soon as it is cut, and yielded in its turn. `clips` may block until the next clip exists: both
    cards are begun before the first is asked for. `specs` are the models that the end card names. Raises `MediaFailed`,
    `StorageFull`, `Cancelled`.
    """
    fmt = coloured(fmt, stills[0].image) if stills else fmt
    texts = (*all_text(request, script, fmt, specs), *told_texts(request, script, fmt))
    burned = request.captions in ("burned", "both")
    sounds = music_labels(request, fmt) if burned else ("", "")
    room = _Room(plan, fmt, store, control, _once(partial(_fonts, texts, plan.locale, store)))
    title_frames, end_frames = round(plan.title_seconds * plan.fps), round(plan.end_seconds * plan.fps)
    total = len(timings) + bool(title_frames) + bool(end_frames)
    control.emit("stage", "segments", total=total)
    made, telling = count(1), Lock()

    def tell(shot: int | None, cut: Cut) -> Cut:
        with telling:
            done = next(made)
            control.emit("shot", "segments", shot=shot, done=done, total=total, reused=cut.reused, made=cut.segment)
        return cut

    def opening() -> Cut:
        return tell(None, room.card(title_card(request, script, fmt), stills[0], title_frames, sounds[0]))

    def closing() -> Cut:
        return tell(None, room.card(end_card(request, script, fmt, specs), stills[-1], end_frames, sounds[1]))

    def shot(number: int, clip: Clip) -> Cut:
        panels = shot_panels(number, timings[number].frames / plan.fps, request, script, fmt)
        narration = script.shots[number].narration if burned else ""
        told = besides(request, script, fmt, number)
        return tell(number, room.shot(number, clip, voices[number], timings[number], narration, told, panels))

    table = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cutting")
    try:
        coming = deque([table.submit(opening)] if title_frames else [])
        last = [table.submit(closing)] if end_frames else []
        number = -1
        for number, clip in enumerate(clips):
            control.check()
            coming.append(table.submit(shot, number, clip))
            while len(coming) > AT_ONCE or (coming and coming[0].done()):
                yield coming.popleft().result()
        if number + 1 != len(timings):
            raise MediaFailed(
                f"{number + 1} clips came for {len(timings)} shots: run it again with the same work folder."
            )
        for piece in (*coming, *last):
            yield piece.result()
    finally:
        table.shutdown(cancel_futures=True)


def _once(make: Callable[[], Fonts]) -> Callable[[], Fonts]:
    """`make`, called when first it is asked for, however many threads ask."""
    making, made = Lock(), cache(make)

    def ask() -> Fonts:
        with making:
            return made()

    return ask


def _fonts(texts: Sequence[str], locale: str, store: Store) -> Fonts:
    letters = "".join(sorted({letter for text in texts for letter in text}))
    key = content_key(stage="fonts", version=FONTS_VERSION, letters=letters, locale=locale)
    kept = store.find("segments", key, Fonts)
    return kept or store.keep("segments", key, Fonts, lambda folder: cut_fonts(texts, folder, locale))


class _Room:
    """What all pieces of one film have in common; `fonts()` cuts them when first something is to be drawn."""

    def __init__(self, plan: Plan, fmt: Format, store: Store, control: Control, fonts: Callable[[], Fonts]) -> None:
        self.plan, self.fmt, self.store, self.control, self.fonts = plan, fmt, store, control, fonts
        self.size = (plan.width, plan.height)
        self.shape = {"size": self.size, "fps": plan.fps, "codec": segment_codec(plan.fps), "versions": VERSIONS}

    def card(self, card: Card, still: Still, frames: int, sound: str = "") -> Cut:
        """`sound`: what captions for the hard of hearing tell of what is heard meanwhile."""
        look = msgspec.structs.replace(self.fmt.captions, uppercase=False)
        layout = lay_out(*self.size, look)
        cues = sound_cues(sound, frames / self.plan.fps, look)
        drawn = {"drawn": (cues, look, layout)} if cues else {}
        key = content_key(stage="segments", card=card, still=still.image, frames=frames, **drawn, **self.shape)
        kept = self.store.find("segments", key, Segment)

        def make(folder: Path) -> Segment:
            out, size, fps = folder / "segment.mp4", self.size, self.plan.fps
            with scratch_folder(folder) as scratch:
                drawn = scratch / "card.mp4" if cues else out
                codec = self._codec if not cues else None
                with FrameWriter(drawn, *size, fps, crf=LOSSLESS, codec=codec) as writer:
                    draw_card(
                        card,
                        still.image,
                        writer,
                        frames=frames,
                        size=size,
                        fps=fps,
                        fonts=self.fonts(),
                        folder=scratch,
                        control=self.control,
                    )
                if cues:
                    self._write_captions(cues, look, layout, scratch)
                    burn = ["-vf", f"{BURN},format=yuv420p,setsar=1", *self._codec, out.absolute()]
                    run_ffmpeg([*INPUT, "-i", drawn.absolute(), *burn], cwd=scratch, control=self.control)
            return self._checked(out, frames)

        segment = kept or self.store.keep("segments", key, Segment, make)
        return Cut(segment=segment, reused=kept is not None)

    def shot(
        self,
        number: int,
        clip: Clip,
        voice: Voice,
        timing: Timing,
        narration: str,
        told: Besides,
        panels: tuple[Panel, ...],
    ) -> Cut:
        seconds, look = timing.frames / self.plan.fps, self.fmt.captions
        layout = lay_out_film(*self.size, self.fmt)
        captions = caption_place(layout, look, line_height(narration, self.plan.locale))
        words = shot_words(narration, voice, timing, self.plan.fps) if narration else ()
        cues = cut_cues(
            words,
            seconds,
            look,
            layout.columns,
            layout.lines,
            locale=self.plan.locale,
            speaker=told.speaker,
            sung=told.sung,
        )
        accent = self.fmt.overlays.accent
        key = content_key(
            stage="segments",
            clip=clip.video,
            voice=voice.audio,
            timing=(timing.lead, timing.frames),
            drawn=(cues, look, layout, accent, panels, captions),
            locale=self.plan.locale,
            **self.shape,
        )
        kept = self.store.find("segments", key, Segment)

        def make(folder: Path) -> Segment:
            with scratch_folder(folder) as scratch:
                if cues:
                    self._write_captions(cues, look, layout, scratch)
                self._encode(number, clip, voice, timing, panels, captions, bool(cues), scratch, folder)
            return self._checked(folder / "segment.mp4", timing.frames, folder / "shot.mp4")

        segment = kept or self.store.keep("segments", key, Segment, make)
        return Cut(segment=segment, reused=kept is not None)

    def _encode(
        self,
        number: int,
        clip: Clip,
        voice: Voice,
        timing: Timing,
        panels: tuple[Panel, ...],
        captions: Rect,
        captioned: bool,
        scratch: Path,
        folder: Path,
    ) -> None:
        """One run of ffmpeg: the segment, and the bare shot with its narration. The graph holds numbers and fixed names
        only; files are named by argument."""
        plan, frames, folder = self.plan, timing.frames, folder.absolute()  # ffmpeg runs in the scratch folder
        overlays = (
            draw_panels(
                panels,
                scratch,
                frames=frames,
                size=self.size,
                captions=captions,
                fps=plan.fps,
                fonts=self.fonts(),
                control=self.control,
            )
            if panels
            else []
        )
        graph = ["[0:v]" + ",".join(self._fit(clip, frames)) + "[p0]"]
        for layer, overlay in enumerate(overlays):
            place = f"overlay=x={overlay.x}:y={overlay.y}:eof_action=repeat:format=yuv420"
            graph.append(f"[p{layer}][{layer + 1}:v]{place}[p{layer + 1}]")
        burn = BURN if captioned else "null"
        graph.append(f"[p{len(overlays)}]{burn},format=yuv420p,setsar=1[picture]")
        inputs: list[str | Path] = [*INPUT, "-i", clip.video.absolute()]
        for overlay in overlays:
            inputs += [*INPUT, "-i", overlay.video]
        sound = f"[{len(overlays) + 1}:a]"
        if voice.audio is None:
            inputs += ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono"]
        else:
            inputs += [*INPUT, "-i", voice.audio.absolute()]
        delay = f"adelay={round(timing.lead * 1000)}:all=1,apad" if voice.audio is not None else "anull"
        graph.append(f"{sound}{delay}[sound]")
        bare = ["-c:v", "copy"]
        if (clip.fps, clip.frames) != (plan.fps, frames):
            graph[0] = graph[0].replace("[p0]", ",split[p0][bare]")
            bare = segment_codec(plan.fps)[:-1]
        picture = "[bare]" if bare[1] != "copy" else "0:v"
        length = f"{frames / plan.fps:.6f}"
        run_ffmpeg(
            [
                *inputs,
                *("-filter_complex", ";".join(graph)),
                *("-map", "[picture]", "-frames:v", str(frames), *segment_codec(plan.fps), folder / "segment.mp4"),
                *("-map", picture, "-map", "[sound]", "-frames:v", str(frames), "-t", length, *bare),
                *("-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-movflags", "+faststart", folder / "shot.mp4"),
            ],
            cwd=scratch,
            control=self.control,
            on_frame=lambda done: self.control.step("segments", number, min(done, frames), frames),
        )

    def _write_captions(self, cues: Sequence[Cue], look: CaptionStyle, layout: Layout, scratch: Path) -> None:
        """Where `BURN` finds them."""
        captions = ass(cues, look, layout, self.fonts(), self.fmt.overlays.accent)
        (scratch / "captions.ass").write_text(captions, encoding="utf-8")
        fonts_beside(self.fonts(), scratch)

    def _fit(self, clip: Clip, frames: int) -> Iterator[str]:
        """Filters that give a clip the film's rate, length and size; what fits already passes unchanged."""
        width, height = self.size
        if clip.fps != self.plan.fps:
            yield f"fps={self.plan.fps}"
        if clip.frames / clip.fps < frames / self.plan.fps:
            yield "tpad=stop_mode=clone:stop=-1"
        yield f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos"
        yield f"crop={width}:{height}"

    @property
    def _codec(self) -> list[str]:
        return segment_codec(self.plan.fps)

    def _checked(self, out: Path, frames: int, shot: Path | None = None) -> Segment:
        facts, strip = probe(out), out.with_name("strip.jpg")
        look = look_at(out, strip)
        if (facts.width, facts.height, look.frames) != (*self.size, frames) or look.spoiled:
            raise MediaFailed(
                f"a segment came out as {facts.width}×{facts.height}, {look.frames} frames instead of "
                f"{self.size[0]}×{self.size[1]}, {frames}: run it again, and report it if that does not help."
            )
        return Segment(video=out, frames=frames, shot=shot, parameters=facts.parameters, look=look, strip=strip)
