"""The review passes what is good and names what is not, each fault seeded into a small real film or its parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.audio import RATE, write_wav
from engine.errors import MediaFailed
from engine.findings import Finding
from engine.made import Timing, Voice
from engine.media import INPUT, FrameWriter, MediaFacts, probe, run_ffmpeg
from engine.reviewing.film import judge_chapters, judge_frames, judge_length
from engine.reviewing.pictures import judge_card, judge_neighbours, judge_picture, judge_shot, look_at, look_at_picture
from engine.reviewing.sound import Heard, hear, judge_lines, judge_sound
from engine.reviewing.words import Caption, Said, judge_captions, read_captions

FPS, WIDTH, HEIGHT = 12, 96, 64
NOISE = np.random.default_rng(4)
SCENE = np.asarray(
    Image.fromarray(NOISE.integers(20, 235, (8, 24, 3)).astype(np.uint8)).resize((3 * WIDTH, HEIGHT))
).astype(np.float32)


def moving(number: int, light: float = 1.0) -> np.ndarray:
    """A camera that pans over a scene."""
    return (SCENE[:, 2 * number : 2 * number + WIDTH] * light).astype(np.uint8)


def film(out: Path, frames: Sequence[np.ndarray]) -> Path:
    with FrameWriter(out, WIDTH, HEIGHT, FPS) as writer:
        for frame in frames:
            writer.write(frame)
    return out


def plain(*colour: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), colour, np.uint8)


def half_missing(number: int) -> np.ndarray:
    frame = moving(number)
    frame[:, WIDTH // 2 :] = 0
    return frame


PANS = [moving(number) for number in range(48)]
PICTURES: dict[str, tuple[str, list[np.ndarray]]] = {
    "a black shot": ("black", [plain(0, 0, 0)] * 48),
    "a shot that turns black half-way": ("black", PANS[:24] + [plain(2, 2, 2)] * 24),
    "a shot of which half the picture is black": ("black", [half_missing(number) for number in range(48)]),
    "black for half a second": ("black", PANS[:20] + [plain(0, 0, 0)] * 8 + PANS[28:]),
    "a frozen shot": ("frozen", [PANS[0]] * 48),
    "a shot that freezes for more than two seconds": ("frozen", PANS[:12] + [PANS[12]] * 36),
    "a flat grey shot": ("flat", [plain(128, 128, 128)] * 48),
    "a shot of one colour": ("flat", [plain(180, 40, 90)] * 48),
}
GOOD_PICTURES = {
    "a pan": PANS,
    "a night": [moving(number, 0.2) for number in range(48)],
    "fog": [(moving(number) * 0.15 + 180).astype(np.uint8) for number in range(48)],
    "a flash": [*PANS[:20], *[plain(0, 0, 0)] * 3, *PANS[23:]],
    "a moment's rest": [*PANS[:12], *[PANS[12]] * 18, *PANS[12:30]],
    "a letterbox": [np.pad(frame[8:-8], ((8, 8), (0, 0), (0, 0))) for frame in PANS],
    "half a second": PANS[:6],
    "one frame": PANS[:1],
}


def checks(findings) -> list[str]:
    return [finding.check for finding in findings]


@pytest.mark.parametrize("name", PICTURES)
def test_a_spoiled_shot_is_named(tmp_path: Path, name: str) -> None:
    check, frames = PICTURES[name]
    found = list(judge_shot(look_at(film(tmp_path / "shot.mp4", frames)), 2, 10.0, moves=True))
    assert check in checks(found)
    assert all(finding.shot == 2 and finding.sentence.startswith("shot 3") for finding in found)
    assert all(finding.at is not None and 10 <= finding.at <= 14 for finding in found)


@pytest.mark.parametrize("name", GOOD_PICTURES)
def test_a_good_shot_passes(tmp_path: Path, name: str) -> None:
    look = look_at(film(tmp_path / "shot.mp4", GOOD_PICTURES[name]))
    assert list(judge_shot(look, 0, 0.0, moves=len(GOOD_PICTURES[name]) > 1)) == []


def test_what_a_held_camera_sees_may_stand_still(tmp_path: Path) -> None:
    look = look_at(film(tmp_path / "shot.mp4", [PANS[0]] * 48))
    assert list(judge_shot(look, 0, 0.0, moves=False)) == []


def test_a_card_may_fade_from_black_and_stand_still_but_not_stay_black(tmp_path: Path) -> None:
    fading = [plain(0, 0, 0)] * 10 + [PANS[0]] * 28 + [plain(0, 0, 0)] * 10
    assert list(judge_card(look_at(film(tmp_path / "card.mp4", fading)), "title card", 0.0)) == []
    black = look_at(film(tmp_path / "black.mp4", [plain(0, 0, 0)] * 48))
    (found,) = judge_card(black, "title card", 0.0)
    assert (found.check, found.shot, found.sentence) == ("black", None, "the title card is nearly black")


def test_pictures_alone_are_judged_and_neighbours_told_apart(tmp_path: Path) -> None:
    looks = []
    for name, pixels in (("dark", plain(3, 3, 3)), ("one", PANS[0]), ("same", PANS[0]), ("other", PANS[40])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        looks.append(look_at_picture(tmp_path / f"{name}.png"))
    assert [checks(judge_picture(look, number)) for number, look in enumerate(looks)] == [["black"], [], [], []]
    assert [finding.sentence for finding in judge_neighbours(looks, [0, 1, 2, 3])] == [
        "shots 2 and 3 show the same picture"
    ]


# ---- files ----------------------------------------------------------------------------------------------------------


def noisy(out: Path) -> Path:
    return film(out, [NOISE.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8) for _ in range(48)])


def test_a_truncated_film_is_no_film(tmp_path: Path) -> None:
    path = noisy(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(MediaFailed, match="make it again"):
        look_at(path)


def test_a_film_whose_media_end_early_does_not_decode(tmp_path: Path) -> None:
    """Its index stands first and is whole."""
    slow, fast = noisy(tmp_path / "slow.mp4"), tmp_path / "fast.mp4"
    run_ffmpeg([*INPUT, "-i", slow, "-c", "copy", "-movflags", "+faststart", fast])
    fast.write_bytes(fast.read_bytes()[: fast.stat().st_size * 2 // 3])
    assert checks(judge_shot(look_at(fast), 0, 0.0, moves=True)) == ["decodes"]


def test_a_spoiled_packet_in_the_middle_is_seen(tmp_path: Path) -> None:
    path = noisy(tmp_path / "film.mp4")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 900] = bytes(900)
    path.write_bytes(data)
    assert checks(judge_shot(look_at(path), 0, 0.0, moves=True)) == ["decodes"]


def test_missing_frames_and_missing_sound_are_seen(tmp_path: Path) -> None:
    facts = probe(film(tmp_path / "film.mp4", PANS[:45]))
    assert checks(judge_frames(facts, 48)) == ["frames", "sound"]
    assert checks(judge_frames(facts, 45)) == ["sound"]


@pytest.mark.parametrize(
    ("seconds", "exact", "passes"),
    [
        (30.0, False, True),
        (30.8, False, True),
        (31.0, False, False),
        (29.0, False, False),
        (30.0, True, True),
        (30.2, True, False),
    ],
)
def test_a_length_is_kept_within_three_per_cent_and_an_advertisements_exactly(
    seconds: float, exact: bool, passes: bool
) -> None:
    found = list(judge_length(seconds, 30.0, 24, exact=exact))
    assert checks(found) == ([] if passes else ["length"])
    assert all(("too much" in one.sentence) == (seconds > 30) for one in found)
    assert list(judge_length(seconds, None, 24, exact=exact)) == []


def with_chapters(*chapters: tuple[float, float, str]) -> MediaFacts:
    facts = MediaFacts(width=96, height=64, fps=24, frames=240, seconds=10, video_codec="h264", pix_fmt="yuv420p")
    return msgspec.structs.replace(facts, chapters=chapters)


@pytest.mark.parametrize(
    ("chapters", "word"),
    [
        ((), "no chapters"),
        (((0, 4, "A"), (5, 10, "B")), "gap"),
        (((0, 6, "A"), (5, 10, "B")), "begins before"),
        (((0, 5, "A"), (5, 10, " ")), "no name"),
        (((0, 5, "A"), (5, 8, "B")), "does not end with the film"),
        (((1, 5, "A"), (5, 10, "B")), "does not begin with the film"),
        (((5, 10, "B"), (0, 5, "A")), "begins before"),
        (((0, 5, "A"), (5, 5, "C"), (5, 10, "B")), "ends before it begins"),
    ],
)
def test_chapters_that_do_not_fill_the_film_in_order_are_named(chapters, word: str) -> None:
    assert any(word in finding.sentence for finding in judge_chapters(with_chapters(*chapters)))


def test_good_chapters_pass() -> None:
    assert list(judge_chapters(with_chapters((0, 5.004, "A"), (5.0, 10.02, "B")))) == []


# ---- sound ----------------------------------------------------------------------------------------------------------


def babble(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise in syllables, as loud as speech."""
    count = round(seconds * RATE)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(count) / RATE)
    return (syllables * hiss(count, seed)).astype(np.float32)


