"""What is written down never holds a secret."""

from __future__ import annotations

import pytest

from server.logs import HIDDEN, redact

SECRETS = [
    "sk_live_7WH30123456789abcdef",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "Bearer abcdefghijklmnop",
    "reelhouse_session=abcdef0123",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    event = {"event": f"got {secret} from somewhere", "more": {"deep": [f"{secret}"]}, "error": ValueError(secret)}
    told = str(redact(None, "info", event))
    assert secret.split("=")[-1].split(" ")[-1] not in told
    assert "from somewhere" in told


@pytest.mark.parametrize(
    "name", ["password", "new_password", "Authorization", "cookie", "csrfToken", "api_key", "webhook_secret"]
)
def test_what_is_named_as_a_secret_is_hidden(name: str) -> None:
    assert redact(None, "info", {"event": "x", name: "hunter2"})[name] == HIDDEN
    assert "hunter2" not in str(redact(None, "info", {"event": "x", "headers": {name: "hunter2"}}))


def test_the_password_of_a_database_is_hidden() -> None:
    told = redact(None, "info", {"event": "postgresql://ada:hunter2@db/films is away"})["event"]
    assert "hunter2" not in told
    assert "@db/films is away" in told
    assert "hunter2" not in redact(None, "info", {"event": "redis://:hunter2@queue/1"})["event"]


def test_numbers_stay_numbers() -> None:
    assert redact(None, "info", {"event": "request", "status": 200, "ms": 1.5})["status"] == 200
