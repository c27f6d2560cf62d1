"""Runs of the scene: from the volumes that are chosen to segments, with a record of each run kept in the scene."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.results.result_loading import resultSteps, segmentIdsOf, targetVolumeId
from WeakMedSAMLib.frontend.results.run_results import RunResult, readRun
from WeakMedSAMLib.frontend.results.segment_history import history
from WeakMedSAMLib.frontend.running.job_runner import RUNNING, JobRunner, Outcome
from WeakMedSAMLib.frontend.running.run_plan import RunStart
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

_logger = logging.getLogger(__name__)
_UNDER_WAY = ("preparing", "running")
# Runs of this process: a script may have a logic of its own beside that of the panel, on the same scene.
_ours: set[str] = set()


@dataclass(frozen=True)
class _Target:
    """A segmentation that the user has chosen, and the volume of the run that it belongs to."""

    volumeId: str
    segmentationNode: Any


@dataclass
class _Loaded:
    """Volumes that got no masks: names of those that are not in the scene, and what was wrong with others."""

    missing: list[str] = field(default_factory=list)
    problems: list[UserError] = field(default_factory=list)


@dataclass
class _Loading:
    """Results on their way into the scene, and the run that they are of."""

    record: RunRecord
    runner: StepRunner


class RunControl:
    """Starts, watches and ends the runs of one scene after the other.

    Parameters
    ----------
    job : JobRunner
    stateOf : callable
        Returns the `ModuleState` of the scene as it is now.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments whenever a run begins, ends or changes its status.
    resultsReady : Callbacks
        Called with the run id once all segments are there.
    loadFailed : Callbacks
        Called with a `UserError` if a run has ended well and its results cannot be brought into the scene.
    error : UserError or None
        What the last run failed with.
    """

    def __init__(self, job: JobRunner, stateOf: Callable[[], ModuleState]) -> None:
        self._job = job
        self._stateOf = stateOf
        self._target: _Target | None = None
        self._loading: _Loading | None = None
        self.error: UserError | None = None
        self.changed, self.resultsReady, self.loadFailed = Callbacks(), Callbacks(), Callbacks()
        job.changed.connect(self._onJobChanged)
        job.ended.connect(self._onEnded)

    def cleanup(self) -> None:
        """Stop the worker at once; its run stays in the list as interrupted."""
        self._job.changed.disconnect(self._onJobChanged)
        self._job.ended.disconnect(self._onEnded)
        self.abandon()
        for callbacks in (self.changed, self.resultsReady, self.loadFailed):
            callbacks.clear()

    @property
    def isRunning(self) -> bool:
        """Whether a run is under way or its results are on their way into the scene."""
        return self._job.isRunning or self._loading is not None

    def start(self, start: RunStart, segmentationNode: Any = None) -> str:
        """Begin a run and return its id.

        Parameters
        ----------
        start : RunStart
            Volumes, settings and folders.
        segmentationNode : vtkMRMLSegmentationNode, optional
            Gets the masks of the volume that it belongs to in addition to what it has.

        Raises
        ------
        UserError
            ``run_in_progress``; what `targetVolumeId` raises.
        """
        if self.isRunning:
            hint = _("Wait until it has ended, or cancel it.")
            raise UserError("run_in_progress", _("Another run is under way."), hint)
        target = None
        if segmentationNode is not None:
            target = _Target(targetVolumeId(segmentationNode, start.volumesById), segmentationNode)
        self._target, self.error = target, None
        _ours.add(start.runId)
        self._stateOf().saveRun(_newRecord(start))
        names = {volumeId: node.GetName() for volumeId, node in start.volumesById.items()}
        preparation, size = start.preparation(), start.size
        self._job.start(start.runId, preparation, start.command, size, start.device, names, start.settings)
        self.changed()
        return start.runId

    def cancel(self) -> None:
        """Ask the run to stop, or stop bringing its results into the scene."""
        if self._loading is not None:
            record = self._loading.record
            self._stopLoading()
            self._close(record, "finished", _("Loading was cancelled; the masks are in the run folder."))
        else:
            self._job.cancel()

    def load(self, runId: str) -> None:
        """Bring the results of an earlier run into the scene, for volumes that are there without masks of it.

        Raises
        ------
        UserError
            ``unknown_run``, ``run_in_progress`` or what `readRun` raises.
        """
        if self.isRunning:
            raise UserError("run_in_progress", _("Another run is under way."), _("Wait until it has ended."))
        record = self._stateOf().run(runId)
        if record is None:
            raise UserError("unknown_run", _("The scene knows no such run."), _("Choose a run of the list."))
        self._load(record, readRun(folderOf(record)), None)

    def abandon(self) -> None:
        """Stop everything now without telling anybody: the scene goes, or the module does."""
        record = self._recordUnderWay()
        self._stopLoading()
        self._job.shutdown()
        self._target = None
        _ours.discard(self._job.runId)
        # It holds nodes and segments of the scene.
        history.clear()
        if record is not None:
            self._stateOf().saveRun(replace(record, status="cancelled", message=_interrupted()))

    def markInterrupted(self) -> None:
        """Mark runs as interrupted that a loaded scene says are under way: their worker is gone."""
        state = self._stateOf()
        for record in state.runs():
            if record.status in _UNDER_WAY and record.runId not in _ours:
                state.saveRun(replace(record, status="cancelled", message=_interrupted()))

    def cancelIfNothingLeft(self) -> None:
        """Cancel the run if every volume of it was removed from the scene."""
        record = self._recordUnderWay()
        if record is not None and not record.volumes and self._job.isRunning:
            _logger.info("All volumes of the run were removed; it is cancelled.")
            self._job.cancel()

    def _recordUnderWay(self) -> RunRecord | None:
        return self._stateOf().run(self._job.runId) if self.isRunning and self._job.runId else None

    def _onJobChanged(self) -> None:
        record = self._recordUnderWay()
        if record is not None and self._job.state == RUNNING and record.status != "running":
            self._stateOf().saveRun(replace(record, status="running"))
        self.changed()

    def _onEnded(self, outcome: Outcome) -> None:
        record = self._stateOf().run(outcome.runId)
        if record is None:
            # The scene was closed: results of one scene never go into another.
            return
        record = _withOutcome(record, outcome)
        if outcome.status == "finished":
            self._loadOrFail(record)
            return
        if outcome.status == "failed":
            self.error = UserError(outcome.code or "run_failed", outcome.message, outcome.hint)
        self._close(record, outcome.status, f"{outcome.message} {outcome.hint}".strip())

    def _loadOrFail(self, record: RunRecord) -> None:
        try:
            self._load(record, readRun(folderOf(record)), self._target)
        except UserError as error:
            self._onNotLoaded(record, error)

    def _load(self, record: RunRecord, result: RunResult, target: _Target | None) -> None:
        runner = StepRunner(
            _loadSteps(slicer.mrmlScene, record, result, target),
            onDone=lambda loaded: self._onLoaded(record, loaded),
            onError=lambda error: self._onNotLoaded(record, error),
        )
        self._loading = _Loading(record, runner)
        runner.start()
        self.changed()

    def _onLoaded(self, record: RunRecord, loaded: _Loaded) -> None:
        self._loading = None
        text = _("Masks are ready for review.")
        if loaded.missing:
            names = ", ".join(loaded.missing)
            text = _("Not loaded, since no longer in the scene: {names}. The masks are in the run folder.")
            text = text.format(names=names)
        if loaded.problems:
            text = " ".join([text, *map(str, loaded.problems), _("The masks of the run stay in its folder.")])
        self._stateOf().reviewRunId = record.runId
        self._close(record, "finished", text)
        self.resultsReady(record.runId)

    def _onNotLoaded(self, record: RunRecord, error: Exception) -> None:
        self._loading = None
        if not isinstance(error, UserError):
            _logger.error("The results of a run could not be loaded", exc_info=error)
            hint = _("They are in the run folder. Details are in the log (View > Error Log).")
            error = UserError("results_not_loaded", _("The masks could not be loaded: {0}.").format(error), hint)
        self.error = error
        self._close(record, "failed", str(error))
        self.loadFailed(error)

    def _close(self, record: RunRecord, status: str, message: str) -> None:
        self._target = None
        _ours.discard(record.runId)
        self._stateOf().saveRun(replace(record, status=status, message=message))
        self.changed()

    def _stopLoading(self) -> None:
        if self._loading is not None:
            self._loading.runner.cancel()
            self._loading = None


def _loadSteps(scene: Any, record: RunRecord, result: RunResult, target: _Target | None) -> Steps[_Loaded]:
    """Make segments of every volume that is in the scene without any; one that gets none does not keep others out.

    Raises
    ------
    UserError
        What was wrong with the first volume, if none got its masks.
    """
    loaded = _Loaded()
    for volumeId, volumeResult in result.volumes.items():
        volumeNode = scene.GetNodeByID(record.volumes.get(volumeId, ""))
        if volumeNode is None:
            loaded.missing.append(volumeResult.name)
            continue
        if _hasMasks(scene, record, volumeId):
            # They may have been corrected by hand.
            continue
        chosen = _chosenFor(scene, target, volumeId)
        try:
            node = yield from resultSteps(scene, volumeNode, volumeResult, result.description.classes, record, chosen)
        except UserError as error:
            loaded.problems.append(error)
            continue
        record.segmentations[volumeId] = node.GetID()
    if loaded.problems and not record.segmentations:
        raise loaded.problems[0]
    return loaded


def _chosenFor(scene: Any, target: _Target | None, volumeId: str) -> Any:
    """Return the segmentation that the user chose for a volume; None (a new one) if it was removed meanwhile."""
    if target is None or target.volumeId != volumeId or target.segmentationNode.GetScene() is not scene:
        return None
    return target.segmentationNode


def _hasMasks(scene: Any, record: RunRecord, volumeId: str) -> bool:
    node = scene.GetNodeByID(record.segmentations.get(volumeId, ""))
    return node is not None and bool(segmentIdsOf(node, record.runId, volumeId))


def _newRecord(start: RunStart) -> RunRecord:
    return RunRecord(
        runId=start.runId,
        folder=str(start.folder),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        preset=start.settings.preset,
        device=start.settings.device,
        classes=start.classes.to_json(),
        volumes={volumeId: node.GetID() for volumeId, node in start.volumesById.items()},
        settings=start.settings.to_json(),
    )


def _withOutcome(record: RunRecord, outcome: Outcome) -> RunRecord:
    return replace(
        record,
        device=outcome.device or record.device,
        versions={**record.versions, **outcome.versions},
        settings={**record.settings, "seconds": round(outcome.seconds, 1)},
    )


def _interrupted() -> str:
    return _("It was interrupted. What was computed is kept, so the next run on these volumes is quicker.")