def hiss(count: int, seed: int) -> np.ndarray:
    """Below 3 kHz, as speech is: what lies highest an encoder leaves out, and with it loudness."""
    return np.convolve(np.random.default_rng(seed).uniform(-1, 1, count), np.full(16, 1 / 16), mode="same")


LINE = babble(3.0)
VOICE_AT = 0.5


def heard(
    folder: Path,
    *,
    line: np.ndarray = LINE,
    said: bool = True,
    late: float = 0.0,
    gain: float = 0.0,
    bed: float = 0.05,
    seconds: float = 5.0,
    peak: float = 0.0,
) -> Heard:
    """A film of one line at `VOICE_AT` over a bed, at -16 LUFS and `gain` dB, as AAC."""
    from engine.audio import FILM_LUFS, limit, loudness

    write_wav(folder / "line.wav", line, RATE)
    mix = bed * hiss(round(seconds * RATE), 9).astype(np.float32)
    start = round((VOICE_AT + late) * RATE)
    if said:
        mix[start : start + len(line)] += line
    mix *= np.float32(10 ** ((FILM_LUFS - loudness(np.stack([mix, mix])) + gain) / 20))
    mix = limit(mix[None], -4.0)[0]
    if peak:
        mix[RATE : RATE + 40] = peak
    write_wav(folder / "mix.wav", np.stack([mix, mix]), RATE)
    run_ffmpeg([*INPUT, "-i", folder / "mix.wav", "-c:a", "aac", "-b:a", "192k", folder / "sound.m4a"])
    voice = Voice(audio=folder / "line.wav", seconds=len(line) / RATE)
    timing = Timing(start=0.0, lead=VOICE_AT, speech=voice.seconds, tail=1.0, frames=60)
    return hear(folder / "sound.m4a", [voice], [timing])


