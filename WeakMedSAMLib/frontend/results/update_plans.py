"""What an update is started with: the model that it goes on from, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.running.estimates import expectedStages, timeInWords
from WeakMedSAMLib.frontend.running.run_plan import RunPlan
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_models import keepModel, modelText, packModel, restoreRun, settingsIn
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf


def keepModelSteps(state: ModuleState, runId: str) -> Steps[None]:
    """Put the model of a run into the scene if corrections can move it, with which it then goes to other computers."""
    record = state.run(runId)
    if record is None or is_published(record.preset):
        return
    try:
        folder = _modelOf(record)
    except UserError:
        return
    text = yield from inThread(partial(packModel, folder))
    if text and state.run(runId) is not None:
        keepModel(state, runId, text)


def hasModel(state: ModuleState, record: RunRecord) -> bool:
    """Say whether the model of a run is there: in its folder, or in the scene."""
    return RunFolder(folderOf(record)).run.is_file() or bool(modelText(state, record.runId))


def restoring(state: ModuleState, record: RunRecord) -> Callable[[], None] | None:
    """Return what makes the run folder of a run of another computer, for a thread; None if it is there."""
    text = modelText(state, record.runId)
    if RunFolder(folderOf(record)).run.is_file() or not text:
        return None
    nodes = {volumeId: state.scene.GetNodeByID(nodeId) for volumeId, nodeId in record.volumes.items()}
    names = {volumeId: node.GetName() for volumeId, node in nodes.items() if node is not None}
    return partial(restoreRun, record, names, text)


def updateSettings(record: RunRecord, device: str) -> RunSettings:
    """Settings of an update of the masks of a run; `UserError` as `load_run`."""
    asked = _askedOf(record)
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


def costInWords(plan: RunPlan) -> str:
    """Say how long an update takes, in rough words."""
    return timeInWords(sum(expectedStages(plan.size, plan.device, plan.settings.preset, update=True).values()))


def encodingInWords(plan: RunPlan) -> str:
    """Say that slices have to be encoded first, and how long the update takes thereby; empty if they are."""
    count = plan.size.slices - plan.size.cachedSlices
    if count <= 0:
        return ""
    return _("{count} slices are encoded first, since this computer has not done so yet: {time} in all.").format(
        count=count, time=costInWords(plan)
    )


def _askedOf(record: RunRecord) -> RunSettings:
    folder = folderOf(record)
    return load_run(folder).settings if RunFolder(folder).run.is_file() else settingsIn(record)


def _modelOf(record: RunRecord) -> Path:
    """The model that updates go on from: that of the run, or the one that its masks were made by without training."""
    folder = folderOf(record)
    # Where it is, is read out of the folder of this computer: a scene may come from anywhere.
    settings = _askedOf(record)
    model = Path(settings.model) if settings.model and not settings.train else RunFolder(folder).model
    return model if model.is_dir() else RunFolder(folder).model
