"""What is shown large is what was said, whole, and only where somebody said it."""

from __future__ import annotations

import pytest

from engine.quotes import LONGEST, quoted, spoken

SAID = "We will build it together"


@pytest.mark.parametrize("marks", ["“”", "„“", "«»", "»«", '""', "「」"])
def test_words_in_quotation_marks_are_found_in_any_manner_of_writing_them(marks: str):
    assert quoted(f"The mayor said: {marks[0]}{SAID}.{marks[1]} Then she left.") == f"{SAID}."


NO_QUOTES = (
    "The mayor left.",
    "It's a dog's life, isn't it",
    "She read “Dune”.",
    "He said “no way” twice.",
    "“" + "word " * 60 + "”",
    "“open and never closed",
)


@pytest.mark.parametrize("line", NO_QUOTES)
def test_names_fragments_and_apostrophes_are_no_quotes(line: str):
    assert quoted(line) == ""


def test_what_somebody_says_is_shown_in_whole_sentences():
    assert spoken(f"{SAID}. It is good.") == f"{SAID}. It is good."
    long = f"{SAID}. " + "And then some more words follow that nobody could read in time " * 3 + "."
    assert spoken(long) == f"{SAID}."
    assert spoken("word " * 100) == ""
    assert spoken("Yes.") == ""


def test_east_asian_letters_count_two():
    said = "私たちは一緒に橋を架けます。"
    assert spoken(said) == said
    assert spoken("私" * (LONGEST // 2 + 1)) == ""
