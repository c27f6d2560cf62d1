"""The voxels of a segment slice by slice, as its volume counts slices: read, and put back without touching others."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridOn, hasVolumeMoved, moveToVolume
from WeakMedSAMLib.frontend.results.segment_images import Mask, isShared, setVoxels
from WeakMedSAMLib.frontend.results.segment_layers import firstOnVolume, matrixOnVolume, overlapOf, resampled
from WeakMedSAMLib.frontend.results.segment_tags import requireLabelmaps
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown, makeSurfaces
from WeakMedSAMLib.frontend.scene.scene_volumes import imageArray, imageMatrix

_LEVEL = 1


class SegmentPlanes:
    """The slices of one segment on the voxels of its volume, looked up when they are asked for.

    Parameters
    ----------
    array : numpy.ndarray or None
        Of its image, k x j x i; None if it is empty.
    first : tuple of int
        Voxel (i, j, k) of the volume on which the first one of the array lies.
    labelValue : int
        Of its voxels.
    shape : tuple of int
        Of the volume: k, j, i.
    axis : {"i", "j", "k"}
        Along which slices are counted.
    """

    def __init__(
        self,
        array: np.ndarray | None,
        first: tuple[int, int, int],
        labelValue: int,
        shape: tuple[int, int, int],
        axis: str,
    ) -> None:
        self._array, self._labelValue = array, labelValue
        self.axis = axis
        self._number = 2 - AXES.index(axis)
        own = array.shape if array is not None else (0, 0, 0)
        self._source, self._target, _isCut = overlapOf(first, own, shape)
        self.count = shape[self._number]
        self.shape = tuple(size for number, size in enumerate(shape) if number != self._number)

    def plane(self, index: int) -> np.ndarray:
        """Return a slice, bool, rows x columns as of `contract.labels.painted_slice`."""
        result = np.zeros(self.shape, bool)
        found = self._part(index)
        if found is not None:
            target, values = found
            np.equal(values, self._labelValue, out=result[target])
        return result

    def put(self, index: int, plane: np.ndarray, isAlone: bool) -> bool | None:
        """Write a slice into the image, in which other segments may lie.

        Returns
        -------
        bool or None
            Whether it is another one now. None, and nothing is written, where some of it lies beside the image, or on a
            voxel of another segment.
        """
        found = self._part(index)
        if found is None:
            return None if plane.any() else False
        target, values = found
        inside, held = plane[target], values == self._labelValue
        if inside.shape != plane.shape and np.count_nonzero(inside) != np.count_nonzero(plane):
            return None
        changed, width = (inside ^ held).tobytes(), values.shape[1]
        first, last = changed.find(1), changed.rfind(1)
        if first < 0:
            return False
        # Most rows stay as they are, and hundreds of slices are written while the window waits.
        rows = slice(first // width, last // width + 1)
        inside, held, values = inside[rows], held[rows], values[rows]
        gained = inside > held
        if not isAlone and (gained & (values != 0)).any():
            return None
        np.copyto(values, 0, where=held > inside)
        np.copyto(values, self._labelValue, where=gained)
        return True

    def _part(self, index: int) -> tuple[tuple[slice, ...], np.ndarray] | None:
        """Return where in a slice the image lies, and its values there, a view; None where it has none."""
        along = self._target[self._number]
        if self._array is None or not along.start <= index < along.stop:
            return None
        at = self._source[self._number].start + index - along.start
        places = [part for number, part in enumerate(self._source) if number != self._number]
        places.insert(self._number, slice(at, at + 1))
        values = self._array[tuple(places)].squeeze(axis=self._number)
        return tuple(part for number, part in enumerate(self._target) if number != self._number), values


def planesOf(segmentationNode: Any, volumeNode: Any, segmentId: str, axis: str) -> SegmentPlanes:
    """Look up the slices of a segment; a view of its voxels where it has those of its volume.

    Raises
    ------
    UserError
        ``segmentation_of_surfaces``, ``transforms_differ``.
    """
    return _planesAndPlace(segmentationNode, volumeNode, segmentId, axis)[0]


def putPlanes(
    segmentationNode: Any, volumeNode: Any, segmentId: str, axis: str, planes: Iterable[tuple[int, np.ndarray]]
) -> None:
    """Give slices of a segment other voxels; every other segment stays as it is.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    volumeNode : vtkMRMLScalarVolumeNode
    segmentId : str
        Nothing happens if it is gone.
    axis : {"i", "j", "k"}
        Along which slices are counted.
    planes : iterable of (int, numpy.ndarray)
        Slice, and bool, rows x columns; one after the other, so that no more than one needs to be in memory.

    Raises
    ------
    UserError
        ``segmentation_of_surfaces``, ``transforms_differ``.
    """
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    if segment is None:
        return
    held, isInPlace = _planesAndPlace(segmentationNode, volumeNode, segmentId, axis)
    wasSurfaceShown = isSurfaceShown(segmentationNode)
    isAlone = not isShared(segmentationNode, segmentId)
    left, isAnyOther = {}, False
    for index, plane in planes:
        isOther = held.put(index, plane, isAlone) if isInPlace else None
        isAnyOther = isAnyOther or bool(isOther)
        if isOther is None and not np.array_equal(held.plane(index), plane):
            left[index] = plane
    if left:
        whole = [left[index] if index in left else held.plane(index) for index in range(held.count)]
        array = np.stack(whole, axis=2 - AXES.index(axis))
        setVoxels(segmentationNode, segmentId, Mask(array, (0, 0, 0), _gridOf(segmentationNode, volumeNode, segmentId)))
    elif isAnyOther:
        segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId).Modified()
    else:
        return
    if wasSurfaceShown:
        # Slicer drops all surfaces of a segmentation with any change.
        makeSurfaces(segmentationNode)


def packed(plane: np.ndarray) -> bytes:
    """Keep a slice (bool) in little memory; no bytes for one without the class."""
    return zlib.compress(np.packbits(plane).tobytes(), _LEVEL) if plane.any() else b""


def bitsOf(text: bytes) -> bytes:
    """Return the bits of a slice that `packed` kept, as of `numpy.packbits`."""
    return zlib.decompress(text)


def unpacked(text: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Return a slice that `packed` kept, bool."""
    if not text:
        return np.zeros(shape, bool)
    bits = np.frombuffer(bitsOf(text), np.uint8)
    return np.unpackbits(bits, count=math.prod(shape)).view(bool).reshape(shape)