def judged(one: Heard, seconds: float = 5.0) -> list[Finding]:
    return [*judge_sound(one, seconds, sounds=True), *judge_lines(one, [True])]


def gap(seconds: float) -> np.ndarray:
    quiet = LINE.copy()
    quiet[RATE : RATE + round(seconds * RATE)] = 0
    return quiet


@pytest.mark.parametrize("bed", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("pause", [0.0, 0.7])
def test_good_sound_passes(tmp_path: Path, bed: float, pause: float) -> None:
    assert judged(heard(tmp_path, line=gap(pause), bed=bed)) == []


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"line": gap(0.9)}, "silence"),
        ({"line": gap(0.9), "bed": 0.0}, "silence"),
        ({"said": False}, "narration"),
        ({"late": 0.4}, "narration"),
        ({"gain": -1.5}, "loudness"),
        ({"gain": 1.5}, "loudness"),
        ({"peak": 0.999}, "peaks"),
        ({"seconds": 4.5}, "sound"),
    ],
)
def test_each_fault_of_the_sound_is_found_and_no_other(tmp_path: Path, fault: dict, check: str) -> None:
    assert set(checks(judged(heard(tmp_path, **fault)))) == {check}


def test_a_line_without_a_recording_and_a_silent_film_are_named() -> None:
    nobody = Heard(seconds=5.0, lufs=-99.0, peak=-99.0, level=(-99,) * 100)
    assert [one.sentence for one in judged(nobody)] == ["the film is silent", "nobody speaks the line of shot 1"]
    assert list(judge_sound(nobody, 5.0, sounds=False)) == []


def test_spoiled_sound_is_named(tmp_path: Path) -> None:
    heard(tmp_path)
    path = tmp_path / "sound.m4a"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\xff" * 3000
    path.write_bytes(data)
    assert {"decodes", "sound"} & set(checks(judge_sound(hear(path), 5.0, sounds=True)))


# ---- captions -------------------------------------------------------------------------------------------------------

SAID = [
    Said(0, "A", 1.0), Said(0, "fox", 1.2), Said(0, "ran.", 1.6), Said(1, "It", 4.0), Said(1, "found", 4.3),
    Said(1, "a", 4.6), Said(1, "lamp.", 4.8),
]  # fmt: skip
GOOD = [Caption(1.0, 3.0, ("A fox ran.",)), Caption(4.0, 6.0, ("It found", "a lamp."))]


def test_good_captions_pass() -> None:
    assert list(judge_captions(GOOD, 8.0, SAID)) == []


@pytest.mark.parametrize(
    ("captions", "word"),
    [
        ([one._replace(start=one.start + 1, end=one.end + 1) for one in GOOD], "1.0 s after its words"),
        ([GOOD[0], GOOD[1]._replace(start=2.9)], "before its words"),
        ([GOOD[0], GOOD[1]._replace(end=8.4)], "after the film's end"),
        ([GOOD[0]._replace(lines=("A fox ran." + "." * 33,)), GOOD[1]], "43 letters"),
        ([GOOD[0], GOOD[1]._replace(lines=("It", "found", "a lamp."))], "3 lines"),
        ([GOOD[0]._replace(end=1.4), GOOD[1]], "letters a second"),
        ([GOOD[0]._replace(end=4.5), GOOD[1]], "at once"),
        ([GOOD[0]._replace(end=0.5), GOOD[1]], "ends before it begins"),
        ([GOOD[0], GOOD[1]._replace(lines=("It lost", "a lamp."))], "something else"),
        (GOOD[:1], "has no captions"),
        ([], "has no captions"),
    ],
)
def test_each_fault_of_the_captions_is_named(captions: list[Caption], word: str) -> None:
    assert word in "; ".join(finding.sentence for finding in judge_captions(captions, 8.0, SAID))


def test_captions_are_read_from_the_files_that_players_get(tmp_path: Path) -> None:
    srt = tmp_path / "film.srt"
    srt.write_text(
        "1\n00:00:01,000 --> 00:00:03,000\nA fox ran.\n\n2\n00:00:04,000 --> 00:00:06,000\nIt found\na lamp.\n"
    )
    assert read_captions(srt) == GOOD
