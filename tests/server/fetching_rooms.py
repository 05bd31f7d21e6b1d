"""What may be fetched and who answers for names, in tests. Knows no server."""

import socket
from typing import Any

import pytest

from server.errors import BadInput
from server.fetching import fetch_image
from server.settings import Settings
from tests.server.media_rooms import picture

PICTURE = picture()


def allowing(*hosts: str, **others: Any) -> Settings:
    return Settings(allowed_fetch=hosts, **others)


LOCAL = allowing("127.0.0.1")


def at(port: int, path: str = "/a.png", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{port}{path}"


def nobody(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")


class Names:
    """A resolver that knows these names, gives the answers of each in turn, and counts."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(-2, "Name or service not known")
        lists = self.answers[host]
        return lists.pop(0) if len(lists) > 1 else lists[0]


def refusal(url: str, settings: Settings | None = None, **how: Any) -> str:
    with pytest.raises(BadInput) as refused:
        fetch_image(url, settings or Settings(), **how)
    assert refused.value.details[0].field == "imageUrl"
    return refused.value.message
