"""Masks belong to the voxels of their volume: where these lay when masks were made, and what if they lie elsewhere now.

Spacing, position or transform of a volume may be put right after a run. Slicer leaves segments where they are then. So
that all masks of a volume stay alike, the place of its voxels is noted when masks are made; masks are drawn anew at
that place, or all of them are moved along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import vtk
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.results.segment_history import history
from WeakMedSAMLib.frontend.results.segment_images import (
    BINARY,
    RUN_TAG,
    VOLUME_TAG,
    imageMatrix,
    isSameGrid,
    segmentIdsIn,
    tagOf,
)
from WeakMedSAMLib.frontend.results.segment_moves import moveSegments
from WeakMedSAMLib.frontend.results.segment_views import isOwn
from WeakMedSAMLib.frontend.scene.raw_nrrd import matrixOf
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, knownIdentity, voxelMl

_ATTRIBUTE = "WeakMedSAM.Places"
_REFERENCE = "Reference image geometry"


class _Place(NamedTuple):
    """Where the voxels of a volume lay; matrices are 4 x 4 in mm, what follows the shape is None where nobody noted it.

    `grid`: voxel index to RAS of the segmentation. `shape`: voxels along k, j, i. `own`: voxel index to RAS of the
    volume. `world`: RAS of the segmentation to RAS of the views. `key`: content hash of the volume. `isReversed`:
    whether k planes are counted from the other end than in the files of the run.
    """

    grid: np.ndarray
    shape: tuple[int, ...]
    own: np.ndarray | None = None
    world: np.ndarray | None = None
    key: str | None = None
    isReversed: bool | None = None


def gridOn(volumeNode: Any, segmentationNode: Any) -> np.ndarray:
    """Return where the voxels of a volume are for a segmentation, which may be under another transform.

    Returns
    -------
    numpy.ndarray
        4 x 4, voxel index of the volume to RAS in mm, without the parent transform of the segmentation.

    Raises
    ------
    UserError
        ``transforms_differ`` if no matrix leads from one to the other.
    """
    nodes = (volumeNode, segmentationNode)
    first, second = transforms = [node.GetParentTransformNode() for node in nodes]
    if first is second:
        return ijkToRas(volumeNode)
    if not all(transform is None or transform.IsTransformToWorldLinear() for transform in transforms):
        message = _("{segmentation} and {volume} are under different transforms that bend.")
        text = message.format(segmentation=segmentationNode.GetName(), volume=volumeNode.GetName())
        raise UserError("transforms_differ", text, _("Put both under the same transform, or harden it."))
    return np.linalg.inv(toWorld(segmentationNode)) @ toWorld(volumeNode) @ ijkToRas(volumeNode)


def toWorld(node: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from a node's own RAS to that of the views in mm, by its linear parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if transform is not None:
        transform.GetMatrixTransformToWorld(matrix)
    return matrixOf(matrix)


def notePlace(
    segmentationNode: Any,
    volumeNode: Any,
    runId: str,
    volumeId: str,
    grid: np.ndarray | None = None,
    isReversed: bool | None = None,
) -> None:
    """Note where the voxels of a volume lie, or lay when the masks of a run were made on that `grid`.

    `isReversed` says whether the k planes of that are counted from the other end than in the files of the run; None
    where nobody knows.
    """
    grid = gridOn(volumeNode, segmentationNode) if grid is None else grid
    key = knownIdentity(volumeNode)
    place = _Place(grid, _shapeOf(volumeNode), ijkToRas(volumeNode), toWorld(segmentationNode), key, isReversed)
    _note(segmentationNode, f"{runId}/{volumeId}", place)


def placeOf(segmentationNode: Any, volumeNode: Any, segmentId: str) -> np.ndarray:
    """Return where the voxels of its volume lay when a segment was made, or was moved along with them last.

    Returns
    -------
    numpy.ndarray
        4 x 4, voxel index of the volume to RAS of the segmentation in mm; as it is now where nobody noted it.

    Raises
    ------
    UserError
        ``transforms_differ``.
    """
    place = _noted(segmentationNode, volumeNode, segmentId)
    return gridOn(volumeNode, segmentationNode) if place is None else place.grid


def hasVolumeMoved(segmentationNode: Any, volumeNode: Any, segmentId: str) -> bool:
    """Say whether a volume was moved, turned or scaled away from a segment; not if the segmentation alone was moved.

    Raises
    ------
    UserError
        ``transforms_differ``.
    """
    place = _noted(segmentationNode, volumeNode, segmentId)
    # A volume that was cropped has other voxels, and those lie where they did.
    if place is None or place.shape != _shapeOf(volumeNode):
        return False
    now = _placeNow(place, segmentationNode, volumeNode)
    if isSameGrid(place.grid, now.grid, place.shape):
        return False
    if place.own is None or place.world is None:
        return volumeNode.GetParentTransformNode() is segmentationNode.GetParentTransformNode()
    isMasksOwn = not isSameGrid(place.world, now.world, place.shape)
    return not isMasksOwn or not isSameGrid(place.own, now.own, place.shape)


def moveToVolume(segmentationNode: Any, volumeNode: Any, segmentId: str) -> np.ndarray:
    """Return the 4 x 4 by which a segment moves, RAS in mm, so that it follows its volume to where that lies now."""
    place = _noted(segmentationNode, volumeNode, segmentId)
    if place is None:
        return np.eye(4)
    return _placeNow(place, segmentationNode, volumeNode).grid @ np.linalg.inv(place.grid)


def isOtherEnd(segmentationNode: Any, volumeNode: Any, segmentId: str, matrix: np.ndarray) -> bool:
    """Say whether an image of the same voxels counts its k planes from the other end than `placeOf` does.

    Parameters
    ----------
    matrix : numpy.ndarray
        4 x 4 of the image, voxel index to RAS of the volume.
    """
    place = _noted(segmentationNode, volumeNode, segmentId)
    if place is None or place.own is None:
        return False
    # The hand tells it only where no directions were put right since, by which no plane changes its number.
    return _isOtherHand(place.own, matrix) if place.isReversed is None else place.isReversed


def movedSegments(segmentationNode: Any, volumeNode: Any) -> list[str]:
    """Return the ids of the segments that a volume was moved away from; raises as `hasVolumeMoved`."""
    ids = segmentIdsIn(segmentationNode)
    return [segmentId for segmentId in ids if hasVolumeMoved(segmentationNode, volumeNode, segmentId)]


def followVolume(segmentationNode: Any, volumeNode: Any) -> bool:
    """Move the segments that a volume was moved away from back onto its voxels: one step to undo.

    Returns
    -------
    bool
        Whether there were any.

    Raises
    ------
    UserError
        ``transforms_differ``.
    """
    ids = movedSegments(segmentationNode, volumeNode)
    if not ids:
        return False
    moves = {each: moveToVolume(segmentationNode, volumeNode, each) for each in ids}
    change = MasksMoved(segmentationNode, moves)
    moveSegments(segmentationNode, moves)
    places = {_noteName(segmentationNode, each): _noted(segmentationNode, volumeNode, each) for each in ids}
    for name, place in places.items():
        if name and place is not None:
            _note(segmentationNode, name, _placeNow(place, segmentationNode, volumeNode))
    if _reference(segmentationNode, volumeNode) is not None:
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    change.done()
    history.add(change)
    return True


def mlPerVoxel(segmentationNode: Any, volumeNode: Any, segmentId: str, matrix: np.ndarray) -> float:
    """Return the millilitres of one voxel of a segment (its grid: 4 x 4), by the spacing that its volume has now."""
    size = abs(float(np.linalg.det(matrix[:3, :3])))
    if not hasVolumeMoved(segmentationNode, volumeNode, segmentId):
        return size / 1000
    place = placeOf(segmentationNode, volumeNode, segmentId)
    return size / abs(float(np.linalg.det(place[:3, :3]))) * voxelMl(volumeNode)


class MasksMoved:
    """Segments that were moved along with their volume.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    moves : mapping of str to numpy.ndarray
        Segment id -> 4 x 4 by which its voxels move, RAS in mm.
    """

    def __init__(self, segmentationNode: Any, moves: Mapping[str, np.ndarray]) -> None:
        self.segmentationNode = segmentationNode
        self.text = _("move the masks along with their volume")
        self._moves = dict(moves)
        self._before = self._after = self._notes()

    def done(self) -> None:
        """Remember what is noted of places after the move."""
        self._after = self._notes()

    def undo(self) -> None:
        """Move them back, with what was drawn on them since."""
        moveSegments(self.segmentationNode, {each: np.linalg.inv(move) for each, move in self._moves.items()})
        self._setNotes(*self._before)

    def redo(self) -> None:
        """Move them along again."""
        moveSegments(self.segmentationNode, self._moves)
        self._setNotes(*self._after)

    def isUntouched(self) -> bool:
        """Say that nothing is lost by moving back."""
        return True

    def _notes(self) -> tuple[str, str]:
        parameter = self.segmentationNode.GetSegmentation().GetConversionParameter(_REFERENCE)
        return self.segmentationNode.GetAttribute(_ATTRIBUTE) or "{}", parameter or ""

    def _setNotes(self, places: str, reference: str) -> None:
        self.segmentationNode.SetAttribute(_ATTRIBUTE, places)
        self.segmentationNode.GetSegmentation().SetConversionParameter(_REFERENCE, reference)


def _noted(segmentationNode: Any, volumeNode: Any, segmentId: str) -> _Place | None:
    """Return the place that is noted for a segment; that of now if both were moved in one way, and nobody noted it."""
    place = _written(segmentationNode, volumeNode, segmentId)
    # Asking the node for it is an error where the segment is gone.
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    image = segment.GetRepresentation(BINARY) if segment else None
    # What Slicer itself noted it moves, too.
    isOurs = place is not None and place.own is not None and place.shape == _shapeOf(volumeNode)
    if not isOurs or image is None or image.IsEmpty():
        return place
    now = _placeNow(place, segmentationNode, volumeNode)
    # As after a transform of both was hardened.
    return now if isSameGrid(imageMatrix(image), now.grid, place.shape) else place


def _written(segmentationNode: Any, volumeNode: Any, segmentId: str) -> _Place | None:
    entry = _entries(segmentationNode).get(_noteName(segmentationNode, segmentId))
    if entry is not None:
        grid, own, world = (np.reshape(entry[part], (4, 4)) for part in ("grid", "own", "world"))
        return _Place(grid, tuple(entry["shape"]), own, world, entry.get("key"), entry.get("isReversed"))
    # Segments of the user, and all of earlier versions: Slicer itself notes a grid when it is told of a volume.
    return _reference(segmentationNode, volumeNode)


def _placeNow(place: _Place, segmentationNode: Any, volumeNode: Any) -> _Place:
    """Return where the voxels of a volume lie now, counted as in the place where they lay."""
    grid, own = gridOn(volumeNode, segmentationNode), ijkToRas(volumeNode)
    # Slicer turns a left-handed volume when it loads it again: its k planes are counted from the other end then. Those
    # of one whose directions were put right are not.
    isTurned = _isOtherHand(place.grid if place.own is None else place.own, own)
    if isTurned and (place.key is None or knownIdentity(volumeNode) != place.key):
        reverse = np.diag([1.0, 1.0, -1.0, 1.0])
        reverse[2, 3] = place.shape[0] - 1
        grid, own = grid @ reverse, own @ reverse
    return place._replace(grid=grid, own=own, world=toWorld(segmentationNode))


def _isOtherHand(first: np.ndarray, second: np.ndarray) -> bool:
    return float(np.linalg.det(first[:3, :3]) * np.linalg.det(second[:3, :3])) < 0


def _noteName(segmentationNode: Any, segmentId: str) -> str:
    """Return the name of the note for a segment; what was drawn by hand beside our masks lies as they do."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    runId = tagOf(segment, RUN_TAG) if segment else ""
    if runId:
        return f"{runId}/{tagOf(segment, VOLUME_TAG)}"
    return next(reversed(_entries(segmentationNode)), "") if isOwn(segmentationNode) else ""


