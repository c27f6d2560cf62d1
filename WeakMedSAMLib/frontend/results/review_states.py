"""How far the review of every volume is, for the list of volumes: from what segments say, without a look at voxels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.labels.volume_list import ReviewWords
from WeakMedSAMLib.frontend.results.review_changes import compareSteps, versionOf
from WeakMedSAMLib.frontend.results.review_subject import runInFull
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.results.under_review import MasksInScene, UnderReview
from WeakMedSAMLib.frontend.scene.module_state import ModuleState


class ReviewStates:
    """Says of each volume how many of its masks under review are still to be looked at.

    Masks of other volumes than the current one that were changed since they were seen here are compared in the
    background with what was reviewed; those of the current one the review follows itself.

    Parameters
    ----------
    state : ModuleState
    history : SegmentHistory
        Says when marks or masks changed, and is told so.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when there may be something else to say.
    """

    def __init__(self, state: ModuleState, history: SegmentHistory) -> None:
        self._state = state
        self.changed = history.changed
        # Segmentation and segment -> version of the voxels that was seen last.
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}
        self._touched: list[MasksInScene] = []
        self._comparing: StepRunner | None = None

    def cleanup(self) -> None:
        """Compare nothing any more."""
        if self._comparing is not None:
            self._comparing.cancel()
        self._touched.clear()

    def words(self) -> Mapping[str, ReviewWords]:
        """Return id of the node -> words, of the volumes with masks in the scene."""
        under, current = UnderReview(self._state), self._state.currentVolume
        found = {}
        for nodeId in {nodeId for record in under.runs for nodeId in record.volumes.values()}:
            node = self._state.scene.GetNodeByID(nodeId)
            masks = under.masks(node) if node is not None else None
            if masks is None or not masks.segmentIds:
                continue
            found[nodeId] = _inWords(masks)
            if self._hasChanged(masks) and node is not current:
                self._touched.append(masks)
        isBusy = self._comparing is not None and self._comparing.isRunning
        if self._touched and not isBusy:
            self._comparing = StepRunner(_compareSteps(self._touched), self._onCompared).start()
        return found

    def _hasChanged(self, masks: MasksInScene) -> bool:
        """Say whether masks are others than when this was asked last; no when it is asked for the first time."""
        node, isOther = masks.segmentationNode.GetID(), False
        for segmentId, segment in zip(masks.segmentIds, masks.segments(), strict=True):
            version = versionOf(segment)
            isOther = self._seen.setdefault((node, segmentId), version) != version or isOther
            self._seen[node, segmentId] = version
        return isOther

    def _onCompared(self, isAnyOther: bool) -> None:
        if isAnyOther:
            self.changed()


def _compareSteps(touched: list[MasksInScene]) -> Steps[bool]:
    """Compare masks until none are left; more may be added meanwhile."""
    found = False
    while touched:
        masks = touched.pop(0)
        if masks.segmentationNode.GetScene() is not None:
            found = (yield from compareSteps(masks.segmentationNode, masks.segmentIds)) or found
    return found


def _inWords(masks: MasksInScene) -> ReviewWords:
    segments: list[Any] = masks.segments()
    left = [segment.GetName() for segment in segments if not isReviewed(segment)]
    run = runInFull(masks.record)
    if not left:
        return ReviewWords(_("✓ reviewed"), _("All masks of this run are reviewed: {run}").format(run=run))
    tip = _("Still to be reviewed: {names}\nMasks of this run: {run}")
    return ReviewWords(_("{count} to review").format(count=len(left)), tip.format(names=", ".join(left), run=run))
