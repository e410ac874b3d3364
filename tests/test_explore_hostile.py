"""The live page before hostile requests: names, tokens, cookies, bodies, and connections that never end.

The oracles are a list of the addresses that may be named, the statuses that a refusal may have, and the clock. Requests
go to the application as a server hands them over, byte for byte, for a client library would mend them first.
"""

import asyncio
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from letheon.views.explore import app
from letheon.views.explore.guard import HEADERS
from letheon.views.explore.limits import Limits
from letheon.views.explore.server import Connection, bind

PORT, TOKEN, HERE = 8421, "s3cret-token", (b"host", b"127.0.0.1:8421")
GOOD = json.dumps({
    "scenario": {
        "letheon": 1, "title": "x", "population": {"n": 4}, "follow_up": "1 day",
        "arms": {"a": {"drug": "racemic", "sessions": [{"at": "0 h", "rate": "1 mg/h", "for": "1 h"}]}},
    }
}).encode()  # fmt: skip
Headers = list[tuple[bytes, bytes]]


async def answer(
    served: Any, method: str, path: str, query: bytes = b"", headers: Headers | None = None, body: tuple = (b"",)
) -> tuple[int, dict[str, list[str]], bytes]:
    """Hand one request over as a server would, and return status, headers and body."""
    pieces, messages = list(body), []

    async def receive() -> dict[str, Any]:
        if not pieces:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode("utf-8", "replace"), "root_path": "", "query_string": query,
        "headers": [HERE] if headers is None else headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", PORT),
    }  # fmt: skip
    await served(scope, receive, send)
    start = next(message for message in messages if message["type"] == "http.response.start")
    sent: dict[str, list[str]] = {}
    for name, value in start["headers"]:
        assert not set(b"\r\n\0") & set(name + value), (name, value)
        sent.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    return start["status"], sent, b"".join(message.get("body", b"") for message in messages)


def request(served: Any, *parts: Any, **more: Any) -> tuple[int, dict[str, list[str]], bytes]:
    return asyncio.run(answer(served, *parts, **more))


def read(served: Any, body: bytes, *headers: tuple[bytes, bytes]) -> tuple[int, dict[str, list[str]], bytes]:
    sent = [HERE, (b"content-type", b"application/json"), *headers]
    return request(served, "POST", "/api/read", headers=sent, body=(body,))


@pytest.fixture(scope="module")
def local() -> Any:
    return app.create(warm=False, lanes=1, port=PORT, hosts=("127.8.8.8",))


@pytest.fixture(scope="module")
def guarded() -> Any:
    return app.create(TOKEN, warm=False, lanes=1, port=PORT)


NAMED = ["127.0.0.1:8421", "localhost:8421", "LocalHost:8421", "[::1]:8421", "127.8.8.8:8421"]
FOREIGN = [
    "evil.example", "evil.example:8421", "]", "[", "a]", "evil]", "[::1]evil:8421", "[::1", "::1:8421", "[::2]:8421",
    "127.0.0.1:80@x", "127.0.0.1:8421@x", "x@127.0.0.1:8421", "127.0.0.1:8421:8421", "127.0.0.1", "127.0.0.1:80",
    "127.0.0.1:", "127.0.0.1:84210", "127.0.0.1:8421 ", " 127.0.0.1:8421", "127.0.0.1.:8421", "localhost.:8421",
    "127.0.0.1:8421,evil.example", "127.0.0.1:8421/", "127.0.0.1\t:8421", "127.1:8421", "0.0.0.0:8421", "",
    "127.0.0.1:٨٤٢١", "127.0.0.1:8421\r\nx: y", "localhost:8421#evil", "evil.localhost:8421", "127.0.0.2:8421",
]  # fmt: skip


@pytest.mark.parametrize("host", NAMED)
def test_the_pages_own_addresses_are_answered(local: Any, host: str) -> None:
    assert request(local, "GET", "/", headers=[(b"host", host.encode())])[0] == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_every_other_name_is_refused(local: Any, host: str) -> None:
    status, headers, body = request(local, "GET", "/api/status", headers=[(b"host", host.encode())])
    assert status == 400 and set(json.loads(body)) == {"detail"}
    assert all(headers[name] == [value] for name, value in HEADERS.items())


