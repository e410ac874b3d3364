"""``--cluster``: what stands for workers, checked before anything heavy loads."""

import ipaddress
import re
from urllib.parse import urlsplit

from letheon.errors import InputError
from letheon.extras import require

__all__ = ["check_cluster", "is_loopback"]

_MOST_WORKERS = 1024


def check_cluster(text: str) -> int | str:
    """Read ``--cluster``.

    >>> check_cluster("local:2"), check_cluster("tcp://127.0.0.1:8786")
    (2, 'tcp://127.0.0.1:8786')
    """
    value = _read(text)
    require("cluster")
    return value


def _read(text: str) -> int | str:
    if local := re.fullmatch(r"local:([0-9]{1,5})", text):
        count = int(local[1])
        if 1 <= count <= _MOST_WORKERS:
            return count
        raise InputError(f"--cluster {text}: the number of workers is outside 1 to {_MOST_WORKERS}; try local:2.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("tcp", "tls") or not host or not port:
        raise InputError(
            f"--cluster {text!r} is not understood; give local:2, tcp://127.0.0.1:8786 or tls://some.host:8786."
        )
    if parts.scheme == "tcp" and not is_loopback(host):
        raise InputError(
            f"--cluster {text} would send unencrypted data to another machine; use tls:// with certificates, or a"
            " scheduler on 127.0.0.1."
        )
    return text


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself.

    >>> is_loopback("127.0.0.1"), is_loopback("10.0.0.7")
    (True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
