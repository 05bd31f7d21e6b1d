"""Lines end where a reader would breathe: not between a word and what it belongs to."""

from __future__ import annotations

import pytest

from engine.phrases import BOUND, FREE, PARTED, PLAIN, WELCOME, break_prices
from engine.typeset import break_lines, joined


def price(text: str, locale: str = "en") -> float:
    """Of a break at the bar."""
    before, after = (part.split() for part in text.split("|"))
    return break_prices([*before, *after], locale)[len(before) - 1]


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "he saw the | dragon"),
        ("en", "he flew over | mountains"),
        ("en", "the wind had | turned"),
        ("en", "then Ada | Lovelace spoke"),
        ("en", "he flew 12 | miles"),
        ("en", "then Dr. | Watson came"),
        ("en-GB", "they | flew"),
        ("de", "sie sah den | Drachen"),
        ("de", "er flog über | Berge"),
        ("de-AT", "er hatte | gelernt"),
        ("fr", "elle vit le | dragon"),
        ("fr", "il vola sur | Paris"),
        ("es", "vio al | dragón"),
        ("es", "voló hacia | casa"),
        ("it", "vide il | drago"),
        ("it", "volò verso | casa"),
        ("pt-BR", "viu o | dragão"),
        ("pt", "voou para | casa"),
        ("nl", "ze zag de | draak"),
        ("nl", "hij vloog over | bergen"),
        ("sv", "han flög 12 | mil"),
    ],
)
def test_what_belongs_together_is_not_parted(locale: str, text: str):
    assert price(text, locale) == BOUND


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "a young | knight"),
        ("en", "the beautiful | sea"),
        ("de", "ein junger | Ritter"),
        ("fr", "une vieille | tour"),
    ],
)
def test_an_adjective_stays_with_its_noun_if_it_can(locale: str, text: str):
    assert price(text, locale) == PARTED


def test_after_punctuation_a_break_is_free_and_before_a_conjunction_welcome():
    assert price("he came, | he saw") == price("He came. | He saw") == FREE
    assert price("he came | and saw") == WELCOME
    assert price("the dragon | slept") == PLAIN


def test_languages_without_a_list_break_between_any_words():
    assert price("smok uczy | rycerza", "pl") == PLAIN


def lines(text: str, limit: int = 42, locale: str = "en") -> list[str]:
    words = text.split()
    ranges = break_lines(words, limit, 2, prices=break_prices(words, locale)) or []
    return [joined(words[r.start : r.stop]) for r in ranges]


@pytest.mark.parametrize(
    ("locale", "text", "first"),
    [
        ("en", "The old dragon waited near the top of the mountain.", "The old dragon waited"),
        ("en", "She asked the young knight whether he would like to learn.", "She asked the young knight"),
        ("de", "Der alte Drache wartete auf dem Gipfel des hohen Berges.", "Der alte Drache wartete"),
        ("fr", "Le vieux dragon attendait au sommet de la montagne.", "Le vieux dragon attendait"),
    ],
)
def test_lines_break_between_phrases_the_lower_one_rather_longer(locale: str, text: str, first: str):
    assert lines(text, locale=locale)[0] == first
