"""Small films of every format, each in two shapes, pass the review, which leaves its page with them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from engine.bench_rig import PROFILE
from engine.errors import BadRequest
from engine.findings import CHECKS
from engine.formats import load_format
from engine.made import Film
from engine.pipeline import make_stories
from engine.reviewing.kept import review_again
from engine.types import StoryRequest
from tests.small_stories import small_catalog, small_request, small_script

SHAPES = {
    "ad_spot": ("9:16", "16:9"),
    "cinematic_story": ("21:9", "1:1"),
    "music_video": ("4:3", "9:16"),
    "news_analysis": ("16:9", "1:1"),
    "persona_channel": ("9:16", "4:3"),
    "youtube_clone": ("16:9", "21:9"),
}
"""A wide one and a narrower one of each format; each shape with two formats at least. What a format draws and where a
shape has room for it are judged by the same measurements in every pair of them."""


def catalog():
    """Small models that wait for nothing, with a composer whose music is heard."""
    small = small_catalog()
    models = {**small.profiles[PROFILE].models, "composer": "bed"}
    heard = msgspec.structs.replace(small.profiles[PROFILE], models=models)
    return msgspec.structs.replace(small, profiles={**small.profiles, PROFILE: heard})


def tell(folder: Path, *requests: StoryRequest) -> list[Film]:
    works = [folder / str(number) for number in range(len(requests))]
    films = make_stories(requests, works, home=folder / "home", catalog=catalog())
    assert all(isinstance(film, Film) for film in films), films
    return films  # type: ignore[return-value]


@pytest.mark.parametrize("format", SHAPES)
def test_good_films_pass(tmp_path: Path, format: str) -> None:
    lines = ("A fox ran through the rain.", "It saw an old lamp.")
    seconds = next(iter(load_format(format).pacing.allowed_seconds), None)
    films = tell(
        tmp_path,
        *(
            small_request(*lines, content_type=format, aspect_ratio=shape, seed=seed, target_seconds=seconds)
            for seed, shape in enumerate(SHAPES[format])
        ),
    )
    found = [(film.plan.aspect_ratio, film.review.findings) for film in films if film.review and film.review.findings]
    assert found == [] and all(film.review and film.review.passed for film in films)


def test_a_silent_shot_held_cameras_and_no_captions_pass(tmp_path: Path) -> None:
    script = small_script("A fox ran.", "", "Night fell.")
    held = tuple(
        msgspec.structs.replace(shot, camera="hold", visual=f"a hill {n}") for n, shot in enumerate(script.shots)
    )
    (film,) = tell(tmp_path, small_request(script=msgspec.structs.replace(script, shots=held), captions="none"))
    assert film.review is not None and film.review.findings == ()
    assert set(CHECKS) - set(film.review.checks) == {"captions"}


def test_what_was_found_is_warned_of_and_lies_in_the_work_folder_to_be_read_and_looked_at(tmp_path: Path) -> None:
    (film,) = tell(tmp_path, small_request("A fox ran.", "It saw a lamp.", target_seconds=60.0, music=False))
    assert film.review is not None and not film.review.passed
    (finding,) = film.review.findings
    assert finding.check == "length" and any(finding.sentence in warning for warning in film.warnings)
    folder = film.record.parent
    document = json.loads((folder / "review.json").read_bytes())
    assert document == json.loads(film.record.read_bytes())["review"] == json.loads(msgspec.json.encode(film.review))
    assert finding.sentence in (folder / "review.html").read_text(encoding="utf-8")
    with Image.open(folder / "review.jpg") as sheet:
        assert sheet.width > sheet.height > 100


def test_a_title_is_text_on_the_page(tmp_path: Path) -> None:
    (film,) = tell(tmp_path, small_request("A fox ran.", title="<b>Fox & lamp</b>"))
    page = (film.record.parent / "review.html").read_text(encoding="utf-8")
    assert "<b>" not in page and "&lt;b&gt;Fox &amp; lamp" in page


def test_a_work_folder_and_a_film_alone_are_reviewed_again_and_what_was_spoiled_since_is_found(tmp_path: Path) -> None:
    (film,) = tell(tmp_path, small_request("A fox ran through the rain.", "It saw an old lamp."))
    title, again = review_again(film.record.parent)
    assert (title, again.findings) == (film.title, ())
    assert review_again(film.video)[1].findings == ()
    assert film.srt is not None
    film.srt.write_text(film.srt.read_text().replace("fox", "dog"))
    data = bytearray(film.video.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = bytes(2000)
    film.video.write_bytes(data)
    found = {finding.check for finding in review_again(film.record.parent)[1].findings}
    assert {"captions", "decodes"} <= found
    with pytest.raises(BadRequest, match=r"story\.json"):
        review_again(tmp_path)
