"""What tests of media and series stand on: pictures, stories with files, web servers that behave as told."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.testing import TestClient
from PIL import Image

from engine.types import Script, StoryRequest
from server.accounts.caller import Caller
from server.accounts.models import SCOPES
from server.api.bodies import ApiRequest
from server.api.errors import to_response
from server.api.media import serve_media
from server.api.v1 import series, series_assets
from server.clock import now
from server.ids import cuid
from server.jobs.models import Job
from server.media.library import keep
from server.media.models import Media
from server.place import Place
from server.stories.models import Story
from server.stories.writing import add_story


def a_file(place: Place, user_id: str, owner: str, data: bytes, suffix: str = ".mp4") -> Media:
    source = place.folders.root / f"made-{cuid()}{suffix}"
    source.write_bytes(data)
    with place.db.writing() as session:
        media = keep(session, place.folders, source, user_id=user_id, owner=owner, suffix=suffix)
    source.unlink()
    return media


def a_job(place: Place, user_id: str, work_id: str, status: str = "completed", **columns: Any) -> str:
    job = Job(
        id=cuid(),
        user_id=user_id,
        work_id=work_id,
        request=StoryRequest(prompt="A fox"),
        render_video=True,
        cost=25,
        status=status,
        estimate={},
        warnings=[],
        created_at=now(),
    )
    columns.setdefault("base_url", "http://localhost")
    for name, value in columns.items():
        setattr(job, name, value)
    with place.db.writing() as session:
        session.add(job)
    return job.id


def a_story(place: Place, user_id: str, *, status: str = "completed", created_at: int | None = None) -> str:
    """A story with a film, a job that is over, and a work folder with a file in it."""
    story_id = cuid()
    job_id = a_job(place, user_id, story_id, status, story_id=story_id, completed_at=now())
    with place.db.writing() as session:
        story = Story(
            id=story_id,
            user_id=user_id,
            job_id=job_id,
            title="A fox",
            status=status,
            prompt="A fox",
            aspect_ratio="16:9",
            locale="en",
            content_type="cinematic_story",
            render_video=True,
            request=StoryRequest(prompt="A fox"),
            script=Script(title="A fox"),
            created_at=now() if created_at is None else created_at,
        )
        add_story(session, story)
    film = a_file(place, user_id, story_id, b"film" * 100)
    with place.db.writing() as session:
        found = session.get(Story, story_id)
        assert found is not None
        found.film_id = film.id
    work = place.folders.work / story_id / "stills"
    work.mkdir(parents=True)
    (work / "1.png").write_bytes(b"still")
    return story_id


def client_of(place: Place, user_id: str | None = None) -> TestClient[Litestar]:
    """The routes of media and series in a small app, called by that user."""
    caller = Caller(user_id=user_id or "", role="user", via="session", scopes=frozenset(SCOPES))
    app = Litestar(
        [serve_media, Router("/api/v1", route_handlers=[*series.HANDLERS, *series_assets.HANDLERS])],
        dependencies={
            "place": Provide(lambda: place, sync_to_thread=False),
            "caller": Provide(lambda: caller, sync_to_thread=False),
        },
        request_class=ApiRequest,
        exception_handlers={Exception: to_response},
        openapi_config=None,
    )
    return TestClient(app)


def picture(width: int = 96, height: int = 64, colour: Any = "teal", kind: str = "PNG", mode: str = "RGB", **how: Any):
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, kind, **how)
    return out.getvalue()


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


Answerer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def web_server(answer: Answerer, wrap: Callable[[Any], Any] = lambda socket: socket) -> Iterator[int]:
    """A server on 127.0.0.1 that answers whatever comes by `answer`; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = wrap(server.socket)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def gives(data: bytes, kind: str = "image/png", status: int = 200, **headers: str) -> Answerer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


DATA = bytes(range(256)) * 40


SIZE = len(DATA)


def name_of(media: Media) -> str:
    return f"{media.id}{media.suffix}"
