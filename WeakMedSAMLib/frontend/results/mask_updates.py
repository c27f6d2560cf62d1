"""Updates: the model learns from what was corrected of the current volume, and draws its other slices anew."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps, inBackground, inThread
from WeakMedSAMLib.frontend.results.correcting.given import UpdateCalls, UpdateProgress
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.learned_labels import noteLearned
from WeakMedSAMLib.frontend.results.machine_masks import planesOfSteps
from WeakMedSAMLib.frontend.results.masks_updated import MasksUpdated
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.run_results import readUpdate
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_images import PackedMask, packMask
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.results.update_plans import (
    classesSince,
    costInWords,
    encodingInWords,
    hasModel,
    keepModelSteps,
    preparing,
    updateSettings,
)
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_plan import RunPlan
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount

_logger = logging.getLogger(__name__)

Planner = Callable[[Sequence[Any], RunSettings], RunPlan]


class MaskUpdates:
    """Updates the masks of the current volume in the background; corrections made meanwhile stay.

    The work is a run of its own, in a folder inside of that of the run that is updated; the scene remembers the latest
    one of each volume. What ends while another volume is current is written once its own is. Other volumes are updated
    by an ordinary run, which adds masks of its own.

    Parameters
    ----------
    state : ModuleState
    corrections : Corrections
    history : SegmentHistory
    runs : RunControl
    planOf : callable
        Makes a plan of volumes and settings.
    classNames : callable
        Gives the classes of now.
    job : JobRunner
        Of updates alone.

    Attributes
    ----------
    ended : Callbacks
        Called with a `UserError`, or None, once an update has ended.
    error : UserError or None
        Why the last one failed.
    """

    def __init__(
        self,
        state: ModuleState,
        corrections: Corrections,
        history: SegmentHistory,
        runs: RunControl,
        planOf: Planner,
        classNames: Callable[[], Sequence[str]],
        job: JobRunner,
    ) -> None:
        self._state, self._corrections, self._history = state, corrections, history
        self._runs, self._planOf, self._classNames, self._job = runs, planOf, classNames, job
        self._teaching: Teaching | None = None
        # What has ended and is not written yet.
        self._ready: list[tuple[Teaching, Path]] = []
        self._loading: StepRunner | None = None
        # What is being written.
        self._folder: Path | None = None
        self._keeping: StepRunner | None = None
        # Segmentation and the masks that it had before the last update.
        self._before: tuple[Any, Mapping[str, PackedMask | None]] | None = None
        self._progress: UpdateProgress | None = None
        self.ended = Callbacks()
        self.error: UserError | None = None
        job.progress.connect(self._onProgress)
        job.ended.connect(self._onEnded)
        # After the corrections, which follow the same and say then which masks teach.
        state.changed.connect(self._writeNext)
        runs.resultsReady.connect(self._keepModel)

    def cleanup(self) -> None:
        """End everything now; nothing is told."""
        self.abandon()
        self._state.changed.disconnect(self._writeNext)
        self._runs.resultsReady.disconnect(self._keepModel)
        self._progress = None
        self.ended.clear()

    def abandon(self) -> None:
        """End an update without writing anything, and hold nothing of the scene: it goes."""
        isBusy = self.isUnderWay
        # Its folder is named in the scene then.
        isWritten = self._loading is not None and self._loading.isDone
        if isBusy and not isWritten:
            self.error = UserError("cancelled", _("The update was cancelled."))
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
        if self._keeping is not None:
            self._keeping.cancel()
            self._keeping = None
        self._job.shutdown()
        if isBusy and not isWritten:
            self._remove(self._folder or self._job.runFolder)
        for _teaching, folder in self._ready:
            self._remove(folder)
        self._ready.clear()
        self._teaching = self._before = self._folder = None
        if isBusy and self._progress is not None:
            self._progress.finished()

    def useProgress(self, progress: UpdateProgress) -> None:
        """Tell it how far updates are."""
        self._progress = progress

    @property
    def calls(self) -> UpdateCalls:
        """What the panel calls."""
        return UpdateCalls(
            onUpdate=self._onUpdate,
            onCancel=self.cancel,
            onUndo=self.undo,
            problem=self.problem,
            undoProblem=self.undoProblem,
            cost=self.cost,
            before=self._masksBefore,
        )

    @property
    def isUnderWay(self) -> bool:
        """Whether one is under way, or its masks are on their way into the scene."""
        return self._job.isRunning or self._loading is not None

    @property
    def waiting(self) -> int:
        """How many updates have ended whose masks come once their volume is under review again."""
        return len(self._ready)

    def problem(self) -> str:
        """Say why the masks cannot be updated now, and the way out; empty if they can."""
        if self.isUnderWay:
            return _("An update is under way.")
        if self._runs.isRunning:
            return _("A run is under way. Wait until it has ended, or cancel it.")
        teaching = self._corrections.teaching
        if teaching is None:
            return _("There are no masks of this volume yet. Generate them in section 4.")
        if is_published(teaching.record.preset):
            return _("A model of the published method is not moved by corrections. Generate by the preset fast.")
        if not hasModel(self._state, teaching.record):
            return _(
                "The run folder with the model of these masks is gone. "
                "Generate again: corrected slices count there too."
            )
        if classesSince(teaching, self._classNames()) is None:
            return _(
                "The classes changed since these masks were made. Generate again: corrected slices count there too."
            )
        return ""

    def update(self) -> None:
        """Begin to update the masks of the current volume; returns at once.

        Raises
        ------
        UserError
            ``not_ready`` with the reason; what planning says.
        """
        teaching = self._readyTeaching()
        plan = self._planFor([teaching.volumeNode], teaching)
        plan = replace(plan, runsFolder=RunFolder(folderOf(teaching.record)).updates)
        self._teaching, self.error = teaching, None
        names = {volumeId: node.GetName() for volumeId, node in plan.volumesById.items()}
        self._job.start(plan.runId, plan.preparation(), plan.command, plan.size, plan.device, names, plan.settings)
        if self._progress is not None:
            self._progress.start(encodingInWords(plan))

    def updateAll(self) -> None:
        """Begin a run that updates the masks of all volumes of the run under review; `UserError` as `update`."""
        teaching = self._readyTeaching()
        self._runs.start(self._planFor(self._nodesOf(teaching.record), teaching))

    def _planFor(self, volumeNodes: Sequence[Any], teaching: Teaching) -> RunPlan:
        """An update of volumes by the model of a run, which may have come with the scene."""
        record, names = teaching.record, classesSince(teaching, self._classNames()) or {}
        plan = self._planOf(volumeNodes, updateSettings(record, self._state.device, names))
        return replace(plan, first=preparing(self._state, record, names))

    def _readyTeaching(self) -> Teaching:
        """The masks that can be updated, with what was edited last; `UserError` ``not_ready``."""
        problem, teaching = self.problem(), self._corrections.teaching
        if problem or teaching is None:
            raise UserError("not_ready", problem)
        self._corrections.settle()
        return teaching

    def cancel(self) -> None:
        """Ask the update to stop: nothing of it stays, unless all of it is written already."""
        if self._loading is None:
            self._job.cancel()
        elif not self._loading.isDone:
            self._loading.cancel()
            self._onNotWritten(UserError("cancelled", _("The update was cancelled.")))

    def undo(self) -> None:
        """Take back what the last update wrote; edits made since stay."""
        self._corrections.undoUpdate()

    def undoProblem(self) -> str:
        """Say why no update can be taken back; empty if one can."""
        teaching = self._corrections.teaching
        node = teaching.segmentationNode if teaching is not None else None
        if node is None or not self._history.has(node, MasksUpdated):
            return _("There was no update.")
        return ""

    def cost(self) -> str:
        """Say what it takes to update the other volumes too; empty if there are none."""
        teaching = self._corrections.teaching
        if teaching is None or self.problem():
            return ""
        plan = self._planFor(self._nodesOf(teaching.record), teaching)
        if len(plan.volumes) < 2:
            return ""
        return _("{count} volumes, {time}").format(count=len(plan.volumes), time=costInWords(plan))

    # The work

    def _keepModel(self, runId: str) -> None:
        """Let the model of a run travel with the scene."""
        if self._keeping is not None:
            self._keeping.cancel()
        self._keeping = StepRunner(keepModelSteps(self._state, runId)).start()

    def _onUpdate(self, allVolumes: bool) -> None:
        try:
            self.updateAll() if allVolumes else self.update()
        except UserError as error:
            self._fail(error)

    def _onProgress(self, info: Any) -> None:
        if self._progress is not None and self._teaching is not None:
            self._progress.progress(info.fraction, info.secondsLeft)

    def _onEnded(self, outcome: Outcome) -> None:
        teaching = self._teaching
        if teaching is None:
            return
        if outcome.status != "finished" or outcome.folder is None:
            self._remove(outcome.folder)
            text = f"{outcome.message} {outcome.hint}".strip()
            self._end(UserError(outcome.code or outcome.status, text))
            return
        self._teaching = None
        self._ready.append((teaching, outcome.folder))
        self._writeNext()
        if self._loading is None:
            self._end(None, self._waitingInWords(teaching))

    @staticmethod
    def _waitingInWords(teaching: Teaching) -> str:
        text = _("The masks of {name} are ready; they come when that volume is under review again.")
        return text.format(name=teaching.volumeNode.GetName())

    def _writeNext(self) -> None:
        """Begin to write what has ended, if its masks are those under review."""
        now = self._corrections.teaching
        if now is None or self._loading is not None:
            return
        for ready in self._ready:
            if ready[0].segmentationNode is now.segmentationNode and ready[0].volumeId == now.volumeId:
                self._ready.remove(ready)
                self._folder = ready[1]
                self._loading = StepRunner(self._writeSteps(*ready), self._onWritten, self._onNotWritten).start()
                return

    def _writeSteps(self, teaching: Teaching, folder: Path) -> Steps[int | None]:
        """Bring what was drawn anew into the masks; returns how many slices became others, None if that has to wait."""
        result = readUpdate(folder, teaching.volumeId)
        if result is None:
            raise UserError("run_gone", _("The run folder {folder} is gone.").format(folder=folder), _("Update again."))
        # Slices may be counted otherwise than when it began.
        axis, planes = self._corrections.axis, {}
        for name, segmentId in teaching.segmentIds.items():
            indices = range(sliceCount(teaching.volumeNode, axis))
            planes[segmentId] = yield from planesOfSteps(result, teaching, name, axis, indices)
        told = yield from inThread(partial(read_label_file, RunFolder(folder).tags))
        node, beside, masks = teaching.segmentationNode, self._noting(teaching, folder), {}
        for segmentId in planes:
            masks[segmentId] = packMask(node, segmentId)
            yield None
        now = self._corrections.teaching
        if now is None or now.segmentationNode is not node or self._corrections.axis != axis:
            self._ready.append((teaching, folder))
            return None
        # A class may be called otherwise by now.
        named = {name: planes[segmentId] for name, segmentId in now.segmentIds.items() if segmentId in planes}
        changed = yield from self._corrections.putUpdateSteps(named, beside, told)
        self._before = (node, masks)
        for labels in told.volumes:
            noteLearned(self._state, labels)
        return changed

    def _noting(self, teaching: Teaching, folder: Path) -> Callable[[bool], None]:
        """Return what notes in the scene that results of a volume are those of this update, or takes that back."""
        runId, volumeId = teaching.record.runId, teaching.volumeId
        record = self._state.run(runId)
        before = record.updates.get(volumeId, "") if record is not None else ""

        def note(isDone: bool) -> None:
            now, name = self._state.run(runId), folder.name if isDone else before
            if now is not None:
                updates = {**now.updates, volumeId: name}
                self._state.saveRun(replace(now, updates={each: known for each, known in updates.items() if known}))
            if not isDone:
                self._before = None

        return note

    def _onWritten(self, changed: int | None) -> None:
        self._loading = None
        self._corrections.changed()
        if changed is None:
            self._end(None, self._waitingInWords(self._ready[-1][0]))
            self._writeNext()
            return
        text = _("{count} slices were drawn anew.").format(count=changed) if changed else _("No slice changed.")
        self._end(None, text)

    def _onNotWritten(self, error: Exception) -> None:
        if not isinstance(error, UserError):
            _logger.error("An update could not be written", exc_info=error)
            error = UserError("internal", str(error) or type(error).__name__)
        self._remove(self._folder)
        self._end(error)

    def _end(self, error: UserError | None, text: str = "") -> None:
        self._loading = self._teaching = self._folder = None
        if error is not None:
            self._fail(error)
        elif self._progress is not None:
            self._progress.finished(text)
        self.ended(error)

    @staticmethod
    def _remove(folder: Path | None) -> None:
        """Delete what an update left that came to nothing: it holds a copy of the volume."""
        if folder is not None:
            inBackground(partial(shutil.rmtree, folder, ignore_errors=True))

    def _fail(self, error: UserError) -> None:
        self.error = error
        if self._progress is not None:
            self._progress.failed(errorInWords(error))

    def _nodesOf(self, record: RunRecord) -> list[Any]:
        nodes = map(self._state.scene.GetNodeByID, record.volumes.values())
        return [node for node in nodes if node is not None]

    def _masksBefore(self, subject: ReviewSubject) -> Mapping[str, PackedMask | None] | None:
        if self._before is None or self._before[0] is not subject.segmentationNode:
            return None
        return self._before[1]
