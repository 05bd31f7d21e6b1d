"""What cannot be done is refused in one sentence that names cause and remedy, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.bench_rig import bench_catalog
from engine.cli import build_app, run
from engine.delivery import check_out, check_space, default_out, deliver
from engine.errors import BadRequest, StorageFull, StorageUnwritable
from engine.media import probe
from server.settings import Settings
from tests.command_line import CommandLine, document


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Ask = Callable[..., Answer]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Ask]:
    """Run one command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("REELHOUSE_PROFILE", "bench")

    def asking(*arguments: str) -> Answer:
        code = run(build_app(Settings, lambda: bench_catalog(short_side=96, fps=12)), arguments)
        out, err = capfd.readouterr()
        return Answer(code, out, err)

    yield asking


def check_refused(answer: Answer, said: str, code: int = 2) -> None:
    assert answer.code == code, answer.err
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["make", ""], "prompt: it is empty"),
        (["make", " \t\n "], "prompt: it is empty"),
        (["make", "x" * 5001], "prompt: it has 5001 characters, 5000 at most"),
        (["make", "half \udce2 done"], "prompt: it holds half a character"),
        (["make", "a", "--title", "\ud83d"], "title: it holds half a character"),
        (["make", "a", "--negative", "\ud83d"], "negative: it holds half a character"),
        (["make", "a", "--style", "x" * 201], "style: it has 201"),
        (["make", "a", "--profile", "gpu-9000"], "profile: 'gpu-9000' is not one of auto, tiny, cpu"),
        (["make", "a", "--format", "opera"], "format: 'opera' is not one of"),
        (["make", "a", "--format", "../../etc/passwd"], "format: '../../etc/passwd' is not one of"),
        (["make", "a", "--aspect", "2:1"], "aspect: '2:1' is not one of 16:9"),
        (["make", "a", "--locale", "fr"], "locale: no installed voice speaks 'fr'; noop-narrator speaks en"),
        (["make", "a", "--locale", "../x"], "locale: '../x' is not a language tag"),
        (["make", "a", "--voice", "nobody"], "voice: 'nobody' is not a voice of noop-narrator; it has hum"),
        (["make", "a", "--seconds", "-4"], "seconds: -4 is not a length from 5 to 600"),
        (["make", "a", "--seconds", "nan"], "seconds: nan is not a length"),
        (["make", "a", "--seconds", "inf"], "seconds: inf is not a length"),
        (["make", "a", "--seconds", "1e9"], "seconds: 1e+09 is not a length"),
        (["make", "a", "--seconds", "soon"], "--seconds"),
        (["make", "a", "--seconds", "20", "--format", "ad_spot"], "lasts 15 or 30 seconds, not 20"),
        (["make", "a", "--shots", "0"], "shots: 0 is not a number"),
        (["make", "a", "--seed", "-1"], "seed: -1 is not a number"),
        (["make", "a", "--captions", "sung"], "--captions"),
        (["make", "a", "--use", "world domination"], "--use"),
        (["make", "a", "--shotz", "3"], "--shots"),
        (["make"], "prompt: it is missing"),
        (["make", "a", "--out", "."], "out: "),
        (["make", "a", "--out", "film.avi"], "name it film.mp4"),
        (["make", "a", "--out", "film"], "name it film.mp4"),
        (["make", "a", "--out", "nowhere/film.mp4"], "is not there: make it first"),
        (["make", "a", "--out", "/proc/film.mp4"], "out: /proc/film.mp4 cannot be written"),
        (["make", "a", "--script", "no-such.json"], "no-such.json"),
        (["plan", "a", "--script", "."], "script"),
        (["fly"], "fly"),
        (["models", "verify", "nonsense"], "no model is called 'nonsense'"),
        (["bench", "--only", "R99"], "only: 'R99' is not one of G1"),
        (["doctor", "--profile", "nope"], "profile: 'nope' is not one of"),
    ],
)
def test_it_is_refused_naming_what_is_wrong(ask: Ask, tmp_path: Path, arguments: list[str], said: str) -> None:
    check_refused(ask(*arguments), said)
    assert list(tmp_path.rglob("*.mp4")) == []
    assert not (tmp_path / "home" / "logs").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b'{"title": "T"}',
        b'{"title": "T", "shots": []}',
        b'{"title": "T", "shots": [{"narration": 7}]}',
        b'{"title": "T", "shotz": [{"narration": "x"}]}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_script_is_refused(ask: Ask, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "script.json").write_bytes(content)
    check_refused(ask("make", "a", "--script", "script.json", "--out", "film.mp4"), "script")


