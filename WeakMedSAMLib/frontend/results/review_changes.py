"""Whether reviewed masks are still as they were then: who called a mask right spoke of the voxels that it had.

What those were is kept on the segment. Neither the place of a mask nor the order of its slices counts, so that it may
be moved with its volume, and turned by Slicer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.segment_images import imageVersion, maskSteps
from WeakMedSAMLib.frontend.results.segment_tags import STATUS_TAG, isReviewed, setReviewed, tagOf

SEEN_TAG = "WeakMedSAM.ReviewedVoxels"
CHANGED_TAG = "WeakMedSAM.ChangedSinceReview"
REVIEW_TAGS = (STATUS_TAG, SEEN_TAG, CHANGED_TAG)
# Reviewed before anybody knew what it holds.
NOT_KNOWN = "?"
_MOST_KNOWN = 1000
# VTK counts every modification of any object: no other image, and no other state of one, has such a number.
_known: dict[tuple[int, int], str] = {}


def versionOf(segment: Any) -> tuple[int, int]:
    """Return what changes with the voxels of a segment: the number of its image, and its value there."""
    return imageVersion(segment), segment.GetLabelValue()


def fingerprintOf(segment: Any) -> str:
    """Return what tells the voxels of a segment, if `noteSteps` made that since they changed last, else `NOT_KNOWN`."""
    return _known.get(versionOf(segment), NOT_KNOWN)


def noteSteps(version: tuple[int, int], mask: np.ndarray | None) -> Steps[None]:
    """Make the fingerprint of voxels in short pieces.

    Parameters
    ----------
    version : tuple of int
        See `versionOf`.
    mask : numpy.ndarray or None
        bool, k x j x i; None if there are none.
    """
    if version in _known:
        return
    planes = []
    for plane in mask if mask is not None else ():
        rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        if rows.size:
            inside = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            head = repr(inside.shape).encode("ascii")
            planes.append(hashlib.sha256(head + np.packbits(inside).tobytes()).digest())
        yield None
    while len(_known) >= _MOST_KNOWN:
        del _known[next(iter(_known))]
    _known[version] = hashlib.sha256(b"".join(sorted(planes))).hexdigest()


def isChanged(segment: Any) -> bool:
    """Say whether a segment was reviewed, has other voxels since, and was not reviewed again."""
    return bool(tagOf(segment, CHANGED_TAG)) and not isReviewed(segment)


def compare(segment: Any) -> bool:
    """Take note of whether a segment has the voxels that were reviewed; says whether something became of it.

    It is reviewed no longer once it has others, and again when those are back.
    """
    found, seen = fingerprintOf(segment), tagOf(segment, SEEN_TAG)
    if found == NOT_KNOWN:
        return False
    if isReviewed(segment):
        if seen == found:
            return False
        if seen in ("", NOT_KNOWN) or tagOf(segment, CHANGED_TAG):
            # By an earlier version, or by Slicer's own menu.
            segment.SetTag(SEEN_TAG, found)
            segment.RemoveTag(CHANGED_TAG)
            return False
        segment.SetTag(CHANGED_TAG, "yes")
        setReviewed(segment, False)
        return True
    if not isChanged(segment) or seen != found:
        return False
    segment.RemoveTag(CHANGED_TAG)
    setReviewed(segment, True)
    return True


def keepReviewed(segment: Any) -> None:
    """Let a segment be reviewed with the voxels that it has now."""
    segment.SetTag(SEEN_TAG, NOT_KNOWN)
    segment.RemoveTag(CHANGED_TAG)
    setReviewed(segment, True)


def compareSteps(segmentationNode: Any, segmentIds: Iterable[str]) -> Steps[bool]:
    """Do what `compare` does for segments as they are now, in short pieces; says whether something became of any.

    Voxels are looked at only of segments that were reviewed once, and changed since they were looked at last.
    """
    segmentation = segmentationNode.GetSegmentation()
    found = False
    for segmentId in segmentIds:
        segment = segmentation.GetSegment(segmentId)
        if segment is None or not (isReviewed(segment) or isChanged(segment)):
            continue
        if fingerprintOf(segment) == NOT_KNOWN and segmentation.IsSourceRepresentationImageData():
            version = versionOf(segment)
            mask = yield from maskSteps(segmentationNode, segmentId)
            yield from noteSteps(version, mask.array if mask is not None else None)
        found = compare(segment) or found
    return found
