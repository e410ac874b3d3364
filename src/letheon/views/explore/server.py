"""Serving: a socket, a token where strangers could knock, and the server that answers."""

import contextlib
import secrets
import socket
from collections.abc import Callable

from letheon.errors import InputError
from letheon.runs.address import is_loopback


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
    import uvicorn

    from letheon.views.explore.app import create
    from letheon.views.explore.connection import Connection

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
