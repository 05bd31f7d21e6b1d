"""Time of day, weather and light, as the words of a text tell them. The vocabularies are those that artists know."""

from __future__ import annotations

import re

TIMES = ("dawn", "morning", "day", "afternoon", "sunset", "dusk", "night")
LIGHTS = {
    "dawn": ("soft pink light", "pale early light"),
    "morning": ("fresh morning light", "soft golden light"),
    "day": ("bright daylight", "warm sunlight"),
    "afternoon": ("warm slanting light", "bright daylight"),
    "sunset": ("golden light", "warm orange glow"),
    "dusk": ("soft blue light", "fading light"),
    "night": ("moonlight", "starlight", "lantern light"),
}
DULL = {"rain": "grey light", "storm": "dark stormy light", "fog": "pale diffuse light", "snow": "cold white light"}
SAID: dict[str, str] = {
    "dawn": r"dawn|sunrise|first light|daybreak",
    "morning": r"mornings?|breakfast",
    "afternoon": r"afternoons?|noon|lunch",
    "sunset": r"sunsets?|setting sun",
    "dusk": r"dusk|evenings?|twilight",
    "night": r"nights?|midnight|tonight|moonlight|moonlit|stars?|starry|stargazer|fireflies|firefly|neon|"
    r"(?:in|of|after|through) (?:the )?dark(?! side)|darkness|bedtime",
    "day": r"daylight|noon|sunny|sunlight|sunshine",
    "rain": r"rain|rains|rainy|raining|umbrella",
    "snow": r"snow|snowy|snowing|snowman|winter|frozen|ice",
    "storm": r"storms?|stormy|thunder|lightning",
    "fog": r"fog|foggy|mist|misty",
    "wind": r"winds?|windy|kites?|sail|sails",
    "cloudy": r"clouds?|cloudy|grey sky",
    "clear": r"clear sky|sunny|sunshine|starry|stars?",
}


def time_in(text: str) -> str:
    """The time of day that `text` names, "" if none."""
    return _said(text, TIMES)


def weather_in(text: str) -> str:
    """The weather that `text` names, "" if none."""
    return _said(text, ("storm", "snow", "rain", "fog", "wind", "cloudy", "clear"))


def light_of(time: str, weather: str, choice: int) -> str:
    """Light that goes with a time and a weather; `choice` picks among several."""
    if time != "night" and weather in DULL:
        return DULL[weather]
    lights = LIGHTS.get(time, ("natural light",))
    return lights[choice % len(lights)]


def _said(text: str, among: tuple[str, ...]) -> str:
    lower = text.lower()
    found = [(match.start(), word) for word in among if (match := re.search(rf"\b(?:{SAID[word]})\b", lower))]
    return min(found)[1] if found else ""
