"""Masks belong to the voxels of their volume: where these lay when masks were made, and what if they lie elsewhere now.

Spacing, position or transform of a volume may be put right after a run. Slicer leaves segments where they are then. So
that all masks of a volume stay alike, the place of its voxels is noted when masks are made; masks are drawn anew at
that place, or all of them are moved along.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import vtk
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.results.segment_history import history
from WeakMedSAMLib.frontend.results.segment_images import RUN_TAG, SAME_MM, VOLUME_TAG, segmentIdsIn, tagOf
from WeakMedSAMLib.frontend.results.segment_moves import moveSegments
from WeakMedSAMLib.frontend.results.segment_views import isOwn
from WeakMedSAMLib.frontend.scene.raw_nrrd import matrixOf
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, voxelMl

_ATTRIBUTE = "WeakMedSAM.Places"
_REFERENCE = "Reference image geometry"
_SAME = 1e-6


class _Place(NamedTuple):
    """Where the voxels of a volume lay; matrices are 4 x 4 in mm, the last two None where they were not noted.

    `grid`: voxel index to RAS of the segmentation. `shape`: voxels along k, j, i. `own`: voxel index to RAS of the
    volume. `world`: RAS of the segmentation to RAS of the views.
    """

    grid: np.ndarray
    shape: tuple[int, ...]
    own: np.ndarray | None = None
    world: np.ndarray | None = None


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


def isSameLattice(first: np.ndarray, second: np.ndarray, shape: Iterable[int]) -> bool:
    """Say whether two matrices put the voxels of a grid at the same places, whichever end each axis is counted from."""
    # Corners of the outermost voxels: for a single slice, its thickness counts too.
    corners = np.array([*product(*((-0.5, count - 0.5) for count in reversed(list(shape))), (1,))], float).T
    one, other = (matrix @ corners for matrix in (first, second))
    distances = np.abs(one[:3, :, None] - other[:3, None, :]).max(axis=0)
    return bool((distances.min(axis=1) < SAME_MM).all() and (distances.min(axis=0) < SAME_MM).all())


def toWorld(node: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from a node's own RAS to that of the views in mm, by its linear parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if transform is not None:
        transform.GetMatrixTransformToWorld(matrix)
    return matrixOf(matrix)


def notePlace(
    segmentationNode: Any, volumeNode: Any, runId: str, volumeId: str, grid: np.ndarray | None = None
) -> None:
    """Note where the voxels of a volume lie, or lay when the masks of a run were made on that `grid`."""
    grid = gridOn(volumeNode, segmentationNode) if grid is None else grid
    matrices = (grid, ijkToRas(volumeNode), toWorld(segmentationNode))
    names = ("grid", "own", "world")
    entry: dict[str, Any] = {name: part.ravel().tolist() for name, part in zip(names, matrices, strict=True)}
    entry["shape"] = _shapeOf(volumeNode)
    entries = {**_entries(segmentationNode), f"{runId}/{volumeId}": entry}
    segmentationNode.SetAttribute(_ATTRIBUTE, json.dumps(entries))


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
    place, now = _noted(segmentationNode, volumeNode, segmentId), gridOn(volumeNode, segmentationNode)
    # A volume that was cropped has other voxels, and those lie where they did.
    if place is None or place.shape != _shapeOf(volumeNode):
        return False
    # Slicer turns a left-handed volume when it loads it again: its voxels are numbered otherwise, where they were.
    if isSameLattice(place.grid, now, place.shape):
        return False
    if place.own is None or place.world is None:
        return volumeNode.GetParentTransformNode() is segmentationNode.GetParentTransformNode()
    isMasksOwn = not np.allclose(place.world, toWorld(segmentationNode), rtol=0, atol=_SAME)
    return not isMasksOwn or not np.allclose(place.own, ijkToRas(volumeNode), rtol=0, atol=_SAME)


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
    now = gridOn(volumeNode, segmentationNode)
    moves = {each: now @ np.linalg.inv(placeOf(segmentationNode, volumeNode, each)) for each in ids}
    change = MasksMoved(segmentationNode, moves)
    moveSegments(segmentationNode, moves)
    for name in {_noteOf(segmentationNode, each) for each in ids} - {None}:
        notePlace(segmentationNode, volumeNode, *name.split("/"))
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
    name = _noteOf(segmentationNode, segmentId)
    if name is not None:
        entry = _entries(segmentationNode)[name]
        grid, own, world = (np.reshape(entry[part], (4, 4)) for part in ("grid", "own", "world"))
        return _Place(grid, tuple(entry["shape"]), own, world)
    # Segments of the user, and all of earlier versions: Slicer itself notes a grid when it is told of a volume.
    return _reference(segmentationNode, volumeNode)


def _noteOf(segmentationNode: Any, segmentId: str) -> str | None:
    """Return the name of the note for a segment; what was drawn by hand beside our masks lies as they do."""
    segment, entries = segmentationNode.GetSegmentation().GetSegment(segmentId), _entries(segmentationNode)
    if segment is None:
        return None
    name = f"{tagOf(segment, RUN_TAG)}/{tagOf(segment, VOLUME_TAG)}"
    if name in entries or not isOwn(segmentationNode):
        return name if name in entries else None
    return next(reversed(entries), None)


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
