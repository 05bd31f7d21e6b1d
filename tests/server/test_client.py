"""The stand-in for other people's tests, driven by the client that comes along: the whole road with toy models."""

import re
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from engine.media import probe
from server.client import ApiError, Client, JobFailed
from server.client_types import Job
from server.pytest_plugin import RunningServer


@pytest.fixture(scope="module")
def job(reelhouse: RunningServer) -> Job:
    """A job that was waited for."""
    job_id = reelhouse.client.generate("A fox finds a lantern", target_seconds=6, render_video=True)
    return reelhouse.client.wait(job_id, poll=0.3)


def test_a_film_of_the_length_asked_for_can_be_downloaded(reelhouse: RunningServer, job: Job, tmp_path: Path) -> None:
    assert (job.status, job.progress, job.error) == ("completed", 100, None)
    assert job.video_url is not None
    film = reelhouse.client.download(job.video_url, tmp_path / "film.mp4")
    assert probe(film, decode=True).seconds == pytest.approx(6, abs=0.3)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_the_story_and_all_that_belongs_to_it_can_be_read(reelhouse: RunningServer, job: Job) -> None:
    client = reelhouse.client
    assert job.story_id is not None
    story = client.story(job.story_id)
    assert story.status == "completed"
    assert story.id in [one.id for one in client.stories(limit=100, status="completed")]
    counts = story.counts
    assert len(client.characters(story.id)) == counts.characters >= 1
    assert len(client.scenes(story.id)) == counts.scenes >= 1
    assert len(client.items(story.id)) == counts.items >= 1
    clips = client.clips(story.id)
    assert len(clips) == counts.clips >= 1
    assert all(clip.video_url and clip.image_url and clip.status == "completed" for clip in clips)


def test_what_happened_is_told_again_from_where_one_was(reelhouse: RunningServer, job: Job) -> None:
    events = list(reelhouse.client.events(job.job_id))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert (events[0].kind, events[-1].kind) == ("status", "done")
    assert [event.id for event in reelhouse.client.events(job.job_id, after=events[-2].id)] == [events[-1].id]


def test_a_second_job_loads_no_model_again(reelhouse: RunningServer, job: Job) -> None:
    again = reelhouse.client.generate("A bear finds a drum", target_seconds=6)
    reelhouse.client.wait(again, poll=0.3)
    ended = [line for line in (reelhouse.data / "logs/worker.log").read_text().splitlines() if '"loads"' in line]
    assert len(ended) >= 2
    loads = [line.split('"loads": ')[1].split("}")[0] for line in ended]
    assert len(set(loads)) == 1


def test_a_plan_makes_nothing(reelhouse: RunningServer) -> None:
    before = len(reelhouse.client.stories(limit=100))
    plan = reelhouse.client.plan("A fox finds a lantern", target_seconds=6)
    assert plan["credits"] == 25
    assert len(reelhouse.client.stories(limit=100)) == before


def test_a_job_that_is_cancelled_is_one_that_failed_and_can_be_tried_again(reelhouse: RunningServer) -> None:
    client = reelhouse.client
    job_id = client.generate("A whale learns to sing", target_seconds=20)
    assert client.cancel(job_id).error_code == "cancelled"
    with pytest.raises(JobFailed, match="cancelled"):
        client.wait(job_id, poll=0.2)
    again = client.retry(job_id)
    assert client.job(again).retry_of == job_id
    client.cancel(again)


def test_a_refusal_carries_the_contracts_code(reelhouse: RunningServer) -> None:
    with pytest.raises(ApiError) as refused:
        reelhouse.client.generate("A fox", aspect_ratio="5:4")
    assert (refused.value.status, refused.value.code) == (400, "bad_request")
    assert "aspectRatio" in str(refused.value)
    with Client(reelhouse.url, "sk_live_nobody") as stranger, pytest.raises(ApiError) as unknown:
        stranger.stories()
    assert unknown.value.code == "unauthorized"


def test_no_model_library_is_in_the_servers_own_process(reelhouse: RunningServer) -> None:
    ours = [p for p in psutil.Process().children() if "serve" in p.cmdline()]
    maps = Path(f"/proc/{ours[0].pid}/maps").read_text()
    assert not [name for name in ("libtorch", "llama", "onnxruntime") if name in maps]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are for curl, which is not here")
def test_the_readmes_examples_run_as_they_stand(reelhouse: RunningServer, root: Path, tmp_path: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8").split("## A server\n")[1].split("\n## ")[0]
    shell = [block.split("```")[0] for block in readme.split("```sh\n")[1:]]
    python = [block.split("```")[0] for block in readme.split("```python\n")[1:]]
    curl = next(block for block in shell if "curl" in block)
    ask, look = curl.split("\ncurl ")
    settings = f"KEY={reelhouse.key}; cd {tmp_path}; set -e\n"
    program = settings + "JOB=$(" + ask + " | grep -o 'c[a-z0-9]\\{24\\}' | head -1)\ncurl " + look
    done = subprocess.run(
        ["bash", "-c", program.replace("http://127.0.0.1:8000", reelhouse.url)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert '"status":' in done.stdout, done.stdout + done.stderr
    (asked,) = set(re.findall('"jobId": ?"([a-z0-9]+)"', done.stdout))
    reelhouse.client.cancel(asked)  # a film of the usual length, which nobody waits for
    client = next(block for block in python if "from server.client" in block)
    client = client.replace("http://127.0.0.1:8000", reelhouse.url).replace("KEY", repr(reelhouse.key))
    client = client.replace("target_seconds=15", "target_seconds=6").replace(
        '"film.mp4"', repr(str(tmp_path / "f.mp4"))
    )
    exec(compile(client, "README.md", "exec"), {})
    assert probe(tmp_path / "f.mp4").frames > 0
