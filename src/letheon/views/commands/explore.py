"""``letheon explore``: serve the live page on this machine."""

import ipaddress
from typing import Annotated

from letheon.errors import InputError
from letheon.extras import require
from letheon.views.commands.shell import option, tell, whole

DEFAULT_PORT, DEFAULT_HOST = 8421, "127.0.0.1"
_PORT = whole("PORT", f"Port (default: {DEFAULT_PORT}; 0: any).", "--port", 65535, DEFAULT_PORT, least=0)


def _host(text: str) -> str:
    if text == "localhost":
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InputError(
            f"--host {text[:60]!r} is not an address; give an IP address of this machine, e.g. --host {DEFAULT_HOST}."
        ) from None


def explore(
    port: Annotated[int | None, _PORT] = None,
    host: Annotated[str, option("ADDRESS", f"Address to bind (default: {DEFAULT_HOST}).", _host)] = DEFAULT_HOST,
) -> None:
    """Open the live page in a browser.

    Serve a page on this machine: draw a regimen, move sliders, and see levels, pain, harms and how sure anyone is.
    Ctrl-C ends it. With an address that other machines can reach, the page asks for a token, which is printed here.

    Example:
      letheon explore --port 8421
    """
    require("web")
    from letheon.views.explore import server

    server.serve(host, DEFAULT_PORT if port is None else port, tell)
