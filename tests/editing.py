"""A small story ready to be cut: real clips, voices and stills of two shots, as the tests of the editor use them."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path
from time import sleep
from typing import NamedTuple

import numpy as np
from PIL import Image

from engine.artifacts import Store
from engine.catalog import ModelSpec, load_catalog
from engine.formats import Format, load_format
from engine.made import Clip, Cut, FilmFiles, Music, Segment, Still, Timing, Voice, Word
from engine.media import FrameWriter
from engine.progress import Control, Event
from engine.stages.film import film_cues, join_film, mix_sound
from engine.stages.segments import cut_segments
from engine.types import Plan, Scene, Script, Shot, StoryRequest

FPS = 12
LINES = ("The knight = climbed; the #hill.", "Then {\\fs90} she flew: --> home.", "And all was well again.", "")


class Story(NamedTuple):
    request: StoryRequest
    plan: Plan
    script: Script
    fmt: Format
    voices: list[Voice]
    timings: list[Timing]
    stills: list[Still]
    clips: list[Clip]
    specs: dict[str, ModelSpec]
    store: Store
    events: list[Event]

    @property
    def control(self) -> Control:
        return Control(self.events.append)

    def cut(self, clips=None, control: Control | None = None) -> tuple[Segment, ...]:
        given = self.clips if clips is None else clips
        head = (self.request, self.plan, self.script, self.fmt, self.voices, self.timings, self.stills)
        cuts = cut_segments(*head, given, specs=self.specs, store=self.store, control=control or self.control)
        return tuple(cut.segment for cut in cuts)

    def join(self, segments: Iterable[Segment], *, reused: bool = False) -> FilmFiles:
        made = {"store": self.store, "control": self.control}
        music = Music(audio=None, seconds=0)
        sound = mix_sound(self.plan, self.fmt, self.voices, self.timings, music, **made)
        head = (self.request, self.plan, self.script, self.fmt, self.timings, sound)
        cues = film_cues(self.request, self.plan, self.script, self.fmt, self.voices, self.timings)
        return join_film(
            *head, [Cut(segment=one, reused=reused) for one in segments], cues=cues, specs=self.specs, **made
        )

    def is_told_of(self, pieces: int) -> bool:
        """Wait until that many pieces are cut, by other threads than the caller's."""
        for _ in range(3000):
            if len(self.reused()) >= pieces:
                return True
            sleep(0.02)
        return False

    def reused(self) -> list[bool]:
        return [event.reused for event in self.events if event.kind == "shot"]


def story(
    folder: Path,
    *,
    fmt: str = "cinematic_story",
    size: tuple[int, int] = (160, 90),
    lines: tuple[str, ...] = LINES[:2],
    title: str = "It's a \\N {b} [film]: %{pts}",
    **request: object,
) -> Story:
    """`lines` become shots of a second and a half each; "" is a shot in which nothing is said."""
    folder.mkdir(exist_ok=True)
    style, frames = load_format(fmt), 18
    plan = Plan(
        format=fmt,
        profile="cpu",
        models={},
        width=size[0],
        height=size[1],
        fps=FPS,
        aspect_ratio="16:9",
        locale="en",
        seed=7,
        target_seconds=None,
        title_seconds=1.0,
        end_seconds=0.75,
        shots=(),
    )
    shots = tuple(Shot(scene=i // 2, narration=line, visual="a hill") for i, line in enumerate(lines))
    script = Script(title=title, scenes=(Scene(description="A hill = high; #1"), Scene(description="")), shots=shots)
    made = [_shot(folder, number, line, size, frames) for number, line in enumerate(lines)]
    starts = [plan.title_seconds + i * frames / FPS for i in range(len(lines))]
    catalog = load_catalog()
    return Story(
        request=StoryRequest(prompt="a hill", **request),  # type: ignore[arg-type]
        plan=plan,
        script=script,
        fmt=style,
        voices=[voice for voice, _, _ in made],
        timings=[Timing(start=start, lead=0.125, speech=1.2, tail=0.175, frames=frames) for start in starts],
        stills=[still for _, still, _ in made],
        clips=[clip for _, _, clip in made],
        specs={role: catalog.model(model) for role, model in catalog.profile("cpu").models.items()},
        store=Store(folder / "work"),
        events=[],
    )


def _shot(folder: Path, number: int, line: str, size: tuple[int, int], frames: int) -> tuple[Voice, Still, Clip]:
    still, video = folder / f"still-{number}.png", folder / f"clip-{number}.mp4"
    picture = np.full((size[1], size[0], 3), (60 + 40 * number, 90, 120), np.uint8)
    Image.fromarray(picture).save(still)
    with FrameWriter(video, *size, FPS) as writer:
        for frame in range(frames):
            writer.write(np.roll(picture + np.uint8(frame), frame, axis=1))
    voice = Voice(audio=None, seconds=0)
    if line:
        audio, words = folder / f"voice-{number}.wav", line.split()
        with wave.open(str(audio), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(24_000)
            tone = np.sin(np.arange(28_800) * 0.07 * (1 + number)) * 9000
            file.writeframes(tone.astype("<i2").tobytes())
        each = 1.2 / len(words)
        timed = tuple(Word(text=w, start=i * each, end=(i + 1) * each) for i, w in enumerate(words))
        voice = Voice(audio=audio, seconds=1.2, words=timed)
    return voice, Still(image=still), Clip(video=video, frames=frames, fps=FPS)
