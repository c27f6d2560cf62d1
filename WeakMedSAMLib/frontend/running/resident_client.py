"""Asks the resident worker for the mask that boxes and points on a slice stand for. It never raises and never waits."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import (
    Answer,
    BoxRanges,
    Bye,
    Closed,
    Failed,
    Mask,
    PointAt,
    Predict,
    Ready,
)
from WeakMedSAMLib.contract.resident_lines import parse_answer
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, callLogged, guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.running.resident_encoding import EncodingOrder, ResidentEncoding
from WeakMedSAMLib.frontend.running.resident_order import UpdateOrder
from WeakMedSAMLib.frontend.running.resident_question import Answered, Question
from WeakMedSAMLib.frontend.running.resident_volumes import Key
from WeakMedSAMLib.frontend.running.resident_worker import ResidentWorker
from WeakMedSAMLib.frontend.running.worker_process import AnsweringProcess, QtWorkerProcess, WorkerExit
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

_SILENT_MS = 120_000
# The copy of a volume is not, or no longer, what the worker was told: it is written anew.
COPY_PROBLEMS = ("volume_differs", "volume_not_open", "volume_not_found", "volume_truncated")
_logger = logging.getLogger(__name__)


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
        self._question: Question | None = None
        self._worker: ResidentWorker | None = None
        self._order = UpdateOrder()
        self._encoding = ResidentEncoding(self._newId)
        self._steps: StepRunner | None = None
        # Processes that are let go of and have not ended: Slicer must not end before them.
        self._ending: list[AnsweringProcess] = []
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
        whole = tuple(((int(top), int(bottom)), (int(left), int(right))) for (top, bottom), (left, right) in boxes)
        places = tuple((int(row), int(column), bool(shows)) for row, column, shows in points)
        self._take(Question(volumeNode, axis, int(index), whole, places, answered))

    def prepare(self, volumeNode: VolumeNode, axis: str) -> None:
        """Start the worker and give it a volume, so that the first answer comes soon; returns at once."""
        if not self.isAsked:
            self._take(Question(volumeNode, axis))

    def update(self, folder: str, heard: Callable[[str], object], ended: Callable[[UserError | None], object]) -> None:
        """Run the run folder of an update in the worker; returns at once.

        `heard` gets each line that a worker of that run would write, `ended` once None, or why it did not end well.
        """
        worker = self._workerOfNow(partial(callLogged, ended))
        if worker is not None:
            worker.tell([self._order.begin(self._newId(), folder, heard, ended)])

    def stopUpdate(self) -> None:
        """End an update at once, with the worker; nobody is told."""
        if self._order.isUnderWay and self._worker is not None:
            self._order.forget()
            self._worker.process.kill()
            self._letGo()
            self._stopSteps()
            # A question that waited behind the update is for the next worker.
            if self._question is not None and not self._repeat():
                self._fail(_failure(_("it has ended")))

    def encode(self, order: EncodingOrder) -> None:
        """Put the features of a volume into the cache while the worker is asked nothing else; returns at once."""
        worker = None if self._isOver else self._workerOfNow(partial(callLogged, order.ended, None))
        if worker is not None:
            self._encoding.begin(worker, order)

    def stopEncoding(self) -> None:
        """End that; nobody is told, and what was encoded is kept."""
        self._encoding.stop()

    def forget(self) -> None:
        """Answer nothing that was asked so far, and keep no volume: the scene is closed."""
        self._end()
        self._encoding.stop()
        self._stopSteps()
        if self._worker is not None:
            self._worker.asked = None
            self._worker.tell(self._worker.volumes.letGoOfAll())

    def cleanup(self) -> None:
        """End everything now, without callbacks: the module is reloaded, or Slicer ends."""
        self._isOver = True
        self.changed.clear()
        self._end()
        self._encoding.stop()
        self._stopSteps()
        self._letGo()
        while self._ending:
            self._ending.pop().killAndWait()

    # A question on its way to the worker

    def _take(self, question: Question) -> None:
        if self._isOver:
            return
        before, self._question = self._question, question
        if self._worker is not None:
            self._worker.asked = None
        self._timer.start()
        # What hands over the same volume may go on: the newest question is what follows it.
        isSame = before is not None and before.node is question.node and before.axis == question.axis
        if self._steps is None or not isSame:
            self._begin(question)
        self.changed()

    def _begin(self, question: Question) -> None:
        self._stopSteps()
        worker = self._workerOfNow(self._fail)
        if worker is not None:
            steps = worker.volumes.copySteps(question.node)
            self._steps = StepRunner(steps, self._onCopied, self._onNotCopied).start()

    def _workerOfNow(self, failed: Callable[[UserError], object]) -> ResidentWorker | None:
        """A worker for the device and the cache of now; None where it cannot be started, which `failed` is told."""
        self._endOutdated()
        try:
            self._worker = self._worker or self._start()
        except OSError as error:
            values = {"file": error.filename, "reason": error.strerror}
            message = f"{error.filename} cannot be written ({error.strerror})."
            failed(UserError("cannot_write", message, "Free some space.", values))
            return None
        return self._worker

    def _start(self) -> ResidentWorker:
        worker = ResidentWorker(self._factory(), self._newId, self._device(), folders.cacheFolder())
        worker.process.lineRead.connect(self._onLine)
        worker.process.finished.connect(self._onFinished)
        return worker

    def _endOutdated(self) -> None:
        """End a worker that computes on another device than is asked for now, or reads another cache."""
        worker = self._worker
        if (
            worker is not None
            and not self._order.isUnderWay
            and not worker.isFor(self._device(), folders.cacheFolder())
        ):
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
        if self._worker is not None and not self._worker.volumes.folder.is_dir():
            # It has just ended, and took its folder along.
            self._leave()
            return
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
            worker.hear(line)
        else:
            self._onAnswer(worker, answer)

    def _onAnswer(self, worker: ResidentWorker, answer: Answer) -> None:
        if self._order.take(answer) or self._encoding.take(answer):
            return
        if isinstance(answer, Ready):
            worker.isReady = True
            worker.process.noteChildren()
        elif isinstance(answer, Bye):
            self._leave()
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

    def _onFailed(self, worker: ResidentWorker, answer: Failed) -> None:
        if answer.id is None and not worker.isReady:
            worker.fault = answer.error()
            return
        if answer.id is None:
            self._fail(answer.error())
            return
        opening = worker.volumes.opening(answer.id)
        if opening is not None:
            worker.tell(worker.volumes.forget(opening[0]))
        asked = worker.asked
        if asked is None or not (answer.id == asked[0] or (opening is not None and opening[0] == asked[1])):
            return
        if answer.code in COPY_PROBLEMS and self._repeat():
            worker.tell(worker.volumes.forget(asked[1]))
            return
        self._fail(answer.error())

    def _onFinished(self, found: WorkerExit) -> None:
        worker = self._worker
        if worker is None:
            return
        # The launcher may have ended before the worker behind it.
        worker.process.kill()
        self._encoding.end(worker.fault or _failure(worker.lastWords(found)))
        self._letGo()
        self._ending.remove(worker.process)
        self._stopSteps()
        if worker.fault is not None:
            self._fail(worker.fault)
        elif found.startProblem or not self._repeat():
            self._fail(_failure(worker.lastWords(found)))

    def _onSilence(self) -> None:
        """Nothing came for long: whatever it does, it will not answer."""
        if self._question is None or self._worker is None:
            return
        self._worker.process.kill()
        self._letGo()
        self._stopSteps()
        self._fail(_failure(_("it gave no answer")))

    def _leave(self) -> None:
        """Let a worker go that is about to end; a question that came too late for it is for the next one."""
        self._letGo()
        self._stopSteps()
        if self._question is not None and not self._repeat():
            self._fail(_failure(_("it has ended")))

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
        """Forget the process; what it may still say is not heard, but it is kept until it has ended."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        process = worker.process
        process.lineRead.clear()
        process.finished.clear()
        self._ending.append(process)
        # Whoever let it go knows that; an update that it worked on does not.
        self._order.end(worker.fault or _failure(_("it has ended")))
        self._encoding.end(worker.fault)
        process.finished.connect(lambda _exit: self._forget(process))
        worker.volumes.remove()

    def _forget(self, process: AnsweringProcess) -> None:
        if process in self._ending:
            self._ending.remove(process)


def _failure(reason: str) -> UserError:
    message = _("The slice could not be answered: {reason}").format(reason=reason)
    return UserError("resident_ended", message, _("Try again; the label itself is kept."))
