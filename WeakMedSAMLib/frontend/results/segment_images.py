"""The voxels of a segment: read, copied, and replaced without touching any other segment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk

from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.results.segment_tags import requireLabelmaps, segmentIdsIn
from WeakMedSAMLib.frontend.scene.scene_volumes import imageArray, imageMatrix

BINARY = "Binary labelmap"
SAME_MM = 1e-3
_SAME_STEP = 1e-6
_EMPTY = hashlib.sha256().digest()


@dataclass(frozen=True)
class Mask:
    """The voxels of one segment.

    Attributes
    ----------
    array : numpy.ndarray
        bool, k x j x i, of the part of the grid that `first` begins.
    first : tuple of int
        Index (i, j, k) of the first voxel on the segment's own grid; may be negative.
    ijkToRas : numpy.ndarray
        4 x 4 of that grid, RAS in mm, without the parent transform of the segmentation.
    """

    array: np.ndarray
    first: tuple[int, int, int]
    ijkToRas: np.ndarray


@dataclass(frozen=True)
class MaskContent:
    """What tells whether a segment is as it was, however its image was cut, joined or made anew.

    Attributes
    ----------
    digest : bytes
        Of its voxels, by their indices on its grid; the same for every empty segment.
    ijkToRas : numpy.ndarray
        4 x 4 of that grid.
    """

    digest: bytes
    ijkToRas: np.ndarray

    def isSame(self, other: MaskContent) -> bool:
        """Say whether two segments have the same voxels at the same place; empty ones have none anywhere."""
        isPlace = np.allclose(self.ijkToRas, other.ijkToRas, rtol=0, atol=_SAME_STEP)
        return self.digest == other.digest and (isPlace or self.digest == _EMPTY)


@dataclass(frozen=True)
class PackedMask:
    """The voxels of one segment in little memory: one bit a voxel."""

    bits: np.ndarray
    shape: tuple[int, int, int]
    first: tuple[int, int, int]
    ijkToRas: np.ndarray

    @property
    def array(self) -> np.ndarray:
        """The voxels, bool, k x j x i."""
        return np.unpackbits(self.bits, count=int(np.prod(self.shape))).view(bool).reshape(self.shape)


def maskSteps(segmentationNode: Any, segmentId: str) -> Steps[Mask | None]:
    """Copy the voxels of a segment in short pieces; the result is None if it is empty.

    Raises
    ------
    UserError
        ``segmentation_of_surfaces`` if the segmentation holds no voxels.
    """
    requireLabelmaps(segmentationNode)
    image = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId)
    if image is None or image.IsEmpty():
        return None
    labelValue = segmentationNode.GetSegmentation().GetSegment(segmentId).GetLabelValue()
    first, matrix = image.GetExtent()[::2], imageMatrix(image)
    voxels = imageArray(image)
    array = np.empty(voxels.shape, bool)
    for target, plane in zip(array, voxels, strict=True):
        np.equal(plane, labelValue, out=target)
        yield None
    return Mask(array, first, matrix)


def contentSteps(array: np.ndarray, first: Iterable[int], ijkToRas: np.ndarray, labelValue: int) -> Steps[MaskContent]:
    """Make the content of a segment, in short pieces.

    Parameters
    ----------
    array : numpy.ndarray
        Of its image, k x j x i.
    first : iterable of int
        Index (i, j, k) of the first voxel of that.
    ijkToRas : numpy.ndarray
        4 x 4 of its grid.
    labelValue : int
        Of its voxels.
    """
    digest = hashlib.sha256()
    i0, j0, k0 = first
    for k, plane in enumerate(array):
        inside = plane == labelValue
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if rows.size:
            top, left = int(rows[0]), int(columns[0])
            inside = inside[top : rows[-1] + 1, left : columns[-1] + 1]
            digest.update(repr((k0 + k, j0 + top, i0 + left, inside.shape)).encode("ascii"))
            digest.update(np.packbits(inside).tobytes())
        yield None
    return MaskContent(digest.digest(), ijkToRas)


def contentOf(segment: Any) -> MaskContent:
    """Return the content of a segment (vtkSegment or None) as it is now."""
    image = segment.GetRepresentation(BINARY) if segment else None
    if image is None or image.IsEmpty():
        return MaskContent(_EMPTY, np.eye(4))
    matrix = imageMatrix(image)
    return runToEnd(contentSteps(imageArray(image), image.GetExtent()[::2], matrix, segment.GetLabelValue()))


def newImage(shape: Iterable[int], first: Iterable[int], matrix: np.ndarray, dtype: np.dtype) -> Any:
    """Make an image for a segment, filled with 0.

    Parameters
    ----------
    shape : iterable of int
        Voxels along k, j, i.
    first : iterable of int
        Index (i, j, k) of the first voxel.
    matrix : numpy.ndarray
        4 x 4, voxel index to RAS.
    dtype : numpy.dtype
        uint8 or uint16.
    """
    image = slicer.vtkOrientedImageData()
    size = list(shape)[::-1]
    image.SetExtent([n for begin, count in zip(first, size, strict=True) for n in (begin, begin + count - 1)])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR if np.dtype(dtype).itemsize == 1 else vtk.VTK_UNSIGNED_SHORT, 1)
    setImageMatrix(image, matrix)
    return image


def setImageMatrix(image: Any, matrix: np.ndarray) -> None:
    """Place a vtkOrientedImageData by the 4 x 4 matrix from voxel index to RAS."""
    vtkMatrix = vtk.vtkMatrix4x4()
    vtkMatrix.DeepCopy(matrix.ravel().tolist())
    image.SetImageToWorldMatrix(vtkMatrix)


def isSameGrid(first: np.ndarray, second: np.ndarray, shape: Iterable[int]) -> bool:
    """Say whether two matrices (4 x 4, voxel index to RAS) put every voxel of a grid (k x j x i) at the same place."""
    corners = np.hstack([np.diag(list(shape)[::-1]), np.zeros((3, 1))])
    corners = np.vstack([corners, np.ones(4)])
    return bool(np.allclose(first @ corners, second @ corners, rtol=0, atol=SAME_MM))


def packMask(segmentationNode: Any, segmentId: str) -> PackedMask | None:
    """Return a copy of the voxels of a segment; None if it is empty or not there."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    image = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId) if segment else None
    if image is None or image.IsEmpty():
        return None
    bits = np.packbits(imageArray(image) == segment.GetLabelValue())
    return PackedMask(bits, image.GetDimensions()[::-1], image.GetExtent()[::2], imageMatrix(image))


