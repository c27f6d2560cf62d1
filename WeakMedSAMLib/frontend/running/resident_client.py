"""Asks the resident worker for the mask that boxes and points on a slice stand for. It never raises and never waits."""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import (
    IDLE_SECONDS,
    Answer,
    BoxRanges,
    Closed,
    Failed,
    Mask,
    PointAt,
    Predict,
    Range,
    Ready,
    Request,
    encode_request,
    parse_answer,
)
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, callLogged, guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.running.resident_volumes import Key, ResidentVolumes
from WeakMedSAMLib.frontend.running.worker_command import residentCommand
from WeakMedSAMLib.frontend.running.worker_process import AnsweringProcess, QtWorkerProcess, WorkerExit
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

_SILENT_MS = 120_000
_KEPT_WORDS = 20
_IDLE_KEY = "WeakMedSAM/ResidentIdleSeconds"
# The copy of a volume is not, or no longer, what the worker was told: it is written anew.
_OF_COPIES = ("volume_differs", "volume_not_open", "volume_not_found", "volume_truncated")
_logger = logging.getLogger(__name__)

# Gets the mask, rows x columns, bool; or None, and why there is none.
Answered = Callable[[np.ndarray | None, UserError | None], object]


@dataclass(frozen=True, eq=False)
class _Question:
    """What was asked; without `answered`, that a volume be made ready.

    Attributes
    ----------
    isRepeated : bool
        Whether it was given to a worker before, which failed at it.
    """

    node: VolumeNode
    axis: str
    index: int = 0
    boxes: tuple[BoxRanges, ...] = ()
    points: tuple[PointAt, ...] = ()
    answered: Answered | None = None
    isRepeated: bool = False


class _Worker:
    """A process, with what it was given and what it is waited for."""

    def __init__(self, process: AnsweringProcess, newId: Callable[[], int], device: str, cache: Path) -> None:
        self.process, self.volumes = process, ResidentVolumes(newId)
        # What it was started with.
        self.device, self.cache = device, cache
        self.words: deque[str] = deque(maxlen=_KEPT_WORDS)
        # Why it could not begin; and the id of the question that is to be answered, with its volume's key.
        self.fault: UserError | None = None
        self.asked: tuple[int, Key] | None = None

    def tell(self, requests: Sequence[Request]) -> None:
        """Send requests."""
        for one in requests:
            self.process.write(encode_request(one))