def test_a_request_names_one_host(local: Any, guarded: Any) -> None:
    two = [(b"host", b"127.0.0.1:8421"), (b"host", b"evil.example")]
    bearer = (b"authorization", f"Bearer {TOKEN}".encode())
    for headers in ([], two, two[::-1], [(b"Host", b"127.0.0.1:8421"), (b"host", b"127.0.0.1:8421")]):
        assert request(local, "GET", "/", headers=headers)[0] == 400
        assert request(guarded, "GET", "/", headers=[*headers, bearer])[0] == 400
    assert request(guarded, "GET", "/", headers=[(b"host", b"any.example"), bearer])[0] == 200


def test_lengths_in_other_digits_are_no_numbers(local: Any) -> None:
    """Red when a superscript two, which str.isdigit accepts and int does not, is an error inside the guard."""
    for length, status in ((b"\xb2", 200), (b"9" * 19, 413), (b"9" * 30, 200)):
        assert read(local, GOOD, (b"content-length", length))[0] == status


@pytest.mark.parametrize(
    "text",
    [
        *("\ud800", "[" * 5000, "\0", "letheon: 1e999", "n: " + "9" * 5000, "letheon: " + "0" * 5000 + "1"),
        "letheon: 1\ntitle: x\npopulation: {n: " + "0" * 5000 + "4}\n",
        "letheon: 1\ntitle: x\nfollow_up: " + "0" * 5000 + "1 day\n",
        "letheon: 1\ntitle: x\nseed: " + "9" * 5000 + "\n",
        "letheon: 1e999999999\n",
        "letheon: 0x" + "f" * 5000,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_texts_that_the_reader_refuses_are_422_with_a_sentence(local: Any, text: str) -> None:
    status, _, body = read(local, json.dumps({"scenario": text}).encode())
    assert status == 422 and len(json.loads(body)["detail"]) < 400


def test_a_fault_in_the_reader_is_no_refusal(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red when any ValueError is taken for bad input, which would hide a mistake of ours behind a 422."""

    def broken(text: str, name: str) -> None:
        raise ValueError("a mistake")

    monkeypatch.setattr(app, "loads", broken)
    with pytest.raises(ValueError, match="a mistake"):
        read(local, GOOD)


WRONG = [b"%0d%0aset-cookie:%20a=b", TOKEN.encode() + b"%0d%0ax:y", b"s3cret", b"", b"%00", b"%ff", b"a;b", b"\xff", b"%"]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_token_sets_nothing_and_shuts_nobody_out(guarded: Any, wrong: bytes) -> None:
    """Red when a token is set before it is checked, or what a visitor wrote gets into a header."""
    host = (b"host", b"192.0.2.1:8421")
    known = (b"cookie", f"letheon_token={TOKEN}".encode())
    assert request(guarded, "GET", "/", b"token=" + wrong, [host])[0] == 401
    for path in ("/", "/api/status"):
        assert request(guarded, "GET", path, headers=[host])[0] == 401
        status, headers, _ = request(guarded, "GET", path, b"token=" + wrong, [host, known])
        assert status == 200 and "set-cookie" not in headers
    old = (b"cookie", b"letheon_token=old")
    status, headers, _ = request(guarded, "GET", "/", f"token={TOKEN}".encode(), [host, old])
    assert status == 303 and headers["location"] == ["/"]
    (cookie,) = headers["set-cookie"]
    assert cookie.split(";")[0] == f"letheon_token={TOKEN}" and "HttpOnly" in cookie and "SameSite=Strict" in cookie


def test_a_web_socket_gets_nothing(local: Any) -> None:
    sent: list = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(local({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == ["websocket.close"]


class Hasty(Connection):
    """The page's connection, with less patience."""

    request_s, most = 0.5, 8


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    opened = bind("127.0.0.1", 0)
    number = opened.getsockname()[1]
    page = app.create(warm=False, lanes=1, port=number, bounds=Limits())
    config = uvicorn.Config(page, http=Hasty, ws="none", log_level="critical", timeout_keep_alive=1)
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [opened]})
    thread.start()
    while not served.started:
        time.sleep(0.01)
    yield number
    served.should_exit = True
    thread.join(30)
    opened.close()
    assert not thread.is_alive()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def everything(connection: socket.socket) -> bytes:
    """Read until the other side closes; raises TimeoutError where it does not."""
    received = bytearray()
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return bytes(received)


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: ", b"POST /api/read HTTP/1.1\r\nHost: HOST\r\nContent-Length: 900\r\n\r\n{"],
    ids=["nothing", "a letter", "half a head", "half a body"],
)
def test_half_a_request_is_closed_in_time_however_it_trickles(port: int, begun: bytes) -> None:
    with connected(port) as opened:
        started = time.monotonic()
        opened.sendall(begun.replace(b"HOST", f"127.0.0.1:{port}".encode()))
        opened.settimeout(0.1)
        while time.monotonic() - started < 10:
            try:
                if begun:
                    opened.sendall(b"x")  # single bytes must not put the end off
                if not opened.recv(1000):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 0.3 < time.monotonic() - started < 4


def whole(port: int, path: str = "/", more: str = "Connection: close\r\n") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode()


def test_more_connections_than_there_is_room_for_are_closed_and_then_there_is_room(port: int) -> None:
    crowd = [connected(port) for _ in range(12)]
    try:
        time.sleep(0.1)
        crowd[-1].sendall(whole(port))
        assert everything(crowd[-1]) == b""
        crowd[0].sendall(whole(port))
        assert everything(crowd[0]).startswith(b"HTTP/1.1 200")
    finally:
        for one in crowd:
            one.close()
    time.sleep(0.2)
    with connected(port) as later:  # and a connection may be used again
        for _ in range(3):
            later.sendall(whole(port, "/api/status", more=""))
            received = b""
            while not received.endswith(b"}}"):
                piece = later.recv(65536)
                assert piece
                received += piece
            time.sleep(0.4)  # in all longer than a request may take
        later.sendall(whole(port))
        assert everything(later).startswith(b"HTTP/1.1 200")


HOSTS = st.sampled_from([*NAMED, *FOREIGN]) | st.text(max_size=30)
TOKENS = st.sampled_from([TOKEN, TOKEN[:-1], "", *(one.decode("latin-1") for one in WRONG)]) | st.text(max_size=20)
COOKIES = st.builds("letheon_token={}".format, TOKENS) | st.text(max_size=40) | st.just("a=b; " * 400)
NAMES = st.sampled_from(
    ["cookie", "authorization", "content-length", "content-type", "origin", "x-forwarded-host", "te"]
)
VALUES = (
    st.sampled_from(["0", "-1", "9" * 30, "٣", "1e3", "application/json", "text/plain", "multipart/form-data", "gzip"])
    | st.builds("Bearer {}".format, TOKENS)
    | COOKIES
)
PATHS = st.sampled_from(
    ["/", "/api/status", "/api/presets", "/api/read", "/api/simulate", "/openapi.json", "/static/main.js", "//", "/..",
     "/api/read/", "/static/../app.py", "/\x00", "/é", "/api/simulate\r\nx: y"]
)  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "", "X" * 99])
BODIES = (
    st.sampled_from([b"", GOOD, GOOD[:-1], GOOD + b"x", b"[" * 20000, b"\xff", b'{"scenario": null}', b"1" * 6000])
    | st.binary(max_size=60)
    | st.builds(lambda at, what: GOOD[:at] + what + GOOD[at + 1 :], st.integers(0, len(GOOD)), st.binary(max_size=3))
    | st.integers(150_000, 260_000).map(lambda size: b'"' + b"x" * size + b'"')
)
REQUEST = st.tuples(
    METHODS, PATHS, TOKENS, HOSTS, st.lists(st.tuples(NAMES, VALUES), max_size=4), BODIES, st.booleans()
)
EXAMPLES = 1250  # for each of the page with a token and the page without
ALLOWED = {200, 303, 400, 401, 404, 405, 413, 422, 429}


