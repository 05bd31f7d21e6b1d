"""Series and the pictures of their characters. Knows no HTTP; a picture is fetched by `server.fetching`."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.artifacts import disk_errors
from engine.errors import StorageFull, StorageUnwritable
from engine.speaking.lexicon import check_lexicon
from server.clock import now
from server.errors import BadInput, NotFound, Unavailable
from server.fetching import fetch_image
from server.ids import cuid, is_cuid, prefixed
from server.jobs.models import Job
from server.media.images import clean_picture
from server.media.library import keep, path_of, path_of_name, remove
from server.media.models import Media
from server.place import Folders, Place
from server.series.models import Series, SeriesCharacter
from server.stories.models import Story, StoryCharacter

T = TypeVar("T")
LONGEST = 200
TRIES = 3
"""Of a transaction that another one got in the way of: it made the very row that this one was about to."""
SUFFIX = ".png"
"""Of every stored picture, see `server.media.images`."""
SCRATCH = ".tmp-"
"""What half-received pictures lie in, below the media folder; the sweep removes what a crash leaves."""


RECEIVED_AT_ONCE = 16
"""Of the 40 threads that answer requests: the others go on when every host that a picture is fetched from dawdles."""

_receiving = threading.BoundedSemaphore(RECEIVED_AT_ONCE)


class SeriesCounts(NamedTuple):
    series: Series
    characters: int
    stories: int


def create_series(place: Place, user_id: str, title: str, lexicon: Mapping[str, str] | None = None) -> Series:
    """Raises `BadInput`, and `engine.errors.BadRequest` for what is no lexicon."""
    said = check_lexicon(lexicon or {})
    series = Series(id=cuid(), user_id=user_id, title=read_title(title), lexicon=said, created_at=now())
    with place.db.writing() as session:
        session.add(series)
    return series


def change_series(
    place: Place, user_id: str, series_id: str, *, title: str | None = None, lexicon: Mapping[str, str] | None = None
) -> SeriesCounts:
    """What is None stays. Raises as `create_series`, and `NotFound`."""
    title = None if title is None else read_title(title)
    said = None if lexicon is None else check_lexicon(lexicon)
    with place.db.writing() as session:
        series = find_series(session, user_id, series_id)
        series.title = series.title if title is None else title
        series.lexicon = series.lexicon if said is None else said
        session.flush()
        return count_series(session, user_id, series_id)


def delete_series(place: Place, user_id: str, series_id: str) -> None:
    """With its characters and their pictures. Its stories stay, and belong to no series any more."""
    with place.db.writing() as session:
        series = find_series(session, user_id, series_id)
        for character in characters(session, series_id):
            _remove_picture(session, place.folders, character)
        session.execute(delete(SeriesCharacter).where(SeriesCharacter.series_id == series_id))
        session.execute(update(Story).where(Story.series_id == series_id).values(series_id=None))
        # A job that still runs, or is tried again, would bring the series' name back.
        session.execute(update(Job).where(Job.series_id == series_id).values(series_id=None))
        session.delete(series)


def find_series(session: Session, user_id: str, series_id: str) -> Series:
    """Raises `NotFound`, also for somebody else's."""
    series = session.get(Series, series_id)
    if series is None or series.user_id != user_id:
        raise NotFound("There is no such series.")
    return series


def count_series(session: Session, user_id: str, series_id: str) -> SeriesCounts:
    """The series and what belongs to it. Raises `NotFound`."""
    return _counted(session, [find_series(session, user_id, series_id)])[0]


def list_series(session: Session, user_id: str, page: int, limit: int) -> tuple[list[SeriesCounts], int]:
    """One page, newest first, and how many there are in all."""
    mine = select(Series).where(Series.user_id == user_id)
    total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    ordered = mine.order_by(Series.created_at.desc(), Series.id.desc()).offset((page - 1) * limit).limit(limit)
    return _counted(session, list(session.scalars(ordered))), total


def _counted(session: Session, rows: list[Series]) -> list[SeriesCounts]:
    ids = [series.id for series in rows]

    def by_series(column: type[SeriesCharacter] | type[Story]) -> dict[str | None, int]:
        counted = select(column.series_id, func.count()).where(column.series_id.in_(ids)).group_by(column.series_id)
        return {series_id: total for series_id, total in session.execute(counted)}

    people, stories = by_series(SeriesCharacter), by_series(Story)
    return [SeriesCounts(series, people.get(series.id, 0), stories.get(series.id, 0)) for series in rows]


def characters(session: Session, series_id: str) -> list[SeriesCharacter]:
    """In the order in which they came."""
    found = select(SeriesCharacter).where(SeriesCharacter.series_id == series_id)
    return list(session.scalars(found.order_by(SeriesCharacter.created_at, SeriesCharacter.id)))


def references(session: Session, folders: Folders, series_id: str) -> dict[str, Path]:
    """The stored pictures, by character's name; those whose file is not there are left out."""
    rows = session.execute(
        select(SeriesCharacter.name, Media.id, Media.suffix)
        .join(Media, Media.id == SeriesCharacter.image_id)
        .where(SeriesCharacter.series_id == series_id)
        .order_by(SeriesCharacter.created_at, SeriesCharacter.id)
    )
    found = {name: path_of_name(folders, media_id, suffix) for name, media_id, suffix in rows}
    return {name: path for name, path in found.items() if path.is_file()}


