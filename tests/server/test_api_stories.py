"""The main road: generate, poll, list, the story and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.catalog import load_catalog
from engine.types import StoryRequest
from server.jobs.models import Job
from server.place import Place
from tests.server.conftest import ORIGIN, Api, Person, accept_job, add_made_story

PROMPT = {"prompt": "A dragon teaches a young knight how to fly"}


def credits_of(client: Api, person: Person) -> int:
    return client.get("/api/v1/credits", headers=person.bearer).json()["balance"]


def test_the_quick_start_of_the_reference(api: Api) -> None:
    answer = api.post("/api/v1/stories/generate", json={**PROMPT, "aspectRatio": "16:9"})
    body = answer.json()
    assert answer.status_code == 202
    assert body == {
        "jobId": body["jobId"],
        "status": "queued",
        "pollUrl": f"/api/v1/stories/jobs/{body['jobId']}",
    }
    assert answer.headers["Location"] == body["pollUrl"]
    assert answer.headers["Retry-After"] == "5"
    job = api.get(body["pollUrl"]).json()
    assert job["createdAt"].endswith("Z")
    assert job | {"createdAt": ""} == {
        "jobId": body["jobId"],
        "status": "queued",
        "progress": 0,
        "storyId": None,
        "renderVideo": False,
        "videoUrl": None,
        "error": None,
        "createdAt": "",
        "startedAt": None,
        "completedAt": None,
        "stage": None,
        "etaSeconds": job["etaSeconds"],
        "queuePosition": 1,
        "attempt": 1,
        "warnings": [],
        "review": None,
        "errorCode": None,
        "retryOf": None,
    }


def test_a_model_that_forbids_the_use_is_refused_before_anything_is_paid(
    api: Api, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = load_catalog()
    strict = msgspec.structs.replace(shipped.model("hibari"), commercial=False, licence="CPML")
    catalog = msgspec.structs.replace(shipped, models=shipped.models | {"hibari": strict})
    monkeypatch.setattr("server.api.v1.orders.load_catalog", lambda: catalog)
    before = credits_of(api, user)
    answer = api.post("/api/v1/stories/generate", json={**PROMPT, "profile": "cpu"})
    assert answer.status_code == 400
    detail = answer.json()["error"]["details"][0]
    assert detail["field"] == "profile"
    told = detail.get("message") or detail.get("issue")
    assert "hibari is licensed CPML, which does not allow commercial use: take coqui-vctk (profile" in told
    assert 'send "use": "personal"' in told
    assert credits_of(api, user) == before
    assert api.post("/api/v1/stories/generate", json={**PROMPT, "profile": "cpu", "use": "personal"}).status_code == 202


@pytest.mark.one_server
def test_a_story_costs_its_credits_when_it_is_accepted(api: Api, user: Person) -> None:
    before = credits_of(api, user)
    api.post("/api/v1/stories/generate", json=PROMPT)
    assert credits_of(api, user) == before - 25


@pytest.mark.one_server
def test_without_credits_there_is_no_job(client: Api, people: Callable[..., Person]) -> None:
    poor = people("poor@example.com", credits=10)
    answer = client.post("/api/v1/stories/generate", json=PROMPT, headers=poor.bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_credits")
    assert credits_of(client, poor) == 10


def request_of(place: Place, job_id: str) -> tuple[StoryRequest, Job]:
    with place.db.reading() as session:
        job = session.get_one(Job, job_id)
        return job.request, job


@pytest.mark.one_server
def test_the_defaults_are_those_of_the_contract(api: Api, place: Place) -> None:
    job_id = api.post("/api/v1/stories/generate", json=PROMPT).json()["jobId"]
    request, job = request_of(place, job_id)
    assert request == StoryRequest(
        prompt=PROMPT["prompt"], content_type="cinematic_story", aspect_ratio="16:9", locale="en",
        target_seconds=30, profile="cpu",
    )  # fmt: skip
    assert job.render_video is False
    assert job.estimate["clips"] > 0
    assert job.base_url == ORIGIN


@pytest.mark.one_server
def test_null_is_the_same_as_absent(api: Api, place: Place) -> None:
    optional = [
        *("aspectRatio", "renderVideo", "title", "contentType", "locale", "seriesId", "targetSeconds", "style"),
        *("negativePrompt", "script", "seed", "profile", "quality", "voice", "music", "captions", "sdh"),
        *("webhookUrl", "use"),
    ]
    job_id = api.post("/api/v1/stories/generate", json=PROMPT | dict.fromkeys(optional)).json()["jobId"]
    assert request_of(place, job_id)[0].target_seconds == 30


@pytest.mark.one_server
def test_a_quality_is_kept_with_the_job_and_planned_with(api: Api, place: Place) -> None:
    asked = {**PROMPT, "profile": "gpu-24gb", "quality": "draft"}
    job_id = api.post("/api/v1/stories/generate", json=asked).json()["jobId"]
    assert request_of(place, job_id)[0].quality == "draft"
    models = [
        api.post("/api/v1/stories/plan", json={**asked, "quality": quality}).json()["models"]["animator"]["id"]
        for quality in ("draft", "standard", None, "high")
    ]
    assert models == ["camera", "wan22-14b-streamed", "wan22-14b-streamed", "wan22-14b-long-streamed"]


@pytest.mark.one_server
def test_an_ad_lasts_fifteen_seconds_unless_thirty_are_asked_for(api: Api, place: Place) -> None:
    ad = {**PROMPT, "contentType": "ad_spot"}
    assert request_of(place, api.post("/api/v1/stories/generate", json=ad).json()["jobId"])[0].target_seconds == 15
    answer = api.post("/api/v1/stories/generate", json={**ad, "targetSeconds": 20})
    assert answer.json()["error"]["details"] == [
        {"field": "targetSeconds", "message": "a film of the format ad_spot lasts 15 or 30 seconds, not 20"}
    ]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("prompt", "   ", "empty"),
        ("prompt", "x" * 5001, "5000"),
        ("prompt", 7, "a text"),
        ("aspectRatio", "2:1", "2:1"),
        ("contentType", "opera", "opera"),
        ("locale", "xx-not a tag", "language tag"),
        ("locale", "tlh", "hibari speaks en"),
        ("title", "", ">= 1"),
        ("title", "x" * 201, "200"),
        ("style", "x" * 201, "200"),
        ("targetSeconds", 4, ">= 5"),
        ("targetSeconds", 601, "<= 600"),
        ("seed", -1, ">= 0"),
        ("seed", 2**63, "<= 9223372036854775807"),
        ("profile", "huge", "is not one of auto"),
        ("quality", "best", "draft"),
        ("voice", "nobody", "hibari"),
        ("captions", "maybe", "maybe"),
        ("use", "secret", "secret"),
        ("renderVideo", "yes", "true or false"),
        ("music", 1, "true or false"),
        ("sdh", "yes", "true or false"),
        ("script", {"title": "x", "shots": []}, "0 shots"),
        ("webhookUrl", "ftp://example.com/x", ""),
        ("webhookUrl", "http://127.0.0.1/x", ""),
        ("seed", 10**299, ""),
        ("aspectRatio", "\x00", ""),
    ],
)
@pytest.mark.one_server
def test_a_wrong_field_is_named_with_what_it_accepts(api: Api, user: Person, field: str, value: Any, says: str) -> None:
    answer = api.post("/api/v1/stories/generate", json=PROMPT | {field: value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, "bad_request", 400), answer.text
    assert error["details"][0]["field"] == field
    assert says in error["message"]
    assert credits_of(api, user) == 1000


@pytest.mark.one_server
def test_every_unknown_field_is_named(api: Api) -> None:
    answer = api.post("/api/v1/stories/generate", json={**PROMPT, "aspect": "16:9", "render": True})
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["aspect", "render"]
    nested = api.post(
        "/api/v1/stories/generate", json={**PROMPT, "script": {"title": "x", "shots": [{"say": "hello"}]}}
    )
    assert nested.json()["error"]["details"][0]["field"].endswith(".say")


def test_an_own_script_takes_the_writers_place(api: Api, place: Place, story: str) -> None:
    script = api.get(f"/api/v1/stories/{story}/script").json()
    answer = api.post("/api/v1/stories/generate", json={**PROMPT, "script": script})
    assert answer.status_code == 202, answer.text
    request, _ = request_of(place, answer.json()["jobId"])
    assert request.script is not None
    assert request.script.title == "The lantern"
    assert request.target_seconds is None


def test_the_same_key_and_body_give_the_first_answer_again(api: Api, user: Person) -> None:
    named = {"Idempotency-Key": "first-try"}
    first = api.post("/api/v1/stories/generate", json=PROMPT, headers=named)
    again = api.post("/api/v1/stories/generate", json=PROMPT, headers=named)
    assert (again.status_code, again.json()) == (202, first.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert credits_of(api, user) == 975
    other = api.post("/api/v1/stories/generate", json={"prompt": "Another"}, headers=named)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")
    assert api.post("/api/v1/stories/generate", json=PROMPT, headers={"Idempotency-Key": "a b"}).status_code == 400


def test_a_series_of_somebody_else_is_not_there(api: Api, stranger: Person) -> None:
    theirs = api.post("/api/v1/series", json={"title": "Mine"}, headers=stranger.bearer).json()["id"]
    answer = api.post("/api/v1/stories/generate", json={**PROMPT, "seriesId": theirs})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.one_server
def test_a_plan_tells_what_it_takes_and_makes_nothing(api: Api, user: Person) -> None:
    answer = api.post("/api/v1/stories/plan", json=PROMPT)
    plan = answer.json()
    assert answer.status_code == 200
    assert plan["credits"] == 25
    assert plan["shots"][0]["seconds"] > 0
    assert {"stageSeconds", "memoryGb", "diskBytes", "models"} <= plan.keys()
    assert api.get("/api/v1/stories").json()["data"] == []
    assert credits_of(api, user) == 1000


@pytest.mark.one_server
def test_a_story_as_the_contract_spells_it(api: Api, story: str) -> None:
    told = api.get(f"/api/v1/stories/{story}").json()
    assert told | {"createdAt": "", "videoUrl": ""} == {
        "id": story,
        "title": "The lantern",
        "status": "completed",
        "aspectRatio": "16:9",
        "locale": "en",
        "contentType": "cinematic_story",
        "seriesId": None,
        "prompt": "A fox finds a lantern",
        "renderVideo": False,
        "videoUrl": "",
        "durationSeconds": 12.5,
        "counts": {"characters": 1, "scenes": 1, "items": 1, "clips": 2},
        "createdAt": "",
    }
    clips = api.get(f"/api/v1/stories/{story}/clips").json()["data"]
    assert told["videoUrl"] == clips[0]["videoUrl"]
    assert api.get("/api/v1/stories").json()["data"] == [told]


def test_stories_come_in_pages_newest_first(api: Api, place: Place, user: Person, tmp_path: Path) -> None:
    made = [add_made_story(place, user.id, tmp_path) for _ in range(3)]
    first = api.get("/api/v1/stories", params={"limit": 2}).json()
    assert [one["id"] for one in first["data"]] == made[:0:-1]
    assert first["pagination"] == {"page": 1, "limit": 2, "total": 3, "totalPages": 2}
    second = api.get("/api/v1/stories", params={"limit": 2, "page": 2}).json()
    assert [one["id"] for one in second["data"]] == made[:1]
    beyond = api.get("/api/v1/stories", params={"page": 9}).json()
    assert (beyond["data"], beyond["pagination"]["total"]) == ([], 3)


def test_stories_are_filtered_by_status(api: Api, place: Place, user: Person, tmp_path: Path) -> None:
    failed = add_made_story(place, user.id, tmp_path, status="failed")
    add_made_story(place, user.id, tmp_path)
    listed = api.get("/api/v1/stories", params={"status": "failed"}).json()
    assert [one["id"] for one in listed["data"]] == [failed]
    assert listed["pagination"]["total"] == 1
    assert listed["data"][0]["videoUrl"] is None


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "limit=0",
        "limit=101",
        "status=nonsense",
        "status=null",
        "page=" + "9" * 300,
        "page=1.5",
    ],
)
@pytest.mark.one_server
def test_a_wrong_parameter_is_named(api: Api, query: str) -> None:
    answer = api.get(f"/api/v1/stories?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert answer.json()["error"]["details"][0]["field"] == query.partition("=")[0]


@pytest.mark.one_server
def test_the_assets_of_a_story(api: Api, story: str) -> None:
    def listed(kind: str) -> list[dict[str, Any]]:
        return api.get(f"/api/v1/stories/{story}/{kind}").json()["data"]

    (character,), (scene,), (item,), clips = (listed(kind) for kind in ("characters", "scenes", "items", "clips"))
    assert character.keys() == {"id", "name", "role", "description", "imageUrl", "voiceName", "order"}
    assert scene.keys() == {"id", "order", "description", "timeOfDay", "weather", "lighting", "imageUrl"}
    assert item.keys() == {"id", "order", "name", "description", "significance", "imageUrl"}
    keys = {"id", "order", "narration", "duration", "videoUrl", "imageUrl", "audioUrl", "status"}
    assert [clip.keys() for clip in clips] == [keys, keys]
    assert [clip["order"] for clip in clips] == [0, 1]
    assert item["imageUrl"] is None
    for url in (character["imageUrl"], scene["imageUrl"], clips[1]["videoUrl"], clips[1]["audioUrl"]):
        assert url.startswith(f"{ORIGIN}/media/")
    assert api.get(clips[0]["videoUrl"], headers={"Authorization": ""}).content == b"clip"


@pytest.mark.one_server
def test_script_and_captions(api: Api, story: str) -> None:
    assert api.get(f"/api/v1/stories/{story}/script").json()["shots"][1]["narration"] == "She found a lantern."
    srt, vtt = (api.get(f"/api/v1/stories/{story}/captions.{kind}") for kind in ("srt", "vtt"))
    assert "-->" in srt.text
    assert srt.headers["content-type"].startswith("application/x-subrip")
    assert vtt.text.startswith("WEBVTT")
    assert vtt.headers["content-type"].startswith("text/vtt")
    transcript = api.get(f"/api/v1/stories/{story}/transcript.txt")
    assert transcript.text == "A fox\n\n[0:00] A fox\n"
    assert transcript.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_deleted_story_is_gone_with_its_files(api: Api, place: Place, story: str) -> None:
    url = api.get(f"/api/v1/stories/{story}").json()["videoUrl"]
    assert api.delete(f"/api/v1/stories/{story}").json() == {"id": story, "deleted": True}
    assert api.get(f"/api/v1/stories/{story}").status_code == 404
    assert api.get(url).status_code == 404
    assert api.get("/api/v1/stories").json()["pagination"]["total"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/stories/{story}"),
        ("DELETE", "/stories/{story}"),
        ("GET", "/stories/{story}/characters"),
        ("GET", "/stories/{story}/scenes"),
        ("GET", "/stories/{story}/items"),
        ("GET", "/stories/{story}/clips"),
        ("GET", "/stories/{story}/shots"),
        ("GET", "/stories/{story}/script"),
        ("GET", "/stories/{story}/captions.srt"),
        ("GET", "/stories/{story}/captions.vtt"),
        ("GET", "/stories/{story}/transcript.txt"),
        ("GET", "/stories/jobs/{job}"),
        ("GET", "/stories/jobs/{job}/events"),
        ("POST", "/stories/jobs/{job}/cancel"),
        ("POST", "/stories/jobs/{job}/retry"),
        ("DELETE", "/stories/{story}/shots/clip_x"),
    ],
)
@pytest.mark.one_server
def test_what_is_somebody_elses_is_not_there(
    client: Api, stranger: Person, story: str, job: str, method: str, path: str
) -> None:
    answer = client.request(method, "/api/v1" + path.format(story=story, job=job), headers=stranger.bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_configured_public_address_begins_every_url(place: Place, user: Person, story: str) -> None:
    import msgspec
    from litestar.testing import TestClient

    from server.app import create_app

    outside = place._replace(settings=msgspec.structs.replace(place.settings, public_url="https://films.example.com/"))
    with TestClient(create_app(outside), base_url=ORIGIN) as client:
        told = client.get(f"/api/v1/stories/{story}", headers={**user.bearer, "Host": "films.example.com"})
    assert told.json()["videoUrl"].startswith("https://films.example.com/media/")
    assert "strict-transport-security" in told.headers


def test_the_first_in_line_has_position_one(api: Api, place: Place, user: Person) -> None:
    ids = [accept_job(place, user.id) for _ in range(2)]
    assert [api.get(f"/api/v1/stories/jobs/{one}").json()["queuePosition"] for one in ids] == [1, 2]
