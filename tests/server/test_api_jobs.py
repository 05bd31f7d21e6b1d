"""Jobs by HTTP: cancel, retry, events; and edits of shots, which are jobs too."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import server.api.events as hub_module
from server.api.events import Hub, Listener
from server.app import Server
from server.clock import SECOND, now
from server.jobs.control import cancel
from server.jobs.crew import left_waiting, sign_off, sign_on
from server.jobs.events import tell
from server.jobs.models import Job, WorkerBeat
from server.metrics import Metrics
from server.place import Place
from tests.server.conftest import Api, Person, accept_job


def balance(api: Api) -> int:
    return api.get("/api/v1/credits").json()["balance"]


@pytest.mark.one_server
def test_a_cancelled_job_fails_and_is_refunded_once(api: Api, job: str) -> None:
    assert balance(api) == 975
    first = api.post(f"/api/v1/stories/jobs/{job}/cancel")
    again = api.post(f"/api/v1/stories/jobs/{job}/cancel")
    assert first.status_code == 200
    assert (first.json()["status"], first.json()["errorCode"]) == ("failed", "cancelled")
    assert first.json()["error"]
    assert again.json() == first.json()
    assert balance(api) == 1000


def test_a_failed_job_is_tried_again_as_another_one(api: Api, place: Place, job: str) -> None:
    early = api.post(f"/api/v1/stories/jobs/{job}/retry")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "conflict")
    cancel(place, None, job)
    answer = api.post(f"/api/v1/stories/jobs/{job}/retry")
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json()["pollUrl"]
    again = api.get(answer.json()["pollUrl"]).json()
    assert (again["retryOf"], again["status"], again["attempt"]) == (job, "queued", 1)
    assert balance(api) == 975


def test_a_completed_job_has_its_first_clips_video(api: Api, story: str, place: Place) -> None:
    job_id = job_of(place, story)
    told = api.get(f"/api/v1/stories/jobs/{job_id}").json()
    assert told["videoUrl"] == api.get(f"/api/v1/stories/{story}/clips").json()["data"][0]["videoUrl"]
    assert (told["storyId"], told["progress"], told["queuePosition"]) == (story, 100, None)


def job_of(place: Place, story_id: str) -> str:
    with place.db.reading() as session:
        return session.query(Job).where(Job.story_id == story_id).one().id


def say(place: Place, job_id: str, kind: str, **data: object) -> None:
    with place.db.writing() as session:
        tell(session, session.get_one(Job, job_id), kind, **data)  # type: ignore[arg-type]


def events(text: str) -> list[tuple[str, int]]:
    """Kind and id of each event."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(block[0].removeprefix("event: "), int(block[1].removeprefix("id: "))) for block in blocks]


def test_the_events_of_a_job_end_with_done(api: Api, place: Place, job: str) -> None:
    say(place, job, "stage", stage="script")
    say(place, job, "clip", order=0)

    def end() -> None:
        say(place, job, "warning", message="A picture was painted smaller.")
        cancel(place, None, job)

    timer = threading.Timer(0.7, end)
    timer.start()
    answer = api.get(f"/api/v1/stories/jobs/{job}/events")
    timer.join()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events(answer.text) == [("status", 1), ("stage", 2), ("clip", 3), ("warning", 4), ("done", 5)]
    assert '"errorCode":"cancelled"' in answer.text


def test_events_go_on_behind_the_last_one_that_was_received(api: Api, place: Place, job: str) -> None:
    say(place, job, "stage", stage="script")
    cancel(place, None, job)
    path = f"/api/v1/stories/jobs/{job}/events"
    assert [seq for _, seq in events(api.get(path).text)] == [1, 2, 3]
    assert [seq for _, seq in events(api.get(path, headers={"Last-Event-ID": "2"}).text)] == [3]
    assert events(api.get(path, headers={"Last-Event-ID": "3"}).text) == []
    assert events(api.get(path, headers={"Last-Event-ID": "77"}).text) == []