def ensure_character_image(
    place: Place,
    user_id: str,
    series_id: str,
    name: str,
    image_url: str,
    *,
    fetch: Callable[..., bytes] = fetch_image,
) -> tuple[SeriesCharacter, bool]:
    """The character of that name with that picture, and whether they are new.

    A series that does not exist yet is created for the caller. The same picture again changes nothing; another one
    takes its place, for stories to come. Raises `BadInput`, `NotFound` (somebody else's series), `Unavailable` (disk).
    """
    if not is_cuid(series_id):
        raise BadInput.of("seriesId", "it must be the id of a series: 25 characters, c and 24 of a-z and 0-9")
    name, key = read_name(name)
    with place.db.reading() as session:
        _check_owner(session.get(Series, series_id), user_id)
    with _received():
        data = fetch(image_url, place.settings)
    digest = hashlib.sha256(data).hexdigest()
    with place.db.reading() as session:
        known = _character(session, series_id, key)
        if known is not None and known.image_hash == digest:
            _check_owner(session.get(Series, series_id), user_id)
            return known, False
    picture = clean_picture(data)

    def settle(session: Session, file: Path) -> tuple[SeriesCharacter, bool]:
        _open_series(session, user_id, series_id)
        character = _character(session, series_id, key)
        # Whom a story gave a voice has no face yet, and is as new to whoever brings one.
        created = character is None or character.image_hash is None
        if character is None:
            character = SeriesCharacter(id=prefixed("char"), series_id=series_id, name=name, key=key, created_at=now())
            session.add(character)
            session.flush()
        if character.image_hash != digest:
            _remove_picture(session, place.folders, character)
            kept = keep(session, place.folders, file, user_id=user_id, owner=character.id, suffix=SUFFIX)
            character.image_id, character.image_hash = kept.id, digest
        return character, created

    try:
        with (
            disk_errors(place.folders.media),
            tempfile.TemporaryDirectory(dir=place.folders.media, prefix=SCRATCH) as at,
        ):
            file = Path(at) / "picture.png"
            file.write_bytes(picture)
            return _persistently(place, lambda session: settle(session, file))
    except (StorageFull, StorageUnwritable) as error:
        raise Unavailable(error.message, retry_after=60) from error


@contextlib.contextmanager
def _received() -> Iterator[None]:
    """One of the pictures that may be on their way at once. Raises `Unavailable`."""
    if not _receiving.acquire(blocking=False):
        raise Unavailable("Too many pictures are being fetched at the moment: try again.", retry_after=5)
    try:
        yield
    finally:
        _receiving.release()


def _remove_picture(session: Session, folders: Folders, character: SeriesCharacter) -> None:
    """Stories that show it keep it, each with a file of its own from now on."""
    shown = StoryCharacter.image_id == character.image_id
    stories = select(Story.id, Story.user_id).where(exists().where(StoryCharacter.story_id == Story.id, shown))
    picture = session.get(Media, character.image_id) if character.image_id else None
    if picture is None:
        return
    for story_id, user_id in session.execute(stories).all():
        own = None
        with contextlib.suppress(FileNotFoundError):
            own = keep(session, folders, path_of(folders, picture), user_id=user_id, owner=story_id, suffix=SUFFIX).id
        session.execute(update(StoryCharacter).where(StoryCharacter.story_id == story_id, shown).values(image_id=own))
    remove(session, folders, character.id)


def _persistently(place: Place, promise: Callable[[Session], T]) -> T:
    for left in reversed(range(TRIES)):
        try:
            with place.db.writing() as session:
                return promise(session)
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _open_series(session: Session, user_id: str, series_id: str) -> None:
    """Locked, so that two calls for one name come one after the other; made, if it is not there."""
    series = session.scalar(select(Series).where(Series.id == series_id).with_for_update())
    _check_owner(series, user_id)
    if series is None:
        session.add(Series(id=series_id, user_id=user_id, title="", lexicon={}, created_at=now()))
        session.flush()


def _check_owner(series: Series | None, user_id: str) -> None:
    if series is not None and series.user_id != user_id:
        raise NotFound("There is no such series.")


def _character(session: Session, series_id: str, key: str) -> SeriesCharacter | None:
    return session.scalar(
        select(SeriesCharacter).where(SeriesCharacter.series_id == series_id, SeriesCharacter.key == key)
    )


def read_name(text: str) -> tuple[str, str]:
    """A character's name, and what it is compared by. Raises `BadInput`."""
    name = _line(text)
    if not 1 <= len(name) <= LONGEST:
        raise BadInput.of("characterName", f"it must be one line of 1 to {LONGEST} characters")
    # Folding may take a letter apart: normalised again, or one name would have two keys.
    return name, unicodedata.normalize("NFC", name.casefold())


def read_title(text: str) -> str:
    title = _line(text)
    if len(title) > LONGEST or not title:
        raise BadInput.of("title", f"it must be one line of 1 to {LONGEST} characters")
    return title


def _line(text: str) -> str:
    """Normalised and trimmed; "" if it holds control, bidi-override or half characters."""
    line = unicodedata.normalize("NFC", text).strip()
    bad = any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in BIDI for letter in line)
    return "" if bad else line


BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
