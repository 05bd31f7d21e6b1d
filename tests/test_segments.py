"""Each piece of the film is encoded once, to the frame, while later clips are still being made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, MediaFailed
from engine.made import Clip
from engine.media import FrameWriter, probe
from engine.progress import Control, Event
from tests.editing import FPS, LINES, Story, story


def picture(path: Path, number: int) -> np.ndarray:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)][number].astype(int)


def parameters(path: Path) -> bytes:
    with av.open(str(path)) as file:
        return bytes(file.streams.video[0].codec_context.extradata or b"")


def test_every_piece_has_exactly_its_frames(tmp_path: Path):
    segments = story(tmp_path).cut()
    assert [segment.frames for segment in segments] == [12, 18, 18, 9]
    assert [probe(segment.video, decode=True).frames for segment in segments] == [12, 18, 18, 9]


def test_all_pieces_share_the_encoders_parameters(tmp_path: Path):
    segments = story(tmp_path, fmt="news_analysis", lines=("One.", "")).cut()
    assert len({parameters(segment.video) for segment in segments}) == 1


def test_a_segment_is_cut_before_the_next_clip_exists(tmp_path: Path):
    made = story(tmp_path)

    def clips() -> Iterator[Clip]:
        assert made.is_told_of(2)  # both cards
        yield made.clips[0]
        assert made.is_told_of(3)
        yield made.clips[1]

    made.cut(clips())
    assert [(event.shot, event.done, event.total) for event in made.events if event.kind == "shot"] == [
        (None, 1, 4),
        (None, 2, 4),
        (0, 3, 4),
        (1, 4, 4),
    ]


def test_pieces_are_yielded_in_their_order_whichever_is_cut_first(tmp_path: Path):
    made = story(tmp_path, lines=("One two three four five.", "", "Six seven eight.", "", ""))
    segments = made.cut()
    assert [event.made for event in sorted(shots_told(made), key=lambda event: event.shot or 0)] == list(segments[1:-1])
    assert sorted(event.done for event in made.events if event.kind == "shot") == list(range(1, 8))


def shots_told(made: Story) -> list[Event]:
    return [event for event in made.events if event.kind == "shot" and event.shot is not None]


def test_what_fails_in_one_piece_is_said_and_the_others_are_stopped(tmp_path: Path):
    made = story(tmp_path, lines=LINES)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(made.clips[1].video.read_bytes()[:2000])
    clips = [made.clips[0], msgspec.structs.replace(made.clips[1], video=broken), *made.clips[2:]]
    with pytest.raises(MediaFailed):
        made.cut(clips)
    assert not list((tmp_path / "work").rglob("*.tmp-*"))


def test_the_same_cut_again_makes_nothing(tmp_path: Path):
    made = story(tmp_path)
    first = made.cut()
    made.events.clear()
    assert made.cut() == first
    assert made.reused() == [True] * 4


def test_a_line_edited_makes_only_its_own_shot_again(tmp_path: Path):
    story(tmp_path).cut()
    edited = story(tmp_path, lines=("The knight = climbed; the #hill.", "Then she fell back down."))
    edited.cut()
    assert edited.reused() == [True, True, True, False]


def test_the_first_picture_colours_the_film_and_no_other_does(tmp_path: Path):
    lines = ("One two three.", "Four five six.", "Seven eight.")
    first = story(tmp_path / "one", fmt="news_analysis", lines=lines)
    first.cut()
    again = story(tmp_path / "one", fmt="news_analysis", lines=lines)
    Image.new("RGB", (160, 90), (250, 120, 0)).save(again.stills[1].image)
    again.cut()
    assert again.reused() == [True] * 5
    again.events.clear()
    Image.new("RGB", (160, 90), (250, 120, 0)).save(again.stills[0].image)
    again.cut()
    assert again.reused() == [False] * 5


def test_captions_are_burned_only_when_asked_for(tmp_path: Path):
    shown = {mode: story(tmp_path, size=(320, 180), captions=mode).cut()[1] for mode in ("burned", "both", "none")}
    plain = picture(shown["none"].video, 9)
    assert np.abs(picture(shown["burned"].video, 9) - plain).max() > 90
    assert shown["both"] == shown["burned"]
    silent = story(tmp_path, size=(320, 180), captions="sidecar").cut()[1]
    assert silent == shown["none"]


def test_markup_in_a_line_is_shown_not_obeyed(tmp_path: Path):
    marked = story(tmp_path, size=(320, 180), lines=("{\\p1}m 0 0 l 900 0 900 900{\\p0}",)).cut()[1]
    plain = story(tmp_path, size=(320, 180), captions="none", lines=("{\\p1}m 0 0 l 900 0 900 900{\\p0}",)).cut()[1]
    changed = np.abs(picture(marked.video, 9) - picture(plain.video, 9)).max(axis=2) > 60
    assert 0 < changed.mean() < 0.2


def test_the_bare_shot_carries_its_narration_and_nothing_drawn(tmp_path: Path):
    made = story(tmp_path, size=(320, 180), fmt="news_analysis", lines=("One two three.", ""))
    spoken, silent = made.cut()[1:3]
    for segment, clip in ((spoken, made.clips[0]), (silent, made.clips[1])):
        assert segment.shot is not None
        facts = probe(segment.shot, decode=True)
        assert (facts.frames, facts.audio_codec, facts.sample_rate) == (18, "aac", 48_000)
        assert abs(facts.audio_seconds - 1.5) < 0.05
        assert np.abs(picture(segment.shot, 9) - picture(clip.video, 9)).max() == 0
    assert loudest(spoken.shot) > 0.1 > 0.001 > loudest(silent.shot)


def loudest(path: Path | None) -> float:
    with av.open(str(path)) as file:
        return max(float(np.abs(frame.to_ndarray()).max()) for frame in file.decode(audio=0))


@pytest.mark.parametrize(("frames", "fps", "size"), [(9, FPS, (160, 90)), (40, FPS, (160, 90)), (24, 8, (176, 112))])
def test_a_clip_of_another_length_rate_or_size_is_fitted(frames: int, fps: int, size: tuple[int, int], tmp_path: Path):
    made = story(tmp_path)
    odd = tmp_path / "odd.mp4"
    with FrameWriter(odd, *size, fps) as writer:
        for number in range(frames):
            writer.write(np.full((size[1], size[0], 3), number * 5, np.uint8))
    segments = made.cut([Clip(video=odd, frames=frames, fps=fps), made.clips[1]])
    facts = probe(segments[1].video, decode=True)
    assert (facts.width, facts.height, facts.frames, facts.fps) == (160, 90, 18, FPS)
    assert segments[1].shot is not None and probe(segments[1].shot).frames == 18


def test_a_plan_without_cards_has_none(tmp_path: Path):
    made = story(tmp_path)
    bare = made._replace(plan=msgspec.structs.replace(made.plan, title_seconds=0, end_seconds=0))
    assert [segment.frames for segment in bare.cut()] == [18, 18]


def test_too_few_clips_are_an_error_not_a_shorter_film(tmp_path: Path):
    made = story(tmp_path)
    with pytest.raises(MediaFailed, match="1 clips came for 2 shots"):
        made.cut(made.clips[:1])


def test_cancelling_keeps_finished_pieces_and_nothing_half_made(tmp_path: Path):
    made = story(tmp_path)
    control = Control(made.events.append)

    def clips() -> Iterator[Clip]:
        yield made.clips[0]
        assert made.is_told_of(3)
        control.cancel()
        yield made.clips[1]

    with pytest.raises(Cancelled):
        made.cut(clips(), control)
    assert not list((tmp_path / "work").rglob("*.tmp-*"))
    made.events.clear()
    made.cut()
    assert made.reused() == [True, True, True, False]


@pytest.mark.parametrize("fmt", ["news_analysis", "youtube_clone", "persona_channel", "music_video", "ad_spot"])
@pytest.mark.parametrize("size", [(128, 72), (72, 128)])
def test_the_smallest_films_of_every_format_are_cut(fmt: str, size: tuple[int, int], tmp_path: Path):
    segments = story(tmp_path, fmt=fmt, size=size, lines=("A very short line of words.",)).cut()
    assert [segment.frames for segment in segments] == [12, 18, 9]


def test_a_work_folder_named_relatively_is_as_good_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = story(Path("it's a [folder]"), fmt="news_analysis", lines=("One two.",))
    assert made.join(made.cut()).seconds == 3.25
    assert {path.name for path in tmp_path.iterdir()} == {"it's a [folder]"}
    assert not list(tmp_path.rglob("scratch-*"))
