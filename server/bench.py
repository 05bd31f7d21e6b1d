"""The measurements R7 and R8: what a client of the server waits for, each a ratio within one run.

R7  p99 of submit and of poll at 50 clients, while a story is made ÷ a bare Litestar route's insert and select
R8  p99 of the first pages of `GET /stories` at 1,000,000 stories of one owner ÷ at 1,000
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import insert

from engine.bench_rig import Place as Rig
from engine.bench_rig import bench_request
from engine.bench_rows import Row
from server.accounts.keys import create_key
from server.accounts.models import SCOPES
from server.accounts.passwords import hash_password
from server.accounts.users import create_user
from server.bench_load import Call, Load, run_load
from server.clock import now
from server.ids import cuid
from server.place import Place, open_place
from server.settings import Settings
from server.stories.models import Story, StoryCount

CLIENTS = 50
ROUNDS = 4
SUBMITS, POLLS = 250, 1000
FEW, MANY = 1_000, 1_000_000
PAGES = 5
READS = 400
UNLIMITED = "1000000/s"
PROMPT = "A dragon teaches a young knight how to fly"


def submits_and_polls(rig: Rig) -> list[Row]:
    """In turns with the bare route, since a shared machine changes its pace within seconds."""
    settings = _unlimited(rig, "r7")
    key, _ = _customer(settings)
    bare = [sys.executable, "-m", "server.bench_bare", str(rig.fresh("bare")), str(os.getpid())]
    ours: dict[str, list[Load]] = {"submit": [], "poll": []}
    theirs: dict[str, list[Load]] = {"submit": [], "poll": []}
    with _running(_serve(settings)) as url, _running(bare) as bare_url:
        script = msgspec.to_builtins(bench_request(12).script)
        making = run_load(url, [_submit(script=script, seed=seed) for seed in range(8)], clients=1, key=key)
        _until_begun(url, key, making.answers[0]["pollUrl"])
        for _ in range(ROUNDS):
            if rig.cancelled.is_set():
                break
            submitted = run_load(url, [_submit()] * SUBMITS, clients=CLIENTS, key=key)
            inserted = run_load(bare_url, [Call("/rows", {"prompt": PROMPT})] * SUBMITS, clients=CLIENTS)
            polls = [Call(submitted.answers[i % SUBMITS]["pollUrl"]) for i in range(POLLS)]
            selects = [Call(f"/rows/{inserted.answers[i % SUBMITS]['id']}") for i in range(POLLS)]
            ours["submit"].append(submitted)
            theirs["submit"].append(inserted)
            ours["poll"].append(run_load(url, polls, clients=CLIENTS, key=key))
            theirs["poll"].append(run_load(bare_url, selects, clients=CLIENTS))
    rows = []
    for what, goal in (("submit", 4.0), ("poll", 3.0)):
        mine, bare_one = _p99(ours[what]), _p99(theirs[what])
        parts = {"ours_ms": round(mine * 1000, 1), "bare_ms": round(bare_one * 1000, 1)}
        text = f"p99 of {what}, {CLIENTS} clients, a story being made ÷ bare route"
        rows.append(Row(id="R7", what=text, value=mine / bare_one, goal=goal, met=mine / bare_one <= goal, parts=parts))
    return rows


def first_pages(rig: Rig) -> list[Row]:
    """Two servers with the same tables, one with a thousand times the stories; asked in turns."""
    shelves = {number: _unlimited(rig, f"r8-{number}") for number in (FEW, MANY)}
    keys = {}
    for number, settings in shelves.items():
        keys[number], user_id = _customer(settings)
        _fill(settings, user_id, number)
    calls = [Call(f"/api/v1/stories?page={1 + i % PAGES}&limit=20") for i in range(READS)]
    with _running(_serve(shelves[FEW], "--no-worker")) as few, _running(_serve(shelves[MANY], "--no-worker")) as many:
        loads: dict[str, list[Load]] = {"few": [], "many": []}
        for _ in range(ROUNDS):
            loads["few"].append(run_load(few, calls, clients=4, key=keys[FEW]))
            loads["many"].append(run_load(many, calls, clients=4, key=keys[MANY]))
    of_few, of_many = _p99(loads["few"]), _p99(loads["many"])
    parts = {"few_ms": round(of_few * 1000, 2), "many_ms": round(of_many * 1000, 2)}
    what = "p99 of GET /stories, first pages, at 1,000,000 stories ÷ at 1,000"
    return [Row(id="R8", what=what, value=of_many / of_few, goal=2, met=of_many / of_few <= 2, parts=parts)]


MEASUREMENTS: dict[str, Callable[[Rig], list[Row]]] = {"R7": submits_and_polls, "R8": first_pages}


def _p99(loads: list[Load]) -> float:
    """Of all rounds together. Raises `RuntimeError` if calls were refused: what was not answered was not measured."""
    refused = sum(load.refused for load in loads)
    if refused:
        raise RuntimeError(f"{refused} calls were refused")
    return Load([value for load in loads for value in load.seconds], [], 0).percentile(0.99)


def _submit(**fields: Any) -> Call:
    return Call("/api/v1/stories/generate", {"prompt": PROMPT, "targetSeconds": 30, **fields})


def _until_begun(url: str, key: str, poll_url: str) -> None:
    while run_load(url, [Call(poll_url)], clients=1, key=key).answers[0]["status"] == "queued":
        time.sleep(0.2)


def _customer(settings: Settings) -> tuple[str, str]:
    """A key with all scopes, and its user's id, who can pay for everything."""
    place = open_place(settings)
    with place.db.writing() as session:
        user = create_user(session, "bench@example.org", hash_password(cuid()), credits=100_000_000, admin=False)
        _, key = create_key(session, user.id, "bench", list(SCOPES))
    place.close()
    return key, user.id


