"""From what a client asks for to an order that can be accepted: defaults, the plan's checks, the estimate."""

from __future__ import annotations

from typing import NamedTuple

from engine.catalog import load_catalog
from engine.estimate import PlanReport, plan_story
from engine.machine import this_machine
from engine.own_script import check_script
from engine.requests import MAX_TITLE, check_request
from engine.types import Script, StoryRequest
from server.api.v1.structs import Generate
from server.errors import BadInput
from server.fetching import check_target
from server.jobs.accept import Order
from server.place import Place


class Planned(NamedTuple):
    order: Order
    report: PlanReport


def plan_generation(place: Place, body: Generate, base_url: str) -> Planned:
    """The order that `body` spells, and what making it takes. Asks nobody outside: see `check_webhook`.

    Raises `engine.errors.UsageError` and `BadInput` naming the field. Missing model files are no reason: whoever
    installs them meanwhile gets the film.
    """
    request = StoryRequest(
        prompt=body.prompt,
        title=body.title,
        content_type=body.content_type or "cinematic_story",
        aspect_ratio=body.aspect_ratio or "16:9",
        locale=body.locale or "en",
        target_seconds=body.target_seconds,
        style=body.style,
        negative_prompt=body.negative_prompt or "",
        script=None if body.script is None else _own_script(body.script),
        seed=body.seed or 0,
        profile=body.profile or place.settings.profile,
        quality=body.quality or "standard",
        voice=body.voice,
        lexicon=body.lexicon or {},
        music=body.music is not False,
        captions=body.captions or "burned",
        sdh=body.sdh is True,
        use=body.use or "commercial",
    )
    order = Order(
        request=request,
        render_video=body.render_video is True,
        estimate={},
        series_id=body.series_id,
        webhook_url=body.webhook_url,
        base_url=base_url,
    )
    return plan_order(place, order)


def check_webhook(place: Place, body: Generate) -> None:
    """Raises `BadInput` if the address for webhooks may not be posted to, as far as that can be told now."""
    if body.webhook_url is not None:
        check_target(body.webhook_url, place.settings, "webhookUrl")


def _own_script(script: Script) -> Script:
    if len(script.title) > MAX_TITLE:  # it becomes the story's, which lists hold
        raise BadInput.of("script.title", f"1 to {MAX_TITLE} characters are accepted")
    return check_script(script)


def plan_order(place: Place, order: Order) -> Planned:
    """`order` with its request checked and its estimate filled in."""
    request = check_request(order.request)
    # As if the GPU were all there: what others, and our own worker, have taken of it is known where it is worked with.
    report = plan_story(request, home=place.settings.home, catalog=load_catalog(), machine=this_machine())
    order = order._replace(request=request, estimate=report.stage_seconds, disk_bytes=report.disk_bytes)
    return Planned(order, report)


def check_key(key: str | None) -> str | None:
    """An Idempotency-Key: 1 to 255 visible ASCII characters."""
    if key is not None and not (1 <= len(key) <= 255 and all("!" <= c <= "~" for c in key)):
        raise BadInput.of("Idempotency-Key", "1 to 255 visible ASCII characters are accepted")
    return key