def test_with_json_an_error_is_the_one_document_on_stdout(ask: Ask) -> None:
    answer = ask("make", "a", "--aspect", "2:1", "--json")
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["code"] == "bad_request"


def test_an_unknown_setting_is_refused_with_the_nearest(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELHOUSE_PROFIEL", "cpu")
    check_refused(ask("make", "a"), "did you mean REELHOUSE_PROFILE")
    assert ask("make", "--help").code == 0


def test_missing_weights_are_named_with_the_command_that_brings_them(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text('{"title": "T", "shots": [{"narration": "One line."}]}')
    answer = ask("make", "a", "--script", "script.json", "--profile", "tiny", "--out", "film.mp4")
    assert answer.code == 1
    assert "reelhouse models build" in answer.err.splitlines()[-1]
    assert "Traceback" not in answer.err
    assert not (tmp_path / "film.mp4").exists()


def test_a_work_folder_that_is_a_file_is_refused(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "w").write_text("")
    check_refused(ask("make", "a", "--work", "w", "--out", "film.mp4"), "choose another place", code=1)


def test_a_home_that_cannot_be_written_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELHOUSE_HOME", "/proc/reelhouse")
    assert ask("make", "a", "--out", "film.mp4").code == 1


def test_markup_and_right_to_left_text_are_shown_as_text(tmp_path: Path) -> None:
    reelhouse = CommandLine(tmp_path)
    title = r"{\fs90} %{pts} ' : ] --> שלום"
    script = reelhouse.script((r"He said {\an8}<b>stop</b> --> 'now': [50%].", "مرحبا بالعالم، هذا فيلم.", "🦊🔥"))
    make = (
        "make",
        r"{\fs90} --> prompt",
        "--title",
        title,
        "--script",
        script,
        "--out",
        "film.mp4",
        "--work",
        "w",
        "--json",
    )
    done = reelhouse(*make, "--captions", "both")
    assert done.returncode == 0, done.stderr
    assert document(done)["title"] == title
    assert "שלום" in probe(tmp_path / "film.mp4").metadata["title"]


def test_a_film_that_would_fill_the_disk_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="free some space"):
        check_space({tmp_path / "not" / "there" / "yet": 2**60})


def test_two_places_on_one_disk_must_fit_together(tmp_path: Path) -> None:
    import shutil

    half = shutil.disk_usage(tmp_path).free * 2 // 3
    check_space({tmp_path: half})
    with pytest.raises(StorageFull):
        check_space({tmp_path / "a": half, tmp_path / "b": half})


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("The Lighthouse: by Night!", "the-lighthouse-by-night.mp4"),
        ("../../etc/passwd", "etc-passwd.mp4"),
        ("🦊🔥", "film.mp4"),
        ("Ночь в Москве", "ночь-в-москве.mp4"),
        ("word " * 50, "word-word-word-word-word-word-word-word.mp4"),
    ],
)
def test_without_out_the_film_is_named_after_its_prompt(tmp_path: Path, name: str, file: str) -> None:
    assert default_out(name, tmp_path) == tmp_path / file


def test_a_chosen_name_never_meets_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a-fox.mp4").write_text("")
    (tmp_path / "a-fox-2.mp4").write_text("")
    assert default_out("A fox", tmp_path).name == "a-fox-3.mp4"


def test_delivery_replaces_the_film_that_is_there_and_follows_links(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("new")
    (tmp_path / "real.mp4").write_text("old")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    deliver(tmp_path / "made", check_out(tmp_path / "link.mp4"))
    assert (tmp_path / "real.mp4").read_text() == "new"
    assert (tmp_path / "link.mp4").is_symlink()


def test_a_failed_delivery_leaves_the_old_film(tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    out.write_text("old")
    with pytest.raises((OSError, StorageUnwritable)):
        deliver(tmp_path / "missing", out)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_what_a_killed_run_left_beside_the_film_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".film.mp4.tmp-999999999-abc123").write_text("half")
    (tmp_path / ".film.mp4.tmp-1-abc123").write_text("of a run that lives")
    check_out(tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == [".film.mp4.tmp-1-abc123"]


def test_a_device_is_no_place_for_a_film(tmp_path: Path) -> None:
    (tmp_path / "null.mp4").symlink_to("/dev/null")
    with pytest.raises(BadRequest, match="no ordinary file"):
        check_out(tmp_path / "null.mp4")
