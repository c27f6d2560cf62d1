"""Segments moved as a whole: their voxels stay, and lie elsewhere; such as along with a volume that was moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.results.noted_grids import (
    hasVolumeMoved,
    moveToVolume,
    noteMove,
    readNotes,
    restoreNotes,
)
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_images import BINARY, packMask, setImageMatrix, setMask
from WeakMedSAMLib.frontend.results.segment_tags import requireLabelmaps, segmentIdsIn
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown, makeSurfaces
from WeakMedSAMLib.frontend.scene.scene_volumes import imageMatrix


def findMovedSegments(segmentationNode: Any, volumeNode: Any) -> list[str]:
    """Return the ids of the segments that a volume was moved away from; raises as `hasVolumeMoved`."""
    ids = segmentIdsIn(segmentationNode)
    return [segmentId for segmentId in ids if hasVolumeMoved(segmentationNode, volumeNode, segmentId)]


def followVolume(segmentationNode: Any, volumeNode: Any, history: SegmentHistory) -> bool:
    """Move the segments that a volume was moved away from back onto its voxels: one step to undo in a history.

    Returns
    -------
    bool
        Whether there were any.

    Raises
    ------
    UserError
        ``transforms_differ``, ``segmentation_of_surfaces``.
    """
    ids = findMovedSegments(segmentationNode, volumeNode)
    if not ids:
        return False
    moves = {each: moveToVolume(segmentationNode, volumeNode, each) for each in ids}
    before = readNotes(segmentationNode)
    with history.writing():
        moveSegments(segmentationNode, moves)
        noteMove(segmentationNode, volumeNode, ids)
    history.add(MasksMoved(segmentationNode, moves, before))
    return True


class MasksMoved:
    """Segments that were moved along with their volume.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
        As it is after the move.
    moves : mapping of str to numpy.ndarray
        Segment id -> 4 x 4 by which its voxels were moved, RAS in mm.
    notesBefore : tuple of str
        What `noted_grids.readNotes` returned before the move.
    """

    isSmall = True
    serial = 0

    def __init__(self, segmentationNode: Any, moves: Mapping[str, np.ndarray], notesBefore: tuple[str, str]) -> None:
        self.segmentationNode = segmentationNode
        self.text = _("move the masks along with their volume")
        self._moves = dict(moves)
        self._before, self._after = notesBefore, readNotes(segmentationNode)

    def undo(self) -> None:
        """Move them back, with what was drawn on them since."""
        moveSegments(self.segmentationNode, {each: np.linalg.inv(move) for each, move in self._moves.items()})
        restoreNotes(self.segmentationNode, self._before)

    def redo(self) -> None:
        """Move them along again."""
        moveSegments(self.segmentationNode, self._moves)
        restoreNotes(self.segmentationNode, self._after)

    def isUntouched(self) -> bool:
        """Say that nothing is lost by moving back."""
        return True


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
        makeSurfaces(segmentationNode)


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
    mask = packMask(segmentationNode, segmentId)
    if mask is not None:
        setMask(segmentationNode, segmentId, replace(mask, ijkToRas=move @ mask.ijkToRas))
