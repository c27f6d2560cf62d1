"""Volumes of the scene: whether they can be used, what makes them the same scan, and how they leave for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash_steps
from WeakMedSAMLib.contract.labels.labelled_volume import AXES, MAX_SLICES
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.raw_nrrd import writeSteps

_SAMPLE_VOXELS = 100_000
_KEPT_HASHES = 1000
_BROWSER = "vtkMRMLSequenceBrowserNode"
# Nothing but memory of what was computed: by the state of the image, which no other one ever has, and whether its k
# planes were taken in reversed order.
_hashes: dict[tuple[int, bool], str] = {}


def usableProblem(volumeNode: VolumeNode | None) -> str:
    """Say why a volume cannot be tagged and learned from; empty if it can.

    Parameters
    ----------
    volumeNode : vtkMRMLVolumeNode or None
    """
    if volumeNode is None:
        return _("No volume is chosen.")
    if volumeNode.IsA("vtkMRMLLabelMapVolumeNode"):
        return _("This is a label map, not a scan.")
    image = volumeNode.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or min(image.GetDimensions()) < 1:
        return _("The volume is empty.")
    if volumeNode.IsA("vtkMRMLTensorVolumeNode") or image.GetNumberOfScalarComponents() != 1:
        return _("The volume has several values a voxel (colour, vector or 4-D data). Extract one of them first.")
    return _geometryProblem(volumeNode) or _contentProblem(volumeNode)


def arrayOf(volumeNode: VolumeNode | None) -> np.ndarray:
    """Return the voxels of a volume, k x j x i, without copying; `UserError` ``unusable_volume`` if there are none."""
    image = volumeNode.GetImageData() if volumeNode else None
    scalars = image.GetPointData().GetScalars() if image else None
    if image is None or scalars is None or scalars.GetNumberOfComponents() != 1:
        raise UserError("unusable_volume", usableProblem(volumeNode), _("Choose another volume."))
    return vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])


def ijkToRas(volumeNode: VolumeNode) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel index to the volume's own RAS in mm, parent transforms left out."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return matrixOf(matrix)


def ijkToWorld(volumeNode: VolumeNode) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel index to RAS in mm as the views show it, with linear parent transforms."""
    return toWorld(volumeNode) @ ijkToRas(volumeNode)


