"""A process with all that it started, to be ended together. Slicer's Python is a launcher: ending only that one would
leave the real worker alive.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import qt

from WeakMedSAMLib.frontend.base.callbacks import guarded

_logger = logging.getLogger(__name__)
_PROC = Path("/proc")
_WAIT_MS = 1000
_FINISHED = "finished(int,QProcess::ExitStatus)"
_ERROR = "errorOccurred(QProcess::ProcessError)"

# Process id -> (id of its parent, when it started, as the system words it).
ProcessTable = dict[int, tuple[int, str]]


class ProcessTree:
    """A process and its descendants.

    Parameters
    ----------
    root : int
        Its process id.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._known: dict[int, str] = {}
        self._helper: qt.QProcess | None = None

    def note(self) -> None:
        """Remember which descendants there are now, so that they are found even if the root ends before them."""
        if sys.platform != "win32" and _PROC.is_dir():
            self._remember(tableFromProc())
        elif sys.platform != "win32" and self._helper is None:
            self._readByPs(kill=False)

    def kill(self, isRootRunning: bool = True) -> None:
        """End the root and all descendants, known and new, at once. Returns without waiting for them.

        Parameters
        ----------
        isRootRunning : bool
            False if the root has ended: Windows may have given its id to a program of the user since.
        """
        if sys.platform == "win32":
            if isRootRunning:
                self._start("taskkill", ["/PID", str(self._root), "/T", "/F"])
        elif _PROC.is_dir():
            table = tableFromProc()
            self._remember(table)
            self._end(table)
        else:
            self._readByPs(kill=True)

    def killAndWait(self, isRootRunning: bool = True, milliseconds: int = _WAIT_MS) -> None:
        """As `kill`, but return only when that was done; for the moment when Slicer itself ends."""
        self.kill(isRootRunning)
        helper = self._helper
        if helper is not None and helper.state() != qt.QProcess.NotRunning:
            helper.waitForFinished(milliseconds)

    def _remember(self, table: ProcessTable) -> None:
        if self._root in table:
            self._known[self._root] = table[self._root][1]
        for pid in findDescendants(table, [self._root, *self._findAlive(table)]):
            self._known[pid] = table[pid][1]

    def _findAlive(self, table: ProcessTable) -> list[int]:
        """Known ones, unless the system has given their id to a new process since."""
        return [pid for pid, started in self._known.items() if pid in table and table[pid][1] == started]

    def _end(self, table: ProcessTable) -> None:
        for pid in self._findAlive(table):
            # It may have ended by itself between the look and now.
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _readByPs(self, kill: bool) -> None:
        """Where there is no /proc, as on macOS, ask ps, without waiting for it."""

        def read() -> None:
            table = tableFromPs(helper.readAllStandardOutput().data().decode("ascii", "replace"))
            self._remember(table)
            if kill:
                self._end(table)

        helper = self._start("ps", ["-A", "-o", "pid=,ppid=,lstart="], read)

    def _start(self, program: str, arguments: list[str], whenDone: Callable[[], None] | None = None) -> qt.QProcess:
        """Start a helper; it lives until it has ended, even if this tree does not, and then it is freed."""
        helper = qt.QProcess()

        def free() -> None:
            helper.disconnect(_FINISHED, onFinished)
            helper.disconnect(_ERROR, onError)
            helper.deleteLater()

        def leave() -> None:
            if self._helper is helper:
                self._helper = None
            # Not at once: it is in the middle of telling this.
            qt.QTimer.singleShot(0, guarded(free))

        def end() -> None:
            if whenDone is not None:
                whenDone()
            leave()

        def fail(error: int) -> None:
            if error == qt.QProcess.FailedToStart:
                leave()

        onFinished, onError = guarded(end), guarded(fail)
        helper.connect(_FINISHED, onFinished)
        helper.connect(_ERROR, onError)
        self._helper = helper
        helper.start(program, arguments)
        return helper


def tableFromProc(folder: Path = _PROC) -> ProcessTable:
    """Read the processes of a Linux system: a few milliseconds."""
    found: ProcessTable = {}
    for name in os.listdir(folder):
        if not name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            text = (folder / name / "stat").read_text(encoding="ascii", errors="replace")
            # The name in parentheses may hold anything; the fields follow the last of them.
            parts = text.rpartition(")")[2].split()
            found[int(name)] = (int(parts[1]), parts[19])
    return found


def tableFromPs(text: str) -> ProcessTable:
    """Read what ``ps -A -o pid=,ppid=,lstart=`` printed."""
    found: ProcessTable = {}
    for line in text.splitlines():
        pid, _space, rest = line.strip().partition(" ")
        parent, _space, started = rest.strip().partition(" ")
        if pid.isdigit() and parent.isdigit():
            found[int(pid)] = (int(parent), started.strip())
    return found


def findDescendants(table: Mapping[int, tuple[int, str]], roots: Iterable[int]) -> list[int]:
    """Return the ids of all that these processes started, and what those started."""
    children: dict[int, list[int]] = {}
    for pid, (parent, _started) in table.items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in seen:
                seen.add(child)
                found.append(child)
                waiting.append(child)
    return found
