"""One connection to the page, with an end: Uvicorn waits for ever for a request that does not come whole."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """Uvicorn's connection with deadlines: for a request, head and body, and for whoever does not take an answer.

    A deadline runs from the first moment and is not put off by single bytes. While an answer is computed there is none;
    the pool has its own. Connections beyond `most` are closed as they come.
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
