"""The pages: what they load, what they call, what can be read, and a film that is ordered and seen in a browser."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.pytest_plugin import RunningServer
from server.web.pages import FOLDER, TYPES
from tests.server.conftest import Api

SCRIPTS = sorted(FOLDER.glob("*.js"))
PAGES = sorted(FOLDER.glob("*.html"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


# ---- what is served -------------------------------------------------------------------------------------------------


@pytest.mark.one_server
def test_every_file_of_the_folder_is_served_as_what_it_is(client: Api) -> None:
    there = {path.name for path in FOLDER.iterdir() if path.suffix in {".html", ".js", ".css", ".svg"}}
    assert there == set(TYPES)
    for name, kind in TYPES.items():
        answer = client.get(f"/web/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == kind.partition(";")[0]


@pytest.mark.parametrize("path", ["/", "/docs", "/web/studio.js"])
@pytest.mark.one_server
def test_the_policy_of_a_page_is_its_own_host(client: Api, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", [FOLDER / name for name in TYPES], ids=lambda path: path.name)
def test_nothing_names_a_foreign_address_or_needs_what_the_policy_refuses(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|[\"'(]//\w", text)
    assert not re.search(
        r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|\sstyle=|\son\w+=\"", text
    )


def test_the_first_page_knows_whether_somebody_is_signed_in(client: Api, page: Api) -> None:
    assert 'data-session="yes"' in page.get("/").text
    client.cookies.clear()
    assert 'data-session="no"' in client.get("/").text


# ---- what is called -------------------------------------------------------------------------------------------------


def calls(text: str) -> Iterator[tuple[str, str]]:
    """What a script calls, as method and path; `{}` stands for what is put in."""
    text = text.replace("${path}", "/stories/${id}/shots")  # the one address that is begun elsewhere
    for method, path in re.findall(r"""\bcall\("([A-Z]+)", ["`]([^"`]+)["`]""", text):
        yield method, "/api/v1" + spelt(path)
    for path in re.findall(r"""["`](/api/v1/[^"`]+)["`]""", text):
        if path != "/api/v1${path}":
            yield "GET", spelt(path)
    for path in re.findall(r"\bgo\(`([^`]+)`\)", text):
        yield "POST", "/api/v1" + spelt(path)


def spelt(path: str) -> str:
    return re.sub(r"\$?\{[^}]*\}", "{}", path).partition("?")[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_call_of_a_script_is_an_operation(client: Api, script: Path) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    known = {(method.upper(), spelt(path)) for path, methods in paths.items() for method in methods}
    called = set(calls(script.read_text(encoding="utf-8").replace('"/api/v1${path}"', "")))
    assert called <= known


def test_the_calls_are_found() -> None:
    found = {call for script in SCRIPTS for call in calls(script.read_text(encoding="utf-8"))}
    assert {
        ("POST", "/api/v1/setup"), ("POST", "/api/v1/stories/plan"), ("POST", "/api/v1/stories/generate"),
        ("PATCH", "/api/v1/stories/{}/shots/{}"), ("POST", "/api/v1/stories/jobs/{}/retry"),
        ("GET", "/api/v1/stories/jobs/{}/events"), ("GET", "/api/v1/stories/{}/captions.vtt"),
        ("DELETE", "/api/v1/api-keys/{}"),
    } <= found  # fmt: skip


def test_the_form_offers_what_a_request_takes(client: Api) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    takes = schemas["Generate"]["properties"]
    page, script = (FOLDER / "index.html").read_text(), (FOLDER / "order.js").read_text()
    form = page[page.index('<form id="order"') : page.index("</form>", page.index('<form id="order"'))]
    assert set(re.findall(r'\bname="(\w+)"', form)) | {"contentType", "aspectRatio"} <= set(takes)
    offered = {"contentType": r"^  (\w+): \"", "aspectRatio": r'"(\d+:\d+)"'}
    for field, pattern in offered.items():
        assert set(re.findall(pattern, script, re.MULTILINE)) == set(choices(takes[field])), field


def choices(schema: dict[str, Any]) -> list[str]:
    return next(one["enum"] for one in [schema, *schema.get("anyOf", [])] if "enum" in one)


# ---- what can be read -----------------------------------------------------------------------------------------------


def themes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{([^}]*)\}", (FOLDER / "style.css").read_text())
    return [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks]


def luminance(colour: str) -> float:
    """Relative luminance, 0–1. https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1–21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", themes(), ids=["dark", "light"])
def test_texts_and_the_edges_of_fields_stand_out(theme: dict[str, str]) -> None:
    for ground in (theme["paper"], theme["card"]):
        for text in ("ink", "dim", "accent", "bad"):
            assert contrast(theme[text], ground) >= 4.5, (text, ground)
        assert contrast(theme["edge"], ground) >= 3, ground
    assert contrast(theme["on-accent"], theme["accent"]) >= 4.5


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_field_has_a_label(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    bare = re.sub(r"<label[ >].*?</label>", "", text, flags=re.DOTALL)
    assert not re.search(r"<(input|select|textarea)\b", bare)


# ---- in a browser ---------------------------------------------------------------------------------------------------


MISSING = [
    name
    for name, found in (("Chromium", CHROMIUM), ("playwright", importlib.util.find_spec("playwright")))
    if found is None
]


@pytest.fixture
def browser() -> Iterator[Any]:
    """A new profile of Chromium, in which nobody has been anywhere."""
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium.new_context(viewport={"width": 1280, "height": 800})
        chromium.close()


SEEK = """async () => {
  const video = document.querySelector("#player video");
  if (video.readyState < 1) await new Promise((resolve) => { video.onloadedmetadata = resolve; });
  video.muted = true;
  await video.play();
  video.currentTime = video.duration - 2;
  await new Promise((resolve) => { video.onseeked = resolve; });
  const { duration, currentTime, error, textTracks } = video;
  return { duration, now: currentTime, error: error?.message ?? null, tracks: textTracks.length };
}"""


# a mark and no skip in the fixture, which would come after a server was started for nobody
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_somebody_signs_in_orders_a_film_and_sees_it(browser: Any, reelhouse: RunningServer) -> None:
    tab = browser.new_page()
    wrong: list[str] = []
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda request: None if request.url.startswith(reelhouse.url) else wrong.append(request.url))

    tab.goto(reelhouse.url)
    door = tab.locator("#signin")
    door.get_by_label("E-mail").fill("tests@example.org")
    door.get_by_label("Password").fill("for tests")
    door.get_by_role("button", name="Sign in").click()
    tab.get_by_label("What is it about?").fill("A fox finds a lantern")
    tab.get_by_label("Length").select_option("6")
    tab.locator("#planned", has_text="costs 25 credits").wait_for()
    tab.get_by_role("button", name="Make it").click()
    tab.get_by_role("progressbar").wait_for()
    tab.reload()
    tab.locator("#player video").wait_for(timeout=180_000)
    seen = tab.evaluate(SEEK)
    assert seen["error"] is None
    assert 5 < seen["duration"] < 9
    assert seen["now"] >= seen["duration"] - 2.1
    assert seen["tracks"] == 1

    tab.get_by_role("button", name="Edit shot 1").click()
    tab.get_by_label("Line that is spoken").fill("A fox found a lamp.")
    tab.get_by_role("button", name="Change…").click()
    told = tab.get_by_role("dialog")
    told.get_by_text("25 credits").wait_for()
    tab.keyboard.press("Escape")
    told.wait_for(state="detached")

    script = tab.get_by_role("link", name="Script (JSON)").get_attribute("href")
    tab.get_by_role("button", name="Delete").click()
    tab.get_by_role("button", name="Delete it").click()
    tab.get_by_label("What is it about?").wait_for()
    assert wrong == []
    assert tab.request.get(f"{reelhouse.url}{script}").status == 404

    tab.goto(f"{reelhouse.url}/docs")
    paths = tab.evaluate("async () => (await (await fetch('/openapi.json')).json()).paths")
    tab.locator("details.operation").first.wait_for()
    assert tab.locator("details.operation").count() == sum(map(len, paths.values()))
    assert wrong == []