@pytest.mark.parametrize("wrong", ["x", "-1", "1e3", "9" * 40, "²"])
@pytest.mark.one_server
def test_a_wrong_last_event_id_is_named(api: Api, job: str, wrong: str) -> None:
    answer = api.get(f"/api/v1/stories/jobs/{job}/events", headers={"Last-Event-ID": wrong.encode()})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "Last-Event-ID"


def test_every_listener_of_a_job_hears_all_of_it(api: Api, place: Place, user: Person) -> None:
    jobs = [accept_job(place, user.id) for _ in range(3)]
    heard: dict[int, list[tuple[str, int]]] = {}

    def listen(number: int) -> None:
        heard[number] = events(api.get(f"/api/v1/stories/jobs/{jobs[number % 3]}/events").text)

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for job_id in jobs:
        say(place, job_id, "stage", stage="script")
        cancel(place, None, job_id)
    for thread in threads:
        thread.join()
    assert list(heard.values()) == [[("status", 1), ("stage", 2), ("done", 3)]] * 9


def test_who_begins_to_listen_while_events_are_read_misses_none(
    place: Place, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = accept_job(place, user.id)
    say(place, job_id, "stage", stage="script")
    hub = Hub(place.db, Metrics())
    early, late = Listener(job_id, 1), Listener(job_id, 0)
    hub._listeners.add(early)
    read = hub_module._read

    def somebody_comes(*arguments: Any) -> Any:
        hub._listeners.add(late)
        return read(*arguments)

    async def two_rounds() -> None:
        monkeypatch.setattr(hub_module, "_read", somebody_comes)
        await hub._hand_round()
        await hub._hand_round()

    asyncio.run(two_rounds())
    heard = [[one.queue.get_nowait().seq for _ in range(one.queue.qsize())] for one in (early, late)]
    assert heard == [[2], [1, 2]]


def test_a_listener_who_leaves_is_forgotten_and_a_server_that_ends_ends_its_streams(api: Api, job: str) -> None:
    server = api.app
    assert isinstance(server, Server)
    hung_up = threading.Event()

    def listen() -> None:
        api.get(f"/api/v1/stories/jobs/{job}/events")
        hung_up.set()

    thread = threading.Thread(target=listen)
    thread.start()
    while not server.metrics.listeners._value.get():
        threading.Event().wait(0.02)
    assert not hung_up.is_set()
    assert api.blocking_portal
    with api.portal() as portal:
        portal.call(server.hub.close)
    thread.join()
    assert server.metrics.listeners._value.get() == 0


# ---- shots ----------------------------------------------------------------------------------------------------------


def shots_of(api: Api, story: str) -> list[dict]:
    return api.get(f"/api/v1/stories/{story}/shots").json()["data"]


def script_of(place: Place, job_id: str) -> list[str]:
    with place.db.reading() as session:
        job = session.get_one(Job, job_id)
        assert job.request.script is not None
        return [shot.narration for shot in job.request.script.shots]


@pytest.mark.one_server
def test_the_shots_of_a_story(api: Api, story: str) -> None:
    first, second = shots_of(api, story)
    assert first.keys() == {
        *("id", "order", "scene", "speaker", "narration", "visual", "camera", "beat", "duration", "status"),
        *("imageUrl", "videoUrl"),
    }
    assert (first["camera"], second["visual"]) == ("push_in", "a lantern in the grass")
    assert [shot["id"] for shot in (first, second)] == [
        clip["id"] for clip in api.get(f"/api/v1/stories/{story}/clips").json()["data"]
    ]


@pytest.mark.one_server
def test_one_changed_line_is_a_job_on_the_same_story(api: Api, place: Place, story: str) -> None:
    clip = shots_of(api, story)[1]["id"]
    before = balance(api)
    answer = api.patch(f"/api/v1/stories/{story}/shots/{clip}", json={"narration": "She lit it."})
    assert answer.status_code == 202
    assert answer.json().keys() == {"jobId", "status", "pollUrl"}
    job_id = answer.json()["jobId"]
    assert script_of(place, job_id) == ["A fox walked through the wood.", "She lit it."]
    with place.db.reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.work_id, job.story_id) == (story, story)
    assert balance(api) == before - 25


