"""Which devices there are, as the worker sees them: asked in a process of its own, since torch never enters Slicer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.probe_report import DeviceReport, ProbeReport
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.running.worker_command import probeCommand
from WeakMedSAMLib.frontend.running.worker_process import QtWorkerProcess, WorkerExit, WorkerProcess

_TIMEOUT_MS = 120_000
_MOST_LINES = 20_000
# As many letters as a line of the panel has room for beside other words.
_LONGEST_NAME = 28


class ProbeClient:
    """Asks the worker's `probe` and keeps the answer.

    Parameters
    ----------
    processFactory : callable
        Makes a `WorkerProcess`.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when an answer is there, or none came.
    report : ProbeReport or None
        All that `probe` said; None before the answer.
    problem : UserError or None
        Why there is no answer, or why the worker cannot run.
    """

    def __init__(self, processFactory: Callable[[], WorkerProcess] = QtWorkerProcess) -> None:
        self.changed = Callbacks()
        self.report: ProbeReport | None = None
        self.problem: UserError | None = None
        self._factory = processFactory
        self._process: WorkerProcess | None = None
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TIMEOUT_MS)
        self._timer.connect("timeout()", guarded(self._onTimeout))

    @property
    def isRunning(self) -> bool:
        """Whether the answer is being waited for."""
        return self._process is not None

    @property
    def isAnswered(self) -> bool:
        """Whether there is an answer, good or bad."""
        return self.report is not None or self.problem is not None

    @property
    def devices(self) -> list[DeviceReport]:
        """The devices that there are, best first; empty before the answer."""
        return [] if self.report is None else self.report.devices

    @property
    def bestDevice(self) -> str:
        """The device that ``"auto"`` stands for; ``"cpu"`` as long as nothing is known."""
        return self.devices[0].device if self.devices else "cpu"

    def ask(self) -> None:
        """Ask, unless an answer is on its way; returns at once."""
        if self.isRunning:
            return
        self._lines, self._errors = [], []
        process = self._process = self._factory()
        process.lineRead.connect(self._onLine)
        process.finished.connect(self._onFinished)
        self._timer.start()
        process.start(probeCommand())
        self.changed()

    def forget(self) -> None:
        """Forget the answer, for instance since packages were installed."""
        self.report, self.problem = None, None

    def shutdown(self) -> None:
        """Stop asking, without callbacks."""
        self._timer.stop()
        if self._process is not None:
            self._process.killAndWait()
            self._letGo()

    def _onLine(self, line: str, isError: bool) -> None:
        lines = self._errors if isError else self._lines
        if len(lines) < _MOST_LINES:
            lines.append(line)

    def _onTimeout(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._end(None, _("it gave no answer"))

    def _onFinished(self, found: WorkerExit) -> None:
        answer = _answerIn("\n".join(self._lines))
        self._end(
            answer, found.startProblem or " ".join(self._errors[-3:]) or _("exit code {code}").format(code=found.code)
        )

    def _end(self, answer: ProbeReport | None, reason: str) -> None:
        self._timer.stop()
        self._letGo()
        self.report = answer
        self.problem = _noAnswer(reason) if answer is None else _problemIn(answer)
        self.changed()

    def _letGo(self) -> None:
        if self._process is not None:
            self._process.lineRead.clear()
            self._process.finished.clear()
            self._process = None


def deviceInWords(device: DeviceReport) -> str:
    """Return a device in words, with its memory."""
    kind = _("CPU") if device.device == "cpu" else _("GPU")
    title = f"{kind}: {device.name}" if device.name else kind
    if device.memory_bytes is None:
        return title
    total = _gigabytes(device.memory_bytes)
    if device.free_bytes is None:
        return _("{title}, {total} GB").format(title=title, total=total)
    free = _gigabytes(device.free_bytes)
    return _("{title}, {total} GB, {free} GB free").format(title=title, total=total, free=free)


def placeInWords(device: str, known: Iterable[DeviceReport] = ()) -> str:
    """Return what a run is computed on: "the CPU", or the GPU by its name where that is among the known ones."""
    if device == "cpu":
        return _("the CPU")
    name = next((each.name for each in known if each.device == device), "")
    return elided(name, _LONGEST_NAME) if name else _("the GPU")


def _answerIn(text: str) -> ProbeReport | None:
    """The report in what was printed; a library may have written something before or after it."""
    start, end = text.find("{"), text.rfind("}")
    try:
        answer = json.loads(text[start : end + 1]) if start >= 0 else None
    except ValueError:
        return None
    return ProbeReport.from_json(answer) if isinstance(answer, dict) else None


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.0f}"


def _noAnswer(reason: str) -> UserError:
    message = _("The worker could not be asked for its devices: {reason}").format(reason=reason)
    return UserError("probe_failed", message, _("A run may work nevertheless; ↻ beside it asks again."))


def _problemIn(report: ProbeReport) -> UserError | None:
    if report.ready:
        return None
    hint = _("Install what is missing, then press ↻ beside it.")
    if report.problem:
        problem = UserError(report.problem_code, report.problem, hint, report.problem_values)
        return UserError("worker_not_ready", *wordsOf(problem))
    return UserError("worker_not_ready", _("Missing: {names}").format(names=", ".join(report.missing)), hint)
