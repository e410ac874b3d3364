"""Who may ask, how much, and what a browser may do with the answer."""

import hmac
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from letheon.views.document import numbers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_COOKIE = "letheon_token"
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,19}")


class Guard:
    """Stands before the application (ASGI): addresses, the token, the size of a request, security headers.

    A visitor must show the `token`; it is "" where only this machine can ask, under one of `names` with the `port`.
    """

    def __init__(self, app: Application, token: str, body_bytes: int, names: Iterable[str], port: int) -> None:
        self.app, self.token, self.body_bytes, self.port = app, token, body_bytes, port
        self.too_large = f"the request is larger than {numbers.fixed(body_bytes, 0)} bytes."
        # port 80 is the one that browsers leave out
        self.hosts = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.body_bytes:
                raise HTTPException(413, self.too_large, {"connection": "close"})
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in known]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        scope["headers"] = [(name.lower(), value) for name, value in scope["headers"]]
        await (self._answer(Request(scope)) or self.app)(scope, bounded, with_headers)

    def _answer(self, request: Request) -> Response | None:
        """Return why a request may not pass, or the token's move into a cookie; None lets it through."""
        hosts = [host.lower() for host in request.headers.getlist("host")]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            return _refusal(400, "a request names one host, as in Host: 127.0.0.1:8421.")
        # a foreign name that leads here would let another site's scripts read the answers
        if not self.token and hosts[0] not in self.hosts:
            return _refusal(400, f"this page answers only under its own address: open http://127.0.0.1:{self.port}/.")
        in_address = request.query_params.get("token", "")
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        shown = (in_address, request.cookies.get(_COOKIE, ""), bearer.strip() if scheme.lower() == "bearer" else "")
        if self.token and not any(map(self._is_token, shown)):
            sentence = "this page asks for a token; open the address that letheon explore printed."
            return _refusal(401, sentence, {"www-authenticate": "Bearer"})
        length = request.headers.get("content-length", "")
        if _LENGTH.fullmatch(length) and int(length) > self.body_bytes:
            return _refusal(413, self.too_large, {"connection": "close"})
        if self.token and request.scope["path"] == "/" and self._is_token(in_address):
            # moved out of the address, so that no copied address gives it away
            cookie = f"{_COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            return RedirectResponse("/", 303, {"set-cookie": cookie})
        return None

    def _is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self.token.encode())


def _refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": sentence}, status, headers)