def packedSteps(planes: SegmentPlanes) -> Steps[list[bytes]]:
    """Keep all slices of a segment as `packed` does, in short pieces."""
    kept = []
    for index in range(planes.count):
        kept.append(packed(planes.plane(index)))
        yield None
    return kept


def _gridOf(segmentationNode: Any, volumeNode: Any, segmentId: str) -> np.ndarray:
    """Return where voxels of a segment lie that are those of the volume as it is counted now; 4 x 4."""
    grid = gridOn(volumeNode, segmentationNode)
    if hasVolumeMoved(segmentationNode, volumeNode, segmentId):
        # Beside the other masks, which the volume was moved away from, too.
        grid = np.linalg.inv(moveToVolume(segmentationNode, volumeNode, segmentId)) @ grid
    return grid


def _planesAndPlace(segmentationNode: Any, volumeNode: Any, segmentId: str, axis: str) -> tuple[SegmentPlanes, bool]:
    """Return the slices of a segment, and whether they are those of its own image rather than of a copy."""
    requireLabelmaps(segmentationNode)
    shape = volumeNode.GetImageData().GetDimensions()[::-1]
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    image = segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId) if segment is not None else None
    if image is None or image.IsEmpty():
        return SegmentPlanes(None, (0, 0, 0), 1, shape, axis), False
    value, first = segment.GetLabelValue(), image.GetExtent()[::2]
    matrix, _hasMoved = matrixOnVolume(imageMatrix(image), segmentationNode, volumeNode, segmentId)
    place = firstOnVolume(matrix, first, volumeNode)
    if place is not None:
        return SegmentPlanes(imageArray(image), place, value, shape, axis), True
    mask = resampled(Mask(imageArray(image) == value, first, imageMatrix(image)), matrix, volumeNode)
    return SegmentPlanes(mask.array, mask.first, 1, shape, axis), False
