"""Masks belong to the voxels of their volume: where these lay when masks were made, as noted on their segmentation.

Spacing, position or transform of a volume may be put right after a run. Slicer leaves segments where they are then. So
that all masks of a volume stay alike, the grid of its voxels is noted when masks are made; masks are drawn anew on that
grid, or all of them are moved along (`segment_moves`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.segmentation_header import REFERENCE_GEOMETRY
from WeakMedSAMLib.frontend.results.segment_images import BINARY, isSameGrid
from WeakMedSAMLib.frontend.results.segment_tags import RUN_TAG, VOLUME_TAG, isOwn, tagOf
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, imageMatrix, knownIdentity, toWorld, voxelMl

_ATTRIBUTE = "WeakMedSAM.Places"


class _Frame(NamedTuple):
    """How a volume and its segmentation lay; matrices are 4 x 4 in mm.

    `own`: voxel index to RAS of the volume. `world`: RAS of the segmentation to RAS of the views. `key`: content hash
    of the volume, None where it was not known. `isReversed`: whether k planes are counted from the other end than in
    the files of the run; None where nobody knows.
    """

    own: np.ndarray
    world: np.ndarray
    key: str | None
    isReversed: bool | None


class _Grid(NamedTuple):
    """Where the voxels of a volume lay.

    `matrix`: 4 x 4, voxel index to RAS of the segmentation in mm. `shape`: voxels along k, j, i. `frame`: None where
    Slicer noted the grid, which knows of no frame.
    """

    matrix: np.ndarray
    shape: tuple[int, ...]
    frame: _Frame | None = None


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


def noteGrid(
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
    matrix = gridOn(volumeNode, segmentationNode) if grid is None else grid
    frame = _Frame(ijkToRas(volumeNode), toWorld(segmentationNode), knownIdentity(volumeNode), isReversed)
    _write(segmentationNode, f"{runId}/{volumeId}", matrix, _shapeOf(volumeNode), frame)


def noteMove(segmentationNode: Any, volumeNode: Any, segmentIds: Iterable[str]) -> None:
    """Note that segments were moved along with their volume, to where its voxels lie now."""
    found = {_nameOf(segmentationNode, each): _find(segmentationNode, volumeNode, each) for each in segmentIds}
    for name, noted in found.items():
        if name and noted is not None:
            _write(segmentationNode, name, *_gridNow(noted, segmentationNode, volumeNode))
    if _notedBySlicer(segmentationNode, volumeNode) is not None:
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)


def readNotes(segmentationNode: Any) -> tuple[str, str]:
    """Return all that is noted on a segmentation, by this module and by Slicer, for `restoreNotes`."""
    parameter = segmentationNode.GetSegmentation().GetConversionParameter(REFERENCE_GEOMETRY)
    return segmentationNode.GetAttribute(_ATTRIBUTE) or "{}", parameter or ""


def restoreNotes(segmentationNode: Any, notes: tuple[str, str]) -> None:
    """Note again what `readNotes` returned."""
    segmentationNode.SetAttribute(_ATTRIBUTE, notes[0])
    segmentationNode.GetSegmentation().SetConversionParameter(REFERENCE_GEOMETRY, notes[1])


def gridWhenMade(segmentationNode: Any, volumeNode: Any, segmentId: str) -> np.ndarray:
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
    noted = _find(segmentationNode, volumeNode, segmentId)
    return gridOn(volumeNode, segmentationNode) if noted is None else noted.matrix


def hasVolumeMoved(segmentationNode: Any, volumeNode: Any, segmentId: str) -> bool:
    """Say whether a volume was moved, turned or scaled away from a segment; not if the segmentation alone was moved.

    Raises
    ------
    UserError
        ``transforms_differ``.
    """
    noted = _find(segmentationNode, volumeNode, segmentId)
    # A volume that was cropped has other voxels, and those lie where they did.
    if noted is None or noted.shape != _shapeOf(volumeNode):
        return False
    matrix, shape, now = _gridNow(noted, segmentationNode, volumeNode)
    if isSameGrid(noted.matrix, matrix, shape):
        return False
    if noted.frame is None:
        return volumeNode.GetParentTransformNode() is segmentationNode.GetParentTransformNode()
    isMasksOwn = not isSameGrid(noted.frame.world, now.world, shape)
    return not isMasksOwn or not isSameGrid(noted.frame.own, now.own, shape)


def moveToVolume(segmentationNode: Any, volumeNode: Any, segmentId: str) -> np.ndarray:
    """Return the 4 x 4 by which a segment moves, RAS in mm, so that it follows its volume to where that lies now."""
    noted = _find(segmentationNode, volumeNode, segmentId)
    if noted is None:
        return np.eye(4)
    matrix, _shape, _frame = _gridNow(noted, segmentationNode, volumeNode)
    return matrix @ np.linalg.inv(noted.matrix)


def isOtherEnd(segmentationNode: Any, volumeNode: Any, segmentId: str, matrix: np.ndarray) -> bool:
    """Say whether an image of the same voxels counts its k planes from the other end than `gridWhenMade` does.

    Parameters
    ----------
    matrix : numpy.ndarray
        4 x 4 of the image, voxel index to RAS of the volume.
    """
    noted = _find(segmentationNode, volumeNode, segmentId)
    if noted is None or noted.frame is None:
        return False
    # The hand tells it only where no directions were put right since, by which no plane changes its number.
    isReversed = noted.frame.isReversed
    return _isOtherHand(noted.frame.own, matrix) if isReversed is None else isReversed


def isTurnedSince(segmentationNode: Any, volumeNode: Any, segmentId: str) -> bool:
    """Say whether the k planes of a volume are counted from the other end now than `gridWhenMade` does."""
    noted = _find(segmentationNode, volumeNode, segmentId)
    return noted is not None and _isTurned(noted, volumeNode)


def mlPerVoxel(segmentationNode: Any, volumeNode: Any, segmentId: str, matrix: np.ndarray) -> float:
    """Return the millilitres of one voxel of a segment (its grid: 4 x 4), by the spacing that its volume has now."""
    size = abs(float(np.linalg.det(matrix[:3, :3])))
    if not hasVolumeMoved(segmentationNode, volumeNode, segmentId):
        return size / 1000
    made = gridWhenMade(segmentationNode, volumeNode, segmentId)
    return size / abs(float(np.linalg.det(made[:3, :3]))) * voxelMl(volumeNode)


def _find(segmentationNode: Any, volumeNode: Any, segmentId: str) -> _Grid | None:
    """Return the grid that is noted for a segment; that of now if both were moved in one way, and nobody noted it."""
    noted = _read(segmentationNode, volumeNode, segmentId)
    # What Slicer itself noted it moves, too.
    if noted is None or noted.frame is None or noted.shape != _shapeOf(volumeNode):
        return noted
    # Asking the node for it is an error where the segment is gone.
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    image = segment.GetRepresentation(BINARY) if segment else None
    if image is None or image.IsEmpty():
        return noted
    now = _gridNow(noted, segmentationNode, volumeNode)
    # As after a transform of both was hardened.
    return _Grid(*now) if isSameGrid(imageMatrix(image), now[0], noted.shape) else noted


def _read(segmentationNode: Any, volumeNode: Any, segmentId: str) -> _Grid | None:
    entry = _entries(segmentationNode).get(_nameOf(segmentationNode, segmentId))
    if entry is not None:
        grid, own, world = (np.reshape(entry[part], (4, 4)) for part in ("grid", "own", "world"))
        return _Grid(grid, tuple(entry["shape"]), _Frame(own, world, entry.get("key"), entry.get("isReversed")))
    # Segments of the user, and all of earlier versions: Slicer itself notes a grid when it is told of a volume.
    return _notedBySlicer(segmentationNode, volumeNode)


def _gridNow(noted: _Grid, segmentationNode: Any, volumeNode: Any) -> tuple[np.ndarray, tuple[int, ...], _Frame]:
    """Return where the voxels of a volume lie now, counted as in the noted grid: its parts, with a frame always."""
    matrix, own = gridOn(volumeNode, segmentationNode), ijkToRas(volumeNode)
    key, isReversed = (noted.frame.key, noted.frame.isReversed) if noted.frame is not None else (None, None)
    if _isTurned(noted, volumeNode):
        reverse = np.diag([1.0, 1.0, -1.0, 1.0])
        reverse[2, 3] = noted.shape[0] - 1
        matrix, own = matrix @ reverse, own @ reverse
    return matrix, noted.shape, _Frame(own, toWorld(segmentationNode), key, isReversed)


def _isTurned(noted: _Grid, volumeNode: Any) -> bool:
    # Slicer turns a left-handed volume when it loads it again: its k planes are counted from the other end then. Those
    # of one whose directions were put right are not.
    key = noted.frame.key if noted.frame is not None else None
    isTurned = _isOtherHand(noted.matrix if noted.frame is None else noted.frame.own, ijkToRas(volumeNode))
    return isTurned and (key is None or knownIdentity(volumeNode) != key)


def _isOtherHand(first: np.ndarray, second: np.ndarray) -> bool:
    return float(np.linalg.det(first[:3, :3]) * np.linalg.det(second[:3, :3])) < 0


def _nameOf(segmentationNode: Any, segmentId: str) -> str:
    """Return the name of the note for a segment; what was drawn by hand beside our masks lies as they do."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    runId = tagOf(segment, RUN_TAG) if segment else ""
    if runId:
        return f"{runId}/{tagOf(segment, VOLUME_TAG)}"
    return next(reversed(_entries(segmentationNode)), "") if isOwn(segmentationNode) else ""


def _write(segmentationNode: Any, name: str, matrix: np.ndarray, shape: tuple[int, ...], frame: _Frame) -> None:
    matrices = {"grid": matrix, "own": frame.own, "world": frame.world}
    entry: dict[str, Any] = {part: np.ravel(each).tolist() for part, each in matrices.items()}
    entry |= {"shape": shape, "key": frame.key, "isReversed": frame.isReversed}
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


def _notedBySlicer(segmentationNode: Any, volumeNode: Any) -> _Grid | None:
    """Return the grid that Slicer noted for a segmentation, if it is of this volume."""
    role = segmentationNode.GetReferenceImageGeometryReferenceRole()
    text = segmentationNode.GetSegmentation().GetConversionParameter(REFERENCE_GEOMETRY) or ""
    if segmentationNode.GetNodeReference(role) is not volumeNode or not text:
        return None
    try:
        # A matrix, then the first and last index of each axis.
        numbers = [float(part) for part in text.split(";") if part]
        extent = np.reshape(numbers[16:], (3, 2))
        shape = tuple(int(last - first) + 1 for first, last in extent[::-1])
        return _Grid(np.reshape(numbers[:16], (4, 4)), shape)
    except ValueError:
        return None
