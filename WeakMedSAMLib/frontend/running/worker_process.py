"""The worker as a process: lines come out, an end comes, and it can be ended with all that it started."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import qt

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.running.process_tree import ProcessTree
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.running.worker_output import LineReader

_BUDGET_S = 0.008
_PIECE = 32768


@dataclass(frozen=True)
class WorkerExit:
    """How a process ended.

    Attributes
    ----------
    code : int
        Exit code; on Linux and macOS the number of the signal if it crashed.
    crashed : bool
        Whether it was ended from outside or by a fault.
    startProblem : str
        Why it could not even be started; empty if it was.
    """

    code: int = 0
    crashed: bool = False
    startProblem: str = ""


class WorkerProcess(Protocol):
    """What `JobRunner` needs of a process.

    Attributes
    ----------
    lineRead : Callbacks
        Called with each line (str) and whether it came on the error stream (bool).
    finished : Callbacks
        Called once with a `WorkerExit`, after the last line.
    """

    lineRead: Callbacks
    finished: Callbacks

    def start(self, command: Command) -> None:
        """Start, without waiting."""

    def kill(self) -> None:
        """End it and all that it started, without waiting."""

    def killAndWait(self) -> None:
        """End it and all that it started, and wait for that; for the moment when Slicer itself ends."""

    def noteChildren(self) -> None:
        """Remember what it has started so far."""


class AnsweringProcess(WorkerProcess, Protocol):
    """One that also reads."""

    def write(self, line: str) -> None:
        """Give it a line on its input, without waiting; before it has started, too."""


class QtWorkerProcess:
    """An `AnsweringProcess` on QProcess. Output is taken in pieces of a few milliseconds, however much there is."""

    def __init__(self) -> None:
        self.lineRead = Callbacks()
        self.finished = Callbacks()
        # None once it is given back to Qt.
        self._process: Any = qt.QProcess()
        self._tree: ProcessTree | None = None
        self._readers = (LineReader(), LineReader())
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._lines: deque[tuple[str, bool]] = deque()
        self._exit: WorkerExit | None = None
        self._isOver = False
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._connections = [
            (self._timer, "timeout()", guarded(self._work)),
            (self._process, "readyReadStandardOutput()", guarded(self._onOutput)),
            (self._process, "readyReadStandardError()", guarded(self._onErrors)),
            (self._process, "finished(int,QProcess::ExitStatus)", guarded(self._onFinished)),
            (self._process, "errorOccurred(QProcess::ProcessError)", guarded(self._onError)),
        ]
        for sender, signal, function in self._connections:
            sender.connect(signal, function)

    def start(self, command: Command) -> None:
        """Start, without waiting; a program that cannot be started is told by `finished`."""
        environment = qt.QProcessEnvironment.systemEnvironment()
        for name, value in command.environment.items():
            environment.insert(name, value)
        self._process.setProcessEnvironment(environment)
        self._process.start(command.program, list(command.arguments))

    def write(self, line: str) -> None:
        """Give it a line of ASCII on its input, without waiting; one that has ended gets none."""
        if self._isRunning():
            self._process.write(f"{line}\n".encode("ascii"))

    def kill(self) -> None:
        """End it and all that it started, without waiting."""
        self._killTree(ProcessTree.kill)

    def killAndWait(self) -> None:
        """End it and all that it started, and wait for that, a second at most; nothing is told any more."""
        self._isOver = True
        if self._process is not None:
            self._timer.stop()
        self._killTree(ProcessTree.killAndWait)
        if self._process is None or self._process.waitForFinished(1000) or not self._isRunning():
            self._free()

    def noteChildren(self) -> None:
        """Remember what it has started so far, so that `kill` finds them even if the launcher ends first."""
        tree = self._currentTree()
        if tree is not None:
            tree.note()

    def _killTree(self, kill: Callable[[ProcessTree, bool], None]) -> None:
        tree = self._currentTree()
        if tree is not None:
            kill(tree, self._isRunning())
        if self._process is not None:
            self._process.kill()

    def _isRunning(self) -> bool:
        return self._process is not None and self._process.state() != qt.QProcess.NotRunning

    def _free(self) -> None:
        """Give back what Qt holds: as long as its signals are connected, they keep this object and all it read."""
        connections, self._connections = self._connections, []
        for sender, signal, function in connections:
            sender.disconnect(signal, function)
        if self._process is not None:
            self._process.deleteLater()
            self._timer.deleteLater()
        self._process = None

    def _currentTree(self) -> ProcessTree | None:
        pid = int(self._process.processId()) if self._process is not None else 0
        if self._tree is None and pid > 0:
            self._tree = ProcessTree(pid)
        return self._tree

    def _onOutput(self) -> None:
        self._queue(self._process.readAllStandardOutput().data(), False)

    def _onErrors(self) -> None:
        self._queue(self._process.readAllStandardError().data(), True)

    def _queue(self, data: bytes, isError: bool) -> None:
        for start in range(0, len(data), _PIECE):
            self._waiting.append((data[start : start + _PIECE], isError))
        self._wake()

    def _onFinished(self, code: int, status: int) -> None:
        self._onOutput()
        self._onErrors()
        self._exit = WorkerExit(code=code, crashed=status == qt.QProcess.CrashExit)
        self._wake()

    def _onError(self, error: int) -> None:
        if error == qt.QProcess.FailedToStart:
            self._exit = WorkerExit(code=-1, startProblem=self._process.errorString())
            self._wake()

    def _wake(self) -> None:
        if not self._isOver:
            self._timer.start()

    def _work(self) -> None:
        """Hand on lines until the time for it is used up; Qt calls again."""
        until = perf_counter() + _BUDGET_S
        while perf_counter() < until and not self._isOver:
            if not self._handOn():
                self._timer.stop()
                self._tellEnd()
                return

    def _handOn(self) -> bool:
        """Hand on one line or cut one piece into lines; False if there is nothing to do."""
        if self._lines:
            self.lineRead(*self._lines.popleft())
            return True
        if self._waiting:
            data, isError = self._waiting.popleft()
            self._lines.extend((line, isError) for line in self._readers[isError].feed(data))
            return True
        return False

    def _tellEnd(self) -> None:
        if self._exit is None or self._isOver:
            return
        for isError, reader in enumerate(self._readers):
            for line in reader.end():
                self.lineRead(line, bool(isError))
        self._isOver = True
        self.finished(self._exit)
        # Not at once: the timer is in the middle of telling this.
        qt.QTimer.singleShot(0, guarded(self._free))
