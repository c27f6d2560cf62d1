"""The segments of a segmentation brought onto the voxels of a volume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridOn, hasVolumeMoved, moveToVolume
from WeakMedSAMLib.frontend.results.segment_images import Mask, isSameGrid, maskSteps, newImage
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, imageArray


@dataclass
class Layers:
    """Label maps of segments; segments that overlap are on different layers.

    Attributes
    ----------
    arrays : list of numpy.ndarray
        Label values, k x j x i of the volume.
    layerOf : dict
        Segment id -> number of its layer.
    outside : list of str
        Segments that have voxels outside of the volume; those are missing here.
    resampled : list of str
        Segments that have other voxels than the volume, and so were resampled.
    followed : list of str
        Segments that the volume was moved away from; here they are on its voxels all the same.
    empty : list of str
        Segments without a voxel.
    """

    arrays: list[np.ndarray] = field(default_factory=list)
    layerOf: dict[str, int] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    resampled: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def layerSteps(segmentationNode: Any, volumeNode: Any, labelValues: Mapping[str, int]) -> Steps[Layers]:
    """Put segments onto the grid of a volume, in short pieces.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    volumeNode : vtkMRMLScalarVolumeNode
    labelValues : mapping of str to int
        Segment id -> label value, 1..65535.

    Returns
    -------
    Layers
        With one layer at least.
    """
    dtype = np.uint8 if max(labelValues.values(), default=0) <= np.iinfo(np.uint8).max else np.uint16
    shape = volumeNode.GetImageData().GetDimensions()[::-1]
    layers = Layers([np.zeros(shape, dtype)])
    for segmentId, labelValue in labelValues.items():
        mask = yield from maskSteps(segmentationNode, segmentId)
        layers.layerOf[segmentId] = 0
        if mask is None or not mask.array.any():
            layers.empty.append(segmentId)
            continue
        mask = _onVolume(mask, segmentationNode, volumeNode, segmentId, layers)
        yield None
        array = mask.array
        source, target, isCut = overlapOf(mask.first, mask.array.shape, shape)
        if isCut and np.count_nonzero(array) > np.count_nonzero(array[source]):
            layers.outside.append(segmentId)
        number = yield from _freeLayerSteps(layers.arrays, array[source], target)
        if number == len(layers.arrays):
            layers.arrays.append(np.zeros(shape, dtype))
        layers.layerOf[segmentId] = number
        yield from _paintSteps(layers.arrays[number][target], array[source], labelValue)
    return layers


def matrixOnVolume(own: np.ndarray, segmentationNode: Any, volumeNode: Any, segmentId: str) -> tuple[np.ndarray, bool]:
    """Return where the voxels of a segment lie as seen from its volume, and whether that was moved away from them.

    Parameters
    ----------
    own : numpy.ndarray
        4 x 4, voxel index of the segment to RAS of the segmentation.
    segmentationNode : vtkMRMLSegmentationNode
    volumeNode : vtkMRMLScalarVolumeNode
    segmentId : str

    Returns
    -------
    numpy.ndarray
        4 x 4, voxel index of the segment to RAS of the volume: beside `scene_volumes.ijkToRas`.
    bool

    Raises
    ------
    UserError
        ``transforms_differ``.
    """
    hasMoved = hasVolumeMoved(segmentationNode, volumeNode, segmentId)
    if hasMoved:
        own = moveToVolume(segmentationNode, volumeNode, segmentId) @ own
    # Both as seen from the volume, so that its voxels need not be moved.
    return ijkToRas(volumeNode) @ np.linalg.inv(gridOn(volumeNode, segmentationNode)) @ own, hasMoved


def firstOnVolume(matrix: np.ndarray, first: Iterable[int], volumeNode: Any) -> tuple[int, int, int] | None:
    """Return the voxel (i, j, k) of a volume on which the first one of a grid lies; None if their voxels differ.

    Parameters
    ----------
    matrix : numpy.ndarray
        What `matrixOnVolume` returns.
    first : iterable of int
        Index of the first voxel on the grid of the segment.
    volumeNode : vtkMRMLScalarVolumeNode
    """
    i, j, k = first
    wanted = ijkToRas(volumeNode)
    if isSameGrid(matrix, wanted, volumeNode.GetImageData().GetDimensions()[::-1]):
        return i, j, k
    # The same voxels may be counted from another corner: then they only need to be moved.
    offset = np.linalg.inv(wanted) @ matrix
    steps = np.round(offset[:3, 3])
    if np.allclose(offset[:3, :3], np.eye(3), atol=1e-6) and np.allclose(offset[:3, 3], steps, atol=1e-3):
        return i + int(steps[0]), j + int(steps[1]), k + int(steps[2])
    return None


def resampled(mask: Mask, matrix: np.ndarray, volumeNode: Any) -> Mask:
    """Return a mask whose voxels lie as `matrixOnVolume` says on those of its volume, by nearest neighbour."""
    image = newImage(mask.array.shape, mask.first, matrix, np.dtype(np.uint8))
    imageArray(image)[:] = mask.array
    wanted, shape = ijkToRas(volumeNode), volumeNode.GetImageData().GetDimensions()[::-1]
    reference = newImage(shape, (0, 0, 0), wanted, np.dtype(np.uint8))
    result = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, result)
    return Mask(imageArray(result).astype(bool), (0, 0, 0), wanted)


def _onVolume(mask: Mask, segmentationNode: Any, volumeNode: Any, segmentId: str, layers: Layers) -> Mask:
    """Return the mask on the voxels of the volume, resampled by nearest neighbour only where it has others."""
    matrix, hasMoved = matrixOnVolume(mask.ijkToRas, segmentationNode, volumeNode, segmentId)
    if hasMoved:
        layers.followed.append(segmentId)
    first = firstOnVolume(matrix, mask.first, volumeNode)
    if first is not None:
        return Mask(mask.array, first, ijkToRas(volumeNode))
    layers.resampled.append(segmentId)
    return resampled(mask, matrix, volumeNode)


_Box = tuple[slice, ...]


def overlapOf(first: Iterable[int], own: Iterable[int], shape: Iterable[int]) -> tuple[_Box, _Box, bool]:
    """Return the part of an array (k x j x i) inside a volume, where that lies there, and whether some is cut off."""
    source, target, isCut = [], [], False
    for begin, count, size in zip(tuple(first)[::-1], own, shape, strict=True):
        start, end = max(begin, 0), max(min(begin + count, size), max(begin, 0))
        source.append(slice(start - begin, end - begin))
        target.append(slice(start, end))
        isCut = isCut or end - start < count
    return tuple(source), tuple(target), isCut


def _freeLayerSteps(arrays: list[np.ndarray], mask: np.ndarray, box: _Box) -> Steps[int]:
    """Find the first layer on which the mask overlaps nothing; the number of layers if there is none."""
    for number, array in enumerate(arrays):
        for plane, maskPlane in zip(array[box], mask, strict=True):
            if plane[maskPlane].any():
                break
            yield None
        else:
            return number
    return len(arrays)


def _paintSteps(target: np.ndarray, mask: np.ndarray, labelValue: int) -> Steps[None]:
    for plane, maskPlane in zip(target, mask, strict=True):
        plane[maskPlane] = labelValue
        yield None
