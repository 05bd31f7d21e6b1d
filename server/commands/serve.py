"""`reelhouse serve`: API, pages and supervised workers, until somebody stops it."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json, Profile
from server.commands.at_place import Data, place_at

EXAMPLE = "Example: reelhouse serve --port 8000 --data /srv/reelhouse"

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one that this machine has.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: the system chooses one.")]
NoWorker = Annotated[bool, typer.Option("--no-worker", help="The API alone; run `reelhouse worker` elsewhere.")]
Gpus = Annotated[str | None, typer.Option(help="A worker for each of these GPUs.", metavar="0,1|all")]


def serve(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Data = None,
    profile: Profile = None,
    no_worker: NoWorker = False,
    gpus: Gpus = None,
    json: Json = False,
) -> None:
    """Serve the API and the pages; prints `ready URL` once it accepts."""
    import msgspec
    import structlog

    from server.accounts.setup import is_needed, make_token
    from server.app import create_app
    from server.listening import Listener, bind, url_of_socket
    from server.logs import configure
    from server.place import whereabouts
    from server.workforce import Workforce, gpus_of

    crew = () if no_worker else gpus_of(gpus)
    with bind(host, port) as bound, place_at(context, data) as place:
        settings = msgspec.structs.replace(
            place.settings,
            profile=profile or place.settings.profile,
            allowed_hosts=(*place.settings.allowed_hosts, host),
        )
        place = place._replace(settings=settings)
        check_profile(settings.profile)
        configure(place.folders.logs / "server.log")
        url = url_of_socket(bound, host)
        structlog.get_logger("reelhouse.serve").info("starting", url=url, workers=len(crew), **whereabouts(place))

        def tell() -> None:
            if is_needed(place):
                # Not through the logs: they are kept, and this opens the door once.
                say(f"No user yet: open {url} and set up the first one with the token {make_token(place)}")
            if json:
                print_json({"url": url, "data": place.folders.root, "workers": len(crew)})
            else:
                print_text(f"ready {url}")

        listener = Listener(create_app(place), place, Workforce(place, crew) if crew else None, tell)
        listener.run(sockets=[bound])
        if not listener.started:
            raise typer.Exit(1)
        if listener.interrupted:
            raise KeyboardInterrupt


def check_profile(name: str) -> None:
    """Raises `BadRequest` naming the known ones, before the first story would."""
    from engine.catalog import load_catalog

    if name != "auto":
        load_catalog().profile(name)
