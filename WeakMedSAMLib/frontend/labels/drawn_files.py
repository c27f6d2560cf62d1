"""What was drawn elsewhere, in a segmentation or a label map, as painted labels of the current volume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.mask_painting import (
    SHOWN_ALONE,
    classes_of_segments,
    put_painted,
    scribbles_unknown,
)
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import read_fields
from WeakMedSAMLib.frontend.labels.class_edits import newClass
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToRas, imageArray, imageMatrix

SUFFIXES = (".seg.nrrd", ".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_NRRD = (".nrrd", ".nhdr")
_BINARY = "Binary labelmap"
_MOST_VALUES = 12  # that are named
_SLACK = 0.1  # of a voxel: programs round positions differently


@dataclass(frozen=True)
class Drawn:
    """Masks on the voxels of a volume.

    Attributes
    ----------
    name : str
        Of the file.
    segments : dict
        Name -> bool, k x j x i; empty for a label map.
    labels : numpy.ndarray or None
        Label values of a label map, k x j x i.
    """

    name: str
    segments: dict[str, np.ndarray]
    labels: np.ndarray | None = None


def isDrawnFile(path: Path | str) -> bool:
    """Say whether a file is a segmentation or a label map, by its name."""
    return str(path).lower().endswith(SUFFIXES)


def readDrawn(path: Path | str, volumeNode: Any) -> Drawn:
    """Read a segmentation or a label map onto the voxels of a volume, which may run another way in it.

    Parameters
    ----------
    path : Path
    volumeNode : vtkMRMLScalarVolumeNode

    Raises
    ------
    UserError
        ``cannot_read``, ``segmentation_of_surfaces``, ``grids_differ``.
    """
    path = Path(path)
    # A scene of its own: nothing of this shows up in the user's.
    scene = slicer.vtkMRMLScene()
    if _isSegmentation(path):
        node = _read(scene, path, slicer.vtkMRMLSegmentationNode(), slicer.vtkMRMLSegmentationStorageNode())
        segments = {name: _placed(path, volumeNode, *mask) for name, mask in _segmentsOf(path, node).items()}
        return Drawn(path.name, {name: mask.astype(bool) for name, mask in segments.items()})
    node = _read(scene, path, slicer.vtkMRMLLabelMapVolumeNode(), slicer.vtkMRMLVolumeArchetypeStorageNode())
    return Drawn(path.name, {}, _placed(path, volumeNode, arrayOf(node), ijkToRas(node)))


def paintedOf(drawn: Drawn, labels: VolumeLabels, classes: ClassTable, shownAlone: bool) -> CohortLabels:
    """Make labels of what was drawn: segments are the classes of their names, values those of the classes.

    Parameters
    ----------
    drawn : Drawn
    labels : VolumeLabels
        Of the volume; not changed.
    classes : ClassTable
        Those of the scene.
    shownAlone : bool
        Whether slices count that show a class alone; every one otherwise.

    Raises
    ------
    UserError
        ``labels_needed``, ``segmentation_empty``.
    """
    masks, unknown = _ofLabelMap(drawn, classes) if drawn.labels is not None else _ofSegments(drawn, classes)
    if not masks:
        raise UserError(
            "segmentation_empty",
            _("Nothing is drawn in {file}.").format(file=drawn.name),
            _("Choose another file."),
        )
    painted = VolumeLabels(labels.name, labels.sha256, labels.axis, labels.n_slices, labels.numbering, labels.size)
    put_painted(painted, masks, unknown, SHOWN_ALONE if shownAlone else range(labels.n_slices or 0))
    table = ClassTable([entry for entry in classes if entry.name in masks])
    for name in masks:
        if name not in classes.names:
            taken = ClassTable([*classes, *(entry for entry in table if entry.name not in classes.names)])
            table = ClassTable([*table, newClass(taken, name=name)])
    return CohortLabels(table, [painted])


def unreadInWords(drawn: Drawn, classes: ClassTable) -> str:
    """Return which values of a label map are those of no class; empty where there are none."""
    values = [] if drawn.labels is None else np.unique(drawn.labels).tolist()
    unread = [f"{value:g}" for value in values if value not in {0, UNKNOWN, *classes.label_values}]
    text = _("No class has the label value {values}; what is drawn with it was left out.")
    return text.format(values=", ".join(unread[:_MOST_VALUES])) if unread else ""


def _ofSegments(drawn: Drawn, classes: ClassTable) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    masks, unknown = {}, {}
    for one in classes_of_segments(list(drawn.segments), classes.names):
        nothing = np.zeros_like(next(iter(drawn.segments.values())))
        shows, elsewhere = (drawn.segments.get(name or "", nothing) for name in (one.shows, one.shows_not))
        if shows.any() or elsewhere.any():
            masks[one.name] = shows
            unknown[one.name] = nothing if one.shows_not is None else scribbles_unknown(shows, elsewhere)
    return masks, unknown


def _ofLabelMap(drawn: Drawn, classes: ClassTable) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    values = drawn.labels
    assert values is not None
    there = {int(value) for value in np.unique(values)} - {0}
    found = [entry for entry in classes if entry.label_value in there]
    if there and not found:
        text = _("{file} is a label map with the values {values}; no class has one of these as its label value.")
        raise UserError(
            "labels_needed",
            text.format(file=drawn.name, values=", ".join(map(str, sorted(there)[:_MOST_VALUES]))),
            _("Give the classes these label values ('Classes'), and import it again."),
        )
    isClass = any(entry.label_value == UNKNOWN for entry in found)
    hidden = np.zeros(values.shape, bool) if isClass else values == UNKNOWN
    return {entry.name: values == entry.label_value for entry in found}, {entry.name: hidden for entry in found}


def _isSegmentation(path: Path) -> bool:
    """Say whether a NRRD file holds segments, as its name or else its header says."""
    if path.name.lower().endswith(".seg.nrrd"):
        return True
    if not path.name.lower().endswith(_NRRD):
        return False
    return any(key.startswith("Segment0_") for key in read_fields(path))


def _read(scene: Any, path: Path, node: Any, storage: Any) -> Any:
    for each in (node, storage):
        scene.AddNode(each)
    storage.SetFileName(str(path))
    if not path.is_file() or not storage.ReadData(node):
        text = _("Slicer cannot read {file}.").format(file=path.name)
        raise UserError("cannot_read", text, _("Open it in Slicer by itself: its log says what is wrong."))
    return node


def _segmentsOf(path: Path, node: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return name -> voxels and where they lie, of all segments; UserError for surfaces and for two of one name."""
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() and not segmentation.IsSourceRepresentationImageData():
        text = _("{file} holds surfaces, not voxels.").format(file=path.name)
        raise UserError("segmentation_of_surfaces", text, _("Choose another file."))
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        if segment.GetName().casefold() in map(str.casefold, found):
            text = _("{file} has several segments called '{name}'.").format(file=path.name, name=segment.GetName())
            raise UserError("segment_ambiguous", text, _("Rename them in Slicer and save it again."))
        image = segment.GetRepresentation(_BINARY)
        if image is None or image.IsEmpty():
            found[segment.GetName()] = np.zeros((0, 0, 0), bool), np.eye(4)
            continue
        toRas = imageMatrix(image)
        toRas[:3, 3] = (toRas @ [*image.GetExtent()[::2], 1.0])[:3]
        found[segment.GetName()] = imageArray(image) == segment.GetLabelValue(), toRas
    return found


