"""An own script takes the writer's place; what is none is refused with the place of its fault."""

from pathlib import Path

import msgspec
import pytest

from engine.errors import BadScript
from engine.own_script import check_script, parse_script, read_script
from engine.types import Character
from tests.small_stories import small_script


def test_a_script_as_make_writes_it_is_read_back_unchanged(tmp_path: Path) -> None:
    script = small_script()
    (tmp_path / "script.json").write_bytes(msgspec.json.encode(script))
    assert read_script(tmp_path / "script.json") == script


def test_title_and_shots_are_enough() -> None:
    script = parse_script(b'{"title": "T", "shots": [{"narration": "One line."}]}', "s.json")
    assert script.scenes[0].description == "T"
    assert script.shots[0].camera is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", "not a script"),
        (b"[" * 100_000, "s.json is not"),
        (b'{"shots": [{"narration": "x"}]}', "title"),
        (b'{"title": " ", "shots": [{"narration": "x"}]}', "empty title"),
        (b'{"title": "T", "shots": []}', "0 shots, 1 to 200"),
        (b'{"title": "T", "shotz": []}', "shotz"),
        (b'{"title": "T", "shots": [{"narration": 7}]}', r"shots\[0\]|\$.shots"),
        (b'{"title": "T", "shots": [{"narration": "x", "camera": "fly"}]}', "camera"),
        (b'{"title": "T", "shots": [{"narration": "x"}, {"narration": "y", "scene": 1}]}', r"shots\[1\].scene is 1"),
        (b'{"title": "T", "shots": [{"narration": "x", "scene": -1}]}', r"shots\[0\].scene is -1"),
        (b'{"title": "T", "shots": [{}]}', "neither narration nor visual"),
        (b'{"title": "T", "characters": [{"name": "A"}], "shots": [{"narration": "x", "speaker": "B"}]}', "are A"),
        (b'{"title": "T", "shots": [{"narration": "' + b"x" * 1001 + b'"}]}', "1001 characters, 1000 at most"),
        (b'{"title": "T\\u0000", "shots": [{"narration": "x"}]}', "NUL"),
    ],
)
def test_what_is_no_script_is_refused_naming_what_is_wrong(data: bytes, said: str) -> None:
    with pytest.raises(BadScript, match=said):
        parse_script(data, "s.json")


def test_a_file_that_is_missing_a_folder_or_huge_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(BadScript, match="cannot be read"):
            read_script(path)
    (tmp_path / "huge.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(BadScript, match="larger than"):
        read_script(tmp_path / "huge.json")


def test_half_a_character_is_refused() -> None:
    with pytest.raises(BadScript, match="surrogate"):
        check_script(msgspec.structs.replace(small_script(), title="half \ud83d"))


@pytest.mark.parametrize(("one", "other"), [("Mira", "Mira"), ("Mira", " MIRA "), ("Zoé", "zoe\u0301")])
def test_two_speakers_of_one_name_are_refused(one: str, other: str) -> None:
    script = msgspec.structs.replace(small_script(), characters=(Character(name=one), Character(name=other)))
    with pytest.raises(BadScript, match=r"characters\[1\].name .* again"):
        check_script(script)


def test_somebody_without_a_name_is_refused() -> None:
    with pytest.raises(BadScript, match=r"characters\[0\].name is empty"):
        check_script(msgspec.structs.replace(small_script(), characters=(Character(name=" "),)))
