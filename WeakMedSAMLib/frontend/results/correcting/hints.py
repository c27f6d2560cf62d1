"""Scribbles in the scene: a segmentation a volume with two segments a class, for what shows it and what does not.

They are views of the labels. No mask comes of them: they have no run, lie in no list of masks and in no export, and are
seen while masks are corrected alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import NOT_SHOWN, SHOWN
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.results.segment_images import (
    PackedMask,
    imageArray,
    imageMatrix,
    isSameGrid,
    setMask,
)
from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsIn, tagOf
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToRas

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
    transform = volumeNode.GetParentTransformNode()
    node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
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

    def show(self, isOn: bool) -> None:
        """Let them be seen, or hide them."""
        display = self.segmentationNode.GetDisplayNode()
        if display is not None and bool(display.GetVisibility()) != isOn:
            display.SetVisibility(isOn)

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

    def settle(self, className: str, newest: bool) -> None:
        """Take from one of the two segments of a class what was painted on the other, the newest one, since."""
        shape = arrayOf(self.volumeNode).shape
        winning, losing = (self._voxels(className, shows, shape) for shows in (newest, not newest))
        if winning is not None and losing is not None and (winning & losing).any():
            mask = PackedMask(np.packbits(losing & ~winning), shape, (0, 0, 0), ijkToRas(self.volumeNode))
            setMask(self.segmentationNode, self._find(className, not newest), mask)

    def scribbles(self, className: str, axis: str) -> dict[int, Scribbles]:
        """Return what is scribbled of a class, by slice along an axis (``"i"``, ``"j"`` or ``"k"``)."""
        shape = arrayOf(self.volumeNode).shape
        shows, not_ = self._voxels(className, True, shape), self._voxels(className, False, shape)
        if shows is None and not_ is None:
            return {}
        shows, not_ = (np.zeros(shape, bool) if one is None else one for one in (shows, not_))
        not_ &= ~shows
        number = 2 - AXES.index(axis)
        others = tuple(each for each in range(3) if each != number)
        painted = np.flatnonzero((shows | not_).any(axis=others))
        return {int(k): Scribbles(shows.take(k, number), not_.take(k, number)) for k in painted}

    def take(self, labels: VolumeLabels) -> bool:
        """Show what the labels hold in place of what is shown; say whether that was something else."""
        names = dict.fromkeys([*self.classNames(), *PAINTED.class_names(labels)])
        taken = [self._takeClass(labels, name) for name in names]
        return any(taken)

    def _takeClass(self, labels: VolumeLabels, className: str) -> bool:
        held = {
            index: Scribbles(painted.pixels == SHOWN, painted.pixels == NOT_SHOWN)
            for index, painted in PAINTED.slices(labels, className).items()
            if painted.state == "scribbled"
        }
        seen = self.scribbles(className, labels.axis)
        if held.keys() == seen.keys() and all(one.isSame(seen[index]) for index, one in held.items()):
            return False
        shape = arrayOf(self.volumeNode).shape
        number = 2 - AXES.index(labels.axis)
        for shows in (True, False):
            if not held and not self._find(className, shows):
                continue
            voxels = np.zeros(shape, bool)
            for index, one in held.items():
                place = tuple(index if each == number else slice(None) for each in range(3))
                voxels[place] = one.shows if shows else one.not_
            mask = PackedMask(np.packbits(voxels), shape, (0, 0, 0), ijkToRas(self.volumeNode)) if held else None
            setMask(self.segmentationNode, self.segmentIdOf(className, shows), mask)
        return True

    def _voxels(self, className: str, shows: bool, shape: tuple[int, ...]) -> np.ndarray | None:
        """Return the voxels of a segment on the grid of the volume, k x j x i, bool; None if there are none."""
        segmentId = self._find(className, shows)
        image = self.segmentationNode.GetBinaryLabelmapInternalRepresentation(segmentId) if segmentId else None
        if image is None or image.IsEmpty():
            return None
        if not isSameGrid(imageMatrix(image), ijkToRas(self.volumeNode), shape):
            # The volume was moved since, or the editor was told another grid.
            return slicer.util.arrayFromSegmentBinaryLabelmap(self.segmentationNode, segmentId, self.volumeNode) > 0
        whole = np.zeros(shape, bool)
        found = imageArray(image) == self._segment(segmentId).GetLabelValue()
        first = image.GetExtent()[::2][::-1]
        target, source = [], []
        for begin, count, size in zip(first, found.shape, shape, strict=True):
            target.append(slice(max(begin, 0), max(min(begin + count, size), 0)))
            source.append(slice(max(-begin, 0), max(min(count, size - begin), 0)))
        whole[tuple(target)] = found[tuple(source)]
        return whole

    def _find(self, className: str, shows: bool) -> str:
        wanted = className, "1" if shows else "0"
        for each in segmentIdsIn(self.segmentationNode):
            segment = self._segment(each)
            if (tagOf(segment, _CLASS_TAG), tagOf(segment, _SHOWS_TAG)) == wanted:
                return each
        return ""

    def _segment(self, segmentId: str) -> Any:
        return self.segmentationNode.GetSegmentation().GetSegment(segmentId)


def _role(node: Any) -> str:
    return str(node.GetReferenceImageGeometryReferenceRole())
