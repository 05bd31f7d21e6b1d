"""uvicorn as `serve` runs it: on a socket that is already bound, telling when it accepts, leaving in good order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import h11
import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.errors import ReelhouseError
from server.api.errors import spell
from server.app import Server
from server.jobs.bells import ring_again
from server.jobs.crew import left_waiting
from server.place import Place
from server.workforce import Workforce

log = structlog.get_logger("reelhouse.serve")

DRAIN_SECONDS = 5
"""How long an answer that has begun may take to its end after TERM; a film that is being downloaded is cut then."""
KEEP_ALIVE_SECONDS = 30
HEAD_SECONDS = 30
"""How long a request's first line and headers may take, from the connection or the answer before on. Connections are
few, and anybody may open one."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises `ReelhouseError` if that cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except (OSError, OverflowError) as error:
        known = {errno.EADDRINUSE: "is in use already", errno.EACCES: "needs more rights than this user has"}
        reason = known.get(getattr(error, "errno", None) or 0, f"cannot be bound: {error}")
        raise ReelhouseError(f"{host}:{port} {reason}; choose another with --port or --host.") from error
    bound.set_inheritable(False)
    return bound


def url_of_socket(bound: socket.socket, host: str) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"


class Wire(H11Protocol):
    """HTTP/1.1 by h11; what is no HTTP at all is answered in the contract's shape too, and who says nothing is left."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete and self._patience is not None:
            self._patience.cancel()

    def on_response_complete(self) -> None:
        self._wait()  # before a request that was sent ahead begins
        super().on_response_complete()
        if not self.cycle.response_complete and self._patience is not None:
            self._patience.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state is not h11.IDLE and self.conn.our_state is not h11.SEND_RESPONSE:
            self.transport.close()  # half an answer is out: nothing more can be said
            return
        answer = spell(400, "This is no HTTP/1.1 request: its first line or a header is malformed.")
        headers = [(b"content-type", b"application/json"), (b"connection", b"close"),
                   (b"content-length", str(len(answer.body)).encode())]  # fmt: skip
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=answer.body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Listener(uvicorn.Server):
    """Serves `app` until TERM or INT; `interrupted` tells which it was."""

    def __init__(self, app: Server, place: Place, workforce: Workforce | None, when_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                ws="none",
                http=Wire,
                loop="asyncio",
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self._app, self._place, self._workforce, self._when_ready = app, place, workforce, when_ready
        self._sweeping: asyncio.Task[None] | None = None
        self._deserted = False
        self.interrupted = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """TERM and INT end it; unlike uvicorn's own, this does not raise them again when all is done."""
        before = {one: signal.signal(one, self._asked_to_leave) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            if self._workforce is not None:
                self._workforce.start()
            self._sweeping = asyncio.create_task(self._sweep())
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log.info("leaving")
        self._app.hub.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        leaving = self._workforce.leave() if self._workforce is not None else asyncio.sleep(0)
        await asyncio.gather(super().shutdown(sockets), leaving)

    def _asked_to_leave(self, number: int, _: Any) -> None:
        self.interrupted = number == signal.SIGINT
        self.handle_exit(number, None)

    async def _sweep(self) -> None:
        """Jobs whose worker has gone are queued again, and the bell is rung again for those that nobody heard."""
        while True:
            await asyncio.sleep(self._place.settings.sweep_seconds)
            try:
                await asyncio.to_thread(self._sweep_once)
            except SQLAlchemyError as error:
                log.warning("the database does not answer", reason=str(error).splitlines()[0])

    def _sweep_once(self) -> None:
        ring_again(self._place)
        with self._place.db.reading() as session:
            waiting = left_waiting(session, self._place.settings.lease_seconds)
        if waiting and not self._deserted:
            log.warning("jobs wait, and no worker lives", waiting=waiting)
        self._deserted = waiting > 0