def _fill(settings: Settings, user_id: str, number: int) -> None:
    place: Place = open_place(settings)
    request = bench_request(1)
    assert request.script is not None
    common = {
        "user_id": user_id,
        "status": "completed",
        "title": request.script.title,
        "prompt": PROMPT,
        "aspect_ratio": "16:9",
        "locale": "en",
        "content_type": "cinematic_story",
        "render_video": True,
        "request": request,
        "script": request.script,
        **dict.fromkeys(("characters", "scenes", "items", "clips"), 1),
    }
    moment = now() - number
    with place.db.writing() as session:
        for start in range(0, number, 20_000):
            rows = range(start, min(number, start + 20_000))
            shelf = [{**common, "id": cuid(), "job_id": cuid(), "created_at": moment + i} for i in rows]
            session.execute(insert(Story), shelf)
        session.add(StoryCount(user_id=user_id, status="completed", total=number))
    place.close()


def _unlimited(rig: Rig, name: str) -> Settings:
    """Of a server in a new data folder, which refuses nobody for being too quick."""
    return Settings(home=rig.home, data=rig.fresh(name), limits_generate=UNLIMITED, limits_read=UNLIMITED)


def _serve(settings: Settings, *more: str) -> list[str]:
    """`reelhouse serve`, as a command line; its settings go into a file that only it reads."""
    assert settings.data is not None
    lines = [f"limits_generate = '{settings.limits_generate}'", f"limits_read = '{settings.limits_read}'"]
    folder = settings.data / "configured"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reelhouse.toml").write_text("\n".join([f"home = '{settings.home}'", *lines]), encoding="utf-8")
    code = f"import os; os.chdir({str(folder)!r}); from server.cli import main; main()"
    return [sys.executable, "-c", code, "serve", "--port", "0", "--data", str(settings.data), "--profile", "cpu", *more]


@contextmanager
def _running(command: list[str]) -> Iterator[str]:
    """The address of a server process that accepts, until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            word, _, url = process.stdout.readline().strip().partition(" ")
            if word != "ready":
                raise RuntimeError(f"{command[2][:60]} did not start")
            yield url
        finally:
            process.terminate()
            process.wait(20)
