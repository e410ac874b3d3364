"""Who may ask, how much, and what a browser may do with the answer."""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

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

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message.get("headers", ())}
                extra = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in known]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope.get("headers", ())}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(with_headers, *refusal)
            return
        if self.token and scope["path"] == "/" and self._is_token(_query_token(scope)):
            await _welcome(with_headers, self.token)
            return
        await self._bounded(scope, receive, with_headers, headers)

    def _refusal(self, scope: Message, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return why a request may not pass, or nothing."""
        hosts = [value.decode("latin-1").lower() for name, value in scope.get("headers", ()) if name.lower() == b"host"]
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            return 400, "a request names one host, as in Host: 127.0.0.1:8421."
        # a foreign name that leads here would let another site's scripts read the answers
        if not self.token and hosts[0] not in self.hosts:
            return 400, f"this page answers only under its own address: open http://127.0.0.1:{self.port}/."
        if self.token and not self._knows(scope, headers):
            return 401, "this page asks for a token; open the address that letheon explore printed."
        length = headers.get("content-length", "")
        if _LENGTH.fullmatch(length) and int(length) > self.body_bytes:
            return 413, self.too_large
        return None

    def _knows(self, scope: Message, headers: dict[str, str]) -> bool:
        tokens = [_query_token(scope)]
        with suppress(CookieError):
            tokens += [one.value for name, one in SimpleCookie(headers.get("cookie", "")).items() if name == _COOKIE]
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            tokens.append(bearer.strip())
        return any(map(self._is_token, tokens))

    def _is_token(self, shown: str) -> bool:
        return bool(self.token) and hmac.compare_digest(shown.encode(), self.token.encode())

    async def _bounded(self, scope: Message, receive: Receive, send: Send, headers: dict[str, str]) -> None:
        """Pass a request on whose body is read here first, as far as it may go."""
        if scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.body_bytes:
                await _refuse(send, 413, self.too_large)
                return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)


def _query_token(scope: Message) -> str:
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += {401: [(b"www-authenticate", b"Bearer")], 413: [(b"connection", b"close")]}.get(status, [])
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _welcome(send: Send, token: str) -> None:
    """Move the token from the address into a cookie, so that no copied address gives it away."""
    cookie = f"{_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
