"""What is said of a written line, in seven languages, and which written word each spoken one belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelError
from engine.made import Word
from engine.speaking import spoken_text, written_words
from engine.speaking.language import FOLDER

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")

SAID = {
    "en": {
        "21 foxes": "twenty-one foxes",
        "1,234,567": "one million two hundred thirty-four thousand five hundred sixty-seven",
        "3.14": "three point one four",
        "1.50 m": "one point five zero meters",
        "-5": "minus five",
        "the 23rd": "the twenty-third",
        "3–5 days": "three to five days",
        "They won 3-1.": "They won three one.",
        "50%": "fifty percent",
        "3–5 %": "three to five percent",
        "$3.50,": "three dollars and fifty cents,",
        "€1,200": "one thousand two hundred euros",
        "£5m": "five million pounds",
        "$1.2 billion": "one point two billion dollars",
        "$0.01": "one cent",
        "CHF 20": "twenty francs",
        "3 May 2024": "the third of May twenty twenty-four",
        "May 3, 2024": "May third, twenty twenty-four",
        "on the 3 May": "on the third of May",
        "2024-05-03": "May third, twenty twenty-four",
        "05/03/2024": "May third, twenty twenty-four",
        "9:30": "nine thirty",
        "9:05 a.m.": "nine oh five AM.",
        "5 pm": "five PM",
        "5:00": "five o'clock",
        "1999": "nineteen ninety-nine",
        "the 1990s": "the nineteen nineties",
        "the '90s": "the nineties",
        "1914–1918": "nineteen fourteen to nineteen eighteen",
        "5 km": "five kilometers",
        "1 km": "one kilometer",
        "20 °C": "twenty degrees Celsius",
        "100 km/h": "one hundred kilometers per hour",
        "2½ cups": "two and a half cups",
        "Dr. Smith": "Doctor Smith",
        "St. Paul": "Saint Paul",
        "Baker St.": "Baker Street.",
        "e.g. foxes vs. owls": "for example foxes versus owls",
        "approx. 7": "approximately seven",
        "No. 5": "Number five",
        "No. I said no.": "No. I said no.",
        "555-1234": "five five five, one two three four",
        "007": "zero zero seven",
        "Henry VIII": "Henry the eighth",
        "World War II": "World War two",
        "Malcolm X": "Malcolm X",
        "Henry I saw": "Henry I saw",
        "MIX": "MIX",
        "COVID-19": "COVID-nineteen",
        "a.b@example.com": "a dot b at example dot com",
        "https://www.example.com/help.": "example dot com slash help.",
        "A & B": "A and B",
        "AT&T": "AT and T",
    },
    "en-GB": {
        "05/03/2024": "the fifth of March, twenty twenty-four",
        "5 km": "five kilometres",
        "£1.01": "one pound and one penny",
    },
    "de": {
        "21": "einundzwanzig",
        "3,5": "drei Komma fünf",
        "1.234": "eintausendzweihundertvierunddreißig",
        "Der 3. Platz": "Der dritte Platz",
        "am 3. Mai 2024": "am dritten Mai zweitausendvierundzwanzig",
        "05.03.2024": "fünfter März zweitausendvierundzwanzig",
        "vom 3.5. an": "vom dritten Mai an",
        "3–5 km": "drei bis fünf Kilometer",
        "50 %": "fünfzig Prozent",
        "3,50 €": "drei Euro fünfzig",
        "1 €": "ein Euro",
        "5 Mio. €": "fünf Millionen Euro",
        "9:30 Uhr": "neun Uhr dreißig",
        "9.30 Uhr": "neun Uhr dreißig",
        "1999": "neunzehnhundertneunundneunzig",
        "20 °C": "zwanzig Grad Celsius",
        "z. B. Dr. Meier": "zum Beispiel Doktor Meier",
        "Nr. 5": "Nummer fünf",
        "Ludwig XIV. war König.": "Ludwig der vierzehnte war König.",
        "Ich war 3. Dann kam er.": "Ich war drei. Dann kam er.",
    },
    "fr": {
        "21": "vingt-et-un",
        "3,5": "trois virgule cinq",
        "1 200 000": "un million deux cent mille",
        "le 1er mai 2024": "le premier mai deux mille vingt-quatre",
        "05/03/2024": "cinq mars deux mille vingt-quatre",
        "la 2e fois": "la deuxième fois",
        "3–5 km": "trois à cinq kilomètres",
        "3,50 €": "trois euros cinquante",
        "5 M€": "cinq millions d'euros",
        "9h30": "neuf heures trente",
        "21h": "vingt-et-une heures",
        "20 °C": "vingt degrés Celsius",
        "n° 5": "numéro cinq",
        "M. Dupont": "Monsieur Dupont",
        "Louis XIV": "Louis quatorze",
        "XIXe siècle": "dix-neuvième siècle",
    },
    "es": {
        "21 días": "veintiún días",
        "21 casas": "veintiuna casas",
        "3,5": "tres coma cinco",
        "el 3 de mayo de 2024": "el tres de mayo de dos mil veinticuatro",
        "05/03/2024": "cinco de marzo de dos mil veinticuatro",
        "3–5 km": "tres a cinco kilómetros",
        "50 %": "cincuenta por ciento",
        "3,50 €": "tres euros con cincuenta céntimos",
        "a las 9:30": "a las nueve y treinta",
        "siglo XIX": "siglo diecinueve",
        "Sr. López": "Señor López",
        "n.º 5": "número cinco",
        "2ª": "segunda",
    },
    "it": {
        "21": "ventuno",
        "3,5": "tre virgola cinque",
        "il 3 maggio 2024": "il tre maggio duemilaventiquattro",
        "3–5 km": "tre a cinque chilometri",
        "3,50 €": "tre euro e cinquanta",
        "alle 9:30": "alle nove e trenta",
        "XIX secolo": "diciannovesimo secolo",
        "Sig. Rossi": "Signor Rossi",
        "2º": "secondo",
    },
    "pt": {
        "2 casas": "duas casas",
        "3,5": "três vírgula cinco",
        "3 de maio de 2024": "três de maio de dois mil e vinte e quatro",
        "3–5 km": "três a cinco quilômetros",
        "3,50 €": "três euros e cinquenta cêntimos",
        "às 9h30": "às nove horas e trinta",
        "século XIX": "século dezenove",
        "Sr. Silva": "Senhor Silva",
        "nº 5": "número cinco",
    },
    "nl": {
        "21": "eenentwintig",
        "1 hond": "één hond",
        "3,5": "drie komma vijf",
        "3 mei 2024": "drie mei tweeduizendvierentwintig",
        "3–5 km": "drie tot vijf kilometer",
        "€ 3,50": "drie euro vijftig",
        "om 9.30 uur": "om negen uur dertig",
        "de 2e keer": "de tweede keer",
        "bijv. nr. 5": "bijvoorbeeld nummer vijf",
        "Willem II": "Willem de tweede",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "written", "said"), [(locale, *pair) for locale, pairs in SAID.items() for pair in pairs.items()]
)
def test_a_line_is_said_as_its_locale_says_it(locale: str, written: str, said: str) -> None:
    assert spoken_text(written, locale).text == said


def test_each_language_of_the_project_has_its_rules() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(LANGUAGES)


def test_every_written_word_keeps_what_is_said_for_it() -> None:
    reading = spoken_text("It cost $5 million on 3 May 2024.", "en")
    assert [(word.written, word.spoken) for word in reading.words] == [
        ("It", "It"),
        ("cost", "cost"),
        ("$5", "five"),
        ("million", "million dollars"),
        ("on", "on"),
        ("3", "the third of"),
        ("May", "May"),
        ("2024.", "twenty twenty-four."),
    ]


@pytest.mark.parametrize("locale", [*LANGUAGES, "ja", "sw"])
@given(text=st.text(st.sampled_from("0123456789.,:/-–%€$°CkmhIVXaMay e\u00a0\n'’&+#@"), max_size=40))
def test_whatever_is_written_every_word_is_still_there(locale: str, text: str) -> None:
    reading = spoken_text(text, locale)
    assert [word.written for word in reading.words] == text.split()
    assert reading.text.split() == [part for word in reading.words for part in word.spoken.split()]


def test_what_was_read_out_is_not_read_again() -> None:
    for locale, lines in SAID.items():
        for said in lines.values():
            assert spoken_text(said, locale).text == said


def test_figures_that_no_rule_has_words_for_stay_and_are_told() -> None:
    reading = spoken_text("R2D2 has 2 legs.", "en")
    assert (reading.text, reading.unread) == ("R2D2 has two legs.", ("R2D2",))
    reading = spoken_text("5 ghopDap", "tlh")
    assert (reading.text, reading.unread) == ("5 ghopDap", ("5",))


def test_a_language_without_rules_of_its_own_has_its_numbers_at_least() -> None:
    reading = spoken_text("Ona ma 5 lat, 3–5 km i 50%.", "pl")
    assert reading.text == "Ona ma pięć lat, trzy–pięć kilometrów i pięćdziesiąt procent."
    assert reading.unread == ()


def test_paragraphs_stay_apart() -> None:
    assert spoken_text("He left.\n\n At 9:30\nshe came.\n\n", "en").text == "He left.\n\nAt nine thirty she came."


def test_times_of_spoken_words_become_times_of_written_ones() -> None:
    reading = spoken_text("At 9:30 — go.", "en")
    heard = [Word(text=w, start=i, end=i + 1) for i, w in enumerate(reading.text.split())]
    assert [(w.text, w.start, w.end) for w in written_words(reading, heard)] == [
        ("At", 0, 1),
        ("9:30", 1, 3),
        ("—", 3, 4),
        ("go.", 4, 5),
    ]
    with pytest.raises(ModelError, match="4 words and was given 5"):
        written_words(reading, heard[:-1])