def _placed(path: Path, volumeNode: Any, array: np.ndarray, toRas: np.ndarray) -> np.ndarray:
    """Return voxels on those of a volume; what lies between them, or outside, is refused."""
    placed = np.zeros(arrayOf(volumeNode).shape, array.dtype)
    if not array.any():
        return placed
    toVolume = np.linalg.inv(ijkToRas(volumeNode)) @ toRas
    steps = np.rint(toVolume)
    corners = np.vstack([np.hstack([np.diag(array.shape[::-1]), np.zeros((3, 1))]), np.ones(4)])
    turns = np.abs(steps[:3, :3])
    isTurned = bool((turns.sum(0) == 1).all() and (turns.sum(1) == 1).all())
    isSame = isTurned and np.abs((toVolume - steps) @ corners).max() <= _SLACK
    outside = _put(placed, array, steps.astype(int)) if isSame else 0
    if not isSame or outside:
        text = _("The voxels of {file} do not lie on those of '{name}'.")
        if outside:
            text = _("{file}: {count} of the voxels that are drawn lie outside of '{name}'.")
        raise UserError(
            "grids_differ",
            text.format(file=path.name, name=volumeNode.GetName(), count=outside),
            _("In the module Segmentations export it to a label map with the volume as reference, and import that."),
        )
    return placed


def _put(target: np.ndarray, array: np.ndarray, steps: np.ndarray) -> int:
    """Put voxels where a matrix of whole steps (4 x 4, i j k) has them; return how many that are drawn lie outside.

    Turned as a view and copied at once: places of single voxels would take many times the memory of a scan.
    """
    turns, offsets = steps[:3, :3][::-1, ::-1], steps[:3, 3][::-1]
    axes = np.abs(turns).argmax(1)
    signs = turns.sum(1)
    moved = array.transpose(axes)[tuple(slice(None, None, int(sign)) for sign in signs)]
    inside, there = [], []
    for sign, offset, count, size in zip(signs, offsets, moved.shape, target.shape, strict=True):
        first = int(offset) - (count - 1 if sign < 0 else 0)
        start, stop = min(max(first, 0), size), min(max(first + count, 0), size)
        there.append(slice(start, stop))
        inside.append(slice(start - first, stop - first) if start < stop else slice(0, 0))
    part = moved[tuple(inside)]
    if part.size:
        target[tuple(there)] = part
    return int(np.count_nonzero(array) - np.count_nonzero(part))
