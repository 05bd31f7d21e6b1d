"""Formats are data: their beats make acts, and each is told apart from the others."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.bench_rig import bench_catalog
from engine.cards import _chapter
from engine.cli import build_app, run
from engine.errors import BadRequest
from engine.formats import OWN, format_names, load_format
from engine.shots import Act, acts
from engine.types import Script, Shot
from server.settings import Settings

Ask = Callable[..., tuple[int, str, str]]

STORY = load_format("cinematic_story")


def script_of(*beats: str) -> Script:
    return Script(title="A film", shots=tuple(Shot(beat=beat, visual="a fox") for beat in beats))


def test_neighbours_whose_beats_share_an_act_are_one_act_and_every_shot_is_in_one():
    found = acts(script_of("opening", "wish", "wish", "trial", "turn", "ending"), STORY)
    assert found == (Act("the beginning", range(3)), Act("the middle", range(3, 5)), Act("the end", range(5, 6)))


def test_a_beat_without_an_act_is_one_under_its_own_name():
    alone = replace(STORY, beats=tuple(replace(beat, act="") for beat in STORY.beats))
    assert [act.name for act in acts(script_of("opening", "wish", "wish", "ending"), alone)] == [
        "opening",
        "wish",
        "ending",
    ]


def test_a_shot_of_no_known_beat_goes_on_with_the_act_before_it():
    assert acts(script_of("", "opening", "other", "ending"), STORY) == (
        Act("", range(1)),
        Act("the beginning", range(1, 3)),
        Act("the end", range(3, 4)),
    )
    assert acts(Script(title="Nothing"), STORY) == ()


TRAVEL = """
title: Travel film
tone: a calm travel film in short sentences about places
look: wide landscape, evening light
voices: 1
beats:
  - name: arrival
    purpose: say where we are
    framing: wide
    camera: pull_out
    openers: ["Here is {the_topic}", "This is {the_topic}"]
  - {name: walk, purpose: show what can be seen, framing: medium, camera: pan_left, act: the way}
  - {name: leaving, purpose: say goodbye to the place, framing: wide, camera: hold, openers: ["At last,"]}
