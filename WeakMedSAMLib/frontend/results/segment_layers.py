"""The segments of a segmentation brought onto the voxels of a volume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridOn, hasVolumeMoved, moveToVolume
from WeakMedSAMLib.frontend.results.segment_images import Mask, imageArray, isSameGrid, maskSteps, newImage
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas


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
    """

    arrays: list[np.ndarray] = field(default_factory=list)
    layerOf: dict[str, int] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)
    resampled: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)


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
        if mask is None:
            continue
        mask = _onVolume(mask, segmentationNode, volumeNode, segmentId, layers)
        yield None
        array, source, target, isCut = _overlapOf(mask, shape)
        if isCut and np.count_nonzero(array) > np.count_nonzero(array[source]):
            layers.outside.append(segmentId)
        number = yield from _freeLayerSteps(layers.arrays, array[source], target)
        if number == len(layers.arrays):
            layers.arrays.append(np.zeros(shape, dtype))
        layers.layerOf[segmentId] = number
        yield from _paintSteps(layers.arrays[number][target], array[source], labelValue)
    return layers


def _onVolume(mask: Mask, segmentationNode: Any, volumeNode: Any, segmentId: str, layers: Layers) -> Mask:
    """Return the mask on the voxels of the volume, resampled by nearest neighbour only where it has others."""
    wanted = ijkToRas(volumeNode)
    own = mask.ijkToRas
    if hasVolumeMoved(segmentationNode, volumeNode, segmentId):
        layers.followed.append(segmentId)
        own = moveToVolume(segmentationNode, volumeNode, segmentId) @ own
    # Both as seen from the volume, so that its voxels need not be moved.
    matrix = wanted @ np.linalg.inv(gridOn(volumeNode, segmentationNode)) @ own
    shape = volumeNode.GetImageData().GetDimensions()[::-1]
    if isSameGrid(matrix, wanted, shape):
        return mask
    # The same voxels may be counted from another corner: then they only need to be moved.
    offset = np.linalg.inv(wanted) @ matrix
    if np.allclose(offset[:3, :3], np.eye(3), atol=1e-6) and np.allclose(
        offset[:3, 3], np.round(offset[:3, 3]), atol=1e-3
    ):
        i, j, k = (int(n) for n in np.array(mask.first) + np.round(offset[:3, 3]).astype(int))
        return Mask(mask.array, (i, j, k), wanted)
    layers.resampled.append(segmentId)
    image = newImage(mask.array.shape, mask.first, matrix, np.dtype(np.uint8))
    imageArray(image)[:] = mask.array
    reference = newImage(shape, (0, 0, 0), wanted, np.dtype(np.uint8))
    result = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(image, reference, result)
    return Mask(imageArray(result).astype(bool), (0, 0, 0), wanted)


_Box = tuple[slice, ...]


def _overlapOf(mask: Mask, shape: Iterable[int]) -> tuple[np.ndarray, _Box, _Box, bool]:
    """Return the mask's array, the part of it inside the volume, where that lies there, and whether some is cut off."""
    source, target, isCut = [], [], False
    for first, count, size in zip(reversed(mask.first), mask.array.shape, shape, strict=True):
        begin, end = max(first, 0), max(min(first + count, size), max(first, 0))
        source.append(slice(begin - first, end - first))
        target.append(slice(begin, end))
        isCut = isCut or end - begin < count
    return mask.array, tuple(source), tuple(target), isCut


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
