"""Volumes that were removed and loaded again: the masks that a run made of the same voxels are theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubjects
from WeakMedSAMLib.frontend.results.run_results import StoredResult
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.scene_volumes import identitySteps, reversedIdentitySteps


def returnSteps(state: ModuleState, subjects: ReviewSubjects, volumeNode: Any) -> Steps[bool]:
    """Give a volume the masks of runs that had the same voxels in a volume that is gone; says whether there were any.

    Raises
    ------
    UserError
        ``unusable_volume``.
    """
    gone = [(runId, result) for runId, result in _gone(subjects) if result.sha256 is not None]
    if not gone:
        return False
    key = yield from identitySteps(volumeNode)
    turnedKey = None
    if any(result.isLeftHanded for _runId, result in gone):
        # Slicer reverses the slices of such a volume when it is saved and loaded again.
        turnedKey = yield from reversedIdentitySteps(volumeNode)
    if volumeNode.GetScene() is not state.scene:
        return False
    same = [
        (runId, result.volumeId)
        for runId, result in gone
        if result.sha256 == key or (result.isLeftHanded and result.sha256 == turnedKey)
    ]
    given = [_give(state, runId, volumeId, volumeNode) for runId, volumeId in same]
    return any(given)


def _gone(subjects: ReviewSubjects) -> list[tuple[str, StoredResult]]:
    """Return run ids and results whose volume is not in the scene."""
    return [
        (record.runId, result)
        for record in subjects.runs()
        if len(record.volumes) < len(subjects.volumeIds(record))
        for volumeId, result in subjects.results(record).items()
        if volumeId not in record.volumes
    ]


def _give(state: ModuleState, runId: str, volumeId: str, volumeNode: Any) -> bool:
    record = state.run(runId)
    if record is None or volumeId in record.volumes or volumeNode.GetID() in record.volumes.values():
        return False
    segmentationNode = state.scene.GetNodeByID(record.segmentations.get(volumeId) or "")
    if segmentationNode is not None:
        role = segmentationNode.GetReferenceImageGeometryReferenceRole()
        if segmentationNode.GetNodeReference(role) is None:
            segmentationNode.SetNodeReferenceID(role, volumeNode.GetID())
    state.saveRun(replace(record, volumes={**record.volumes, volumeId: volumeNode.GetID()}))
    return True
