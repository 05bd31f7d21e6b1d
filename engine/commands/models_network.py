"""`reelhouse models pull` and `pin`: the only commands that fetch anything, and only what an entry names."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands.answer import print_json, print_text, say, stdout_reserved
from engine.commands.flags import Json
from engine.commands.models import around, chosen, describe_model, in_gb
from engine.commands.surroundings import Surroundings
from engine.errors import BadRequest, BadSetting
from engine.types import Camel, Quality

if TYPE_CHECKING:
    from engine.catalog import Catalog, ModelSpec
    from engine.downloads import Network

PULL_EXAMPLE = "Example: reelhouse models pull qwen3-4b"
PIN_EXAMPLE = "Example: reelhouse models pin qwen3-4b"
LINE_EVERY = 10.0
"""Seconds between two lines of progress where nobody watches a terminal; one redrawn line where somebody does."""
REDRAW_EVERY = 0.2

Models = Annotated[list[str] | None, typer.Argument(help="Ids of models.yaml.", metavar="[MODEL]...")]
OfProfile = Annotated[str | None, typer.Option("--profile", help="All models of this profile.")]
AtQuality = Annotated[Quality | None, typer.Option("--quality", help="The profile's models of this quality.")]
Unpinned = Annotated[bool, typer.Option("--unpinned", help="Take what is there now where no commit is pinned.")]
Accepted = Annotated[
    list[str] | None, typer.Option("--accept-licence", help="Accept this model's notice.", metavar="MODEL")
]
Revision = Annotated[str | None, typer.Option(help="Commit, branch or tag of the model's repository.")]


class PulledRow(Camel, frozen=True):
    """`fetched` bytes came over the network; `fresh` False: it was on this machine already, whole."""

    id: str
    path: str
    fetched: int
    fresh: bool


class PinnedRow(Camel, frozen=True):
    id: str
    revision: str | None
    files: int
    bytes: int


def pull(
    context: typer.Context,
    models: Models = None,
    profile: OfProfile = None,
    quality: AtQuality = None,
    unpinned: Unpinned = False,
    accept_licence: Accepted = None,
    json: Json = False,
) -> None:
    """Fetch the weights of models; goes on where it was stopped. HF_TOKEN, HF_ENDPOINT and proxies are heeded."""
    from engine.consent import read_notice
    from engine.hub import endpoint
    from engine.models import prepare_weights
    from engine.pulling import pull_model
    from engine.weights import fetched_folder

    catalog, home = around(context)
    specs = wanted(catalog, models, profile, quality)
    _check_online(context)
    unknown = sorted(set(accept_licence or ()) - set(catalog.models))
    if unknown:
        catalog.model(unknown[0])
    fetchable = [spec for spec in specs if fetched_folder(spec, home) is not None]
    if models and len(fetchable) < len(specs):
        other = next(spec for spec in specs if spec not in fetchable)
        raise BadRequest("model", f"{other.id} comes over no network: nothing is to be pulled")
    for spec in fetchable:
        read_notice(spec, home, accept_licence or (), say)
    rows = []
    with _network() as network:
        for spec in fetchable:
            with stdout_reserved(), shown_progress(spec.id) as progress:
                done = pull_model(
                    spec,
                    home,
                    network,
                    endpoint(),
                    unpinned=unpinned,
                    prepare=prepare_weights,
                    progress=progress,
                    say=say,
                )
            rows.append(PulledRow(id=spec.id, path=str(done.folder), fetched=done.fetched, fresh=done.fresh))
            if not json:
                how = f"{in_gb(done.fetched)} fetched" if done.fresh else "was here already"
                print_text(f"{spec.id}: {how}, whole and verified, in {done.folder}")
    if json:
        print_json({"pulled": rows, "models": [describe_model(spec, catalog, home) for spec in specs]})
    elif not fetchable:
        print_text("nothing to pull: all of it comes with its code")


def pin(
    context: typer.Context,
    models: Models = None,
    profile: OfProfile = None,
    quality: AtQuality = None,
    revision: Revision = None,
    json: Json = False,
) -> None:
    """Read which commit and which files with which hashes the sources have now, and keep that in models.lock."""
    import msgspec

    from engine.hub import endpoint
    from engine.pins import keep_pins, lock_path, read_pins
    from engine.pulling import Staging
    from engine.weights import fetched_folder

    catalog, home = around(context)
    specs = wanted(catalog, models, profile, quality)
    if revision is not None and len(specs) != 1:
        raise BadRequest("revision", "it is a commit of one model's repository: name one model")
    _check_online(context)
    lock_path(catalog)
    pinned = []
    with _network() as network:
        for spec in specs:
            folder = fetched_folder(spec, home)
            if folder is None:
                continue
            fresh = catalog.declared.get(spec.id, spec)
            if fresh.pinned:
                say(f"{spec.id}: pinned by models.yaml itself, where it stays as it is")
                continue
            staging = Staging(folder)
            with staging.hold(say):
                pinned.append(read_pins(fresh, network, endpoint(), staging.place_of, revision))
            say(f"{spec.id}: pinned")
            keep_pins(catalog, pinned)
            catalog = msgspec.structs.replace(catalog, models=catalog.models | {spec.id: pinned[-1]})
    rows = [_pinned_row(spec) for spec in pinned]
    if json:
        print_json({"pinned": rows})
        return
    for row in rows:
        at = f" at {row.revision}" if row.revision else ""
        print_text(f"{row.id}: {row.files} files, {in_gb(row.bytes)}{at}")
    print_text(f"kept in {lock_path(catalog)}" if pinned else "nothing to pin")


def wanted(
    catalog: Catalog, ids: Iterable[str] | None, profile: str | None, quality: Quality | None = None
) -> list[ModelSpec]:
    """The models of these ids, and those that a film of this profile and quality (None: standard) is made with, each
    once. Raises `BadRequest` if nothing was named, or a quality of no profile."""
    from engine.machine import this_machine

    names = list(ids or ())
    if profile is not None:
        names += catalog.profile(profile, this_machine().vram_gb).at(quality or "standard").models.values()
    elif quality is not None:
        raise BadRequest("quality", "it tells models of a profile apart: name the --profile too")
    if not names:
        raise BadRequest("model", "name models (`reelhouse models list` does), or a --profile")
    return chosen(catalog, dict.fromkeys(names))


def _pinned_row(spec: ModelSpec) -> PinnedRow:
    from engine.weights import sources_of

    sources = sources_of(spec).values()
    return PinnedRow(
        id=spec.id,
        revision=spec.weights.revision if spec.weights else None,
        files=sum(len(weights.sizes) for weights in sources),
        bytes=sum(sum(weights.sizes.values()) for weights in sources),
    )


def _check_online(context: typer.Context) -> None:
    surroundings: Surroundings = context.obj
    if surroundings.settings().offline == "strict":
        raise BadSetting(
            "REELHOUSE_OFFLINE is strict, so nothing is fetched: bring models as a pack (`reelhouse models import`)."
        )


def _network() -> Network:
    from engine.downloads import Network, environment_token
    from engine.hub import endpoint

    return Network(token=environment_token(), origin=endpoint())


class Shown:
    """A line of progress: redrawn on a terminal, else a new one now and then."""

    def __init__(self, model: str) -> None:
        self._model, self._live = model, sys.stderr.isatty()
        self._began = time.monotonic()
        self._at_first: int | None = None
        self._next = self._began + (0 if self._live else LINE_EVERY)

    def __call__(self, file: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._at_first is None:
            self._at_first = done
        if now < self._next or not file:
            return
        self._next = now + (REDRAW_EVERY if self._live else LINE_EVERY)
        rate = (done - self._at_first) / max(now - self._began, 1e-3)
        line = progress_line(self._model, file, done, total, rate)
        if self._live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        else:
            say(line)

    def clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress_line(model: str, file: str, done: int, total: int, rate: float) -> str:
    """`rate` in bytes a second; without one there is no telling how long it will take."""
    left = f", {_clock((total - done) / rate)} left" if rate > 0 else ""
    return (
        f"{model}: {done / 1e6:.0f} of {total / 1e6:.0f} MB, {100 * done // max(total, 1)} %, {rate / 1e6:.1f} MB/s"
        f"{left} ({Path(file).name})"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def shown_progress(model: str) -> Iterator[Shown]:
    """Whoever is called with it tells how far it is; its line is wiped out at the end."""
    shown = Shown(model)
    try:
        yield shown
    finally:
        shown.clear()
