"""The threshold slider: a class's mask from its probabilities, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.label_maps import read_label_maps_steps
from WeakMedSAMLib.contract.labels.painted_slice import Slices
from WeakMedSAMLib.contract.nrrd import read_image_steps
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.results.known_pixels import KnownPixels, turnedSlices
from WeakMedSAMLib.frontend.results.machine_masks import lowestOf
from WeakMedSAMLib.frontend.results.noted_grids import gridWhenMade, hasVolumeMoved, isOtherEnd, isTurnedSince
from WeakMedSAMLib.frontend.results.segment_editor import saveStateForUndo
from WeakMedSAMLib.frontend.results.segment_history import MaskChanged, SegmentHistory
from WeakMedSAMLib.frontend.results.segment_images import (
    BINARY,
    PackedMask,
    isSameGrid,
    isShared,
    ownImage,
    packMask,
    setMask,
)
from WeakMedSAMLib.frontend.results.segment_moves import followVolume
from WeakMedSAMLib.frontend.results.segment_tags import labelValueOf, setThreshold, thresholdOf
from WeakMedSAMLib.frontend.results.surfaces import isSurfaceShown, makeSurfaces
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, imageArray, imageMatrix, sliceCount, voxelMl

_Box = tuple[slice, slice, slice]


class _Maps(NamedTuple):
    """What a run made of a class in a volume, where that is not 0: probabilities (uint8, k x j x i) and the mask."""

    probabilities: np.ndarray
    generated: PackedMask


class ThresholdEditor:
    """Changes one segment to all voxels at or above a probability.

    The probabilities are read on the first use (`loadSteps` does it in short pieces). The segment gets an image of its
    own, so that segments that shared one with it, and segments that overlap it, stay as they are.

    Parameters
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
        The volume that the segment was generated for.
    segmentationNode : vtkMRMLSegmentationNode
    segmentId : str
    probabilityPath : Path
        uint8 in the volume's grid, 255 for 1.0.
        The masks as generated lie beside it.
    history : SegmentHistory
        Gets each drag as one step to undo.

    Attributes
    ----------
    painted : callable
        Returns the axis of the slices and what is painted of the class there: these pixels stay as they are known.
    hasFollowed : bool
        Whether the masks were moved along with their volume, which lay elsewhere when they were made.
    """

    def __init__(
        self,
        volumeNode: Any,
        segmentationNode: Any,
        segmentId: str,
        probabilityPath: Path | str,
        history: SegmentHistory,
    ) -> None:
        self.volumeNode = volumeNode
        self.segmentationNode = segmentationNode
        self.segmentId = segmentId
        self._probabilityPath = Path(probabilityPath)
        self._history = history
        self.painted: Callable[[], tuple[str, Slices]] = lambda: ("k", {})
        self._known: KnownPixels | None = None
        self._maps: _Maps | None = None
        self._image: Any = None
        self._before: tuple[PackedMask | None, float | None] | None = None
        self._value: float | None = None
        self._wasSurfaceShown = False
        self.hasFollowed = False

    @property
    def isLoaded(self) -> bool:
        """Whether the probabilities are in memory."""
        return self._maps is not None

    @property
    def isChanging(self) -> bool:
        """Whether a drag was begun and not finished."""
        return self._before is not None

    def loadSteps(self) -> Steps[ThresholdEditor]:
        """Read probabilities and masks as generated, in short pieces; only the part that is not 0 is kept.

        Raises
        ------
        UserError
            ``file_missing``, ``cannot_read``, ``bad_result`` or ``result_of_other_volume``.
        """
        yield from self._readSteps()
        return self

    def _readSteps(self) -> Steps[_Maps]:
        value = labelValueOf(self._segment())
        probabilities = yield from read_image_steps(self._probabilityPath)
        labels = yield from read_label_maps_steps(self._probabilityPath.with_name(LABELS))
        self._requireFit(probabilities.array.shape, labels.shape)
        isOther = isOtherEnd(self.segmentationNode, self.volumeNode, self.segmentId, labels.ijk_to_ras)
        both = (probabilities.array, labels.layer(value))
        probabilityMap, labelMap = (array[:: -1 if isOther else 1] for array in both)
        box = yield from _boxSteps(probabilityMap, labelMap, value)
        k, j, i = box
        mask = labelMap[box] == value
        yield None
        generated = PackedMask(np.packbits(mask), mask.shape, (i.start, j.start, k.start), labels.ijk_to_ras)
        yield None
        self._maps = _Maps(probabilityMap[box].copy(), generated)
        return self._maps

    def begin(self) -> None:
        """Start a drag: from here `finish` makes one step to undo, however often `apply` is called between."""
        if self._before is None:
            self._segment()
            saveStateForUndo(self.segmentationNode)
            self._wasSurfaceShown = isSurfaceShown(self.segmentationNode)
            mask = packMask(self.segmentationNode, self.segmentId)
            self._before = (mask, thresholdOf(self._segment()))
            self._known = self._findKnown()

    def apply(self, value: float) -> float:
        """Make the segment the voxels with a probability of at least `value` (0..1; 0 itself counts as 1/255).

        Returns
        -------
        float
            Its volume in millilitres.

        Raises
        ------
        UserError
            ``segment_gone``, ``transforms_differ``, and what `loadSteps` raises.
        """
        maps = self._load()
        self._follow()
        self.begin()
        self._value = value
        known = self._known
        mask = self._onGrid(maps.generated if known is None else known.around(maps.generated))
        with self._history.writing():
            target = self._ownTarget(mask)
            inside = target if known is None else known.inside(target)
            np.greater_equal(maps.probabilities, lowestOf(value), out=inside)
            if known is not None:
                known.putInto(target)
            self._image.Modified()
        return np.count_nonzero(target) * voxelMl(self.volumeNode)

    def reset(self) -> float:
        """Make the segment as it was generated; returns its volume in millilitres. One step to undo."""
        maps = self._load()
        self._follow()
        self.begin()
        self._image = self._value = None
        known = self._known
        mask = self._onGrid(maps.generated if known is None else known.laidOver(maps.generated))
        with self._history.writing():
            setMask(self.segmentationNode, self.segmentId, mask)
        self.finish()
        return np.count_nonzero(mask.array) * voxelMl(self.volumeNode)

    def finish(self) -> None:
        """End a drag: remember it for undo, and bring the surface in the 3D view up to date."""
        if self._before is None:
            return
        before, self._before = self._before, None
        segment = self.segmentationNode.GetSegmentation().GetSegment(self.segmentId)
        if segment is None or self.segmentationNode.GetScene() is None:
            return
        setThreshold(segment, self._value)
        if self._wasSurfaceShown:
            # Slicer drops all surfaces of a segmentation with any change; hidden ones are made again when shown.
            makeSurfaces(self.segmentationNode)
        self._history.add(MaskChanged(self.segmentationNode, self.segmentId, *before))

    def _findKnown(self) -> KnownPixels | None:
        axis, slices = self.painted()
        if isTurnedSince(self.segmentationNode, self.volumeNode, self.segmentId):
            # Masks are drawn as their volume was counted when they were made.
            slices = turnedSlices(axis, slices, sliceCount(self.volumeNode, axis))
        shape = self.volumeNode.GetImageData().GetDimensions()[::-1]
        return KnownPixels(axis, slices, self._load().generated, shape) if slices else None

    def _load(self) -> _Maps:
        return self._maps if self._maps is not None else runToEnd(self._readSteps())

    def _follow(self) -> None:
        """Move all masks along if their volume was moved: one alone would be drawn beside the others."""
        if hasVolumeMoved(self.segmentationNode, self.volumeNode, self.segmentId):
            # What was drawn before the move is a step of its own to undo.
            self.finish()
            self.hasFollowed = followVolume(self.segmentationNode, self.volumeNode, self._history)

    def _onGrid(self, generated: PackedMask) -> PackedMask:
        """Return the mask as generated, on the voxels of the volume as the other masks of its run."""
        return replace(generated, ijkToRas=gridWhenMade(self.segmentationNode, self.volumeNode, self.segmentId))

    def _ownTarget(self, mask: PackedMask) -> np.ndarray:
        """Return the segment's voxels as bool, on an image of its own on the grid of a mask."""
        isOurs = self._image is not None and self._segment().GetRepresentation(BINARY) is self._image
        # Saving the scene joins images, a segment that the user adds joins one, the Segment Editor cuts them to size.
        isUsable = (
            isOurs
            and self._image.GetDimensions()[::-1] == mask.shape
            and isSameGrid(imageMatrix(self._image), mask.ijkToRas, mask.shape)
            and not isShared(self.segmentationNode, self.segmentId)
        )
        if not isUsable:
            self._image = ownImage(self.segmentationNode, self.segmentId, mask.shape, mask.first, mask.ijkToRas)
        elif self._segment().GetLabelValue() != 1:
            self._segment().SetLabelValue(1)
        return imageArray(self._image).view(bool)

    def _segment(self) -> Any:
        segment = self.segmentationNode.GetSegmentation().GetSegment(self.segmentId)
        if segment is None or self.segmentationNode.GetScene() is None:
            raise UserError("segment_gone", _("The segment was removed."), _("Generate the masks again."))
        return segment

    def _requireFit(self, *shapes: tuple[int, ...]) -> None:
        if any(shape != arrayOf(self.volumeNode).shape for shape in shapes):
            message = _("The probabilities do not fit the volume {name}: it changed since.")
            text = message.format(name=self.volumeNode.GetName())
            raise UserError("result_of_other_volume", text, _("Generate the masks again."))


def _boxSteps(probabilities: np.ndarray, labels: np.ndarray, value: int | None) -> Steps[_Box]:
    """Find the smallest box, k x j x i, with every voxel that can ever belong to the segment."""
    used = [np.zeros(count, bool) for count in probabilities.shape]
    for k, (plane, labelPlane) in enumerate(zip(probabilities, labels, strict=True)):
        any_here = (plane > 0) | (labelPlane == value)
        rows = any_here.any(axis=1)
        used[0][k] = rows.any()
        used[1] |= rows
        used[2] |= any_here.any(axis=0)
        yield None
    if not used[0].any():
        return slice(0, 1), slice(0, 1), slice(0, 1)
    first, second, third = (slice(int(np.argmax(line)), len(line) - int(np.argmax(line[::-1]))) for line in used)
    return first, second, third