@pytest.mark.slow
@pytest.mark.parametrize("token", ["", TOKEN], ids=["without a token", "with a token"])
def test_no_request_breaks_it(token: str) -> None:
    """Red when a request raises, is answered with a 5xx, or without a sentence and the security headers."""
    page = app.create(token, warm=False, lanes=1, port=PORT)
    seen: Counter = Counter()

    async def one(request: tuple) -> None:
        method, path, shown, host, headers, body, json_type = request
        sent_headers = [(b"host", (host if len(headers) % 2 else NAMED[0]).encode())]
        sent_headers += [(b"content-type", b"application/json")] if json_type else []
        sent_headers += [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers]
        query = f"token={shown}&draft=true".encode("utf-8", "replace") if path != "/openapi.json" else b""
        status, received, text = await answer(page, method, path, query, sent_headers, (body[:100], body[100:]))
        seen[status] += 1
        assert status in ALLOWED, (status, text[:200])
        assert all(received[name] == [value] for name, value in HEADERS.items())
        if status >= 400 and method != "HEAD":
            assert set(json.loads(text)) == {"detail"} and isinstance(json.loads(text)["detail"], str)
        if token and status not in (400, 401):
            assert any(TOKEN in str(part) for part in request)

    loop = asyncio.new_event_loop()
    life = page.router.lifespan_context(page)
    loop.run_until_complete(life.__aenter__())
    try:

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(REQUEST)
        def every(request: tuple) -> None:
            loop.run_until_complete(one(request))

        every()
    finally:
        loop.run_until_complete(life.__aexit__(None, None, None))
        loop.close()
    assert sum(seen.values()) >= 1000 and len(seen) >= 4, seen


