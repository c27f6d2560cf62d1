"""The masks of a run on their way from its folder into the scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.label_maps import LabelMaps, read_label_maps_steps
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridOn, noteGrid
from WeakMedSAMLib.frontend.results.run_results import RunResult, StoredResult, readRecord
from WeakMedSAMLib.frontend.results.segment_editor import saveStateForUndo
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory, SegmentsAdded
from WeakMedSAMLib.frontend.results.segment_images import MaskContent, contentSteps, isSameGrid, newImage
from WeakMedSAMLib.frontend.results.segment_making import addSegments, newSegmentation, noteRun, showSegments
from WeakMedSAMLib.frontend.results.segment_tags import requireLabelmaps, segmentIdsOf
from WeakMedSAMLib.frontend.results.slice_digests import SliceDigests, digestSteps, writeDigests
from WeakMedSAMLib.frontend.results.volume_planes import SegmentPlanes
from WeakMedSAMLib.frontend.running.run_control import Loaded, Target
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.scene_volumes import (
    identitySteps,
    ijkToRas,
    imageArray,
    imageMatrix,
    reversedIdentitySteps,
)


class ResultLoader:
    """Brings the masks of runs into a scene, as `RunControl` asks.

    Parameters
    ----------
    scene : vtkMRMLScene
    history : SegmentHistory
        Remembers what is added to segmentations of the user.
    """

    def __init__(self, scene: Any, history: SegmentHistory) -> None:
        self._scene = scene
        self._history = history

    def forget(self) -> None:
        """Hold no nodes and segments of the scene any more."""
        self._history.clear()

    def findTarget(self, segmentationNode: Any, volumes: Mapping[str, Any]) -> Target:
        """Find the volume whose masks can go into a segmentation of the user.

        Parameters
        ----------
        segmentationNode : vtkMRMLSegmentationNode
        volumes : mapping of str to vtkMRMLScalarVolumeNode
            Volume id -> node, of a run.

        Returns
        -------
        Target
            The volume that the segmentation belongs to; the only one if it belongs to none.

        Raises
        ------
        UserError
            ``segmentation_of_other_volume``, ``segmentation_of_surfaces``, ``transforms_differ``.
        """
        requireLabelmaps(segmentationNode)
        volumeNode = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
        isOnly = volumeNode is None and len(volumes) == 1
        found = [volumeId for volumeId, node in volumes.items() if node is volumeNode or isOnly]
        if not found:
            raise _explainMismatch(segmentationNode, volumeNode)
        gridOn(volumes[found[0]], segmentationNode)
        return Target(found[0], segmentationNode)

    def loadSteps(self, record: RunRecord, target: Target | None = None) -> Steps[Loaded]:
        """Make segments of every volume that is in the scene without any; one that gets none does not keep others out.

        Parameters
        ----------
        record : RunRecord
            Of the run; gets the ids of the segmentations.
        target : Target, optional
            A segmentation of the user that gets the masks of its volume in addition to what it has.

        Raises
        ------
        UserError
            At once what `readRecord` raises; then what was wrong with the first volume, if none got its masks.
        """
        return self._loadSteps(record, readRecord(record), target)

    def _loadSteps(self, record: RunRecord, result: RunResult, target: Target | None) -> Steps[Loaded]:
        loaded = Loaded()
        classes = result.description.classes
        for volumeId, volumeResult in result.volumes.items():
            volumeNode = self._scene.GetNodeByID(record.volumes.get(volumeId, ""))
            if volumeNode is None:
                loaded.missing.append(volumeResult.name)
                continue
            if self._hasMasks(record, volumeId):
                # They may have been corrected by hand.
                continue
            chosen = self._chosenFor(target, volumeId)
            try:
                node = yield from self.volumeSteps(volumeNode, volumeResult, classes, record, chosen)
            except UserError as error:
                loaded.problems.append(error)
                continue
            record.segmentations[volumeId] = node.GetID()
        if loaded.problems and not record.segmentations:
            raise loaded.problems[0]
        return loaded

    def volumeSteps(
        self,
        volumeNode: Any,
        volumeResult: StoredResult,
        classTable: ClassTable,
        record: RunRecord,
        segmentationNode: Any = None,
    ) -> Steps[Any]:
        """Bring the masks of one volume into the scene, in short pieces.

        Parameters
        ----------
        volumeNode : vtkMRMLScalarVolumeNode
            The volume that the masks belong to.
        volumeResult : StoredResult
        classTable : ClassTable
            Of the run; gives names, colours, terminology and label values.
        record : RunRecord
            Its id and settings are kept with the segments.
        segmentationNode : vtkMRMLSegmentationNode, optional
            Gets the segments in addition to those that it has, which stay as they are; a new one is made otherwise.

        Returns
        -------
        vtkMRMLSegmentationNode

        Raises
        ------
        UserError
            ``file_missing``, ``cannot_read``, ``bad_result``, ``result_of_other_volume``, ``segmentation_of_surfaces``,
            ``transforms_differ``; ``volume_gone`` if volume or segmentation left the scene meanwhile. The scene is as
            it was then.
        """
        if segmentationNode is not None:
            requireLabelmaps(segmentationNode)
        inFile = yield from read_label_maps_steps(volumeResult.labels)
        labels = yield from _reorderSteps(inFile, volumeNode, volumeResult)
        _requireSameGrid(labels, volumeNode, volumeResult)
        grid = gridOn(volumeNode, segmentationNode or volumeNode)
        images = yield from _imagesSteps(labels, classTable, grid)
        isNew = segmentationNode is None
        contents = [] if isNew else (yield from _contentsSteps(images, classTable))
        digests = yield from _digestsSteps(images, classTable, volumeNode, volumeResult.axis)
        self._requireInScene(volumeResult, volumeNode, segmentationNode)
        if isNew:
            segmentationNode = newSegmentation(self._scene, volumeNode)
        else:
            saveStateForUndo(segmentationNode)
        segmentIds = addSegments(segmentationNode, images, classTable, record, volumeResult.volumeId)
        for segmentId, each in zip(segmentIds, digests, strict=True):
            writeDigests(segmentationNode.GetSegmentation().GetSegment(segmentId), each)
        # The volume may be moved while its masks are read.
        ids, isReversed = (record.runId, volumeResult.volumeId), labels is not inFile
        noteGrid(segmentationNode, volumeNode, *ids, grid, isReversed)
        if not isNew:
            self._history.add(SegmentsAdded(segmentationNode, dict(zip(segmentIds, contents, strict=True))))
        yield 1.0
        noteRun(segmentationNode, record)
        showSegments(segmentationNode, segmentIds, isNew)
        return segmentationNode

    def _hasMasks(self, record: RunRecord, volumeId: str) -> bool:
        node = self._scene.GetNodeByID(record.segmentations.get(volumeId, ""))
        return node is not None and bool(segmentIdsOf(node, record.runId, volumeId))

    def _chosenFor(self, target: Target | None, volumeId: str) -> Any:
        """Return the segmentation that the user chose for a volume; None (a new one) if it was removed meanwhile."""
        if target is None or target.volumeId != volumeId or target.segmentationNode.GetScene() is not self._scene:
            return None
        return target.segmentationNode

    def _requireInScene(self, volumeResult: StoredResult, *nodes: Any) -> None:
        for node in nodes:
            if node is not None and node.GetScene() is not self._scene:
                text = _("The volume {name} or its segmentation was removed from the scene.")
                hint = _("Undo that, then choose 'Load masks into the scene' in section 5, Review.")
                raise UserError("volume_gone", text.format(name=volumeResult.name), hint)


def _explainMismatch(segmentationNode: Any, volumeNode: Any) -> UserError:
    message = _("{segmentation} belongs to no volume, so it is not known whose masks to add to it.")
    if volumeNode is not None:
        message = _("{segmentation} belongs to the volume {volume}, which is not in this run.")
    volume = volumeNode.GetName() if volumeNode is not None else ""
    text = message.format(segmentation=segmentationNode.GetName(), volume=volume)
    hint = _("Choose a segmentation of a volume of this run, or none for new ones.")
    return UserError("segmentation_of_other_volume", text, hint)


def _requireSameGrid(labels: LabelMaps, volumeNode: Any, volumeResult: StoredResult) -> None:
    image = volumeNode.GetImageData()
    shape = image.GetDimensions()[::-1] if image else ()
    # The engine writes the geometry that it read; what SimpleITK rounds is far below a thousandth of a millimetre.
    isSame = shape == labels.shape and isSameGrid(labels.ijk_to_ras, ijkToRas(volumeNode), shape)
    if not isSame:
        message = _("The masks of {name} do not fit the volume {volume}: its size or position changed since.")
        text = message.format(name=volumeResult.name, volume=volumeNode.GetName())
        raise UserError("result_of_other_volume", text, _("Choose the volume of that run, or generate again."))


def _reorderSteps(labels: LabelMaps, volumeNode: Any, volumeResult: StoredResult) -> Steps[LabelMaps]:
    """Return masks with their slices in the order in which the volume has them, which must have the voxels of the run.

    Slicer reverses the slices of a left-handed volume when it is saved and loaded again.
    """
    image = volumeNode.GetImageData()
    if volumeResult.sha256 is None or image is None or image.GetDimensions()[::-1] != labels.shape:
        return labels
    if (yield from identitySteps(volumeNode)) != volumeResult.sha256:
        if volumeResult.isLeftHanded and (yield from reversedIdentitySteps(volumeNode)) == volumeResult.sha256:
            return labels.turned()
        text = _("The voxels of {volume} changed since the run began, so its masks were not loaded.")
        hint = _("Undo the change and choose 'Load masks into the scene' in section 5, Review, or generate again.")
        raise UserError("result_of_other_volume", text.format(volume=volumeNode.GetName()), hint)
    return labels


def _imagesSteps(labels: LabelMaps, classTable: ClassTable, matrix: np.ndarray) -> Steps[list[Any]]:
    """Make the image of each class; those of one layer have it in common."""
    images: dict[int, Any] = {}
    layers = [labels.layer_of.get(value, 0) for value in classTable.label_values]
    for number in dict.fromkeys(layers):
        layer = labels.image.array[number]
        images[number] = newImage(labels.shape, (0, 0, 0), matrix, np.dtype(f"u{min(layer.itemsize, 2)}"))
        for plane, source in zip(imageArray(images[number]), layer, strict=True):
            plane[:] = source
            yield None
    return [images[number] for number in layers]


def _contentsSteps(images: list[Any], classTable: ClassTable) -> Steps[list[MaskContent]]:
    """Make the contents of the segments that the classes become, so that hand work on them is told apart later."""
    contents = []
    for image, value in zip(images, classTable.label_values, strict=True):
        contents.append((yield from contentSteps(imageArray(image), (0, 0, 0), imageMatrix(image), value)))
    return contents


def _digestsSteps(images: list[Any], classTable: ClassTable, volumeNode: Any, axis: str) -> Steps[list[SliceDigests]]:
    """Make the digests of the slices of all segments, by which it is seen later that somebody corrected one."""
    digests = []
    for image, value in zip(images, classTable.label_values, strict=True):
        array = imageArray(image)
        planes = SegmentPlanes(array, (0, 0, 0), value, array.shape, axis)
        digests.append((yield from digestSteps(planes, volumeNode)))
    return digests