def toWorld(node: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from a node's own RAS to that of the views in mm, by its linear parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    transform = node.GetParentTransformNode()
    if transform is not None:
        transform.GetMatrixTransformToWorld(matrix)
    return matrixOf(matrix)


def matrixOf(vtkMatrix: Any) -> np.ndarray:
    """Return a vtkMatrix4x4 as a 4 x 4 array."""
    return np.array([[vtkMatrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def imageArray(image: Any) -> np.ndarray:
    """Return the voxels of a vtkOrientedImageData, k x j x i, without copying."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def imageMatrix(image: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from voxel index to RAS of a vtkOrientedImageData."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrixOf(matrix)


def voxelMl(volumeNode: VolumeNode) -> float:
    """Return the volume of one voxel in millilitres."""
    return abs(float(np.linalg.det(ijkToRas(volumeNode)[:3, :3]))) / 1000


def sliceCount(volumeNode: VolumeNode, axis: str) -> int:
    """Return the number of slices along the IJK axis ``"i"``, ``"j"`` or ``"k"``; 0 if the volume is empty."""
    image = volumeNode.GetImageData()
    return image.GetDimensions()[AXES.index(axis)] if image else 0


def knownIdentity(volumeNode: VolumeNode) -> str | None:
    """Return the content hash of a volume if it was computed since its voxels changed last."""
    return _knownHash(volumeNode, isReversed=False)


def knownReversedIdentity(volumeNode: VolumeNode) -> str | None:
    """Return what `reversedIdentitySteps` gives, if it was computed since the voxels changed last."""
    return _knownHash(volumeNode, isReversed=True)


def _knownHash(volumeNode: VolumeNode, isReversed: bool) -> str | None:
    image = volumeNode.GetImageData() if volumeNode else None
    # VTK counts every modification of any object: no other image, and no other state of this one, has this number.
    return _hashes.get((image.GetMTime(), isReversed)) if image else None


def identitySteps(volumeNode: VolumeNode) -> Steps[str]:
    """Compute what `contract.identity.content_hash` gives for a volume, in short pieces.

    Returns
    -------
    str
        64 lower-case hexadecimal digits.

    Raises
    ------
    UserError
        ``unusable_volume``.
    """
    return (yield from _hashSteps(volumeNode, isReversed=False))


def reversedIdentitySteps(volumeNode: VolumeNode) -> Steps[str]:
    """Compute the content hash of a volume with its k planes in reversed order; as `identitySteps`."""
    return (yield from _hashSteps(volumeNode, isReversed=True))


def _hashSteps(volumeNode: VolumeNode, isReversed: bool) -> Steps[str]:
    while True:
        known = _knownHash(volumeNode, isReversed)
        if known is not None:
            return known
        version = volumeNode.GetImageData().GetMTime() if volumeNode.GetImageData() else 0
        digest = yield from content_hash_steps(arrayOf(volumeNode)[:: -1 if isReversed else 1])
        # Voxels that changed meanwhile would give the hash of a volume that never was.
        if volumeNode.GetImageData() and volumeNode.GetImageData().GetMTime() == version:
            while len(_hashes) >= _KEPT_HASHES:
                del _hashes[next(iter(_hashes))]
            _hashes[version, isReversed] = digest


def exportSteps(volumeNode: VolumeNode, path: Path | str) -> Steps[Path]:
    """Write a volume in its own geometry, parent transforms left out, as uncompressed NRRD in short pieces.

    Raises
    ------
    UserError
        ``unusable_volume``; ``cannot_write``, when the disk is full for instance.
    """
    problem = usableProblem(volumeNode)
    if problem:
        raise UserError("unusable_volume", problem, _("Take it out of the list of volumes."))
    return (yield from writeSteps(path, arrayOf(volumeNode), ijkToRas(volumeNode)))


def _geometryProblem(volumeNode: VolumeNode) -> str:
    dimensions = volumeNode.GetImageData().GetDimensions()
    if max(dimensions) == 1:
        return _("The volume has one voxel only.")
    if max(dimensions) > MAX_SLICES:
        return _("The volume has more than {count} slices.").format(count=MAX_SLICES)
    if not abs(np.linalg.det(ijkToRas(volumeNode)[:3, :3])) > 0:
        return _("The volume has no size: its spacing or its axes are wrong.")
    transform = volumeNode.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        return _("The volume lies under a deformation. Harden the transform first (Data module, transform column).")
    if _isPlayed(volumeNode):
        return _("The volume is one moment of a sequence. Clone it in the Data module and use the copy.")
    return ""


def _isPlayed(volumeNode: VolumeNode) -> bool:
    """Say whether a sequence browser changes the voxels of a volume whenever the time changes."""
    scene = volumeNode.GetScene()
    played = vtk.vtkCollection()
    for index in range(scene.GetNumberOfNodesByClass(_BROWSER) if scene else 0):
        # The collection is emptied at each call.
        scene.GetNthNodeByClass(index, _BROWSER).GetAllProxyNodes(played)
        if played.IsItemPresent(volumeNode):
            return True
    return False


def _contentProblem(volumeNode: VolumeNode) -> str:
    # Looking at every voxel takes long for a large volume, and a few tell nearly always.
    array = arrayOf(volumeNode).reshape(-1)
    for values in (array[:: max(1, array.size // _SAMPLE_VOXELS)], array):
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() < finite.max():
            return ""
    if not finite.size:
        return _("The volume holds no numbers (NaN everywhere).")
    return _("All voxels have the same value.")
