"""The volumes of a scene with what is known about each, for the list of volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.labels.tag_words import isReady
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import usableProblem

_CLASS = "vtkMRMLScalarVolumeNode"


@dataclass(frozen=True)
class VolumeRow:
    """One volume of the scene.

    Attributes
    ----------
    nodeId, name : str
    tags : str
        How many slices have which tag, in words.
    state : str
        Ready, what is missing, or why it cannot be used.
    isUsable, isChecked, isCurrent, isTagged : bool
    """

    nodeId: str
    name: str
    tags: str
    state: str
    isUsable: bool
    isChecked: bool
    isCurrent: bool
    isTagged: bool


class VolumeList:
    """Makes the rows; remembers which volumes cannot be used, as finding out may take looking at every voxel.

    Parameters
    ----------
    labels : SceneLabels
    """

    def __init__(self, labels: SceneLabels) -> None:
        self._labels = labels
        self._problems: dict[tuple[str, int, int, int], str] = {}

    def rows(self, scene: Any) -> list[VolumeRow]:
        """Return the volumes of a scene that are shown to users, in the order of the scene."""
        nodes = [scene.GetNthNodeByClass(index, _CLASS) for index in range(scene.GetNumberOfNodesByClass(_CLASS))]
        shown = [node for node in nodes if not node.GetHideFromEditors() and not node.IsA("vtkMRMLLabelMapVolumeNode")]
        return [self._row(node) for node in shown]

    def problem(self, node: VolumeNode) -> str:
        """Say why a volume cannot be used; empty if it can."""
        image, transform = node.GetImageData(), node.GetParentTransformNode()
        version = (
            node.GetID(),
            node.GetMTime(),
            image.GetMTime() if image else 0,
            transform.GetMTime() if transform else 0,
        )
        if version not in self._problems:
            # Only the latest state of each volume is of use.
            self._problems = {key: text for key, text in self._problems.items() if key[0] != version[0]}
            self._problems[version] = usableProblem(node)
        return self._problems[version]

    def _row(self, node: VolumeNode) -> VolumeRow:
        state = self._labels.state
        problem = self.problem(node)
        tags = None if problem else self._labels.of(node)
        isIn = state.isInCohort(node)
        isCurrent = state.currentVolume is node
        waiting = _("being read ...") if isIn or isCurrent else ""
        table = self._labels.session.classes
        words = problem or (stateInWords(tags, table) if tags is not None else waiting)
        text = tagsInWords(tags, table) if tags is not None else ""
        isTold = tags is not None and isTagged(tags)
        return VolumeRow(node.GetID(), node.GetName() or "", text, words, not problem, isIn, isCurrent, isTold)


def tagsInWords(volume: VolumeLabels, classes: ClassTable) -> str:
    """Return how many slices are tagged, one line a class: "Tumour: 46 present, 109 absent"."""
    lines = []
    for name in classes.names:
        present, absent, untagged = volume.presence_counts(name)
        if present or absent:
            text = _("{name}: {present} present, {absent} absent").format(name=name, present=present, absent=absent)
            lines.append(text + (_(", {count} untagged").format(count=untagged) if untagged else ""))
    return "\n".join(lines)


def stateInWords(volume: VolumeLabels, classes: ClassTable) -> str:
    """Return whether a volume is ready, or which classes still need tags."""
    if not classes:
        return _("no class yet")
    if not isTagged(volume):
        return _("no tags yet")
    missing = [name for name in classes.names if not isReady(volume, name)]
    return _("to do: {names}").format(names=", ".join(missing)) if missing else _("✓ ready")