pacing: {shot_seconds: 3.0, pause: [0.2, 0.8], speed: [0.94, 1.06], default_seconds: 10}
overlays: {title_seconds: 1.0, end_seconds: 1.0, accent: "#2a9d8f", end_line: Safe journey}
captions: {look: box}
music: {mood: calm, tempo: 80, level: -18, ducked: -26}
"""


def folder_with(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / OWN
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Run one command line in this process: the real small writer, and models that only wait for all else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("REELHOUSE_PROFILE", "bench")

    def asking(*arguments: str) -> tuple[int, str, str]:
        code = run(build_app(Settings, lambda: bench_catalog(short_side=96, fps=12)), arguments)
        out, err = capfd.readouterr()
        return code, out, err

    return asking


def test_a_seventh_format_is_one_file_and_the_small_writer_tells_it(ask: Ask, tmp_path: Path) -> None:
    folder_with(tmp_path, travel_film=TRAVEL)
    code, out, err = ask("make", "An island with an old lighthouse", "--format", "travel_film", "--json")
    assert code == 0, err
    made = json.loads(out)
    script = made["script"]
    fmt = load_format("travel_film", tmp_path / OWN)
    assert Path(made["film"]).is_file() and made["seconds"] == pytest.approx(10, rel=0.05)
    assert {shot["beat"] for shot in script["shots"]} <= {beat.name for beat in fmt.beats}
    assert script["shots"][0]["narration"].startswith(("Here is the", "This is the"))
    assert script["characters"] and script["items"] and script["scenes"][0]["description"] == "an island"


def test_an_own_format_is_named_with_the_others_where_a_format_is_misspelt(ask: Ask, tmp_path: Path) -> None:
    folder_with(tmp_path, travel_film=TRAVEL)
    code, out, err = ask("plan", "An island", "--format", "travel_flim")
    assert code == 2 and out == "" and "persona_channel, travel_film, youtube_clone" in err
    assert ask("plan", "An island", "--format", "travel_film")[0] == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (TRAVEL + "colour: red\n", "unknown field `colour`"),
        (TRAVEL.replace("tone: a calm travel film in short sentences about places", "tone: 7"), "`$.tone`"),
        (TRAVEL.replace("framing: medium", "framing: huge"), "`$.beats[1].framing`"),
        (TRAVEL.replace("camera: hold", "camera: spin"), "`$.beats[2].camera`"),
        (TRAVEL.replace("name: walk", "name: arrival"), "beats[1].name 'arrival'"),
        (TRAVEL.replace("name: walk, purpose: show what can be seen", "name: walk, purpose: ' '"), "beats[1].purpose"),
        (TRAVEL.replace("name: walk,", "name: walk, weight: 0,"), "beats[1].weight is 0"),
        (TRAVEL.replace("pause: [0.2, 0.8]", "pause: [0.8, 0.2]"), "pacing.pause is 0.8 to 0.2"),
        (TRAVEL.replace("shot_seconds: 3.0", "shot_seconds: 0"), "pacing.shot_seconds is 0"),
        (TRAVEL.replace("default_seconds: 10", "default_seconds: 3"), "pacing.default_seconds is 3"),
        (TRAVEL.replace('"#2a9d8f"', "green"), "overlays.accent is 'green'"),
        (TRAVEL.replace("tempo: 80", "tempo: 500"), "music.tempo is 500"),
        (TRAVEL.replace("captions: {look: box}", "captions: {look: sung}"), "`$.captions.look`"),
        (TRAVEL.replace("title: Travel film\n", ""), "missing required field `title`"),
        ("name: other\n" + TRAVEL, "without name"),
        ("[1, 2]", "a mapping of fields"),
        ("title: [", "cannot be read as YAML"),
        ("a: &a [*a]", "unknown field `a`"),
        ("!!python/object:os.system {}", "cannot be read as YAML"),
    ],
)
def test_a_bad_format_is_refused_with_file_and_field(tmp_path: Path, wrong: str, said: str) -> None:
    folder = folder_with(tmp_path, mine=wrong)
    with pytest.raises(BadRequest) as refused:
        load_format("mine", folder)
    assert refused.value.message.startswith(f"format: {folder / 'mine.yaml'}") and said in refused.value.message


def test_an_own_format_takes_no_name_of_those_that_come_along_and_one_that_can_be_typed(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"ad_spot": TRAVEL, "My Format": TRAVEL})
    with pytest.raises(BadRequest, match="has the name of a format that comes along"):
        load_format("ad_spot", folder)
    with pytest.raises(BadRequest, match="name it in small letters"):
        load_format("My Format", folder)
    assert load_format("news_analysis", folder) == load_format("news_analysis")


def test_formats_that_come_along_are_told_apart_by_what_is_seen_and_by_what_is_heard() -> None:
    formats = [load_format(name) for name in format_names()]
    for one, other in itertools.combinations(formats, 2):
        seen = [
            (f.look, f.captions, f.overlays, [(b.framing, b.camera, b.shows) for b in f.beats], f.one_set)
            for f in (one, other)
        ]
        heard = [(f.tone, f.music, f.pacing, f.first_person, f.narration, f.voices) for f in (one, other)]
        assert sum(a != b for a, b in zip(*seen, strict=True)) >= 4, (one.name, other.name)
        assert sum(a != b for a, b in zip(*heard, strict=True)) >= 3, (one.name, other.name)


@pytest.mark.parametrize("name", format_names())
def test_every_format_has_a_page_whose_table_is_true(root: Path, name: str) -> None:
    page = (root / "docs" / "formats" / f"{name}.md").read_text(encoding="utf-8")
    rows = [tuple(row.strip("| ").split(" | ")) for row in page.splitlines() if row.startswith("| ")][1:]
    assert rows == [(beat.name, beat.purpose, beat.framing, beat.camera) for beat in load_format(name).beats]
    assert f"]({name}.md)" in (root / "docs" / "formats" / "README.md").read_text(encoding="utf-8")


def test_the_example_of_the_docs_is_a_format(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "formats" / "README.md").read_text(encoding="utf-8")
    folder = folder_with(tmp_path, travel_film=page.split("```yaml\n")[1].split("```")[0])
    assert load_format("travel_film", folder).beats[1].weight == 2


def test_a_chapters_card_bears_the_title_that_its_chapter_has_in_the_file() -> None:
    fmt, script = load_format("youtube_clone"), script_of("hook", "chapter one", "chapter two")
    cards = [_chapter(number, script, fmt) for number in range(3)]
    assert cards == [None, ("1", "The basics"), ("2", "How it works")]
