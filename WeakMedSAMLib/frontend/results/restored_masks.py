"""Puts what restored labels have painted into the masks of their volume, which a crash took back to an older state."""

from __future__ import annotations

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.results.correction_edits import besideKnown
from WeakMedSAMLib.frontend.results.correction_watch import CorrectionWatch
from WeakMedSAMLib.frontend.results.planes_put import PlaneChange, PlanesPut
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.volume_planes import packed, planesOf


def besideRestored(watch: CorrectionWatch, history: SegmentHistory, labels: VolumeLabels) -> PlanesPut | None:
    """Return what goes along with labels that come: known pixels of the masks that teach; None where all are there."""
    watch.settle()
    teaching = watch.teaching
    if teaching is None:
        return None
    nodes = teaching.segmentationNode, teaching.volumeNode
    changes: list[PlaneChange] = []
    shape: tuple[int, ...] = ()
    for name, slices in PAINTED.said(labels).items():
        segmentId = teaching.segmentIds.get(name, "")
        if teaching.segment(name) is None:
            continue
        try:
            planes = planesOf(*nodes, segmentId, labels.axis)
        except UserError:
            # Of surfaces no slice can be drawn.
            continue
        shape = planes.shape
        for index, painted in slices.items():
            before = planes.plane(index)
            after = besideKnown(painted, before)
            if (before != after).any():
                changes.append(PlaneChange(segmentId, index, packed(before), packed(after)))
    return PlanesPut(history, *nodes, labels.axis, shape, changes) if changes else None
