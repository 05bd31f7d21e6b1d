"""The rows of a story's cast and clips, as its script says. Knows no file and no transaction.

What an earlier attempt or version had keeps its id where it is the same, so that addresses and edits stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engine.formats import load_format
from engine.shots import pictured, same_name
from engine.types import Script
from server.ids import prefixed
from server.series.models import SeriesCharacter
from server.series.sound import keep_voices
from server.stories.models import Story, StoryCharacter, StoryClip, StoryItem, StoryScene

Row = TypeVar("Row", StoryCharacter, StoryScene, StoryItem, StoryClip)


def put_cast(session: Session, story: Story, script: Script, voices: Mapping[str, str]) -> None:
    """Characters, scenes and items; `voices` by character name, of those who speak. A character that the story's series
    knows has the picture that is kept there; the voices that the series does not know yet are kept there too."""
    characters = {row.name: row for row in rows_of(session, StoryCharacter, story)}
    scenes = {row.description: row for row in rows_of(session, StoryScene, story)}
    items = {row.name: row for row in rows_of(session, StoryItem, story)}
    faces = _faces(session, story)
    if story.series_id is not None:
        keep_voices(session, story.series_id, voices)
    for order, character in enumerate(script.characters):
        row = characters.pop(character.name, None) or StoryCharacter(id=prefixed("char"), story_id=story.id)
        row.order, row.name, row.role = order, character.name, character.role
        row.description, row.voice = character.description, voices.get(character.name, character.voice)
        row.image_id = faces.get(same_name(character.name), row.image_id)
        session.add(row)
    for order, scene in enumerate(script.scenes):
        row = scenes.pop(scene.description, None) or StoryScene(id=prefixed("scene"), story_id=story.id)
        row.order, row.description, row.time_of_day = order, scene.description, scene.time_of_day
        row.weather, row.lighting = scene.weather, scene.lighting
        session.add(row)
    for order, item in enumerate(script.items):
        row = items.pop(item.name, None) or StoryItem(id=prefixed("item"), story_id=story.id)
        row.order, row.name, row.description, row.significance = order, item.name, item.description, item.significance
        session.add(row)
    for gone in (*characters.values(), *scenes.values(), *items.values()):
        session.delete(gone)
    session.flush()


def put_clips(session: Session, story: Story, script: Script, seconds: Sequence[float]) -> list[StoryClip]:
    """A clip per shot, `seconds` long; those that are no more are returned, their rows gone.

    Shots that were there before, by their lines, keep their ids wherever they stand now.
    """
    old = rows_of(session, StoryClip, story)
    lines = [shot.narration or None for shot in script.shots]
    kept: dict[int, StoryClip] = {}
    for kind, a, b, c, d in SequenceMatcher(None, [clip.narration for clip in old], lines, False).get_opcodes():
        if kind in ("equal", "replace"):
            kept |= {c + i: old[a + i] for i in range(min(b - a, d - c))}
    gone = [clip for clip in old if clip not in kept.values()]
    session.execute(delete(StoryClip).where(StoryClip.id.in_([clip.id for clip in gone])))
    for order, (line, length) in enumerate(zip(lines, seconds, strict=True)):
        clip = kept.get(order) or StoryClip(id=prefixed("clip"), story_id=story.id)
        clip.order, clip.narration, clip.duration, clip.status = order, line, round(length, 3), "pending"
        session.add(clip)
    session.flush()
    return gone


def show_in(session: Session, story: Story, clip: StoryClip) -> None:
    """A still is the picture of its scene, and of whoever and whatever is first seen in it."""
    shot = story.script.shots[clip.order]
    seen = {subject.name for subject in pictured(shot, story.script, load_format(story.content_type))}
    named = (*rows_of(session, StoryCharacter, story), *rows_of(session, StoryItem, story))
    here = [row for row in named if row.name in seen]
    here += [row for row in rows_of(session, StoryScene, story) if row.order == shot.scene]
    for row in here:
        if row.image_id is None:
            row.image_id = clip.image_id


def move_picture(session: Session, story: Story, before: str | None, after: str | None) -> None:
    """Whatever was shown by the picture `before` is shown by `after`."""
    if before is None or before == after:
        return
    shown = (
        *rows_of(session, StoryCharacter, story),
        *rows_of(session, StoryItem, story),
        *rows_of(session, StoryScene, story),
    )
    for row in shown:
        if row.image_id == before:
            row.image_id = after


def rows_of(session: Session, table: type[Row], story: Story) -> list[Row]:
    """The story's rows in that table, in their order."""
    return list(session.scalars(select(table).where(table.story_id == story.id).order_by(table.order)))


def clip_at(session: Session, story: Story, order: int) -> StoryClip | None:
    return session.scalar(select(StoryClip).where(StoryClip.story_id == story.id, StoryClip.order == order))


def _faces(session: Session, story: Story) -> dict[str, str]:
    """The pictures that the story's series keeps, by the key of a character's name."""
    kept = select(SeriesCharacter.key, SeriesCharacter.image_id).where(
        SeriesCharacter.series_id == story.series_id, SeriesCharacter.image_id.is_not(None)
    )
    return {key: image_id for key, image_id in session.execute(kept) if image_id is not None}
