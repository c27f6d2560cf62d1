"""Ends the worker when the program that wanted its results is gone."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

_SYNCHRONIZE = 0x00100000
_WAIT_TIMEOUT = 0x00000102


class ProcessHandle:
    """Another process, by its id.

    On Windows the handle is opened once, so that an id given to a new process later is not mistaken for the old one.

    Parameters
    ----------
    pid : int
        Its process id.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = _open_windows(pid) if sys.platform == "win32" else None

    def is_alive(self) -> bool:
        """Whether the process still runs; one that ended but was not yet collected by its parent does not."""
        if sys.platform == "win32":
            return self._handle is not None and _still_running(self._handle)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return not _is_zombie(self.pid)


def _open_windows(pid: int) -> int | None:
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.OpenProcess.restype = ctypes.c_void_p
    return kernel.OpenProcess(_SYNCHRONIZE, False, pid) or None


def _still_running(handle: int) -> bool:
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    return kernel.WaitForSingleObject(ctypes.c_void_p(handle), 0) == _WAIT_TIMEOUT


def _is_zombie(pid: int) -> bool:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    # The name in parentheses may hold anything; the state is the first word after the last of them.
    return line.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


class ParentWatch(threading.Thread):
    """Polls the parent; once it is gone, asks for a clean end, and forces one after a grace period.

    Parameters
    ----------
    pid : int
        The process to watch; need not be the direct parent, since under a launcher that one may never change.
    on_gone : callable
        Called once, from this thread; should make the run stop at its next batch.
    poll_s, grace_s : float
        Seconds between two looks, and from `on_gone` to the forced end.
    end : callable
        Ends the process with the given exit code, without unwinding anything.
    """

    def __init__(
        self,
        pid: int,
        on_gone: Callable[[], None],
        poll_s: float = 1.0,
        grace_s: float = 8.0,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        super().__init__(name="parent-watch", daemon=True)
        self._parent = ProcessHandle(pid)
        self._on_gone = on_gone
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._end = end
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Watch until the parent is gone or `stop` is called."""
        while self._parent.is_alive():
            if self._stop_event.wait(self._poll_s):
                return
        self._on_gone()
        if not self._stop_event.wait(self._grace_s):
            self._end(3)

    def stop(self) -> None:
        """End the watch; the run is over."""
        self._stop_event.set()
