"""The film is its segments joined without loss, with sound, chapters, captions and the marks of what it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest

from engine.audio import write_wav
from engine.errors import MediaFailed
from engine.formats import load_format
from engine.made import Music, Segment, Timing, Voice
from engine.marking import add_xmp, boxes, chapters, marks, read_xmp, starts_fast
from engine.media import INPUT, FrameWriter, probe, run_ffmpeg
from engine.mixing import mix_film_audio
from engine.reviewing.sound import PEAK, hear
from engine.stages.film import mix_sound
from engine.types import Scene, Script, Shot
from tests.editing import FPS, LINES, Story, story

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Story:
    # A work folder whose name is as unkind as a user's may be.
    return story(tmp_path_factory.mktemp("it's [a] %03d: work"), lines=LINES)


@pytest.fixture(scope="module")
def film(made: Story):
    return made.join(made.cut())


def test_the_film_has_every_frame_of_its_segments_at_its_time(film):
    with av.open(str(film.video)) as file:
        times = sorted(float(frame.pts * frame.time_base) for frame in file.decode(video=0))
    assert len(times) == 12 + 4 * 18 + 9
    assert all(abs(time - number / FPS) < 0.002 for number, time in enumerate(times))


def test_the_film_is_h264_and_aac_and_starts_fast(film):
    facts = probe(film.video, decode=True)
    assert (facts.video_codec, facts.pix_fmt, facts.audio_codec) == ("h264", "yuv420p", "aac")
    assert (facts.sample_rate, facts.channels) == (48_000, 2)
    assert abs(facts.audio_seconds - film.seconds) < 0.05
    assert starts_fast(film.video)


def test_the_title_is_kept_letter_by_letter_and_seed_and_models_are_named(film):
    tags = probe(film.video).metadata
    assert tags["title"] == "It's a \\N {b} [film]: %{pts}"
    assert "Seed 7" in tags["comment"] and "artist sketch" in tags["comment"]
    assert "CC BY 4.0" in tags["copyright"]


def test_each_scene_is_a_chapter_and_the_chapters_fill_the_film(film):
    first, second = probe(film.video).chapters
    assert first == (0.0, 4.0, "A hill = high; #1")
    assert second[:2] == (4.0, 7.75) and second[2] == "Scene 2"


def test_the_mark_of_ai_made_media_is_a_readable_xmp_packet(film):
    packet = read_xmp(film.video)
    assert packet is not None
    root = ElementTree.fromstring(packet)
    kind = root.find(f".//{IPTC}DigitalSourceType")
    assert kind is not None and kind.text is not None
    assert kind.text.endswith("/digitalsourcetype/compositeWithTrainedAlgorithmicMedia")
    title = root.find(f".//{RDF}Alt/{RDF}li")
    assert title is not None and title.text == "It's a \\N {b} [film]: %{pts}"


def test_generated_pictures_are_marked_as_such(made: Story):
    from engine.catalog import load_catalog

    specs = made.specs | {"artist": load_catalog().model("toy-sdxl")}
    assert marks("t", made.plan, specs, "").source_type == "trainedAlgorithmicMedia"


def test_captions_come_in_film_time_beside_the_film(film):
    assert film.srt is not None and film.vtt is not None
    assert film.srt.read_text().startswith("1\n00:00:01,000 --> ")  # a little before its words, to be read
    assert "{\\fs90}" in film.srt.read_text()
    assert "--&gt;" in film.vtt.read_text()


def test_each_shot_is_a_film_of_its_own(film):
    assert [probe(shot).frames for shot in film.shots] == [18] * 4


def test_the_same_film_again_makes_nothing(made: Story, film):
    made.events.clear()
    assert made.join(made.cut()) == film
    assert all(made.reused())


def test_a_film_without_words_or_captions_has_no_caption_files(tmp_path: Path):
    silent = story(tmp_path / "silent", lines=("",))
    assert silent.join(silent.cut()).srt is None
    off = story(tmp_path / "off", lines=("One two.",), captions="none")
    assert off.join(off.cut()).vtt is None


def test_pieces_that_cannot_be_copied_together_are_refused(tmp_path: Path):
    made = story(tmp_path, lines=("One.",))
    foreign = tmp_path / "foreign.mp4"
    with FrameWriter(foreign, 160, 90, FPS, preset="medium") as writer:
        for _ in range(18):
            writer.write(np.zeros((90, 160, 3), "uint8"))
    first, _, last = made.cut()
    with pytest.raises(MediaFailed, match="different ways"):
        made.join((first, Segment(video=foreign, frames=18), last))
    assert not list((tmp_path / "work" / "film").rglob("film.mp4"))


def test_a_film_that_is_too_short_is_not_kept(tmp_path: Path):
    made = story(tmp_path, lines=("One.", "Two."))
    with pytest.raises(MediaFailed, match="frames instead of"):
        made.join(made.cut()[:-1])
    assert not list((tmp_path / "work" / "film").rglob("film.mp4"))


def test_tags_and_chapters_are_read_back_as_they_were_written(tmp_path: Path):
    title = "a=b;c#d\\e é 日本"
    film = (told := story(tmp_path, title=title)).join(told.cut())
    facts = probe(film.video)
    assert facts.metadata["title"] == title
    assert "Seed" in facts.metadata["comment"]
    assert facts.chapters[0][0] == 0 and facts.chapters[-1][1] == pytest.approx(film.seconds, abs=0.002)


def test_a_film_is_the_same_whether_its_pieces_come_one_by_one_or_were_there_before(tmp_path: Path):
    made = story(tmp_path)
    segments = made.cut()
    new = made.join(segments).video.read_bytes()
    shutil.rmtree(tmp_path / "work" / "film")
    assert made.join(segments, reused=True).video.read_bytes() == new


def test_sound_and_picture_lie_beside_each_other_in_the_file(film):
    """A player that has begun needs no more than a second of the file ahead."""
    ahead = 0.0
    with av.open(str(film.video)) as file:
        reached = {"video": 0.0, "audio": 0.0}
        for packet in file.demux():
            if packet.pts is not None and packet.time_base is not None:
                reached[packet.stream.type] = float(packet.pts * packet.time_base)
                ahead = max(ahead, abs(reached["video"] - reached["audio"]))
    assert ahead < 1.5


def test_a_scene_that_comes_back_is_a_chapter_again(made: Story):
    from msgspec.structs import replace

    shots = [replace(shot, scene=scene) for shot, scene in zip(made.script.shots, (0, 1, 0, 0), strict=True)]
    found = chapters(replace(made.script, shots=tuple(shots)), made.timings, 7.75, made.fmt)
    assert [(c.start, c.end) for c in found] == [(0.0, 2.5), (2.5, 4.0), (4.0, 7.75)]


def test_chapters_in_places_of_one_name_are_told_apart_by_their_time_of_day(made: Story):
    from msgspec.structs import replace

    scenes = (Scene(description="a meadow", time_of_day="morning"), Scene(description="a meadow", time_of_day="night"))
    shots = [replace(shot, scene=scene) for shot, scene in zip(made.script.shots, (0, 0, 1, 1), strict=True)]
    found = chapters(replace(made.script, scenes=scenes, shots=tuple(shots)), made.timings, 7.75, made.fmt)
    assert [chapter.title for chapter in found] == ["a meadow, morning", "a meadow, night"]


def test_boxes_that_do_not_fill_the_file_are_told(film, tmp_path: Path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.video.read_bytes()[:-10])
    with pytest.raises(MediaFailed, match="whole MP4"):
        list(boxes(cut))


def test_a_film_without_a_mark_has_none_until_it_is_added(tmp_path: Path):
    out = tmp_path / "plain.mp4"
    with FrameWriter(out, 64, 64, FPS) as writer:
        writer.write(np.zeros((64, 64, 3), "uint8"))
    assert read_xmp(out) is None
    add_xmp(out, b"<x/>")
    assert read_xmp(out) == b"<x/>" and probe(out).frames == 1


def told_in(name: str, places: tuple[str, ...], *beats: str) -> list[str]:
    """The chapters of a film of that format: a second per shot, each in the place of its number in `places`."""
    fmt = load_format(name)
    shots = tuple(Shot(beat=beat, visual="a fox", scene=i % len(places)) for i, beat in enumerate(beats))
    script = Script(title="T", scenes=tuple(Scene(description=place) for place in places), shots=shots)
    timings = [Timing(start=float(i), lead=0, speech=0, tail=1, frames=24) for i in range(len(shots))]
    found = chapters(script, timings, float(len(shots)), fmt)
    assert [c.start for c in found][1:] == [c.end for c in found][:-1]
    assert (found[0].start, found[-1].end) == (0.0, len(shots))
    return [chapter.title for chapter in found]


def test_chapters_are_the_acts_of_the_format_under_names_that_say_something():
    explainer = ("hook", "chapter one", "chapter one", "chapter two", "recap", "call to action")
    assert told_in("youtube_clone", ("a sea",), *explainer) == ["Hook", "The basics", "How it works", "In short"]
    story = ("opening", "wish", "trial", "ending")
    assert told_in("cinematic_story", ("a hill", "a cave"), *story) == [
        "The beginning: a hill",
        "The middle: a hill",
        "The end: a cave",
    ]
    assert told_in("music_video", ("a sea",), "verse", "chorus", "verse") == ["Verse", "Chorus", "Verse 2"]


def test_a_script_without_the_formats_beats_has_a_chapter_per_scene():
    assert told_in("cinematic_story", ("a hill", "a cave"), "", "") == ["a hill", "a cave"]


def test_sound_whose_peaks_the_coder_raises_over_the_limit_is_mixed_again_with_more_room(tmp_path):
    rate, told = 48_000, story(tmp_path)
    at = np.arange(4 * rate)
    clicks = np.where(at % 1201 < 3, 0.5, 0) + 0.015 * np.random.default_rng(1).standard_normal(len(at))
    write_wav(tmp_path / "clicks.wav", clicks[None].astype(np.float32), rate)
    voice = Voice(audio=tmp_path / "clicks.wav", seconds=4)
    timing = Timing(start=0, lead=0, speech=4, tail=0, frames=48)
    silence = Music(audio=None, seconds=0)
    mix_film_audio([voice], [timing], silence, 0, 4, told.fmt.music, tmp_path / "once.wav")
    run_ffmpeg([*INPUT, "-i", tmp_path / "once.wav", "-c:a", "aac", "-b:a", "192k", tmp_path / "once.m4a"])
    assert hear(tmp_path / "once.m4a").peak > PEAK
    sound = mix_sound(told.plan, told.fmt, [voice], [timing], silence, store=told.store, control=told.control)
    assert sound.heard.peak <= PEAK
    assert hear(sound.audio).peak <= PEAK
