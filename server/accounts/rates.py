"""Rates as settings spell them: `10/min`, `5/s`, `1000/hour`. Knows nothing of who is limited."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.errors import BadSetting

SECONDS: dict[str, int] = {
    **dict.fromkeys(("s", "sec", "second"), 1),
    **dict.fromkeys(("m", "min", "minute"), 60),
    **dict.fromkeys(("h", "hour"), 3600),
    **dict.fromkeys(("d", "day"), 86_400),
}
SPELT = re.compile(rf"\s*([0-9]{{1,9}})\s*/\s*({'|'.join(SECONDS)})\s*", re.IGNORECASE)


class Rate(NamedTuple):
    """`amount` at once, and as many again in each period of `seconds`, evenly."""

    amount: int
    seconds: int


def parse_rate(text: str, setting: str) -> Rate:
    """Raises `BadSetting` naming the `setting`."""
    spelt = SPELT.fullmatch(text)
    if spelt is None or int(spelt[1]) == 0:
        raise BadSetting(f"{setting} is {text!r}, which is no rate such as 10/min, 5/s or 1000/hour.")
    return Rate(int(spelt[1]), SECONDS[spelt[2].lower()])