class ResidentClient:
    """Starts the worker at the first question, and once more should it crash; it ends by itself when nobody asks.

    Parameters
    ----------
    device : callable
        Gives the device to compute on, as of `runs.RunSettings`.
    processFactory : callable
        Makes an `AnsweringProcess`.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when a question is asked, and when none is left to answer.
    """

    def __init__(
        self,
        device: Callable[[], str] = lambda: "auto",
        processFactory: Callable[[], AnsweringProcess] = QtWorkerProcess,
    ) -> None:
        self.changed = Callbacks()
        self._device, self._factory = device, processFactory
        self._newId = partial(next, itertools.count(1))
        self._question: _Question | None = None
        self._worker: _Worker | None = None
        self._steps: StepRunner | None = None
        self._isOver = False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SILENT_MS)
        self._timer.connect("timeout()", guarded(self._onSilence))

    @property
    def isAsked(self) -> bool:
        """Whether an answer is to come."""
        return self._question is not None and self._question.answered is not None

    def ask(
        self,
        volumeNode: VolumeNode,
        axis: str,
        index: int,
        boxes: Sequence[BoxRanges],
        points: Sequence[PointAt],
        answered: Answered,
    ) -> None:
        """Ask for the mask on a slice; returns at once.

        Parameters
        ----------
        volumeNode : vtkMRMLScalarVolumeNode
        axis : str
            ``"i"``, ``"j"`` or ``"k"``.
        index : int
            Of the slice along it, as Slicer's Data Probe shows it.
        boxes : sequence
            ``((first row, last row), (first column, last column))``, both ends inside. Rows and columns are j and i on
            a slice along k, k and i along j, k and j along i.
        points : sequence
            ``(row, column, shows)``.
        answered : callable
            Gets the mask (rows x columns, bool) and None, or None and a `UserError`. It is not called for a question
            that a newer one took the place of, nor once the volume or the scene is gone.
        """
        whole = tuple((_range(rows), _range(columns)) for rows, columns in boxes)
        places = tuple((int(row), int(column), bool(shows)) for row, column, shows in points)
        self._take(_Question(volumeNode, axis, int(index), whole, places, answered))

    def prepare(self, volumeNode: VolumeNode, axis: str) -> None:
        """Start the worker and give it a volume, so that the first answer comes soon; returns at once."""
        if not self.isAsked:
            self._take(_Question(volumeNode, axis))

    def forget(self) -> None:
        """Answer nothing that was asked so far, and keep no volume: the scene is closed."""
        self._end()
        self._stopSteps()
        if self._worker is not None:
            self._worker.asked = None
            self._worker.tell(self._worker.volumes.letGoOfAll())

    def cleanup(self) -> None:
        """End everything now, without callbacks: the module is reloaded, or Slicer ends."""
        self._isOver = True
        self.changed.clear()
        self._end()
        self._stopSteps()
        worker = self._worker
        if worker is not None:
            worker.process.killAndWait()
            self._letGo()

    # A question on its way to the worker

    def _take(self, question: _Question) -> None:
        if self._isOver:
            return
        before, self._question = self._question, question
        self._timer.start()
        # What hands over the same volume may go on: the newest question is what follows it.
        isSame = before is not None and before.node is question.node and before.axis == question.axis
        if self._steps is None or not isSame:
            self._begin(question)
        self.changed()

    def _begin(self, question: _Question) -> None:
        self._stopSteps()
        self._endOutdated()
        try:
            worker = self._worker = self._worker or self._start()
        except OSError as error:
            values = {"file": error.filename, "reason": error.strerror}
            message = f"{error.filename} cannot be written ({error.strerror})."
            self._fail(UserError("cannot_write", message, "Free some space.", values))
            return
        steps = worker.volumes.copySteps(question.node)
        self._steps = StepRunner(steps, self._onCopied, self._onNotCopied).start()

    def _start(self) -> _Worker:
        device, cache = self._device(), folders.cacheFolder()
        worker = _Worker(self._factory(), self._newId, device, cache)
        worker.process.lineRead.connect(self._onLine)
        worker.process.finished.connect(self._onFinished)
        worker.process.start(residentCommand(worker.volumes.folder, device, cache, idleSeconds()))
        return worker

    def _endOutdated(self) -> None:
        """End a worker that computes on another device than is asked for now, or reads another cache."""
        worker = self._worker
        if worker is not None and (worker.device, worker.cache) != (self._device(), folders.cacheFolder()):
            worker.process.kill()
            self._letGo()

    def _onCopied(self, key: Key) -> None:
        self._steps = None
        question, worker = self._question, self._worker
        if question is None or worker is None:
            return
        name, before = worker.volumes.request(key, question.axis)
        worker.tell(before)
        if question.answered is None:
            self._end()
            return
        asking = Predict(self._newId(), name, question.index, question.boxes, question.points)
        worker.asked = (asking.id, key)
        worker.tell([asking])

    def _onNotCopied(self, error: Exception) -> None:
        self._steps = None
        if isinstance(error, UserError):
            self._fail(error)
            return
        _logger.error("A volume could not be copied", exc_info=error)
        self._fail(_failure(str(error) or type(error).__name__))

    # What the worker says

    def _onLine(self, line: str, isError: bool) -> None:
        worker = self._worker
        if worker is None:
            return
        if self._question is not None:
            self._timer.start()
        try:
            answer = None if isError else parse_answer(line)
        except UserError as error:
            self._fail(error)
            return
        if answer is None:
            worker.words.append(line)
        else:
            self._onAnswer(worker, answer)

    def _onAnswer(self, worker: _Worker, answer: Answer) -> None:
        if isinstance(answer, Ready):
            worker.process.noteChildren()
        elif isinstance(answer, Closed):
            worker.volumes.onClosed(answer.id)
        elif isinstance(answer, Mask) and worker.asked is not None and worker.asked[0] == answer.id:
            try:
                mask = answer.array()
            except UserError as error:
                self._fail(error)
                return
            self._finish(mask, None)
        elif isinstance(answer, Failed):
            self._onFailed(worker, answer)

    def _onFailed(self, worker: _Worker, answer: Failed) -> None:
        if answer.id is None:
            worker.fault = answer.error()
            return
        opening = worker.volumes.opening(answer.id)
        if opening is not None:
            worker.tell(worker.volumes.forget(opening[0]))
        asked = worker.asked
        if asked is None or not (answer.id == asked[0] or (opening is not None and opening[0] == asked[1])):
            return
        if answer.code in _OF_COPIES and self._repeat():
            worker.tell(worker.volumes.forget(asked[1]))
            return
        self._fail(answer.error())

    def _onFinished(self, found: WorkerExit) -> None:
        worker = self._worker
        if worker is None:
            return
        # The launcher may have ended before the worker behind it.
        worker.process.kill()
        self._letGo()
        self._stopSteps()
        if self._question is None:
            return
        if worker.fault is not None:
            self._fail(worker.fault)
        elif found.startProblem or not self._repeat():
            self._fail(_failure(found.startProblem or _lastWords(worker, found)))

    def _onSilence(self) -> None:
        """Nothing came for long: whatever it does, it will not answer."""
        if self._question is None or self._worker is None:
            return
        self._worker.process.kill()
        self._letGo()
        self._stopSteps()
        self._fail(_failure(_("it gave no answer")))

    # The end of a question

    def _repeat(self) -> bool:
        """Ask the same once more, a moment later; False if that was done before."""
        question = self._question
        if question is None or question.isRepeated:
            return False
        again = self._question = replace(question, isRepeated=True)
        if self._worker is not None:
            self._worker.asked = None
        # Not at once: what a process was last told is still being worked on.
        qt.QTimer.singleShot(0, guarded(lambda: self._begin(again) if self._question is again else None))
        return True

    def _fail(self, error: UserError) -> None:
        self._finish(None, error)

    def _finish(self, mask: np.ndarray | None, error: UserError | None) -> None:
        question = self._question
        self._end()
        # The volume may have gone since.
        if question is not None and question.answered is not None and question.node.GetScene() is not None:
            callLogged(question.answered, mask, error)

    def _end(self) -> None:
        self._timer.stop()
        if self._worker is not None:
            self._worker.asked = None
        if self._question is not None:
            self._question = None
            self.changed()

    def _stopSteps(self) -> None:
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.cancel()

    def _letGo(self) -> None:
        """Forget the process; what it may still say is not heard."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.process.lineRead.clear()
            worker.process.finished.clear()
            worker.volumes.remove()


def idleSeconds() -> float:
    """Return the seconds without a question after which the worker ends: the chosen ones, or ten minutes."""
    try:
        chosen = float(str(slicer.app.userSettings().value(_IDLE_KEY) or 0))
    except ValueError:
        return IDLE_SECONDS
    return chosen if 0 < chosen < float("inf") else IDLE_SECONDS


def _range(ends: Sequence[int]) -> Range:
    first, last = ends
    return int(first), int(last)


def _lastWords(worker: _Worker, found: WorkerExit) -> str:
    return worker.words[-1] if worker.words else _("exit code {code}").format(code=found.code)


def _failure(reason: str) -> UserError:
    message = _("The slice could not be answered: {reason}").format(reason=reason)
    return UserError("resident_ended", message, _("Try again; the label itself is kept."))
