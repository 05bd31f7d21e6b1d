"""What tests of the API stand on: a place, the application in it, people, and stories as a worker would leave them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from litestar.testing import TestClient

from engine.types import Character, Scene, Script, Shot, StoryRequest
from server.app import Server, create_app
from server.clock import now
from server.ids import cuid, prefixed
from server.jobs.accept import Order, accept
from server.jobs.models import Job
from server.media.library import keep
from server.place import Place, open_place
from server.settings import Settings
from server.stories.models import Story, StoryCharacter, StoryClip, StoryItem, StoryScene
from server.stories.writing import add_story
from tests.server.front import ORIGIN, SAME_ORIGIN
from tests.server.people import PASSWORD, add_key, add_user

SCRIPT = Script(
    title="The lantern",
    logline="A fox finds a lantern.",
    characters=(Character(name="Vix", role="protagonist", description="A young fox", voice="heart"),),
    scenes=(Scene(description="A wood at night", time_of_day="night", weather="clear", lighting="moonlight"),),
    shots=(
        Shot(scene=0, narration="A fox walked through the wood.", visual="a fox in a wood", camera="push_in"),
        Shot(scene=0, narration="She found a lantern.", visual="a lantern in the grass", camera="hold"),
    ),
)


class Person(NamedTuple):
    """Somebody with an account, and their key for everything."""

    id: str
    email: str
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


Api = TestClient[Server]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_at(tmp_path)


def settings_at(folder: Path) -> Settings:
    return Settings(
        home=folder / "home", data=folder / "data", profile="cpu", limits_generate="1000/s", limits_read="9000/s"
    )


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that nobody has used yet; migrating one anew for each test takes a second."""
    folder = tmp_path_factory.mktemp("fresh")
    open_place(Settings(home=folder / "home", data=folder / "data")).close()
    return folder / "data"


class House(NamedTuple):
    """A server that many tests go into."""

    place: Place
    client: Api


@pytest.fixture(scope="module")
def house(fresh_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """For tests that say `pytest.mark.one_server`: a server takes longer to build than most of them last.

    Whoever says so brings people of its own, and asks for nothing that others could have left behind.
    """
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(fresh_data, folder / "data")
    place = open_place(settings_at(folder))
    with TestClient(create_app(place), base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield House(place, client)
    place.close()


@pytest.fixture
def place(request: pytest.FixtureRequest, settings: Settings, fresh_data: Path) -> Iterator[Place]:
    if request.node.get_closest_marker("one_server"):
        yield request.getfixturevalue("house").place
        return
    assert settings.data is not None
    shutil.copytree(fresh_data, settings.data)
    opened = open_place(settings)
    yield opened
    opened.close()


@pytest.fixture
def client(request: pytest.FixtureRequest, place: Place) -> Iterator[Api]:
    """Nobody's: it sends no key and has no session."""
    if request.node.get_closest_marker("one_server"):
        client = request.getfixturevalue("house").client
        sent = dict(client.headers)
        yield client
        client.headers = sent
        client.cookies.clear()
        return
    with TestClient(create_app(place), base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def people(place: Place) -> Callable[..., Person]:
    """Makes a person."""

    def make(email: str, **more: Any) -> Person:
        user_id = add_user(place, email, **more)
        return Person(user_id, email, add_key(place, user_id))

    return make


@pytest.fixture
def user(people: Callable[..., Person]) -> Person:
    return people(f"ada.{cuid()}@example.com")


@pytest.fixture
def stranger(people: Callable[..., Person]) -> Person:
    """Somebody else, who may see nothing of `user`'s."""
    return people(f"eve.{cuid()}@example.com")


@pytest.fixture
def admin(people: Callable[..., Person]) -> Person:
    return people(f"admin.{cuid()}@example.com", admin=True)


@pytest.fixture
def key(user: Person) -> str:
    return user.key


@pytest.fixture
def api(client: Api, user: Person) -> Api:
    """The client with `user`'s key."""
    client.headers.update(user.bearer)
    return client


@pytest.fixture
def page(client: Api, user: Person) -> Api:
    """The client as a page of ours in the browser of `user`, who is signed in."""
    answer = client.post("/api/v1/session", json={"email": user.email, "password": PASSWORD}, headers=SAME_ORIGIN)
    assert answer.status_code == 200, answer.text
    client.headers.update({**SAME_ORIGIN, "X-CSRF-Token": answer.json()["csrfToken"]})
    return client


@pytest.fixture
def job(place: Place, user: Person) -> str:
    """The id of a job of `user` that waits."""
    return accept_job(place, user.id)


@pytest.fixture
def story(place: Place, user: Person, tmp_path: Path) -> str:
    """The id of a finished story of `user`, with two clips."""
    return add_made_story(place, user.id, tmp_path)


def accept_job(place: Place, user_id: str, **more: Any) -> str:
    request = StoryRequest(prompt="A fox finds a lantern", profile="cpu", target_seconds=30)
    order = Order(request=request, render_video=False, estimate={"script": 4.0, "clips": 8.0, "film": 2.0}, **more)
    return accept(place, user_id, order).job_id


def add_made_story(place: Place, user_id: str, folder: Path, status: str = "completed", script: Script = SCRIPT) -> str:
    """A story with all its assets, as a worker would have left it, and its job."""
    job_id = accept_job(place, user_id)
    with place.db.writing() as session:
        job = session.get_one(Job, job_id)
        story_id = job.work_id

        def media(name: str, content: bytes) -> str:
            path = folder / f"{cuid()}-{name}"
            path.write_bytes(content)
            return keep(session, place.folders, path, user_id=user_id, owner=story_id, suffix=path.suffix).id

        add_story(
            session,
            Story(
                id=story_id,
                user_id=user_id,
                job_id=job_id,
                series_id=None,
                title=script.title,
                status=status,
                prompt="A fox finds a lantern",
                aspect_ratio="16:9",
                locale="en",
                content_type="cinematic_story",
                render_video=False,
                request=job.request,
                script=script,
                duration=12.5,
                film_id=media("film.mp4", b"film"),
                srt_id=media("film.srt", b"1\n00:00:00,000 --> 00:00:02,000\nA fox\n"),
                transcript_id=media("film.txt", b"A fox\n\n[0:00] A fox\n"),
                vtt_id=media("film.vtt", b"WEBVTT\n\n00:00.000 --> 00:02.000\nA fox\n"),
                characters=1,
                scenes=1,
                items=1,
                clips=len(script.shots),
                created_at=now(),
            ),
        )
        image = media("still.png", b"png")
        session.add_all(
            [
                StoryCharacter(
                    id=prefixed("char"), story_id=story_id, order=0, name="Vix", role="protagonist",
                    description="A young fox", voice="heart", image_id=image,
                ),
                StoryScene(
                    id=prefixed("scene"), story_id=story_id, order=0, description="A wood at night",
                    time_of_day="night", weather="clear", lighting="moonlight", image_id=image,
                ),
                StoryItem(
                    id=prefixed("item"), story_id=story_id, order=0, name="lantern", description="Old brass",
                    significance="It shines by itself", image_id=None,
                ),
                *(
                    StoryClip(
                        id=prefixed("clip"), story_id=story_id, order=number, narration=shot.narration or None,
                        duration=6.25, status="completed", image_id=image, video_id=media("clip.mp4", b"clip"),
                        audio_id=media("line.wav", b"wav"),
                    )
                    for number, shot in enumerate(script.shots)
                ),
            ]
        )  # fmt: skip
        job.story_id, job.status, job.progress = story_id, status, 100
        job.started_at = job.completed_at = now()
    return story_id
