"""``letheon explore``: serve the live page on this machine."""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

import typer

from letheon.errors import InputError
from letheon.extras import require

__all__ = ["EXAMPLE", "register"]

EXAMPLE = "letheon explore --port 8421"
DEFAULT_PORT, DEFAULT_HOST = 8421, "127.0.0.1"


def _port(given: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", given) or int(given) > 65535:
        raise InputError(
            f"--port {given[:40]!r} is no port; give a number from 1 to 65535, e.g. --port {DEFAULT_PORT}."
        )
    return int(given)


def _host(given: str) -> str:
    if given == "localhost":
        return given
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        raise InputError(
            f"--host {given[:60]!r} is no address; give an IP address of this machine, e.g. --host {DEFAULT_HOST}."
        ) from None


def register(app: typer.Typer, tell: Callable[[str], None]) -> None:
    """Add the command to the program.

    Parameters
    ----------
    app : typer.Typer
        The program.
    tell : callable
        Writes a sentence to the error stream.
    """

    @app.command(
        short_help="Open the live page in a browser.",
        help="Serve a page on this machine: draw a regimen, move sliders, and see levels, pain, harms and how sure "
        "anyone is.\n\nCtrl-C ends it. With an address that other machines can reach, the page asks for a token, "
        "which is printed here.",
        epilog=f"\b\nExample:\n  {EXAMPLE}",
    )
    def explore(
        port: Annotated[
            str, typer.Option(metavar="PORT", show_default=False, help=f"Port (default: {DEFAULT_PORT}; 0: any).")
        ] = str(DEFAULT_PORT),
        host: Annotated[
            str,
            typer.Option(metavar="ADDRESS", show_default=False, help=f"Address to bind (default: {DEFAULT_HOST})."),
        ] = DEFAULT_HOST,
    ) -> None:
        number, address = _port(port), _host(host)
        require("web")
        from letheon.views.explore import server

        server.serve(address, number, tell)
