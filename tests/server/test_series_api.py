"""The operations on series, over HTTP."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from PIL import Image

from server.ids import cuid
from server.place import Place, open_place
from server.settings import Settings
from tests.server.media_rooms import client_of, data_url, picture
from tests.server.people import a_user

ENSURE = "/api/v1/series-assets/ensure-character-image"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = open_place(Settings(data=tmp_path / "data"))
    yield place
    place.close()


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    with client_of(place, a_user(place)) as client:
        yield client


def body(**changes: object) -> dict[str, object]:
    return {"seriesId": cuid(), "characterName": "Chef Axon", "imageUrl": data_url(picture())} | changes


def test_a_picture_is_stored_and_served_from_the_answers_own_address(client: TestClient) -> None:
    sent = body()
    got = client.post(ENSURE, json=sent)
    assert got.status_code == 200
    answer = got.json()
    assert set(answer) == {"id", "seriesId", "characterName", "imageUrl", "created"}
    assert (answer["seriesId"], answer["characterName"], answer["created"]) == (sent["seriesId"], "Chef Axon", True)
    assert answer["id"].startswith("char_")
    image = client.get(answer["imageUrl"])
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    again = client.post(ENSURE, json=sent).json()
    assert again == answer | {"created": False}


def test_a_picture_in_its_address_may_be_larger_than_other_bodies(client: TestClient) -> None:
    noise = Image.frombytes("RGB", (1000, 1000), os.urandom(3_000_000))
    out = io.BytesIO()
    noise.save(out, "PNG")
    assert client.post(ENSURE, json=body(imageUrl=data_url(out.getvalue()))).status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seriesId": "no id"}, "seriesId"),
        ({"characterName": ""}, "characterName"),
        ({"characterName": "  "}, "characterName"),
        ({"characterName": "x" * 201}, "characterName"),
        ({"characterName": 5}, "characterName"),
        ({"imageUrl": ""}, "imageUrl"),
        ({"imageUrl": "http://127.0.0.1/a.png"}, "imageUrl"),
        ({"imageUrl": "file:///etc/passwd"}, "imageUrl"),
        ({"imageUrl": data_url(b"x")}, "imageUrl"),
        ({"imageUrl": None}, "imageUrl"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(client: TestClient, changes: dict[str, object], field: str) -> None:
    got = client.post(ENSURE, json=body(**changes))
    assert got.status_code == 400
    error = got.json()["error"]
    assert error["code"] == "bad_request"
    assert [detail["field"] for detail in error["details"]] == [field]


def test_a_series_from_its_beginning_to_its_end(client: TestClient) -> None:
    made = client.post("/api/v1/series", json={"title": "  The Chef "})
    assert made.status_code == 201
    series = made.json()
    assert set(series) == {"id", "title", "counts", "createdAt", "lexicon"}
    assert (series["title"], series["counts"]) == ("The Chef", {"characters": 0, "stories": 0})
    client.post(ENSURE, json=body(seriesId=series["id"]))
    path = f"/api/v1/series/{series['id']}"
    assert client.get(path).json() == series | {"counts": {"characters": 1, "stories": 0}}
    (character,) = client.get(f"{path}/characters").json()["data"]
    assert set(character) == {"id", "seriesId", "characterName", "imageUrl", "voiceName", "createdAt"}
    assert client.get(character["imageUrl"]).status_code == 200
    assert client.patch(path, json={"title": "Another"}).json()["title"] == "Another"
    listed = client.get("/api/v1/series").json()
    assert listed["pagination"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1}
    assert [one["title"] for one in listed["data"]] == ["Another"]
    assert client.delete(path).json() == {"id": series["id"], "deleted": True}
    assert client.get(character["imageUrl"]).status_code == 404
    for gone in (client.get(path), client.delete(path), client.get(f"{path}/characters")):
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("title", [None, "", " ", "x" * 201, "a\nb", 5])
def test_a_title_is_one_line(client: TestClient, title: object) -> None:
    got = client.post("/api/v1/series", json={"title": title})
    assert (got.status_code, got.json()["error"]["details"][0]["field"]) == (400, "title")


def test_another_owners_series_is_not_found(place: Place, client: TestClient) -> None:
    series_id = client.post("/api/v1/series", json={"title": "Mine"}).json()["id"]
    with client_of(place, a_user(place)) as other:
        path = f"/api/v1/series/{series_id}"
        answers = [other.get(path), other.patch(path, json={"title": "x"}), other.delete(path)]
        answers += [other.get(f"{path}/characters"), other.post(ENSURE, json=body(seriesId=series_id))]
        assert {answer.status_code for answer in answers} == {404}
        assert other.get("/api/v1/series").json()["data"] == []
    assert client.get(f"/api/v1/series/{series_id}").json()["title"] == "Mine"


@pytest.mark.parametrize("query", ["page=0", "page=x", "limit=0", "limit=101", "page=99999999999999999999"])
def test_pages_have_bounds(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/series?{query}").status_code == 400


def test_how_words_are_said_is_set_read_and_refused_by_its_field(client: TestClient) -> None:
    made = client.post("/api/v1/series", json={"title": "T", "lexicon": {"Nguyen": "win"}}).json()
    path = f"/api/v1/series/{made['id']}"
    assert client.get(path).json()["lexicon"] == {"Nguyen": "win"}
    changed = client.patch(path, json={"lexicon": {"Siobhan": "shivawn"}}).json()
    assert (changed["title"], changed["lexicon"]) == ("T", {"Siobhan": "shivawn"})
    refused = client.patch(path, json={"lexicon": {"Siobhan": "<x>"}})
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("lexicon: ")
    assert client.patch(path, json={"lexicon": {"Siobhan": 3}}).status_code == 400
