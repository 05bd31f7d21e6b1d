"""A chart is drawn only of numbers that the text itself labels; whatever could be read otherwise makes none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.figures import Chart, find_chart, mentions

SURE = {
    "Sales rose from 3 million in 2020 to 5 million in 2023.": (
        "line", "Sales", [("2020", 3e6, "3 million"), ("2023", 5e6, "5 million")],
    ),
    "In 2019 the harbour handled 950,000 tonnes in 2019 and 1,200,000 tonnes in 2024": (
        "line", "", [("2019", 950_000, "950,000"), ("2024", 1_200_000, "1,200,000")],
    ),
    "Unemployment fell from 8.5 % to 4 % between 2015 and 2025.": (
        "line", "Unemployment", [("2015", 8.5, "8.5 %"), ("2025", 4, "4 %")],
    ),
    "The price was $2 in 2021, $3 in 2022 and $4.5 in 2023.": (
        "line", "Price", [("2021", 2, "$2"), ("2022", 3, "$3"), ("2023", 4.5, "$4.5")],
    ),
    "The shelter holds 40 % cats, 35 % dogs and 25 % birds.": (
        "bars", "", [("cats", 40, "40 %"), ("dogs", 35, "35 %"), ("birds", 25, "25 %")],
    ),
    "Pets in town: 40% cats, 35% dogs": ("bars", "Pets in town", [("cats", 40, "40 %"), ("dogs", 35, "35 %")]),
    "Visitors: Berlin (12), Paris (8), Rome (5)": (
        "bars", "Visitors", [("Berlin", 12, "12"), ("Paris", 8, "8"), ("Rome", 5, "5")],
    ),
    "The council voted 7 to 2 for a new bridge.": ("bars", "Vote", [("For", 7, "7"), ("Against", 2, "2")]),
    "The city council of Riverton voted 7 to 2 on Tuesday to close the old bridge from 3 May.": (
        "bars", "Vote", [("For", 7, "7"), ("Against", 2, "2")],
    ),
    "The board voted 5-4 late on Monday night against the merger.": (
        "bars", "Vote", [("Against", 5, "5"), ("For", 4, "4")],
    ),
    "The council rejected the plan by 7 to 2.": ("bars", "Vote", [("Against", 7, "7"), ("For", 2, "2")]),
    "Lindau beat Bregenz 3 to 1 on Sunday.": ("bars", "", [("Lindau", 3, "3"), ("Bregenz", 1, "1")]),
    "Im Tierheim sind 40 % Katzen, 35 % Hunde und 25 % Vögel.": (
        "bars", "", [("Katzen", 40, "40 %"), ("Hunde", 35, "35 %"), ("Vögel", 25, "25 %")],
    ),
}  # fmt: skip

UNSURE = [
    "",
    "A dragon teaches a young knight how to fly",
    "The shop is open 7 to 2.",
    "It lasted from 2010 to 2020.",
    "She is 7 and he is 2.",
    "There were 3 days, 2 nights and 5 people.",
    "Sales rose from 3 in 2020 to 5 million in 2023.",
    "Sales were 3 million dollars in 2020 and 5 million tonnes in 2023.",
    "Sales were 1.500 in 2020 and 2.000 in 2021.",
    "Sales were 3 in 2020 and 4 in 2020.",
    "Sales rose by 40 % in 2020.",
    "Prices rose 40 % and wages 10 million.",
    "80 % like it and 70 % like it",
    "80 % cats, 70 % dogs",
    "The council voted 7 to 2.",
    "The council voted 7 to 2 on Tuesday.",
    "The council voted 7 to 2 on Tuesday after the close.",
    "The council voted 7 to 2 for it; the senate voted 5 to 4 against it.",
    "Call 555-1234 or 7:2 or 1/2.",
    "The ratio is 7 to 2.",
    "He wrote book 5 in 2020 and book 7 in 2023.",
    "Version 2.0 in 2020, version 3.1.4 in 2021",
]


@pytest.mark.parametrize("text", SURE)
def test_labelled_numbers_become_a_chart(text: str):
    kind, title, points = SURE[text]
    chart = find_chart(text)
    assert chart is not None
    assert (chart.kind, chart.title) == (kind, title)
    assert [(point.label, point.value, point.shown) for point in chart.points] == points


@pytest.mark.parametrize("text", UNSURE)
def test_what_is_not_sure_makes_none(text: str):
    assert find_chart(text) is None


def stands_in(chart: Chart, text: str) -> bool:
    digits = [re.sub(r"[^\d.,]", "", point.shown) for point in chart.points]
    return all(number and number in text for number in digits)


WORDS = st.sampled_from(
    "sales rose fell from to in by and between of % , . : ( ) cats dogs voted for against beat Lindau Bregenz million "
    "thousand 2 3 7 12 40 35 2019 2020 2023 1,500 3.5 1.500 $4 percent".split()
)


@settings(max_examples=400, deadline=None)
@given(st.lists(WORDS, max_size=24))
def test_no_value_is_ever_invented(words: list[str]):
    text = " ".join(words)
    chart = find_chart(text)
    assert chart is None or (stands_in(chart, text) and 2 <= len(chart.points) <= 6)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read(text: str):
    chart = find_chart(text)
    assert chart is None or stands_in(chart, " ".join(text.split()))


def test_a_line_speaks_of_a_chart_when_it_says_one_of_its_numbers():
    chart = find_chart("Sales rose from 3 million in 2020 to 5 million in 2023.")
    assert chart is not None
    assert mentions("They sold 5 million of them.", chart)
    assert not mentions("They sold 53 million of them in a good year.", chart)
    assert not mentions("In 2023 they were glad.", chart)
