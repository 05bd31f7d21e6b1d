"""How words are to be said: three levels of entries, looked up once, in any script."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.errors import BadRequest
from engine.requests import check_request
from engine.speaking import spoken_text
from engine.speaking.lexicon import (
    MAX_ENTRIES,
    Lexicon,
    check_lexicon,
    join_lexicons,
    read_lexicon,
    site_lexicon,
)
from engine.types import StoryRequest


def said(line: str, **entries: str) -> str:
    return spoken_text(line, "en", Lexicon(check_lexicon(entries))).text


def test_whole_words_are_found_whatever_stands_beside_them() -> None:
    assert said('"Nguyen," Nguyen\'s cat-Nguyen.', Nguyen="win") == '"win," win\'s cat-win.'
    assert said("Nguyens and aNguyen stay.", Nguyen="win") == "Nguyens and aNguyen stay."


def test_case_does_not_matter_unless_a_capital_is_inside() -> None:
    assert said("SIOBHAN and siobhan", Siobhan="shivawn") == "shivawn and shivawn"
    assert said("IT is it, and It.", IT="eye tee") == "eye tee is it, and It."
    assert said("the iOS of an ios", iOS="eye oh ess") == "the eye oh ess of an ios"


def test_entries_work_in_any_script_also_where_no_blank_divides_words() -> None:
    assert spoken_text("Это Ёлкин.", "ru", Lexicon({"ёлкин": "йолкин"})).text == "Это йолкин."
    assert spoken_text("私は東京に行く", "ja", Lexicon({"東京": "とうきょう"})).text == "私はとうきょうに行く"
    assert said("Straße STRASSE", straße="shtrahssuh") == "shtrahssuh shtrahssuh"
    assert said("cafe\u0301", café="kaffay") == "kaffay"


def test_the_longest_entry_wins_and_may_be_several_words() -> None:
    entries = Lexicon({"New York": "noo york", "York": "yawk", "New York City": "the city"})
    reading = spoken_text("In New York City, New York or York?", "en", entries)
    assert reading.text == "In the city, noo york or yawk?"
    assert [word.written for word in reading.words] == ["In", "New", "York", "City,", "New", "York", "or", "York?"]


def test_no_entry_is_applied_to_what_an_entry_says() -> None:
    assert said("Ping pong", ping="pong", pong="ping") == "pong ping"
    assert said("Ana", Ana="Ana Ana") == "Ana Ana"


def test_letters_of_regular_expressions_are_letters() -> None:
    assert (
        said("C++ and a.b or (x", **{"C++": "see plus plus", "a.b": "ay dot bee"})
        == "see plus plus and ay dot bee or (x"
    )
    assert said("axb", **{"a.b": "no"}) == "axb"


def test_an_entry_comes_before_all_rules_and_its_figures_are_read_out() -> None:
    assert (
        said("Chapter 9:30 at 5 km", **{"9:30": "half past nine", "km": "clicks"})
        == "Chapter half past nine at five clicks"
    )
    assert said("K9", K9="K 9") == "K nine"


def test_ipa_between_slashes_is_kept_apart() -> None:
    reading = spoken_text("The Tolkien, 9:30 Tolkien's.", "en", Lexicon({"Tolkien": "/ˈtɒlkiːn/"}))
    assert reading.text == "The Tolkien, nine thirty Tolkien's."
    assert reading.sounds == {1: "ˈtɒlkiːn", 4: "ˈtɒlkiːn"}


def test_later_levels_win() -> None:
    assert join_lexicons([{"Ana": "1", "Bo": "2"}, {"ana": "3"}, {"IT": "4", "it": "5"}]) == {
        "ana": "3",
        "Bo": "2",
        "IT": "4",
        "it": "5",
    }


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([], "must map words to respellings"),
        ({"Ana": "<b>ahna</b>"}, "holds markup"),
        ({"<speak>": "x"}, "holds markup"),
        ({"Ana": '<phoneme ph="x"/>'}, "holds markup"),
        ({"Ana": ""}, "has no letter"),
        ({"": "x"}, "has no letter"),
        ({"!!": "x"}, "has no letter"),
        ({"Ana": "/x"}, "is not IPA between two slashes"),
        ({"Ana": "//"}, "has no letter"),
        ({"Ana": 3}, "must be text"),
        ({"Ana": None}, "must be text"),
        ({"Ana": {"a": "b"}}, "must be text"),
        ({"Ana": "a\0b"}, "control character"),
        ({"a" * 101: "x"}, "101 characters"),
        ({"Ana": "x" * 201}, "201 characters"),
        ({"Ana": "x", "ana": "y"}, "are the same word"),
        ({f"w{i}": "x" for i in range(MAX_ENTRIES + 1)}, "10001 entries"),
    ],
)  # fmt: skip
def test_what_is_no_lexicon_is_refused_in_a_sentence(entries: object, complaint: str) -> None:
    with pytest.raises(BadRequest, match=complaint):
        check_lexicon(entries)


def test_ten_thousand_entries_are_looked_up_as_one() -> None:
    entries = Lexicon(check_lexicon({f"word{i}": f"said{chr(97 + i % 26)}" for i in range(MAX_ENTRIES)}))
    line = " ".join(f"word{i}" for i in range(200))
    assert spoken_text(line, "en", entries).text.split()[:3] == ["saida", "saidb", "saidc"]


def test_a_file_is_read_as_text_only(tmp_path: Path) -> None:
    file = tmp_path / "lexicon.yaml"
    file.write_text("no: noh\n3: tree\nNguyen: win\n", encoding="utf-8")
    assert read_lexicon(file) == {"no": "noh", "3": "tree", "Nguyen": "win"}
    file.write_text("", encoding="utf-8")
    assert read_lexicon(file) == {}
    for text, complaint in (
        ("Ana: a\nAna: b\n", "'Ana' twice"),
        ("- Ana\n", "must map"),
        ("a: [\n", "not YAML"),
        ("a: !!python/object/apply:os.system [x]\n", "not YAML"),
        ("a: &x b\nc: [*x, *x]\n", "must be text"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(BadRequest, match=complaint):
            read_lexicon(file)
    with pytest.raises(BadRequest, match="cannot be read"):
        read_lexicon(tmp_path)


def test_the_machines_own_lexicon_is_a_file_in_its_home(tmp_path: Path) -> None:
    assert site_lexicon(tmp_path) == {}
    (tmp_path / "lexicon.yaml").write_text("Nguyen: win", encoding="utf-8")
    assert site_lexicon(tmp_path) == {"Nguyen": "win"}


def test_a_request_brings_its_own() -> None:
    request = check_request(StoryRequest(prompt="A fox", lexicon={" Nguyen ": "win "}))
    assert request.lexicon == {"Nguyen": "win"}
    with pytest.raises(BadRequest, match="markup"):
        check_request(msgspec.structs.replace(request, lexicon={"a": "<b>"}))
