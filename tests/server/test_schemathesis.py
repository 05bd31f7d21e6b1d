"""Requests made from the documentation itself, fitting and not: no answer is a fault or outside of what is described.

They are sent in turns by a person who has logged in and with a key of all scopes, who have one of everything; half of
them name what is theirs, the others whatever the generator thinks of.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from server.app import create_app
from server.place import Place, open_place
from server.settings import Settings
from server.stories.models import Story
from tests.server.conftest import Person
from tests.server.operations import Belongings, belongings_of, camel_ids, session_of
from tests.server.people import add_key, add_user

EXAMPLES = 20
NUL = "it holds a NUL"
load_all_checks()

ONLY_HERE = {
    "script", "locale", "profile", "voice", "targetSeconds",  # what the plan knows: models, scenes, speakers
    "webhookUrl", "imageUrl",  # what may be reached, and what is a picture
    "prompt", "title", "style", "name", "characterName", "email", "password", "seriesId",  # which letters
    "negativePrompt", "scopes", "shot", "Last-Event-ID", "Idempotency-Key", "lexicon",
}  # fmt: skip
"""Fields that fit the schema and may be refused all the same, since only the server can tell."""

# What is served is this to the byte: test_openapi.py.
DESCRIBED = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))["paths"]
OPERATIONS = [(method, path) for path, methods in DESCRIBED.items() for method in methods]


def may_be_unfitting(method: str, path: str) -> bool:
    """Whether anything can be sent that does not fit: what stands in a path is a text, and mostly no more is asked."""
    told = DESCRIBED[path][method]
    asked = [one for one in told.get("parameters", ()) if (one["in"], one["schema"]) != ("path", {"type": "string"})]
    return bool(asked) or "requestBody" in told


FITTING = [pytest.param(*one, GenerationMode.POSITIVE, id=f"{' '.join(one)}-fitting") for one in OPERATIONS]
UNFITTING = [
    pytest.param(*one, GenerationMode.NEGATIVE, id=f"{' '.join(one)}-unfitting")
    for one in OPERATIONS
    if may_be_unfitting(*one)
]


class World:
    """A server with people in it, of whom the first makes the requests. What a request removed is made again."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder = place, folder
        self.user_id = add_user(place, "ada@example.com", admin=True, credits=1_000_000)
        add_user(place, "root@example.com", admin=True)
        self.other_id = add_user(place, "eve@example.com")
        self.key = add_key(place, self.user_id)
        self._things: Belongings | None = None

    @property
    def ids(self) -> dict[str, str]:
        with self.place.db.reading() as session:
            gone = self._things is None or session.get(Story, self._things.ids["story_id"]) is None
        if gone or self._things is None:
            spare = Person(self.user_id, "", add_key(self.place, self.user_id))
            self._things = belongings_of(self.place, spare, self.folder)
        return self._things.ids | {"user_id": self.other_id}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    place = open_place(
        Settings(
            home=folder / "home", data=folder / "data", profile="cpu", offline="strict", limits_generate="100000/s",
            limits_read="100000/s", limits_login="100000/s",
        )
    )  # fmt: skip
    yield World(place, folder)
    place.close()


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})  # we send our own
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(world.place), config=config)


def holds_null(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(part is None or holds_null(part) for part in parts)


@pytest.mark.parametrize(("method", "path", "mode"), [*FITTING, *UNFITTING])
def test_no_answer_is_outside_of_what_is_described(
    world: World, schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    numbers = itertools.count()
    operation, bearer = schema[path][method], {"Authorization": f"Bearer {world.key}"}

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def check(case: schemathesis.Case) -> None:
        number = next(numbers)
        headers = session_of(world.place, world.user_id) if number % 2 else bearer
        if case.path_parameters and number % 4 < 2:
            ids = camel_ids(world.ids)
            case.path_parameters |= {name: ids[name] for name in case.path_parameters if name in ids}
        answer = case.call(headers=headers)
        told = answer.json()["error"].get("details", []) if answer.status_code == 400 else []
        beyond = told and all(one["field"].partition(".")[0] in ONLY_HERE or one["message"] == NUL for one in told)
        beyond = beyond or answer.status_code == 422  # a key that was used with another body
        excluded = [positive_data_acceptance] if beyond else []
        # Null counts as absent by any name, so what a schema refuses for it may fit all the same.
        excluded += [negative_data_rejection] if holds_null(case.body) else []
        case.validate_response(answer, excluded_checks=excluded)

    check()
