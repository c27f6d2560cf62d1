"""Long work in small pieces on the main thread, so that the window answers all the time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, ClassVar, TypeVar

import qt

from WeakMedSAMLib.frontend.base.callbacks import callLogged

Result = TypeVar("Result")
# What a generator of steps yields: how far it is, 0..1, or None where that cannot be said.
Steps = Generator[float | None, None, Result]

_WAIT_S = 0.005
_logger = logging.getLogger(__name__)


class StepRunner:
    """Runs a generator piece by piece between the events of Qt.

    Each `next()` of the generator should take some milliseconds, 50 at most. Pieces follow each other until the budget
    is spent; then Qt has its turn, and before the result is handed over, too.

    Parameters
    ----------
    generator : generator
        The work. What it returns is the result; numbers that it yields are its progress.
    onDone : callable, optional
        Gets the result.
    onError : callable, optional
        Gets the exception that ended the work; it is logged if there is nobody to get it.
    budgetMs : float
        Milliseconds of work between two turns of Qt, shared with all others that run then.
    onProgress : callable, optional
        Gets the progress, 0..1, once a turn.

    Attributes
    ----------
    longestMs : float
        How long the longest piece took so far, the last one too.
    """

    # Their timers all come in one turn of Qt.
    _running: ClassVar[int] = 0

    def __init__(
        self,
        generator: Steps[Any],
        onDone: Callable[[Any], Any] | None = None,
        onError: Callable[[Exception], Any] | None = None,
        budgetMs: float = 15,
        onProgress: Callable[[float], Any] | None = None,
    ) -> None:
        self._generator = generator
        self._onDone = onDone
        self._onError = onError
        self._onProgress = onProgress
        self._budgetS = budgetMs / 1000
        self._timer: Any = None
        self._isWorking = False
        self._outcome: tuple[Callable[[Any], Any] | None, Any] | None = None
        self._isDone = False
        self.longestMs = 0.0

    @property
    def isRunning(self) -> bool:
        """True from `start` until the result, an error or `cancel`."""
        return self._timer is not None

    @property
    def isDone(self) -> bool:
        """True where all of the work is done and only the result is still to be handed over; False where it failed."""
        return self._isDone

    def start(self) -> StepRunner:
        """Begin; the first piece runs when Qt is next idle. Returns itself."""
        if self._timer is None:
            self._timer = qt.QTimer()
            self._timer.setInterval(0)
            self._timer.connect("timeout()", self._work)
            self._timer.start()
            StepRunner._running += 1
        return self

    def cancel(self) -> None:
        """Stop without a result; the generator cleans up behind itself (its `finally` parts run)."""
        if self._timer is not None:
            self._stop()
            self._generator.close()

    def _work(self) -> None:
        # A piece that opens a window lets Qt's events in, this timer's among them.
        if self._isWorking or self._timer is None:
            return
        if self._outcome is not None:
            self._end(*self._outcome)
            return
        self._isWorking = True
        try:
            self._runPieces()
        finally:
            self._isWorking = False

    def _runPieces(self) -> None:
        end = time.perf_counter() + self._budgetS / max(StepRunner._running, 1)
        progress = None
        try:
            while self._timer is not None and time.perf_counter() < end:
                progress = self._next()
        except StopIteration as done:
            self._outcome, self._isDone = (self._onDone, done.value), True
        except Exception as error:  # noqa: BLE001 - a timer of Qt called this: whatever went wrong goes to who asked
            self._outcome = self._onError or _logError, error
        else:
            self._report(progress)

    def _next(self) -> float | None:
        begun = time.perf_counter()
        try:
            return next(self._generator)
        finally:
            self.longestMs = max(self.longestMs, (time.perf_counter() - begun) * 1000)

    def _report(self, progress: float | None) -> None:
        if self._timer is not None and self._onProgress is not None and progress is not None:
            callLogged(self._onProgress, progress)

    def _end(self, function: Callable[[Any], Any] | None, value: Any) -> None:
        self._stop()
        if function is not None:
            callLogged(function, value)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.disconnect("timeout()", self._work)
            self._timer = None
            StepRunner._running -= 1


def runToEnd(generator: Steps[Result]) -> Result:
    """Run all pieces at once and return the result; for scripts and tests, where nothing waits for the window."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def inThread(function: Callable[[], Result]) -> Steps[Result]:
    """Steps that wait for a function in another thread, such as one that waits for the disk.

    The function must touch neither Qt nor VTK. Each piece waits some milliseconds, in which the thread has Python to
    itself: Slicer gives it to no other thread while it is idle.

    Returns
    -------
    generator
        Its result is that of the function; what the function raises is raised here.
    """
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield from _waitSteps(thread)
    if errors:
        raise errors[0]
    return outcome[0]


def inBackground(function: Callable[[], Any]) -> None:
    """Begin a function in another thread and return at once; an error in it is logged.

    The function must touch neither Qt nor VTK. If Slicer ends before the function does, it is waited for.
    """

    def work() -> None:
        try:
            function()
        except Exception:
            _logger.exception("Work in the background failed")

    thread = threading.Thread(target=work)
    thread.start()
    StepRunner(_waitSteps(thread)).start()


def _waitSteps(thread: threading.Thread) -> Steps[None]:
    """Let another thread have Python: Slicer gives it to no other thread while it is idle."""
    while thread.is_alive():
        thread.join(_WAIT_S)
        yield None


def _logError(error: Exception) -> None:
    _logger.error("Work in pieces failed", exc_info=error)
