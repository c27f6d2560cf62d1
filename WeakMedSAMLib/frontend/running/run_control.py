"""Runs of the scene: from the volumes that are chosen to segments, with a record of each run kept in the scene."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Protocol

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.running.job_runner import PREPARING, RUNNING, JobRunner
from WeakMedSAMLib.frontend.running.run_plan import RunPlan
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_models import removeModel
from WeakMedSAMLib.frontend.scene.run_records import UNDER_WAY, RunRecord

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """A segmentation that the user has chosen, and the volume of the run that it belongs to."""

    volumeId: str
    segmentationNode: Any


@dataclass
class Loaded:
    """Volumes that got no masks: names of those that are not in the scene, and what was wrong with others."""

    missing: list[str] = field(default_factory=list)
    problems: list[UserError] = field(default_factory=list)


class MaskLoader(Protocol):
    """What `RunControl` needs of whoever brings masks into the scene."""

    def findTarget(self, segmentationNode: Any, volumes: Mapping[str, Any]) -> Target:
        """Find the volume (id -> node) of a run whose masks can go into a segmentation; `UserError` if none can."""

    def loadSteps(self, record: RunRecord, target: Target | None) -> Steps[Loaded]:
        """Bring the masks of a run into the scene; `UserError` at once if there are none to bring."""

    def forget(self) -> None:
        """Hold nothing of the scene any more."""


@dataclass
class _Loading:
    """Masks on their way into the scene, and the run that they are of."""

    record: RunRecord
    runner: StepRunner


class RunControl:
    """Starts, watches and ends the runs of one scene after the other.

    Another one may be at work on the same scene, that of a script beside that of the panel: each keeps the record of
    its own run as it is, whatever another one takes it for.

    Parameters
    ----------
    job : JobRunner
    state : ModuleState
    loader : MaskLoader

    Attributes
    ----------
    job : JobRunner
    changed : Callbacks
        Called without arguments whenever a run begins, ends or changes its status.
    resultsReady : Callbacks
        Called with the run id once all segments are there.
    loadFailed : Callbacks
        Called with a `UserError` if a run has ended well and its results cannot be brought into the scene.
    error : UserError or None
        What the last run failed with.
    """

    def __init__(self, job: JobRunner, state: ModuleState, loader: MaskLoader) -> None:
        self.job = job
        self._state = state
        self._loader = loader
        self._runId = ""
        self._target: Target | None = None
        self._loading: _Loading | None = None
        self.error: UserError | None = None
        self._notLoaded: dict[str, str] = {}
        self.changed, self.resultsReady, self.loadFailed = Callbacks(), Callbacks(), Callbacks()
        job.changed.connect(self._onJobChanged)
        job.ended.connect(self._onEnded)
        state.changed.connect(self._keepStatus)

    def cleanup(self) -> None:
        """Stop the worker at once; its run stays in the list as interrupted."""
        self.job.changed.disconnect(self._onJobChanged)
        self.job.ended.disconnect(self._onEnded)
        self._state.changed.disconnect(self._keepStatus)
        self.abandon()
        for callbacks in (self.changed, self.resultsReady, self.loadFailed):
            callbacks.clear()

    @property
    def isRunning(self) -> bool:
        """Whether a run is under way or its results are on their way into the scene."""
        return self.job.isRunning or self._loading is not None

    def record(self, runId: str) -> RunRecord | None:
        """Return what the scene that is open remembers of a run, or None."""
        return self._state.run(runId)

    def volumesOfFinished(self) -> list[Any]:
        """Return the volumes in the scene that went through a finished run."""
        records = [record for record in self._state.runs() if record.status == "finished"]
        nodes = [self._state.scene.GetNodeByID(each) for record in records for each in record.volumes.values()]
        return [node for node in nodes if node is not None]

    def notLoaded(self, runId: str) -> str:
        """Say which masks of a run did not come into the scene when it was loaded last, and why; empty if all did."""
        return self._notLoaded.get(runId, "")

    def forget(self, runId: str) -> None:
        """Take a run out of the list of the scene, and its model with it; its folder and its segmentations stay."""
        removeModel(self._state, runId)
        self._state.removeRun(runId)

    def start(self, plan: RunPlan, segmentationNode: Any = None) -> str:
        """Begin a run and return its id.

        Parameters
        ----------
        plan : RunPlan
            Volumes, settings and folders.
        segmentationNode : vtkMRMLSegmentationNode, optional
            Gets the masks of the volume that it belongs to in addition to what it has.

        Raises
        ------
        UserError
            ``run_in_progress``; what `MaskLoader.findTarget` raises.
        """
        if self.isRunning:
            hint = _("Wait until it has ended, or cancel it.")
            raise UserError("run_in_progress", _("Another run is under way."), hint)
        hasTarget = segmentationNode is not None
        self._target = self._loader.findTarget(segmentationNode, plan.volumesById) if hasTarget else None
        self._runId, self.error = plan.runId, None
        self._state.saveRun(_makeRecord(plan))
        names = {volumeId: node.GetName() for volumeId, node in plan.volumesById.items()}
        self.job.start(plan.runId, plan.preparation(), plan.command, plan.size, plan.device, names, plan.settings)
        self.changed()
        return plan.runId

    def cancel(self) -> None:
        """Ask the run to stop, or stop bringing its results into the scene."""
        if self._loading is not None:
            record = self._loading.record
            self._stopLoading()
            text = self._notLoaded[record.runId] = _("Loading was cancelled; the masks are in the run folder.")
            self._close(record, "finished", text)
        else:
            self.job.cancel()

    def load(self, runId: str) -> None:
        """Bring the results of an earlier run into the scene, for volumes that are there without masks of it.

        Raises
        ------
        UserError
            ``unknown_run``, ``run_in_progress`` or what `MaskLoader.loadSteps` raises.
        """
        if self.isRunning:
            raise UserError("run_in_progress", _("Another run is under way."), _("Wait until it has ended."))
        record = self.record(runId)
        if record is None:
            raise UserError("unknown_run", _("The scene knows no such run."), _("Choose a run of the list."))
        self._load(record, None)

    def abandon(self) -> None:
        """Stop everything now without telling anybody: the scene goes, or the module does."""
        record = self._recordUnderWay()
        self._stopLoading()
        self.job.shutdown()
        self._target, self._runId = None, ""
        self._notLoaded.clear()
        self._loader.forget()
        if record is not None:
            self._state.saveRun(replace(record, status="cancelled", message=_sayInterrupted()))

    def markInterrupted(self) -> None:
        """Mark runs as interrupted that a loaded scene says are under way: their worker is gone."""
        self._keepStatus()
        state = self._state
        for record in state.runs():
            if record.status in UNDER_WAY and record.runId != self._runId:
                state.saveRun(replace(record, status="cancelled", message=_sayInterrupted()))

    def cancelIfNothingLeft(self) -> None:
        """Cancel the run if every volume of it was removed from the scene."""
        record = self._recordUnderWay()
        if record is not None and not record.volumes and self.job.isRunning:
            _logger.info("All volumes of the run were removed; it is cancelled.")
            self.job.cancel()

    def _recordUnderWay(self) -> RunRecord | None:
        return self.record(self._runId) if self._runId else None

    def _keepStatus(self) -> None:
        """Let the scene say of the run that is under way that it is, also where another control has marked it."""
        record = self._recordUnderWay()
        if record is None:
            return
        isBegun = self.job.state == RUNNING and record.status == "preparing"
        if isBegun or record.status not in UNDER_WAY:
            status = "preparing" if self.job.state == PREPARING else "running"
            self._state.saveRun(replace(record, status=status, message=""))

    def _onJobChanged(self) -> None:
        self._keepStatus()
        self.changed()

    def _onEnded(self, outcome: Outcome) -> None:
        record = self.record(outcome.runId)
        if record is None:
            # The scene was closed: results of one scene never go into another.
            return
        record = _addOutcome(record, outcome)
        if outcome.status == "finished":
            self._loadOrFail(record)
            return
        if outcome.status == "failed":
            self.error = UserError(outcome.code or "run_failed", outcome.message, outcome.hint)
        self._close(record, outcome.status, f"{outcome.message} {outcome.hint}".strip())

    def _loadOrFail(self, record: RunRecord) -> None:
        try:
            self._load(record, self._target)
        except UserError as error:
            self._onNotLoaded(record, error)

    def _load(self, record: RunRecord, target: Target | None) -> None:
        runner = StepRunner(
            self._loader.loadSteps(record, target),
            onDone=lambda loaded: self._onLoaded(record, loaded),
            onError=lambda error: self._onNotLoaded(record, error),
        )
        self._loading = _Loading(record, runner)
        runner.start()
        self.changed()

    def _onLoaded(self, record: RunRecord, loaded: Loaded) -> None:
        self._loading = None
        text = _("Masks are ready for review.")
        if loaded.missing:
            names = ", ".join(loaded.missing)
            text = _("Not loaded, since no longer in the scene: {names}. The masks are in the run folder.")
            text = text.format(names=names)
        if loaded.problems:
            text = " ".join([text, *map(errorInWords, loaded.problems), _("The masks of the run stay in its folder.")])
        self._notLoaded[record.runId] = text if loaded.missing or loaded.problems else ""
        self._state.reviewRunId = record.runId
        # Masks that a run had made before it was cancelled do not finish it.
        status = "cancelled" if record.status == "cancelled" else "finished"
        self._close(record, status, text)
        self.resultsReady(record.runId)

    def _onNotLoaded(self, record: RunRecord, error: Exception) -> None:
        self._loading = None
        if not isinstance(error, UserError):
            _logger.error("The results of a run could not be loaded", exc_info=error)
            hint = _("They are in the run folder. Details are in the log (View > Error Log).")
            error = UserError("results_not_loaded", _("The masks could not be loaded: {0}.").format(error), hint)
        self.error = error
        self._close(record, "failed", errorInWords(error))
        self.loadFailed(error)

    def _close(self, record: RunRecord, status: str, message: str) -> None:
        self._target, self._runId = None, ""
        self._state.saveRun(replace(record, status=status, message=message))
        self.changed()

    def _stopLoading(self) -> None:
        if self._loading is not None:
            self._loading.runner.cancel()
            self._loading = None


def _makeRecord(plan: RunPlan) -> RunRecord:
    return RunRecord(
        runId=plan.runId,
        folder=str(plan.folder),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        preset=plan.settings.preset,
        device=plan.settings.device,
        classes=plan.classes.to_json(),
        volumes={volumeId: node.GetID() for volumeId, node in plan.volumesById.items()},
        settings=plan.settings.to_json(),
    )


def _addOutcome(record: RunRecord, outcome: Outcome) -> RunRecord:
    return replace(
        record,
        device=outcome.device or record.device,
        versions={**record.versions, **outcome.versions},
        settings={**record.settings, "seconds": round(outcome.seconds, 1)},
    )


def _sayInterrupted() -> str:
    return _("It was interrupted. What was computed is kept, so the next run on these volumes is quicker.")
