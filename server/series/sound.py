"""How a series sounds: which voice its characters have, and how words are said in it. Knows no picture and no HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.clock import now
from server.errors import BadInput
from server.ids import prefixed
from server.series.models import Series, SeriesCharacter
from server.series.service import read_name


class Sound(NamedTuple):
    """`voices` by character's name; `lexicon` respellings by word."""

    voices: dict[str, str]
    lexicon: dict[str, str]


def sound_of(session: Session, series_id: str) -> Sound:
    """Nothing of both where the series is no more."""
    series = session.get(Series, series_id)
    if series is None:
        return Sound({}, {})
    found = select(SeriesCharacter.name, SeriesCharacter.voice).where(
        SeriesCharacter.series_id == series_id, SeriesCharacter.voice.is_not(None)
    )
    return Sound({name: voice for name, voice in session.execute(found) if voice}, series.lexicon)


def keep_voices(session: Session, series_id: str, voices: Mapping[str, str]) -> None:
    """The first voice that a character speaks with is theirs in the series from then on; who is new there is added."""
    if session.get(Series, series_id) is None:
        return
    for name, voice in voices.items():
        try:
            name, key = read_name(name)
        except BadInput:
            continue  # no name that a series can keep, such as one of several lines
        known = select(SeriesCharacter).where(SeriesCharacter.series_id == series_id, SeriesCharacter.key == key)
        row = session.scalar(known)
        if row is not None:
            row.voice = row.voice or voice
            continue
        # Another story of the series may name the same character at this moment: then theirs was first.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.add(
                SeriesCharacter(
                    id=prefixed("char"), series_id=series_id, name=name, key=key, voice=voice, created_at=now()
                )
            )
            session.flush()