def _note(segmentationNode: Any, name: str, place: _Place) -> None:
    matrices = {"grid": place.grid, "own": place.own, "world": place.world}
    entry: dict[str, Any] = {part: np.ravel(matrix).tolist() for part, matrix in matrices.items()}
    entry |= {"shape": place.shape, "key": place.key, "isReversed": place.isReversed}
    entries = {**_entries(segmentationNode), name: entry}
    segmentationNode.SetAttribute(_ATTRIBUTE, json.dumps(entries))


def _shapeOf(volumeNode: Any) -> tuple[int, ...]:
    image = volumeNode.GetImageData()
    return tuple(image.GetDimensions()[::-1]) if image else ()


def _entries(segmentationNode: Any) -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads(segmentationNode.GetAttribute(_ATTRIBUTE) or "{}")
    except ValueError:
        return {}
    return entries if isinstance(entries, dict) else {}


def _reference(segmentationNode: Any, volumeNode: Any) -> _Place | None:
    """Return the place that Slicer noted for a segmentation, if it is of this volume."""
    role = segmentationNode.GetReferenceImageGeometryReferenceRole()
    text = segmentationNode.GetSegmentation().GetConversionParameter(_REFERENCE) or ""
    if segmentationNode.GetNodeReference(role) is not volumeNode or not text:
        return None
    try:
        # A matrix, then the first and last index of each axis.
        numbers = [float(part) for part in text.split(";") if part]
        extent = np.reshape(numbers[16:], (3, 2))
        shape = tuple(int(last - first) + 1 for first, last in extent[::-1])
        return _Place(np.reshape(numbers[:16], (4, 4)), shape)
    except ValueError:
        return None