LINES = st.sampled_from(
    [b"GET / HTTP/1.1", b"GET / HTTP/9.9", b"GET  /  HTTP/1.1", b"PRI * HTTP/2.0", b"\x16\x03\x01", b"GET /\xff HTTP/1.1",
     b"POST /api/read HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"GET http://evil.example/ HTTP/1.1"]
)  # fmt: skip
FIELDS = st.sampled_from(
    [b"Host: HERE", b"Host: evil.example", b"Host:", b"Content-Length: 5", b"Content-Length: -5", b"Content-Length: 5, 6",
     b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Expect: 100-continue", b"Connection: close",
     b"Connection: Upgrade\r\nUpgrade: websocket", b"X: " + b"y" * 70_000, b" folded", b"No colon", b"X: \x00"]
)  # fmt: skip
ENDS = st.sampled_from([b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"GET / HTTP/1.1\r\n\r\n" * 3])


@pytest.mark.slow
def test_no_bytes_break_a_connection(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Red when raw bytes are answered with a 5xx, raise in the server, or leave it unable to answer the next."""
    complaints: list = []
    threading.excepthook, old = lambda args: complaints.append(args), threading.excepthook

    @settings(max_examples=150, deadline=None, database=None, phases=[Phase.generate])
    @given(LINES, st.lists(FIELDS, max_size=4), ENDS)
    def every(line: bytes, fields: list[bytes], end: bytes) -> None:
        head = b"\r\n".join([line, *fields, b"", b""]).replace(b"HERE", f"127.0.0.1:{port}".encode())
        with connected(port) as opened:
            try:
                opened.sendall(head + end)
                opened.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            for status in (part[:3] for part in everything(opened).split(b"HTTP/1.1 ")[1:]):
                assert status[:1] in b"1234", status

    try:
        every()
    finally:
        threading.excepthook = old
    assert complaints == []
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
    with connected(port) as after:
        after.sendall(whole(port))
        assert everything(after).startswith(b"HTTP/1.1 200")
