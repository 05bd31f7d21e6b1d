"""/series: series of the caller and the characters in them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from server.accounts.caller import Caller
from server.api.origin import base_url
from server.api.v1.paging import USUALLY_PER_PAGE, Limit, Page
from server.api.v1.structs import Deleted, Given, Many, PageOf, Taken, pagination
from server.clock import iso
from server.media.library import urls_of
from server.place import Place
from server.series import service

Title = Annotated[str, Meta(min_length=1, max_length=service.LONGEST)]


Lexicon = Annotated[dict[str, str], Meta(description="How words are said in its stories: a respelling by word.")]


class SeriesBody(Taken, frozen=True):
    """`title`: one line of 1 to 200 characters."""

    title: Title
    lexicon: Lexicon | None = None


class SeriesChange(Taken, frozen=True):
    """What is absent stays. `lexicon` takes the place of the one before; an empty one removes it."""

    title: Title | None = None
    lexicon: Lexicon | None = None


class SeriesCountsAnswer(Given, frozen=True):
    characters: int
    stories: int


class SeriesAnswer(Given, frozen=True):
    """`title` is empty for a series that came to be with its first character."""

    id: str
    title: str
    counts: SeriesCountsAnswer
    created_at: str


class OneSeriesAnswer(SeriesAnswer, frozen=True):
    """With how words are said in its stories."""

    lexicon: dict[str, str]


class SeriesCharacterAnswer(Given, frozen=True):
    """`voice_name` is what they speak with in every story, null until they have spoken."""

    id: str
    series_id: str
    character_name: str
    image_url: str | None
    voice_name: str | None
    created_at: str


@get("/series", opt={"access": "stories:read"}, sync_to_thread=True)
def list_series(
    place: NamedDependency[Place], caller: NamedDependency[Caller], page: Page = 1, limit: Limit = USUALLY_PER_PAGE
) -> PageOf[SeriesAnswer]:
    """The caller's series, newest first."""
    with place.db.reading() as session:
        rows, total = service.list_series(session, caller.user_id, page, limit)
    return PageOf(data=[_spell(row) for row in rows], pagination=pagination(page, limit, total))


@post("/series", opt={"access": "stories:generate"}, sync_to_thread=True)
def create_series(
    place: NamedDependency[Place], caller: NamedDependency[Caller], data: JSONBody[SeriesBody]
) -> OneSeriesAnswer:
    """A new series, without characters."""
    series = service.create_series(place, caller.user_id, data.title, data.lexicon)
    return _spell_one(service.SeriesCounts(series, 0, 0))


@get("/series/{series_id:str}", opt={"access": "stories:read"}, sync_to_thread=True)
def get_series(
    place: NamedDependency[Place], caller: NamedDependency[Caller], series_id: FromPath[str]
) -> OneSeriesAnswer:
    """One series."""
    with place.db.reading() as session:
        return _spell_one(service.count_series(session, caller.user_id, series_id))


@patch("/series/{series_id:str}", opt={"access": "stories:generate"}, sync_to_thread=True)
def change_series(
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    series_id: FromPath[str],
    data: JSONBody[SeriesChange],
) -> OneSeriesAnswer:
    """Give a series another title or lexicon."""
    return _spell_one(service.change_series(place, caller.user_id, series_id, title=data.title, lexicon=data.lexicon))


@delete("/series/{series_id:str}", status_code=200, opt={"access": "stories:generate"}, sync_to_thread=True)
def delete_series(place: NamedDependency[Place], caller: NamedDependency[Caller], series_id: FromPath[str]) -> Deleted:
    """Remove a series with its characters and their pictures. Its stories stay."""
    service.delete_series(place, caller.user_id, series_id)
    return Deleted(id=series_id)


@get("/series/{series_id:str}/characters", opt={"access": "stories:read"}, sync_to_thread=True)
def list_series_characters(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    series_id: FromPath[str],
) -> Many[SeriesCharacterAnswer]:
    """The characters of a series, in the order in which they came."""
    with place.db.reading() as session:
        service.find_series(session, caller.user_id, series_id)
        rows = service.characters(session, series_id)
        urls = urls_of(session, base_url(request, place.settings), [row.image_id for row in rows])
    return Many(
        data=[
            SeriesCharacterAnswer(
                id=row.id,
                series_id=row.series_id,
                character_name=row.name,
                image_url=urls.get(row.image_id or ""),
                voice_name=row.voice,
                created_at=iso(row.created_at),
            )
            for row in rows
        ]
    )


def _spell(counted: service.SeriesCounts) -> SeriesAnswer:
    series = counted.series
    return SeriesAnswer(
        id=series.id,
        title=series.title,
        counts=SeriesCountsAnswer(characters=counted.characters, stories=counted.stories),
        created_at=iso(series.created_at),
    )


def _spell_one(counted: service.SeriesCounts) -> OneSeriesAnswer:
    return OneSeriesAnswer(**msgspec.structs.asdict(_spell(counted)), lexicon=counted.series.lexicon)


HANDLERS = [list_series, create_series, get_series, change_series, delete_series, list_series_characters]
