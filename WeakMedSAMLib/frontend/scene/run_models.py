"""The trained model of a run as text for the scene, so that its masks can be updated on another computer, too."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import build
from WeakMedSAMLib.contract.files import private_folder, read_json, write_bytes, write_json
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunSettings, RunVolume, save_run
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

# Models that corrections move have about 400 kB. A larger one would make a heavy scene.
MOST_BYTES = 4_000_000
_ROLE, _NODE_NAME = "modelOf.", "WeakMedSAM model"
_NAME = re.compile(r"[a-z]{1,20}\.(json|safetensors)")


def packModel(folder: Path) -> str:
    """Return the files of a model as text; empty if there is none, or if it is too large for a scene."""
    try:
        files = {path.name: path for path in folder.iterdir() if _NAME.fullmatch(path.name)}
        if not files or sum(path.stat().st_size for path in files.values()) > MOST_BYTES:
            return ""
        return json.dumps({name: base64.b64encode(path.read_bytes()).decode("ascii") for name, path in files.items()})
    except OSError:
        return ""


def modelText(state: ModuleState, runId: str) -> str:
    """Return the model of a run as `packModel` gave it; empty if the scene has none."""
    node = state.node.GetNodeReference(_ROLE + runId)
    return (node.GetText() or "") if node is not None else ""


def keepModel(state: ModuleState, runId: str, text: str) -> None:
    """Keep the model of a run in the scene; those of runs that have no masks there go."""
    for record in state.runs():
        if not record.segmentations:
            removeModel(state, record.runId)
    node = state.node.GetNodeReference(_ROLE + runId)
    if node is None:
        node = slicer.vtkMRMLTextNode()
        node.SetName(_NODE_NAME)
        node.SetHideFromEditors(True)
        # In the scene's own file: nobody wants to be asked for the name of one more.
        node.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeNever)
        node = state.scene.AddNode(node)
        state.node.SetNodeReferenceID(_ROLE + runId, node.GetID())
    node.SetText(text)


def removeModel(state: ModuleState, runId: str) -> None:
    """Take the model of a run out of the scene, if it is there."""
    node = state.node.GetNodeReference(_ROLE + runId)
    if node is not None:
        state.node.RemoveNodeReferenceIDs(_ROLE + runId)
        state.scene.RemoveNode(node)


def removeUnused(state: ModuleState) -> None:
    """Remove models that no run of the scene refers to any more."""
    used = {state.node.GetNodeReference(_ROLE + record.runId) for record in state.runs()}
    for node in slicer.util.getNodesByClass("vtkMRMLTextNode", state.scene):
        if node.GetName() == _NODE_NAME and node.GetHideFromEditors() and node not in used:
            state.scene.RemoveNode(node)


def restoreRun(record: RunRecord, names: Mapping[str, str], text: str) -> None:
    """Put the model of a run into its folder, and where there is none its description too; no masks.

    The run was made on another computer, or its masks by the model of another one, which is gone.

    Parameters
    ----------
    record : RunRecord
    names : mapping of str to str
        Volume id of the run -> name, of volumes that are in the scene.
    text : str
        What `packModel` returned.

    Raises
    ------
    UserError
        ``bad_run_model``; ``cannot_write``.
    """
    folder = RunFolder(folderOf(record))
    try:
        files = _unpacked(text)
        description = RunDescription(
            volumes=[RunVolume(volumeId, f"volumes/{volumeId}.nrrd", name) for volumeId, name in names.items()],
            classes=ClassTable.from_json(record.classes),
            settings=settingsIn(record),
            run_id=record.runId,
        )
    except (UserError, ValueError, TypeError) as error:
        raise _badModel(error) from error
    private_folder(folder.model)
    for name, data in files.items():
        write_bytes(folder.model / name, data)
    # The last: without it there is no run folder, and this is done once more.
    if not folder.run.is_file():
        save_run(folder.path, description)


def copyRenamed(model: Path, target: Path, names: Mapping[str, str]) -> None:
    """Copy a model whose classes are called otherwise by now; `names` by former name.

    Raises
    ------
    UserError
        ``bad_run_model`` if it does not say its classes; what reading and writing files raise.
    """
    private_folder(target)
    for path in sorted(model.iterdir()):
        if path.suffix == ".json":
            described = read_json(path)
            try:
                classes = ClassTable.from_json(described["classes"]).with_names(names)
            except (UserError, LookupError, TypeError, ValueError) as error:
                raise _badModel(error) from error
            write_json(target / path.name, {**described, "classes": classes.to_json()})
        else:
            write_bytes(target / path.name, path.read_bytes())


def settingsIn(record: RunRecord) -> RunSettings:
    """Return the settings of a run that trained its model, as far as the scene tells; `UserError` as `build`."""
    known = {"preset", "backbone", "seed", "intensity", "subclasses", "overrides"}
    found: dict[str, Any] = {name: value for name, value in record.settings.items() if name in known}
    return build(RunSettings, found, "the settings")


def _badModel(error: Exception) -> UserError:
    message = _("The model of the run cannot be read: {reason}.").format(reason=error)
    hint = _("Generate again: corrected slices count there too.")
    return UserError("bad_run_model", message, hint, values={"reason": str(error)})


def _unpacked(text: str) -> dict[str, bytes]:
    """Name -> content; ValueError if it is nothing that `packModel` returned."""
    found = json.loads(text)
    if not isinstance(found, dict) or not found:
        raise ValueError("no files")
    if len(text) > 2 * MOST_BYTES or not all(_NAME.fullmatch(name) for name in found):
        raise ValueError("other files than those of a model")
    try:
        return {name: base64.b64decode(data, validate=True) for name, data in found.items()}
    except (binascii.Error, TypeError) as error:
        raise ValueError("not base64") from error
