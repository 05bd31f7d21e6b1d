"""A typed client of the /api/v1 contract, for any program that has msgspec and httpx2; needs nothing else of Reelhouse.

    with Client("http://127.0.0.1:8000", "sk_live_…") as reelhouse:
        job = reelhouse.wait(reelhouse.generate("A dragon teaches a young knight how to fly", render_video=True))
        reelhouse.download(job.video_url, "film.mp4")

Fields that a later server adds are ignored. Calls that are refused raise `ApiError`, which carries the contract's code.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx2
import msgspec

from server.client_types import Accepted, Character, CharacterImage, Clip, Happening, Item, Job, Scene, Story

T = TypeVar("T")
POLL_SECONDS = 5.0
TRIES = 4
"""Of a call that was refused for now (429, 503) or lost on the way; made so that a second one does no harm."""
LONGEST_WAIT = 60.0


class ApiError(Exception):
    """The server said no. `status`, `code` and `message` are those of the contract; `details` name fields."""

    def __init__(self, status: int, code: str, message: str, details: list[dict[str, str]] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.details = status, code, message, details or []


class JobFailed(Exception):
    """A job that was waited for did not complete. `job` says why."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"{job.error_code}: {job.error}")
        self.job = job


class _Many(msgspec.Struct):
    data: msgspec.Raw


class Client:
    """One server, one key. Safe for several threads."""

    def __init__(self, base_url: str, key: str, *, timeout: float = 60.0) -> None:
        """`base_url` without /api/v1; `timeout` in seconds, of one call."""
        self._http = httpx2.Client(
            base_url=base_url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=timeout
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # ---- making -----------------------------------------------------------------------------------------------------

    def generate(self, prompt: str, **fields: Any) -> str:
        """The id of the new job. `fields` are those of the contract, in snake_case: `aspect_ratio="9:16"`, `script=…`.

        Sent with an Idempotency-Key, so that a call that is lost on the way and sent again makes one job.
        """
        body = {"prompt": prompt, **{_camel(name): value for name, value in fields.items()}}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._call("POST", "/stories/generate", Accepted, json=body, headers=headers).job_id

    def plan(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """What `generate` would take; makes nothing."""
        body = {"prompt": prompt, **{_camel(name): value for name, value in fields.items()}}
        return self._call("POST", "/stories/plan", dict[str, Any], json=body)

    def job(self, job_id: str) -> Job:
        return self._call("GET", f"/stories/jobs/{job_id}", Job)

    def wait(self, job_id: str, *, poll: float = POLL_SECONDS, on_change: Callable[[Job], None] | None = None) -> Job:
        """The job, once it has completed; looked at every `poll` seconds. Raises `JobFailed`."""
        seen: Job | None = None
        while True:
            job = self.job(job_id)
            if on_change is not None and job != seen:
                on_change(job)
            if job.status == "failed":
                raise JobFailed(job)
            if job.ended:
                return job
            seen = job
            time.sleep(poll)

    def events(self, job_id: str, after: int = 0) -> Iterator[Happening]:
        """What happens to a job, as it happens, from behind event number `after` until the job is done."""
        headers = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}
        path = f"/api/v1/stories/jobs/{job_id}/events"
        with self._http.stream("GET", path, headers=headers, timeout=httpx2.Timeout(30.0)) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _refusal(answer)
            yield from _happenings(answer.iter_lines())

    def cancel(self, job_id: str) -> Job:
        return self._call("POST", f"/stories/jobs/{job_id}/cancel", Job)

    def retry(self, job_id: str) -> str:
        """The id of the new job; what the failed one had finished is used again."""
        return self._call("POST", f"/stories/jobs/{job_id}/retry", Accepted).job_id

    # ---- reading ----------------------------------------------------------------------------------------------------

    def stories(self, *, page: int = 1, limit: int = 20, status: str | None = None) -> list[Story]:
        wanted = {"page": page, "limit": limit, **({"status": status} if status else {})}
        return self._many("/stories", Story, params=wanted)

    def story(self, story_id: str) -> Story:
        return self._call("GET", f"/stories/{story_id}", Story)

    def script(self, story_id: str) -> dict[str, Any]:
        """The story's script, as `generate(script=…)` takes it."""
        return self._call("GET", f"/stories/{story_id}/script", dict[str, Any])

    def characters(self, story_id: str) -> list[Character]:
        return self._many(f"/stories/{story_id}/characters", Character)

    def scenes(self, story_id: str) -> list[Scene]:
        return self._many(f"/stories/{story_id}/scenes", Scene)

    def items(self, story_id: str) -> list[Item]:
        return self._many(f"/stories/{story_id}/items", Item)

    def clips(self, story_id: str) -> list[Clip]:
        return self._many(f"/stories/{story_id}/clips", Clip)

    def delete_story(self, story_id: str) -> None:
        self._send("DELETE", f"/stories/{story_id}")

    def ensure_character_image(self, series_id: str, character_name: str, image_url: str) -> CharacterImage:
        body = {"seriesId": series_id, "characterName": character_name, "imageUrl": image_url}
        return self._call("POST", "/series-assets/ensure-character-image", CharacterImage, json=body)

    def download(self, url: str, to: str | Path) -> Path:
        """Save a media address as the file `to`, which is whole or not there."""
        target = Path(to)
        half = target.with_name(f".{target.name}.part")
        try:
            with httpx2.stream("GET", url, timeout=60.0) as answer, half.open("wb") as file:
                if answer.status_code != 200:
                    answer.read()
                    raise _refusal(answer)
                for part in answer.iter_bytes():
                    file.write(part)
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
        return target

    # ---- the wire ---------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, kind: type[T], **more: Any) -> T:
        return msgspec.json.decode(self._send(method, path, **more).content, type=kind)

    def _many(self, path: str, kind: type[T], **more: Any) -> list[T]:
        raw = msgspec.json.decode(self._send("GET", path, **more).content, type=_Many)
        return msgspec.json.decode(raw.data, type=list[kind])  # type: ignore[valid-type]

    def _send(self, method: str, path: str, **more: Any) -> httpx2.Response:
        again = method in ("GET", "DELETE") or "Idempotency-Key" in more.get("headers", {})
        for attempt in range(1, TRIES + 1):
            last = attempt == TRIES or not again
            try:
                answer = self._http.request(method, "/api/v1" + path, **more)
            except httpx2.TransportError:
                if last:
                    raise
                time.sleep(0.5 * attempt)
                continue
            if answer.status_code < 300:
                return answer
            if last or answer.status_code not in (429, 503):
                raise _refusal(answer)
            time.sleep(min(LONGEST_WAIT, float(answer.headers.get("Retry-After", "1"))))
        raise AssertionError("the loop returns or raises")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _refusal(answer: httpx2.Response) -> ApiError:
    try:
        error = answer.json()["error"]
        return ApiError(answer.status_code, error["code"], error["message"], error.get("details"))
    except (ValueError, KeyError, TypeError):  # something between here and the server answered
        return ApiError(answer.status_code, "unknown", answer.text[:200])


def _happenings(lines: Iterator[str]) -> Iterator[Happening]:
    """Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    number, kind, data = 0, "", ""
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            number = int(value)
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
        elif line == "" and data:
            yield Happening(number, kind, msgspec.json.decode(data))
            if kind == "done":
                return
            kind, data = "", ""
