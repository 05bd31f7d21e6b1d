"""Scripts of a small writer or of given answers, for tests. Knows no picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.artifacts import Store
from engine.backends.protocols import Completion, TextJob, Tick, no_tick
from engine.backends.text.llama import load
from engine.backends.text.toy import NAME, build_toy_llama
from engine.catalog import ModelSpec, load_catalog
from engine.formats import load_format
from engine.machine import Machine
from engine.progress import Control
from engine.stages.plan import make_plan
from engine.stages.script import write_script
from engine.types import Plan, Script, StoryRequest
from tests.fake_models.pictures import FakeHandle

DRAGON = "A dragon teaches a young knight to fly"
LAPTOP = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)


class Answers:
    """A writer that gives these answers in turn, the last one for ever."""

    def __init__(self, spec: ModelSpec, *texts: str) -> None:
        self.spec, self.texts, self.jobs = spec, list(texts), []

    def complete(self, job: TextJob, *, tick: Tick = no_tick) -> Completion:
        self.jobs.append(job)
        tick(1, job.max_tokens)
        return Completion(text=self.texts[min(len(self.jobs), len(self.texts)) - 1], whole=True)

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def toy_writer(folder: Path) -> Iterator[FakeHandle]:
    """A toy llama, built in the empty `folder`."""
    build_toy_llama(folder)
    model = load(load_catalog().model("toy-llama"), folder / NAME)
    yield FakeHandle(model)
    model.close()


def planned(prompt: str, **fields) -> tuple[StoryRequest, Plan]:
    return make_plan(StoryRequest(**{"prompt": prompt, "profile": "tiny", **fields}), load_catalog(), LAPTOP)


def written(writer: FakeHandle, folder: Path, prompt: str = DRAGON, **fields) -> Script:
    request, plan = planned(prompt, **fields)
    fmt = load_format(plan.format)
    return write_script(request, plan, fmt, writer=writer, store=Store(folder), control=Control())
