"""Updates: the model learns from what was corrected of the current volume, and draws its other slices anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.results.correcting.given import UpdateCalls, UpdateProgress
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.learned_labels import noteLearnedSteps
from WeakMedSAMLib.frontend.results.machine_masks import machinePlanesSteps
from WeakMedSAMLib.frontend.results.masks_updated import MasksUpdated
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_images import PackedMask, packMask
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.running.estimates import expectedStages, timeInWords
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_plan import RunPlan
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

_logger = logging.getLogger(__name__)

Planner = Callable[[Sequence[Any], RunSettings], RunPlan]


class MaskUpdates:
    """Updates the masks of the current volume in the background; corrections made meanwhile stay.

    The work is a run of its own, in a folder of its own, of which the scene remembers the latest one of each volume.
    Other volumes are updated by an ordinary run, which adds masks of its own.

    Parameters
    ----------
    state : ModuleState
    corrections : Corrections
    history : SegmentHistory
    runs : RunControl
    planOf : callable
        Makes a plan of volumes and settings.
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
        job: JobRunner,
    ) -> None:
        self._state, self._corrections, self._history = state, corrections, history
        self._runs, self._planOf, self._job = runs, planOf, job
        self._teaching: Teaching | None = None
        self._loading: StepRunner | None = None
        # Segmentation and the masks that it had before the last update.
        self._before: tuple[Any, Mapping[str, PackedMask | None]] | None = None
        self._progress: UpdateProgress | None = None
        self.ended = Callbacks()
        self.error: UserError | None = None
        job.progress.connect(self._onProgress)
        job.ended.connect(self._onEnded)

    def cleanup(self) -> None:
        """End everything now; nothing is told."""
        self.abandon()
        self._progress = None
        self.ended.clear()

    def abandon(self) -> None:
        """End an update without writing anything, and hold nothing of the scene: it goes."""
        isBusy = self.isUnderWay
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
        self._job.shutdown()
        self._teaching = self._before = None
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
        if not RunFolder(folderOf(teaching.record)).run.is_file():
            return _("The run folder is gone, and its model with it. Generate again: corrected slices count there too.")
        return ""

    def update(self) -> None:
        """Begin to update the masks of the current volume; returns at once.

        Raises
        ------
        UserError
            ``not_ready`` with the reason; what planning says.
        """
        problem = self.problem()
        teaching = self._corrections.teaching
        if problem or teaching is None:
            raise UserError("not_ready", problem)
        self._corrections.settle()
        plan = self._planOf([teaching.volumeNode], _settingsOf(teaching.record, self._state.device))
        self._teaching, self.error = teaching, None
        names = {volumeId: node.GetName() for volumeId, node in plan.volumesById.items()}
        self._job.start(plan.runId, plan.preparation(), plan.command, plan.size, plan.device, names, plan.settings)
        if self._progress is not None:
            self._progress.start()

    def updateAll(self) -> None:
        """Begin a run that updates the masks of all volumes of the run under review; `UserError` as `update`."""
        problem, teaching = self.problem(), self._corrections.teaching
        if problem or teaching is None:
            raise UserError("not_ready", problem)
        self._corrections.settle()
        settings = _settingsOf(teaching.record, self._state.device)
        self._runs.start(self._planOf(self._nodesOf(teaching.record), settings))

    def cancel(self) -> None:
        """Ask the update to stop; nothing of it is written."""
        if self._loading is not None:
            self._loading.cancel()
            self._end(UserError("cancelled", _("The update was cancelled.")))
        else:
            self._job.cancel()

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
        nodes = self._nodesOf(teaching.record) if teaching is not None else []
        if teaching is None or len(nodes) < 2:
            return ""
        plan = self._planOf(nodes, _settingsOf(teaching.record, self._state.device))
        seconds = sum(expectedStages(plan.size, plan.device, plan.settings.preset, update=True).values())
        return _("{count} volumes, {time}").format(count=len(nodes), time=timeInWords(seconds))

    # The work

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
            text = f"{outcome.message} {outcome.hint}".strip()
            self._end(UserError(outcome.code or outcome.status, text))
            return
        steps = self._writeSteps(teaching, outcome.folder)
        self._loading = StepRunner(steps, self._onWritten, self._onNotWritten).start()

    def _writeSteps(self, teaching: Teaching, folder: Path) -> Steps[int]:
        """Bring what was drawn anew into the masks; returns how many slices became others."""
        record = replace(teaching.record, updates={**teaching.record.updates, teaching.volumeId: folder.name})
        updated = replace(teaching, record=record)
        axis = self._corrections.axis
        count = _slicesAlong(teaching.volumeNode, axis)
        planes = {}
        for name in teaching.segmentIds:
            planes[name] = yield from machinePlanesSteps(updated, name, axis, range(count))
        self._require(teaching)
        before = teaching.record.updates

        def beside(isDone: bool) -> None:
            now = self._state.run(record.runId)
            if now is not None:
                self._state.saveRun(replace(now, updates=record.updates if isDone else before))

        node = teaching.segmentationNode
        masks = {each: packMask(node, each) for each in teaching.segmentIds.values()}
        changed = yield from self._corrections.putUpdateSteps(planes, beside, folder)
        self._before = (node, masks)
        key = self._corrections.labels().sha256
        yield from noteLearnedSteps(self._state, folder, [key] if key else [])
        return changed

    def _require(self, teaching: Teaching) -> None:
        """Refuse to write where the masks that were corrected are no longer those under review."""
        now = self._corrections.teaching
        if now is None or now.segmentationNode is not teaching.segmentationNode:
            text = _("Other masks are under review than those that were to be updated.")
            raise UserError("not_ready", text, _("Choose their volume, and update again."))

    def _onWritten(self, changed: int) -> None:
        self._loading = None
        self._corrections.changed()
        text = _("{count} slices were drawn anew.").format(count=changed) if changed else _("No slice changed.")
        self._end(None, text)

    def _onNotWritten(self, error: Exception) -> None:
        if not isinstance(error, UserError):
            _logger.error("An update could not be written", exc_info=error)
            error = UserError("internal", str(error) or type(error).__name__)
        self._end(error)

    def _end(self, error: UserError | None, text: str = "") -> None:
        self._loading = self._teaching = None
        if error is not None:
            self._fail(error)
        elif self._progress is not None:
            self._progress.finished(text)
        self.ended(error)

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


def _modelOf(record: RunRecord) -> Path:
    """The model that updates go on from: that of the run, or the one that this was itself an update of."""
    folder = folderOf(record)
    if record.settings.get("update"):
        # Where it was is read out of the folder of this computer: a scene may come from anywhere.
        model = load_run(folder).settings.model
        return Path(model) if model else RunFolder(folder).model
    return RunFolder(folder).model


def _settingsOf(record: RunRecord, device: str) -> RunSettings:
    """Settings of an update of the masks of a run."""
    asked = load_run(folderOf(record)).settings
    return RunSettings(
        preset=asked.preset,
        backbone=asked.backbone,
        device=device,
        seed=asked.seed,
        intensity=asked.intensity,
        model=str(_modelOf(record)),
        train=False,
        update=True,
    )


def _slicesAlong(volumeNode: Any, axis: str) -> int:
    dimensions: tuple[int, ...] = volumeNode.GetImageData().GetDimensions()
    return dimensions["ijk".index(axis)]
