"""What an update is started with: the model that it goes on from, and its settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run
from WeakMedSAMLib.contract.stages import is_published
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, tagOf
from WeakMedSAMLib.frontend.results.teaching import Teaching
from WeakMedSAMLib.frontend.running.estimates import expectedStages, timeInWords
from WeakMedSAMLib.frontend.running.run_plan import RunPlan
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_models import copyRenamed, keepModel, modelText, packModel, restoreRun, settingsIn
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
    """Say whether the model of a run is there: on this computer, or in the scene."""
    return _isOnDisk(record) or bool(modelText(state, record.runId))


def classesSince(teaching: Teaching, names: Sequence[str]) -> dict[str, str] | None:
    """Return class of the run -> class as it is called now, in the order of the run; None if classes came or went."""
    ofRun = [str(entry.get("name")) for entry in teaching.record.classes]
    now = {name: name for name in ofRun if name in names}
    for name in teaching.segmentIds:
        now[tagOf(teaching.segment(name), CLASS_TAG)] = name
    return {name: now[name] for name in ofRun} if [now.get(name) for name in ofRun] == [*names] else None


def preparing(state: ModuleState, record: RunRecord, names: Mapping[str, str]) -> Callable[[], None]:
    """Return what puts the model of a run in its place, in a thread.

    A run of another computer gets a folder with the model that came with the scene; one whose masks were made by the
    model of a run that was deleted since gets that. Where classes are called otherwise by now, `names` by their former
    ones, a copy of the model calls them so.
    """
    text = "" if _isOnDisk(record) else modelText(state, record.runId)
    nodes = {volumeId: state.scene.GetNodeByID(nodeId) for volumeId, nodeId in record.volumes.items()}
    named = {volumeId: node.GetName() for volumeId, node in nodes.items() if node is not None}

    def prepare() -> None:
        if text:
            restoreRun(record, named, text)
        if _isRenamed(names):
            copyRenamed(_modelOf(record), _renamedModel(record, names), names)

    return prepare


def updateSettings(record: RunRecord, device: str, names: Mapping[str, str]) -> RunSettings:
    """Settings of an update of the masks of a run, whose classes may be renamed; `UserError` as `load_run`."""
    asked = _askedOf(record)
    model = _renamedModel(record, names) if _isRenamed(names) else _modelOf(record)
    return RunSettings(
        preset=asked.preset,
        backbone=asked.backbone,
        device=device,
        seed=asked.seed,
        intensity=asked.intensity,
        model=str(model),
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


def _isRenamed(names: Mapping[str, str]) -> bool:
    return any(old != new for old, new in names.items())


def _renamedModel(record: RunRecord, names: Mapping[str, str]) -> Path:
    # Deleted along with the updates. By names, since runs with the same model may know its classes by different ones.
    digest = hashlib.sha256(json.dumps(dict(names), sort_keys=True).encode("utf-8")).hexdigest()
    return RunFolder(folderOf(record)).updates / f"model-{digest[:8]}"


def _askedOf(record: RunRecord) -> RunSettings:
    folder = folderOf(record)
    return load_run(folder).settings if RunFolder(folder).run.is_file() else settingsIn(record)


def _isOnDisk(record: RunRecord) -> bool:
    places = RunFolder(folderOf(record))
    try:
        # Whose model it is says the description, which is long where volumes are many, and is asked for often.
        return places.run.is_file() and (places.model.is_dir() or _modelOf(record).is_dir())
    except UserError:
        # Its description cannot be read, which an update says.
        return True


def _modelOf(record: RunRecord) -> Path:
    """The model that updates go on from: that of the run, or the one that its masks were made by without training."""
    folder = folderOf(record)
    # Where it is, is read out of the folder of this computer: a scene may come from anywhere.
    settings = _askedOf(record)
    model = Path(settings.model) if settings.model and not settings.train else RunFolder(folder).model
    return model if model.is_dir() else RunFolder(folder).model
