"""Which masks of a volume are under review: one rule for all who ask, from what the scene holds."""

from __future__ import annotations

from typing import Any, NamedTuple

from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsOf
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import UNDER_WAY, RunRecord


class MasksInScene(NamedTuple):
    """The masks that a run made of a volume: a segmentation, and which segments of it these are; none if removed."""

    record: RunRecord
    volumeId: str
    segmentationNode: Any
    segmentIds: list[str]

    def segments(self) -> list[Any]:
        """Return the vtkSegments."""
        segmentation = self.segmentationNode.GetSegmentation()
        return [segmentation.GetSegment(each) for each in self.segmentIds]


class UnderReview:
    """Finds run and masks of any number of volumes, as the scene is now; no run folder is read.

    Parameters
    ----------
    state : ModuleState
        With the runs of the scene, and the one that was chosen.

    Attributes
    ----------
    runs : list of RunRecord
        Those that can be looked at or say why not, the latest first.
    """

    def __init__(self, state: ModuleState) -> None:
        self._scene = state.scene
        self.runs = [record for record in reversed(state.runs()) if record.status not in UNDER_WAY]
        # Of each run: id of the node -> id of the volume.
        self._volumeIds = [{nodeId: each for each, nodeId in record.volumes.items()} for record in self.runs]
        ids = [record.runId for record in self.runs]
        self._chosen = ids.index(state.reviewRunId) if state.reviewRunId in ids else None

    def run(self, volumeNode: Any) -> RunRecord | None:
        """Return the chosen run if it has a volume, else the latest that made masks of it.

        Where no run did, and without a volume: the chosen run, else the latest of all; None without any.
        """
        number = self._numberOf(volumeNode)
        return self.runs[number] if number is not None else None

    def masks(self, volumeNode: Any) -> MasksInScene | None:
        """Return the masks of a volume in that run; None if their segmentation is not in the scene."""
        number = self._numberOf(volumeNode)
        volumeId = self._volumeIdIn(number, volumeNode) if number is not None else ""
        if number is None or not volumeId:
            return None
        record = self.runs[number]
        node = self._scene.GetNodeByID(record.segmentations.get(volumeId) or "")
        if node is None:
            return None
        return MasksInScene(record, volumeId, node, segmentIdsOf(node, record.runId, volumeId))

    def _numberOf(self, volumeNode: Any) -> int | None:
        if self._chosen is not None and (volumeNode is None or self._volumeIdIn(self._chosen, volumeNode)):
            return self._chosen
        made = (number for number in range(len(self.runs)) if self._hasMade(number, volumeNode))
        return next(made, self._chosen if self._chosen is not None else 0 if self.runs else None)

    def _hasMade(self, number: int, volumeNode: Any) -> bool:
        """Say whether a run made masks of a volume: one that was cancelled may have come so far."""
        record, volumeId = self.runs[number], self._volumeIdIn(number, volumeNode)
        return bool(volumeId) and (record.status == "finished" or volumeId in record.segmentations)

    def _volumeIdIn(self, number: int, volumeNode: Any) -> str:
        return self._volumeIds[number].get(volumeNode.GetID(), "") if volumeNode is not None else ""
