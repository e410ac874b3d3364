"""Serving: a socket, a token where strangers could knock, and a server whose connections have an end."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from letheon.errors import InputError
from letheon.runs.address import is_loopback
from letheon.views.explore.app import create


def bind(host: str, port: int) -> socket.socket:
    """Open a listening socket (port 0: any that is free), or refuse in a sentence that names another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        why = error.strerror or "the address cannot be used"
        other = f"choose another, e.g. --port {port + 1 if 0 < port < 65535 else 8422}"
        raise InputError(f"{host} port {port} cannot be used ({why}); {other}.") from None
    return opened


def serve(host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the page at an address of this machine until Ctrl-C; `tell` writes a sentence to the error stream."""
    opened = bind(host, port)
    token = "" if is_loopback(host) else secrets.token_urlsafe(24)
    name = f"[{host}]" if ":" in host else host
    number = opened.getsockname()[1]
    tell(f"open http://{name}:{number}/{f'?token={token}' if token else ''} in a browser; Ctrl-C ends.")
    if token:
        tell("other machines can reach this address; whoever has the token can use it, and nothing is encrypted.")
    config = uvicorn.Config(
        create(token, hosts=(name,), port=number),
        http=Connection,
        ws="none",
        log_level="error",  # what a stranger sends is no news for the terminal
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    with opened, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[opened])


class Connection(H11Protocol):
    """Uvicorn's connection, which waits for ever, with deadlines: for a request to come, and an answer to be taken.

    Single bytes put no deadline off; there is none while an answer is computed. Connections beyond `most` are closed.
    """

    request_s = 20.0  # for a request to come whole, and for an answer to be taken
    most = 200  # connections at a time
    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all deadlines."""
        self._asking = _stopped(self._asking)
        self._taking = _stopped(self._taking)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for somebody who does not take an answer."""
        super().pause_writing()
        self._taking = self._taking or self._deadline()

    def resume_writing(self) -> None:
        """Go on with an answer."""
        self._taking = _stopped(self._taking)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has nothing more to ask, also where its last answer is not taken."""
        super().timeout_keep_alive_handler()
        self._taking = self._taking or self._deadline()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; where an answer is already under way, only close."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def _watch(self) -> None:
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._asking = self._asking or self._deadline()
        else:
            self._asking = _stopped(self._asking)

    def _deadline(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.request_s, self.transport.abort)


def _stopped(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
