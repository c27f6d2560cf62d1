"""One run from the click to its end: prepare, run, cancel, and an outcome in words. It never raises and never waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Artifact, Event, Hello, Warning_
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.running.estimates import PREPARE, START, RunSize
from WeakMedSAMLib.frontend.running.run_ending import endOf
from WeakMedSAMLib.frontend.running.run_progress import RunInfo
from WeakMedSAMLib.frontend.running.run_trace import Outcome, RunTrace, insideOf
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.running.worker_process import QtWorkerProcess, WorkerExit, WorkerProcess

IDLE, PREPARING, RUNNING, CANCELLING, ENDED = "idle", "preparing", "running", "cancelling", "ended"
_GRACE_S = 3.0
_AFTER_KILL_S = 1.0
_TICK_MS = 250
_NOTE_EVERY_TICKS = 20
_logger = logging.getLogger(__name__)


class JobRunner:
    """Runs one worker at a time. All of it happens on the main thread, in pieces of a few milliseconds.

    Parameters
    ----------
    processFactory : callable
        Makes a `WorkerProcess`.
    clock : callable
        Seconds, never going back.
    graceSeconds : float
        From the request to cancel to the forced end of the worker.
    isTrial : bool
        Whether what its runs take says nothing of the user's own, so that no estimate learns from them.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments after any change of `state`.
    progress : Callbacks
        Called with a `RunInfo`, four times a second.
    preview : Callbacks
        Called with the path of a picture of a slice with its mask.
    warning : Callbacks
        Called with a `contract.events.Warning_`.
    log : Callbacks
        Called with a line of text.
    ended : Callbacks
        Called once a run with its `Outcome`.
    state : str
        ``"idle"``, ``"preparing"``, ``"running"``, ``"cancelling"`` or ``"ended"``.
    info : RunInfo
    previewPath : Path or None
    warnings : list of Warning_
    outcome : Outcome or None
        Of the last run that ended.
    """

    def __init__(
        self,
        processFactory: Callable[[], WorkerProcess] = QtWorkerProcess,
        clock: Callable[[], float] = time.monotonic,
        graceSeconds: float = _GRACE_S,
        isTrial: bool = False,
    ) -> None:
        self.changed, self.progress, self.preview = Callbacks(), Callbacks(), Callbacks()
        self.warning, self.log, self.ended = Callbacks(), Callbacks(), Callbacks()
        self.state = IDLE
        self.info = RunInfo()
        self.outcome: Outcome | None = None
        self._factory, self._clock, self._grace, self._isTrial = processFactory, clock, graceSeconds, isTrial
        # Of the run that is under way, or of the last one; of none before the first.
        self._trace = RunTrace("", RunSize(), "cpu", clock)
        self._steps: StepRunner | None = None
        self._process: WorkerProcess | None = None
        self._cancelled = 0.0
        self._killed: float | None = None
        self._ticks = 0
        # A process that cannot be ended: letting Qt delete it would freeze the window until it ends.
        self._abandoned: list[WorkerProcess] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", guarded(self._tick))

    @property
    def isRunning(self) -> bool:
        """Whether a run is under way, be it prepared, run or cancelled."""
        return self.state in (PREPARING, RUNNING, CANCELLING)

    @property
    def runId(self) -> str:
        """Id of the run that is under way, or of the last one; empty before the first."""
        return self._trace.runId

    @property
    def runFolder(self) -> Path | None:
        """Folder of that run; None until it is written."""
        return self._trace.folder.path if self._trace.folder else None

    @property
    def previewPath(self) -> Path | None:
        """The latest picture of a slice with its mask."""
        return self._trace.previewPath

    @property
    def warnings(self) -> list[Warning_]:
        """What the worker has warned of so far."""
        return list(self._trace.warnings)

    @property
    def logText(self) -> str:
        """The last lines of the log."""
        return "\n".join(self._trace.logLines)

    def start(
        self,
        runId: str,
        preparation: Generator[float | None, None, RunFolder],
        commandOf: Callable[[RunFolder], Command],
        size: RunSize | None = None,
        device: str = "cpu",
        names: Mapping[str, str] | None = None,
        settings: RunSettings | None = None,
    ) -> None:
        """Begin a run; returns at once.

        Parameters
        ----------
        runId : str
            Of the run.
        preparation : generator
            Writes the run folder in short steps and returns it (`run_writer.writeRunSteps`).
        commandOf : callable
            Makes the command from the run folder (`worker_command.workerCommand`).
        size : RunSize, optional
            How much work it is, for the time left.
        device : str
            That it is expected to run on, for the time left.
        names : mapping, optional
            Id of a volume in the run -> its name, for messages.
        settings : RunSettings, optional
            What the run is started with, for its stages and the time left.

        Raises
        ------
        UserError
            ``run_in_progress`` if another run is under way.
        """
        if self.isRunning:
            hint = _("Wait until it has ended, or cancel it.")
            raise UserError("run_in_progress", _("Another run is under way."), hint)
        self._trace = RunTrace(runId, size or RunSize(), device, self._clock, names, settings)
        self._killed, self._ticks, self.outcome = None, 0, None
        self._trace.progress.begin(PREPARE)
        self.info = self._trace.progress.info()
        self._steps = StepRunner(
            preparation, partial(self._onPrepared, commandOf), self._onNotPrepared, onProgress=self._onWritten
        )
        self._timer.start()
        self._setState(PREPARING)
        self._steps.start()

    def cancel(self) -> None:
        """Stop the run: at once while it is prepared, within 5 seconds later on, however busy the worker is."""
        if self.state == PREPARING:
            self._stopSteps()
            self._end("cancelled", _("The worker had not been started yet."))
        elif self.state == RUNNING:
            self._cancelled = self._clock()
            self._noteChildren()
            self._askToStop()
            self._setState(CANCELLING)

    def shutdown(self) -> None:
        """End everything now, without callbacks: the module is reloaded, or Slicer ends."""
        self._timer.stop()
        self._stopSteps()
        if self._process is not None:
            self._process.killAndWait()
            self._letGo()
        if self.isRunning:
            self.state = ENDED

    # Preparing

    def _onWritten(self, share: float) -> None:
        self._trace.progress.step(PREPARE, round(1000 * share), 1000, None)
        self._trace.progress.signOfLife()

    def _onNotPrepared(self, error: Exception) -> None:
        self._steps = None
        if isinstance(error, UserError):
            self._end("failed", *wordsOf(error), error.code)
            return
        _logger.error("A run could not be prepared", exc_info=error)
        hint = _("Details are in the log (View > Error Log).")
        self._end("failed", _("The run could not be prepared: {error}").format(error=error), hint, "internal")

    def _onPrepared(self, commandOf: Callable[[RunFolder], Command], folder: RunFolder) -> None:
        self._steps = None
        self._trace.folder = folder
        self._trace.progress.begin(START)
        process = self._process = self._factory()
        process.lineRead.connect(self._onLine)
        process.finished.connect(self._onFinished)
        self._setState(RUNNING)
        process.start(commandOf(folder))

    def _stopSteps(self) -> None:
        if self._steps is not None:
            self._steps.cancel()
            self._steps = None

    # What the worker says

    def _onLine(self, line: str, isError: bool) -> None:
        event, texts = self._trace.take(line, isError)
        for text in texts:
            self.log(text)
        self._tell(event)

    def _tell(self, event: Event | None) -> None:
        if isinstance(event, Warning_):
            self.warning(event)
        elif isinstance(event, Hello):
            self._noteChildren()
        elif isinstance(event, Artifact) and event.kind == "preview":
            folder = self.runFolder
            if folder is not None and insideOf(folder, event.path):
                self.preview(self.previewPath)

    # Time passes

    def _tick(self) -> None:
        if not self.isRunning:
            self._timer.stop()
            return
        self._ticks += 1
        if self._ticks % _NOTE_EVERY_TICKS == 0:
            self._noteChildren()
        self.info = self._trace.progress.info()
        self.progress(self.info)
        if self.state == CANCELLING:
            self._pressOn()

    def _pressOn(self) -> None:
        """A worker that does not stop by itself is ended; one that cannot even be ended is not waited for."""
        now, process = self._clock(), self._process
        if process is None:
            return
        if self._killed is None and now - self._cancelled >= self._grace:
            self._killed = now
            process.kill()
        elif self._killed is not None and now - self._killed >= _AFTER_KILL_S:
            self._abandoned.append(process)
            self._end("cancelled", _("The worker does not answer; it ends together with Slicer."))

    def _noteChildren(self) -> None:
        if self._process is not None:
            self._process.noteChildren()

    def _askToStop(self) -> None:
        folder = self._trace.folder
        try:
            if folder is not None:
                folder.cancel.write_text("", encoding="ascii")
        except OSError as error:
            # The disk may be full or gone; the worker is then ended without being asked.
            _logger.warning("The cancel file cannot be written: %s", error)

    # The end

    def _onFinished(self, found: WorkerExit) -> None:
        # The launcher may have ended before the worker behind it.
        if self._process is not None:
            self._process.kill()
        trace = self._trace
        self._end(*endOf(self.state == CANCELLING, trace.done, trace.error, found, trace.logLines))

    def _end(self, status: str, message: str = "", hint: str = "", code: str = "") -> None:
        trace = self._trace
        self._timer.stop()
        self._letGo()
        # Left behind, the file would stop the run again as soon as somebody resumes it.
        if trace.folder is not None:
            with suppress(OSError):
                trace.folder.cancel.unlink(missing_ok=True)
        if status == "finished" and not self._isTrial:
            trace.teach()
        self.outcome = trace.outcome(status, message, hint, code)
        self._setState(ENDED)
        self.ended(self.outcome)

    def _letGo(self) -> None:
        """Forget the process; what it may still say is not heard."""
        if self._process is not None:
            self._process.lineRead.clear()
            self._process.finished.clear()
            self._process = None

    def _setState(self, state: str) -> None:
        self.state = state
        self.changed()
