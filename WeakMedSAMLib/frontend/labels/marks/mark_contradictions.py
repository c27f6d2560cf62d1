"""What contradicts points and boxes: tags of their slices, and what is known of their class."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.contradictions import contradictions, side_contradictions
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
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
    found: dict[str, dict[int, str]] = {name: {} for name in classes.names}
    text = _("tagged absent, but marked; the mark counts")
    for one in contradictions(labels):
        if one.class_name in found:
            found[one.class_name] |= dict.fromkeys(one.slices, text)
    if volumeNode is not None and labels.size is not None:
        for name, slices, words in _onOtherSide(labels, classes, VoxelGrid.of(volumeNode)):
            found[name] |= dict.fromkeys(slices, words)
    return {name: texts for name, texts in found.items() if texts}


def _onOtherSide(labels: VolumeLabels, classes: ClassTable, grid: VoxelGrid) -> list[tuple[str, range, str]]:
    """Return class, slices and words of each mark that lies on the other side than what is known of its class."""
    found = []
    for problem in side_contradictions(labels, classes, grid.local):
        first, _dash, last = str(problem.values["slice"]).partition("-")
        slices = range(int(first), int(last or first) + 1)
        found.append((str(problem.values["class"]), slices, wordsOf(problem)[0]))
    return found
