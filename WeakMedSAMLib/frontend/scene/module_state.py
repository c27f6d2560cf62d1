"""All that a scene keeps of this module, on one parameter node: the tags, what is chosen, and the runs."""

from __future__ import annotations

import json
import logging
from copy import copy
from dataclasses import asdict
from typing import Any

import slicer
import vtk

from WeakMedSAMLib.contract.stages import FAST
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderName, recordFromJson, rememberRunsFolder

MODULE_NAME = "WeakMedSAM"

_CURRENT_VOLUME = "currentVolume"
_COHORT = "cohort"
_RUNS = "runs"
_REVIEW_RUN = "reviewRunId"
_UNREADABLE = "tagsUnreadable"
_TEACHING, _LEARNED = "teaching", "learnedLabels"
_RUN, _DOTS = "run.", 3
_REFERENCES = ("volume", "segmentation")
_logger = logging.getLogger(__name__)


class ModuleState:
    """Typed access to the module's parameter node; every getter works on an empty node.

    One object for all that a scene holds one after the other: whoever has it need not know when the scene was closed.

    Parameters
    ----------
    scene : vtkMRMLScene

    Attributes
    ----------
    scene : vtkMRMLScene
    node : vtkMRMLScriptedModuleNode
        Another one may be after `bind`.
    changed : Callbacks
        Called without arguments after any change of the node, by whomever.
    leavingVolume : Callbacks
        Called without arguments before another volume becomes current: what was done last is of the one that still is.
    """

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.changed, self.leavingVolume = Callbacks(), Callbacks()
        self._observations: list[int] = []
        self._isTelling = self._isWaiting = False
        self.node: Any = None
        self._readAt = (0, 0)
        self._runs: list[RunRecord] = []
        self.bind()

    def bind(self) -> None:
        """Take the scene's parameter node, which may be another one after a scene was closed or loaded."""
        self._stopObserving()
        self.node = _nodeIn(self.scene)
        for event in (
            vtk.vtkCommand.ModifiedEvent,
            slicer.vtkMRMLNode.ReferenceAddedEvent,
            slicer.vtkMRMLNode.ReferenceModifiedEvent,
            slicer.vtkMRMLNode.ReferenceRemovedEvent,
        ):
            self._observations.append(self.node.AddObserver(event, guarded(self._onModified)))

    def cleanup(self) -> None:
        """Stop observing the node."""
        self._stopObserving()
        self.changed.clear()
        self.leavingVolume.clear()

    def _stopObserving(self) -> None:
        for tag in self._observations:
            self.node.RemoveObserver(tag)
        self._observations = []

    # What is chosen

    @property
    def tagsJson(self) -> str:
        """The tags of all volumes as contract JSON text, or empty."""
        return self._get("tags")

    @tagsJson.setter
    def tagsJson(self, text: str) -> None:
        self._set("tags", text)

    @property
    def unreadableTags(self) -> list[str]:
        """Texts that were in place of `tagsJson` and could not be read, oldest first: of a later version, or broken."""
        try:
            texts = json.loads(self._get(_UNREADABLE) or "[]")
        except ValueError:
            return [self._get(_UNREADABLE)]
        return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []

    def keepUnreadableTags(self, *texts: str) -> None:
        """Add texts to `unreadableTags`, each once."""
        kept = list(dict.fromkeys([*self.unreadableTags, *texts]))
        if kept:
            self._set(_UNREADABLE, json.dumps(kept, ensure_ascii=False))

    @property
    def preset(self) -> str:
        """Name of the preset; ``"fast"`` at first."""
        return self._get("preset") or FAST

    @preset.setter
    def preset(self, name: str) -> None:
        self._set("preset", name)

    @property
    def device(self) -> str:
        """Name of the device; ``"auto"`` at first."""
        return self._get("device") or "auto"

    @device.setter
    def device(self, name: str) -> None:
        self._set("device", name)

    @property
    def sliceView(self) -> str:
        """Name of the slice view one works in; ``"Red"`` at first."""
        return self._get("sliceView") or "Red"

    @sliceView.setter
    def sliceView(self, name: str) -> None:
        self._set("sliceView", name)

    @property
    def restIsAbsent(self) -> bool:
        """Whether range tagging makes untagged slices absent; True at first."""
        return self._get("restIsAbsent") != "false"

    @restIsAbsent.setter
    def restIsAbsent(self, value: bool) -> None:
        self._set("restIsAbsent", "true" if value else "false")

    @property
    def currentClass(self) -> str:
        """Name of the class that is being tagged, or empty."""
        return self._get("currentClass")

    @currentClass.setter
    def currentClass(self, name: str) -> None:
        self._set("currentClass", name)

    @property
    def reviewRunId(self) -> str:
        """Id of the run under review, or empty."""
        return self._get(_REVIEW_RUN)

    @reviewRunId.setter
    def reviewRunId(self, runId: str) -> None:
        self._set(_REVIEW_RUN, runId)

    # Corrections

    @property
    def teaching(self) -> dict[str, list[str]]:
        """Run and volume id -> ids of the segments whose corrections are labels; those that taught last at the end."""
        found = self._object(_TEACHING)
        return {name: ids for name, ids in found.items() if isinstance(ids, list)}

    @teaching.setter
    def teaching(self, value: dict[str, list[str]]) -> None:
        self._set(_TEACHING, json.dumps(value, separators=(",", ":")))

    @property
    def learnedLabels(self) -> dict[str, dict[str, dict[str, str]]]:
        """Id of a volume node -> class -> slice -> digest of what was painted there when masks were last drawn."""
        found = self._object(_LEARNED)
        return {key: each for key, each in found.items() if isinstance(each, dict)}

    @learnedLabels.setter
    def learnedLabels(self, value: dict[str, dict[str, dict[str, str]]]) -> None:
        self._set(_LEARNED, json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def _object(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads(self._get(name) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    # Volumes

    @property
    def currentVolume(self) -> VolumeNode | None:
        """The volume that is being tagged (vtkMRMLScalarVolumeNode), or None."""
        return self.node.GetNodeReference(_CURRENT_VOLUME)

    @currentVolume.setter
    def currentVolume(self, volumeNode: VolumeNode | None) -> None:
        if volumeNode is not self.currentVolume:
            self.leavingVolume()
            self.node.SetNodeReferenceID(_CURRENT_VOLUME, volumeNode.GetID() if volumeNode else None)

    def cohort(self) -> list[VolumeNode]:
        """Return the volumes that are learned from together, in the order in which they were added."""
        count = self.node.GetNumberOfNodeReferences(_COHORT)
        nodes = [self.node.GetNthNodeReference(_COHORT, index) for index in range(count)]
        return [node for node in nodes if node is not None]

    def isInCohort(self, volumeNode: VolumeNode | None) -> bool:
        """Say whether a volume is learned from."""
        return volumeNode is not None and self.node.HasNodeReferenceID(_COHORT, volumeNode.GetID())

    def setInCohort(self, volumeNode: VolumeNode, isIn: bool) -> None:
        """Add a volume to those that are learned from, or take it out."""
        if isIn == self.isInCohort(volumeNode):
            return
        if isIn:
            self.node.AddNodeReferenceID(_COHORT, volumeNode.GetID())
            return
        for index in reversed(range(self.node.GetNumberOfNodeReferences(_COHORT))):
            if self.node.GetNthNodeReferenceID(_COHORT, index) == volumeNode.GetID():
                self.node.RemoveNthNodeReferenceID(_COHORT, index)

    # Runs

    @property
    def runsText(self) -> str:
        """All runs as the scene keeps them, to see whether they changed; without their nodes."""
        return self._get(_RUNS)

    def runs(self) -> list[RunRecord]:
        """Return all runs of the scene, oldest first."""
        # Read anew where the node or the scene has other content: of many volumes that takes some milliseconds, and
        # every key press asks. What a node does between StartModify and EndModify does not show in its time.
        version = self.node.GetMTime(), self.scene.GetNodes().GetMTime()
        if version != self._readAt or self.node.GetDisableModifiedEvent():
            self._readAt, self._runs = version, self._readRuns()
        return [_copyOf(record) for record in self._runs]

    def run(self, runId: str) -> RunRecord | None:
        """Return one run, or None."""
        return next((record for record in self.runs() if record.runId == runId), None)

    def saveRun(self, record: RunRecord) -> None:
        """Insert a run, or replace the one with the same id. Only the name of its folder gets into the scene."""
        rememberRunsFolder(record.folder)
        entry = {**asdict(record), "folder": folderName(record.folder)}
        # Node ids change when a scene is imported into another; only references follow that.
        for kind in _REFERENCES:
            entry.pop(f"{kind}s")
        entries = self._runEntries()
        position = next((i for i, other in enumerate(entries) if other.get("runId") == record.runId), len(entries))
        entries[position : position + 1] = [entry]
        with slicer.util.NodeModify(self.node):
            self._setReferences(record)
            self._set(_RUNS, json.dumps(entries, separators=(",", ":")))

    def removeRun(self, runId: str) -> None:
        """Forget a run; its folder and its segmentations stay."""
        record = self.run(runId)
        if record is None:
            return
        entries = [entry for entry in self._runEntries() if entry.get("runId") != runId]
        with slicer.util.NodeModify(self.node):
            record.volumes, record.segmentations = {}, {}
            self._setReferences(record)
            self._set(_RUNS, json.dumps(entries, separators=(",", ":")))
            if self.reviewRunId == runId:
                self.reviewRunId = ""

    def _setReferences(self, record: RunRecord) -> None:
        wanted = {
            _role(record.runId, kind, volumeId): nodeId
            for kind, nodes in zip(_REFERENCES, (record.volumes, record.segmentations), strict=True)
            for volumeId, nodeId in nodes.items()
        }
        known = self._rolesOf(record.runId)
        for role in known - set(wanted):
            self.node.RemoveNodeReferenceIDs(role)
        for role, nodeId in wanted.items():
            if self.node.GetNodeReferenceID(role) != nodeId:
                self.node.SetNodeReferenceID(role, nodeId)

    def _readRuns(self) -> list[RunRecord]:
        records = {entry["runId"]: recordFromJson(entry) for entry in self._runEntries()}
        for role in sorted(self._roles()):
            runId, kind, volumeId = role.removeprefix(_RUN).rsplit(".", 2)
            node = self.node.GetNodeReference(role) if runId in records else None
            if node is not None:
                record = records[runId]
                (record.volumes if kind == "volume" else record.segmentations)[volumeId] = node.GetID()
        return list(records.values())

    def _rolesOf(self, runId: str) -> set[str]:
        return {role for role in self._roles() if role.startswith(f"{_RUN}{runId}.")}

    def _roles(self) -> list[str]:
        """Return the roles of all nodes of runs, see `_role`."""
        roles = (self.node.GetNthNodeReferenceRole(index) for index in range(self.node.GetNumberOfNodeReferenceRoles()))
        return [role for role in roles if role and role.startswith(_RUN) and role.count(".") >= _DOTS]

    def _runEntries(self) -> list[dict[str, Any]]:
        try:
            entries = json.loads(self._get(_RUNS) or "[]")
        except ValueError:
            _logger.warning("The list of runs in the scene cannot be read; it is taken as empty.")
            return []
        return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("runId"), str)]

    def _get(self, name: str) -> str:
        return self.node.GetParameter(name) or ""

    def _set(self, name: str, value: str) -> None:
        if self._get(name) != value:
            self.node.SetParameter(name, value)

    def _onModified(self) -> None:
        # A change by one who hears of a change is told once all have heard: else scenes of many volumes nest too deep.
        self._isWaiting = True
        if self._isTelling:
            return
        self._isTelling = True
        try:
            while self._isWaiting:
                self._isWaiting = False
                self.changed()
        finally:
            self._isTelling = False


def chosenIn(scene: Any) -> tuple[VolumeNode | None, str, frozenset[str]]:
    """Return what is chosen in a scene, without reading its runs.

    Returns
    -------
    vtkMRMLScalarVolumeNode or None
        The current volume.
    str
        Id of the run that was chosen for review; empty if none was.
    frozenset of str
        Ids of the nodes of the volumes that this run has, whether it made masks of them or not.
    """
    node = scene.GetSingletonNode(MODULE_NAME, "vtkMRMLScriptedModuleNode")
    if node is None:
        return None, "", frozenset()
    runId = node.GetParameter(_REVIEW_RUN) or ""
    roles = (node.GetNthNodeReferenceRole(index) for index in range(node.GetNumberOfNodeReferenceRoles()))
    lead = _role(runId, _REFERENCES[0], "")
    ofRun = frozenset(node.GetNodeReferenceID(role) or "" for role in roles if runId and role and role.startswith(lead))
    return node.GetNodeReference(_CURRENT_VOLUME), runId, ofRun - {""}


def _nodeIn(scene: Any) -> Any:
    """Return the module's parameter node of a scene, a new one if it has none."""
    node = scene.GetSingletonNode(MODULE_NAME, "vtkMRMLScriptedModuleNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(MODULE_NAME)
        node.SetName(MODULE_NAME)
        node.SetHideFromEditors(True)
        node = scene.AddNode(node)
    # Closing a scene keeps singleton nodes but may take this attribute away.
    if node.GetAttribute("ModuleName") != MODULE_NAME:
        node.SetAttribute("ModuleName", MODULE_NAME)
    return node


def _role(runId: str, kind: str, volumeId: str) -> str:
    return f"{_RUN}{runId}.{kind}.{volumeId}"


def _copyOf(record: RunRecord) -> RunRecord:
    """Return a record that may be changed without an effect on the first one."""
    parts = {name: copy(value) for name, value in vars(record).items()}
    return RunRecord(**parts)
