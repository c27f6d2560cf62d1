"""What contradicts points and boxes: tags of their slices, and what is known of their class."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.marks.mark_finding import contradictedSlices, marksOf
from WeakMedSAMLib.frontend.labels.marks.mark_words import kindInWords
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.labels.side_words import sideInWords
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode


def contradictionsOf(
    labels: VolumeLabels, classes: ClassTable, volumeNode: VolumeNode | None
) -> dict[str, dict[int, str]]:
    """Return class -> slice -> what contradicts the marks there, in words; classes without any are left out.

    Parameters
    ----------
    labels : VolumeLabels
    classes : ClassTable
    volumeNode : vtkMRMLScalarVolumeNode or None
        The volume; without it nothing is said of sides.
    """
    if not labels.further:
        return {}
    found: dict[str, dict[int, str]] = {}
    grid = VoxelGrid.of(volumeNode) if volumeNode is not None else None
    for entry in classes:
        texts = {
            each: _("tagged absent, but marked; the mark counts") for each in contradictedSlices(labels, entry.name)
        }
        if entry.known.side is not None and grid is not None:
            texts |= _onOtherSide(labels, entry.name, entry.known.side, grid)
        if texts:
            found[entry.name] = texts
    return found


def _onOtherSide(labels: VolumeLabels, className: str, side: str, grid: VoxelGrid) -> dict[int, str]:
    texts: dict[int, str] = {}
    for mark in marksOf(labels, className):
        if mark.shows and grid.isOnOtherSide(mark.corners, side):
            text = _("{kind} on the other side: the class is known to be {side}")
            first, last = slices_of(mark, labels)
            words = text.format(kind=kindInWords(mark, labels), side=sideInWords(side))
            texts |= dict.fromkeys(range(first, last + 1), words)
    return texts
