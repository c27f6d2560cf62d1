"""Segments moved as a whole: their voxels stay, and lie elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import slicer.util

from WeakMedSAMLib.frontend.results.segment_images import (
    BINARY,
    imageMatrix,
    packedMask,
    requireLabelmaps,
    segmentIdsIn,
    setImageMatrix,
    setMask,
)
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown


def moveSegments(segmentationNode: Any, moves: Mapping[str, np.ndarray]) -> None:
    """Move segments; those that have voxels on a common image with others get one of their own.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    moves : mapping of str to numpy.ndarray
        Segment id -> 4 x 4, from where a voxel lies to where it shall lie, RAS in mm. Segments that are gone are left
        out.

    Raises
    ------
    UserError
        ``segmentation_of_surfaces``.
    """
    requireLabelmaps(segmentationNode)
    wasSurfaceShown = isSurfaceShown(segmentationNode)
    for segmentIds in _idsByImage(segmentationNode):
        ours = [each for each in segmentIds if each in moves]
        if not ours:
            continue
        first = moves[ours[0]]
        if len(ours) == len(segmentIds) and all(np.array_equal(moves[each], first) for each in ours):
            _moveImage(segmentationNode, ours[0], first)
        else:
            for segmentId in ours:
                _moveAlone(segmentationNode, segmentId, moves[segmentId])
    if wasSurfaceShown:
        # Slicer drops all surfaces of a segmentation with any change.
        with slicer.util.WaitCursor():
            segmentationNode.CreateClosedSurfaceRepresentation()


def _idsByImage(segmentationNode: Any) -> list[list[str]]:
    """Return the segments that have voxels, those of each image together."""
    segmentation = segmentationNode.GetSegmentation()
    groups: list[tuple[Any, list[str]]] = []
    for segmentId in segmentIdsIn(segmentationNode):
        image = segmentation.GetSegment(segmentId).GetRepresentation(BINARY)
        if image is None or image.IsEmpty():
            continue
        known = next((ids for other, ids in groups if other is image), None)
        if known is None:
            groups.append((image, [segmentId]))
        else:
            known.append(segmentId)
    return [ids for _image, ids in groups]


def _moveImage(segmentationNode: Any, segmentId: str, move: np.ndarray) -> None:
    image = segmentationNode.GetSegmentation().GetSegment(segmentId).GetRepresentation(BINARY)
    setImageMatrix(image, move @ imageMatrix(image))
    image.Modified()


def _moveAlone(segmentationNode: Any, segmentId: str, move: np.ndarray) -> None:
    mask = packedMask(segmentationNode, segmentId)
    if mask is not None:
        setMask(segmentationNode, segmentId, replace(mask, ijkToRas=move @ mask.ijkToRas))