def setMask(segmentationNode: Any, segmentId: str, mask: PackedMask | None) -> Any:
    """Give a segment other voxels, on an image of its own, so that no other segment is touched; returns the image."""
    if mask is None:
        return ownImage(segmentationNode, segmentId, (1, 1, 1), (0, 0, 0), np.eye(4))
    return setVoxels(segmentationNode, segmentId, Mask(mask.array, mask.first, mask.ijkToRas))


def setVoxels(segmentationNode: Any, segmentId: str, mask: Mask) -> Any:
    """Do what `setMask` does, of voxels that are not packed."""
    image = ownImage(segmentationNode, segmentId, mask.array.shape, mask.first, mask.ijkToRas)
    imageArray(image)[:] = mask.array
    image.Modified()
    return image


def ownImage(
    segmentationNode: Any, segmentId: str, shape: Iterable[int], first: Iterable[int], ijkToRas: np.ndarray
) -> Any:
    """Give a segment an empty image that no other segment shares (uint8, its label value is 1), and return it."""
    segmentation = segmentationNode.GetSegmentation()
    segment = segmentation.GetSegment(segmentId)
    common = segment.GetRepresentation(BINARY) if isShared(segmentationNode, segmentId) else None
    formerValue = segment.GetLabelValue()
    image = newImage(shape, first, ijkToRas, np.dtype(np.uint8))
    segment.AddRepresentation(BINARY, image)
    segment.SetLabelValue(1)
    if common is not None and not common.IsEmpty():
        # No segment owns these voxels any more. (Slicer's SeparateSegmentLabelmap copies them first: 200 ms.)
        voxels = imageArray(common)
        np.copyto(voxels, 0, where=voxels == formerValue)
        common.Modified()
    return image


def isShared(segmentationNode: Any, segmentId: str) -> bool:
    """Say whether another segment has its voxels on the same image.

    Slicer's own `IsSharedBinaryLabelmap` answers the other way round.
    """
    segmentation = segmentationNode.GetSegmentation()
    image = segmentation.GetSegment(segmentId).GetRepresentation(BINARY)
    others = (segmentation.GetSegment(each) for each in segmentIdsIn(segmentationNode) if each != segmentId)
    return image is not None and any(other.GetRepresentation(BINARY) is image for other in others)


def imageVersion(segment: Any) -> int:
    """Return a number that changes with the voxels of a segment; 0 if there are none."""
    image = segment.GetRepresentation(BINARY) if segment else None
    return image.GetMTime() if image else 0
