"""Scribbles in the scene: a segmentation a volume with two segments a class, for what shows it and what does not.

They show the scribbles that were made here and that the labels still hold. No mask comes of them: they have no run, lie
in no list of masks and in no export, and are seen while masks are corrected alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.axis_change import slices_across
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.results.review_changes import versionOf
from WeakMedSAMLib.frontend.results.segment_images import PackedMask, isSameGrid, setMask
from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsIn, tagOf
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToRas, imageArray, imageMatrix

HINTS_ATTRIBUTE = "WeakMedSAM.Hints"
_CLASS_TAG, _SHOWS_TAG = "WeakMedSAM.HintOf", "WeakMedSAM.HintShows"
_NOT = (0.95, 0.1, 0.75)  # unlike tissue, and unlike every class of the presets
_OPACITY = 0.6


class Scribbles(NamedTuple):
    """What is scribbled on a slice: where a class is shown, and where it is not; rows x columns, bool."""

    shows: np.ndarray
    not_: np.ndarray

    def isSame(self, other: Scribbles | None) -> bool:
        """Say whether the same is scribbled; None is nothing."""
        if other is None:
            return not self.shows.any() and not self.not_.any()
        return np.array_equal(self.shows, other.shows) and np.array_equal(self.not_, other.not_)


def turned(scribbles: Mapping[int, Scribbles], shape: tuple[int, ...], axis: str, to: str) -> dict[int, Scribbles]:
    """Return scribbles by slices along another axis.

    Parameters
    ----------
    scribbles : mapping of int to Scribbles
    shape : tuple of int
        Of the volume, k x j x i.
    axis, to : {"i", "j", "k"}
        Axes along which slices are counted, and are to be.
    """
    shows, nots = (
        slices_across({index: one[part] for index, one in scribbles.items()}, shape, axis, to, np.False_)
        for part in (0, 1)
    )
    pairs = enumerate(zip(shows, nots, strict=True))
    return {index: Scribbles(one.copy(), other.copy()) for index, (one, other) in pairs if (one | other).any()}


def isHints(node: Any) -> bool:
    """Say whether a segmentation holds scribbles."""
    return node.GetAttribute(HINTS_ATTRIBUTE) is not None


def hintsOf(volumeNode: VolumeNode) -> Hints | None:
    """Return the scribbles of a volume, or None if the scene has none."""
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if isHints(node) and node.GetNodeReference(_role(node)) is volumeNode:
            return Hints(node, volumeNode)
    return None


def makeHints(volumeNode: VolumeNode) -> Hints:
    """Return the scribbles of a volume, with an empty segmentation for them if there is none yet."""
    found = hintsOf(volumeNode)
    if found is not None:
        return found
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(_("{volume} scribbles").format(volume=volumeNode.GetName()))
    node.SetAttribute(HINTS_ATTRIBUTE, "yes")
    node.SetHideFromEditors(True)
    node = slicer.mrmlScene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    _placeOn(node, volumeNode)
    display = node.GetDisplayNode()
    display.SetVisibility(False)
    display.SetVisibility3D(False)
    display.SetOpacity2DFill(_OPACITY)
    return Hints(node, volumeNode)


class Hints:
    """The scribbles of one volume in the scene.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    volumeNode : vtkMRMLScalarVolumeNode
    """

    def __init__(self, segmentationNode: Any, volumeNode: Any) -> None:
        self.segmentationNode, self.volumeNode = segmentationNode, volumeNode

    def show(self, isOn: bool, like: Any = None) -> None:
        """Let them be seen in the views that another display node has, or hide them."""
        display = self.segmentationNode.GetDisplayNode()
        if display is None:
            return
        if like is not None and display.GetViewNodeIDs() != like.GetViewNodeIDs():
            display.RemoveAllViewNodeIDs()
            for viewId in like.GetViewNodeIDs():
                display.AddViewNodeID(viewId)
        if bool(display.GetVisibility()) != isOn:
            display.SetVisibility(isOn)

    def keepUp(self) -> bool:
        """See whether the volume lies where it did when this was scribbled; say no, and forget all of it, if not.

        The labels know the pixels by their numbers, and keep them.
        """
        shape, matrix = arrayOf(self.volumeNode).shape, ijkToRas(self.volumeNode)
        images = map(self.segmentationNode.GetBinaryLabelmapInternalRepresentation, segmentIdsIn(self.segmentationNode))
        held = [image for image in images if image is not None and not image.IsEmpty()]
        if all(isSameGrid(imageMatrix(image), matrix, shape) for image in held):
            return True
        for segmentId in segmentIdsIn(self.segmentationNode):
            setMask(self.segmentationNode, segmentId, self._packed({}, "k"))
        _placeOn(self.segmentationNode, self.volumeNode)
        return False

    def classNames(self) -> list[str]:
        """Return the classes that have segments here."""
        tags = (tagOf(self._segment(each), _CLASS_TAG) for each in segmentIdsIn(self.segmentationNode))
        return [name for name in dict.fromkeys(tags) if name]

    def segmentIdOf(self, className: str, shows: bool, color: tuple[float, float, float] | None = None) -> str:
        """Return the segment of a class for one of the two; an empty one is made if there is none.

        Parameters
        ----------
        className : str
        shows : bool
            For what shows the class, or for what does not.
        color : tuple of float, optional
            Of the class, for a new segment.
        """
        found = self._find(className, shows)
        if found:
            return found
        name = className if shows else _("not {name}").format(name=className)
        segmentation = self.segmentationNode.GetSegmentation()
        made = segmentation.AddEmptySegment("", name, (color or (0.2, 0.8, 0.3)) if shows else _NOT)
        segment = segmentation.GetSegment(made)
        segment.SetTag(_CLASS_TAG, className)
        segment.SetTag(_SHOWS_TAG, "1" if shows else "0")
        return str(made)

    def scribbles(self, className: str, axis: str, newest: bool = True) -> dict[int, Scribbles]:
        """Return what is scribbled of a class, by slice.

        Parameters
        ----------
        className : str
        axis : {"i", "j", "k"}
            Axis along which slices are counted.
        newest : bool
            Which of the two counts where both were painted.
        """
        planes = {shows: self._planes(className, shows, axis) for shows in (True, False)}
        found = {}
        for index in sorted({*planes[True], *planes[False]}):
            shape = next(each[index].shape for each in planes.values() if index in each)
            both = {shows: planes[shows].get(index, np.zeros(shape, bool)) for shows in (True, False)}
            both[not newest] = both[not newest] & ~both[newest]
            found[index] = Scribbles(both[True], both[False])
        return found

    def version(self, className: str) -> tuple[Any, ...]:
        """Return what changes with the scribbles of a class."""
        segments = map(self._segment, (self._find(className, shows) for shows in (True, False)))
        return tuple(versionOf(segment) for segment in segments if segment is not None)

    def isSettled(self, className: str, axis: str) -> bool:
        """Say whether nothing is painted as both."""
        shows, not_ = (self._planes(className, each, axis) for each in (True, False))
        return not any((plane & not_[index]).any() for index, plane in shows.items() if index in not_)

    def put(self, className: str, axis: str, scribbles: Mapping[int, Scribbles]) -> None:
        """Show these in place of what is scribbled on their slices."""
        for shows in (True, False):
            planes = self._planes(className, shows, axis)
            planes |= {index: one.shows if shows else one.not_ for index, one in scribbles.items()}
            planes = {index: plane for index, plane in planes.items() if plane.any()}
            if planes or self._find(className, shows):
                setMask(self.segmentationNode, self.segmentIdOf(className, shows), self._packed(planes, axis))

    def _packed(self, planes: Mapping[int, np.ndarray], axis: str) -> PackedMask:
        if not planes:
            # On the grid of the volume: the editor draws on what holds all images.
            return PackedMask(np.packbits(np.zeros(1, bool)), (1, 1, 1), (0, 0, 0), ijkToRas(self.volumeNode))
        # As small as it can be: strokes are.
        used = np.any(list(planes.values()), axis=0)
        rows, columns = (np.flatnonzero(used.any(axis=each)) for each in (1, 0))
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        first, last = min(planes), max(planes)
        stack = np.zeros((last - first + 1, *used[part].shape), bool)
        for index, one in planes.items():
            stack[index - first] = one[part]
        number = 2 - AXES.index(axis)
        array = np.moveaxis(stack, 0, number)
        corner = [int(rows[0]), int(columns[0])]
        corner.insert(number, first)
        k, j, i = array.shape
        return PackedMask(np.packbits(array), (k, j, i), (corner[2], corner[1], corner[0]), ijkToRas(self.volumeNode))

    def _planes(self, className: str, shows: bool, axis: str) -> dict[int, np.ndarray]:
        """Return the slices on which a segment has voxels: rows x columns, bool."""
        part = self._part(className, shows)
        if part is None:
            return {}
        number, shape = 2 - AXES.index(axis), arrayOf(self.volumeNode).shape
        array, first = part
        size = tuple(count for each, count in enumerate(shape) if each != number)
        place = tuple(
            slice(begin, begin + count)
            for each, (begin, count) in enumerate(zip(first, array.shape, strict=True))
            if each != number
        )
        found = {}
        for offset, plane in enumerate(np.moveaxis(array, number, 0)):
            if plane.any():
                whole = found[first[number] + offset] = np.zeros(size, bool)
                whole[place] = plane
        return found

    def _part(self, className: str, shows: bool) -> tuple[np.ndarray, tuple[int, ...]] | None:
        """Return the voxels of a segment, k x j x i, bool, and where they begin in the volume; None without any."""
        segmentId = self._find(className, shows)
        image = self.segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId) if segmentId else None
        if image is None or image.IsEmpty():
            return None
        shape = arrayOf(self.volumeNode).shape
        found = imageArray(image) == self._segment(segmentId).GetLabelValue()
        first = tuple(image.GetExtent()[::2][::-1])
        inside = [
            slice(max(-begin, 0), max(min(count, size - begin), 0))
            for begin, count, size in zip(first, found.shape, shape, strict=True)
        ]
        return found[tuple(inside)], tuple(max(begin, 0) for begin in first)

    def _find(self, className: str, shows: bool) -> str:
        wanted = className, "1" if shows else "0"
        for each in segmentIdsIn(self.segmentationNode):
            segment = self._segment(each)
            if (tagOf(segment, _CLASS_TAG), tagOf(segment, _SHOWS_TAG)) == wanted:
                return each
        return ""

    def _segment(self, segmentId: str) -> Any:
        return self.segmentationNode.GetSegmentation().GetSegment(segmentId)


def _placeOn(node: Any, volumeNode: VolumeNode) -> None:
    """Have a segmentation lie on the voxels of a volume."""
    transform = volumeNode.GetParentTransformNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)


def _role(node: Any) -> str:
    return str(node.GetReferenceImageGeometryReferenceRole())