@pytest.mark.one_server
def test_a_story_that_is_being_made_is_not_edited(api: Api, story: str) -> None:
    clip = shots_of(api, story)[0]["id"]
    path = f"/api/v1/stories/{story}/shots/{clip}"
    assert api.patch(path, json={"narration": "First."}).status_code == 202
    for answer in (
        api.patch(path, json={"narration": "Second."}),
        api.delete(path),
        api.post(f"/api/v1/stories/{story}/shots", json={"visual": "x"}),
        api.delete(f"/api/v1/stories/{story}"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.one_server
def test_a_dry_run_says_what_is_made_again_and_makes_nothing(api: Api, story: str) -> None:
    clip = shots_of(api, story)[0]["id"]
    path = f"/api/v1/stories/{story}/shots/{clip}?dryRun=true"
    before = balance(api)
    line = api.patch(path, json={"narration": "A fox ran."})
    assert line.status_code == 200
    assert (line.json()["shots"], line.json()["credits"]) == ([clip], 25)
    assert {"voices", "clips", "segments", "film"} <= line.json()["stages"].keys()
    assert "stills" not in line.json()["stages"]
    move = api.patch(path, json={"camera": "pan_left"}).json()
    assert "clips" in move["stages"]
    assert not {"voices", "stills"} & move["stages"].keys()
    assert "stills" in api.patch(path, json={"visual": "a fox on a hill"}).json()["stages"]
    assert api.delete(path).json()["shots"] == []
    assert api.post(f"/api/v1/stories/{story}/shots?dryRun=true", json={"visual": "x"}).json()["shots"] == [None]
    assert balance(api) == before


@pytest.mark.one_server
def test_a_misspelt_dry_run_makes_and_costs_nothing(api: Api, story: str) -> None:
    before = balance(api)
    path = f"/api/v1/stories/{story}/shots/{shots_of(api, story)[0]['id']}?dryrun=true"
    answer = api.patch(path, json={"narration": "She lit it."})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "dryrun")
    assert balance(api) == before


@pytest.mark.one_server
def test_a_shot_is_added_behind_another_or_at_the_end(api: Api, place: Place, story: str) -> None:
    first = shots_of(api, story)[0]["id"]
    answer = api.post(f"/api/v1/stories/{story}/shots", json={"after": first, "narration": "It was dark."})
    assert script_of(place, answer.json()["jobId"])[1] == "It was dark."
    api.post(f"/api/v1/stories/jobs/{answer.json()['jobId']}/cancel")
    answer = api.post(f"/api/v1/stories/{story}/shots", json={"narration": "The end."})
    assert script_of(place, answer.json()["jobId"])[2] == "The end."


@pytest.mark.one_server
def test_a_shot_is_taken_out(api: Api, place: Place, story: str) -> None:
    answer = api.delete(f"/api/v1/stories/{story}/shots/{shots_of(api, story)[0]['id']}")
    assert answer.status_code == 202
    assert script_of(place, answer.json()["jobId"]) == ["She found a lantern."]


@pytest.mark.one_server
def test_an_edit_that_makes_no_sense_is_told_so(api: Api, story: str) -> None:
    first, second = (shot["id"] for shot in shots_of(api, story))
    path = f"/api/v1/stories/{story}/shots"

    def status(method: str, end: str, body: dict | None = None) -> int:
        return api.request(method, path + end, json=body).status_code

    assert status("PATCH", f"/{first}", {}) == 400
    assert status("PATCH", f"/{first}", {"camera": "spin"}) == 400
    assert status("PATCH", f"/{first}", {"narration": "", "visual": ""}) == 400
    assert status("PATCH", f"/{first}", {"speaker": "Nobody"}) == 400
    assert status("PATCH", "/clip_nothing", {"narration": "x"}) == 404
    assert status("POST", "", {}) == 400
    assert status("POST", "", {"visual": "x", "after": "clip_nothing"}) == 404
    assert status("POST", "", {"visual": "x", "scene": 5}) == 400
    assert status("PATCH", f"/{second}?dryRun=perhaps", {"narration": "x"}) == 400


# ---- what is installed, webhooks ------------------------------------------------------------------------------------


@pytest.mark.one_server
def test_models_voices_and_profiles(api: Api) -> None:
    models = {one["id"]: one for one in api.get("/api/v1/models").json()["data"]}
    assert models["sketch"]["licence"] == "CC-BY-4.0"
    assert models["sketch"]["installed"] is True
    assert models["sdxl"]["installed"] is False
    voices = [one for one in api.get("/api/v1/voices").json()["data"] if one["model"] == "hibari"]
    assert {"name": "heart", "locales": ["en"]}.items() <= voices[0].items()
    profiles = api.get("/api/v1/profiles").json()["data"]
    assert [one["name"] for one in profiles if one["default"]] == ["cpu"]
    assert str(Path.home()) not in api.get("/api/v1/models").text


def test_a_webhooks_secret_is_shown_and_replaced(page: Api) -> None:
    first = page.get("/api/v1/webhooks").json()
    assert first["secret"].startswith("whsec_")
    assert first["deliveries"] == []
    second = page.post("/api/v1/webhooks/rotate").json()["secret"]
    assert second != first["secret"]
    assert page.get("/api/v1/webhooks").json()["secret"] == second


def test_an_undelivered_webhook_is_listed_and_sent_again(page: Api, place: Place, user: Person) -> None:
    job = accept_job(place, user.id, webhook_url="https://example.com/hook")
    cancel(place, None, job)
    (owed,) = page.get("/api/v1/webhooks").json()["deliveries"]
    assert (owed["jobId"], owed["type"], owed["attempts"]) == (job, "story.failed", 0)
    again = page.post(f"/api/v1/webhooks/{owed['id']}/resend")
    assert (again.status_code, again.json()) == (202, {"id": owed["id"], "queued": True})
    assert page.post("/api/v1/webhooks/msg_nothing/resend").status_code == 404


# ---- health ---------------------------------------------------------------------------------------------------------


def test_health_and_metrics(client: Api, user: Person) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "database": True,
        "disk": True,
        "worker": False,
    }
    refused = client.get("/metrics")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def test_whether_a_worker_lives_can_be_seen(client: Api, place: Place, job: str) -> None:
    server = client.app
    assert isinstance(server, Server)

    def told() -> tuple[bool, bool, int]:
        with place.db.reading() as session:
            waiting = left_waiting(session, place.settings.lease_seconds)
        page = server.metrics.page(place).decode()
        assert "reelhouse_oldest_wait_seconds " in page
        return client.get("/health/ready").json()["worker"], "reelhouse_workers 1.0" in page, waiting

    assert told() == (False, False, 1)
    sign_on(place, "studio-1", None)
    sign_on(place, "studio-1", None)
    assert told() == (True, True, 0)
    with place.db.writing() as session:  # it was killed a lease ago
        session.execute(update(WorkerBeat).values(seen_at=now() - round(place.settings.lease_seconds * SECOND)))
    assert told() == (False, False, 1)
    sign_on(place, "studio-1", None)
    sign_off(place, "studio-1")
    assert told() == (False, False, 1)


def test_metrics_count_by_route_and_not_by_path(api: Api, place: Place, story: str, job: str) -> None:
    api.get(f"/api/v1/stories/{story}")
    api.get("/nothing/at/all")
    server = api.app
    assert isinstance(server, Server)
    page = server.metrics.page(place).decode()
    assert 'route="/api/v1/stories/{story_id}",status="200"} 1.0' in page
    assert 'route="unmatched",status="404"} 1.0' in page
    assert 'reelhouse_jobs{status="queued"} 1.0' in page
    assert "reelhouse_queue_depth 1.0" in page
    assert story not in page
