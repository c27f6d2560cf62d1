"""Denies the network to every Python that has this folder on PYTHONPATH, and writes down who asked for it.

Python imports a module of this name at its start, so that child processes are watched too. A computer without a network
answers in many ways (refused, unreachable, no such name, silence); here nothing may even ask. Paths of this computer
alone (AF_UNIX, the loopback addresses) are left, since Windows makes socket pairs of them.
"""

from __future__ import annotations

import os
import sys
import traceback

_LOG = os.environ.get("WEAKMEDSAM_OFFLINE_LOG", "")
_LOCAL = ("127.", "::1", "localhost")
_ASKING = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")


def _host(event: str, arguments: tuple[object, ...]) -> str | None:
    """Return whom an event of Python's audit wants to reach; None if that is this computer."""
    target = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request") else arguments[1]
    if isinstance(target, tuple) and target:
        target = target[0]
    elif event in ("socket.connect", "socket.sendto"):
        return None  # a path: AF_UNIX
    text = target.decode(errors="replace") if isinstance(target, bytes) else str(target)
    return None if target is None or text.startswith(_LOCAL) else text


def _deny(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _ASKING:
        return
    host = _host(event, arguments)
    if host is None:
        return
    where = "".join(traceback.format_stack(limit=8)[:-1])
    if _LOG:
        with open(_LOG, "a", encoding="utf-8") as log:
            log.write(f"{event} {host}\n{where}\n")
    raise OSError(f"the network is denied here: {event} {host}")


sys.addaudithook(_deny)
