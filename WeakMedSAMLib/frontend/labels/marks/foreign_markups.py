"""Markups of the scene that the module did not make, as of a file dragged into Slicer: taken over as labels."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.mrk_json import SCHEMA, labels_from_mrk, read_description
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.labels.class_edits import chosenName
from WeakMedSAMLib.frontend.labels.marks.mark_finding import marksOf
from WeakMedSAMLib.frontend.labels.marks.mark_node import POINT_LIST, ROI
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.scene.scene_volumes import matrixOf, toWorld

# Slicer numbers nodes of one name.
_NUMBER = re.compile(r"_\d+$")


class ForeignMarkups:
    """A menu with one entry a point list or ROI; choosing one makes labels of the current volume of it.

    Parameters
    ----------
    menu : QMenu
    labels : SceneLabels
    tell : callable
        Gets what was done, in words.
    onError : callable
        Gets the `UserError` of what cannot be taken over.
    """

    def __init__(
        self, menu: Any, labels: SceneLabels, tell: Callable[[str], Any], onError: Callable[[UserError], Any]
    ) -> None:
        self._menu, self._labels, self._tell, self._onError = menu, labels, tell, onError

    def fill(self) -> None:
        """List what there is now; the menu cannot be opened without any."""
        self._menu.clear()
        words = {node.GetID(): self._words(node) for node in self.nodes()}
        for nodeId, text in words.items():
            if text:
                action = self._menu.addAction(text)
                action.connect("triggered()", guarded(partial(self.take, nodeId), self._onError))
        self._menu.menuAction().enabled = any(words.values())

    def nodes(self) -> list[Any]:
        """Return the point lists and ROIs that hold something and are not nodes of labels."""
        scene, ours = self._labels.state.scene, self._labels.markNodes.ids()
        nodes = [node for kind in (POINT_LIST, ROI) for node in slicer.util.getNodesByClass(kind, scene)]
        return [
            node
            for node in nodes
            if node.GetID() not in ours and not node.GetHideFromEditors() and node.GetNumberOfDefinedControlPoints()
        ]

    def take(self, nodeId: str) -> None:
        """Make labels of a node as one step of undo, and hide it; it stays in the scene."""
        node = self._labels.state.scene.GetNodeByID(nodeId)
        if node is None:
            return
        messages = self._labels.takeForCurrent(self._read(node))
        node.SetDisplayVisibility(False)
        hidden = _("The Markups node '{name}' is hidden now: the labels show the same.").format(name=node.GetName())
        self._tell(" ".join([*messages, hidden]))

    def _words(self, node: Any) -> str:
        """Return an entry: the node, and of which classes its labels would be; empty if there are these labels."""
        text = _("{node} (box)") if node.IsA(ROI) else _("{node} (points)")
        name = text.format(node=node.GetName())
        try:
            (labels,) = self._read(node).volumes
        except UserError:
            # Why, it says when it is chosen.
            return name
        known = self._labels.ofCurrent()
        if known is not None and set(marksOf(labels)) <= set(marksOf(known)):
            return ""
        return _("{node}: {classes}").format(node=name, classes=", ".join(labels.class_names()))

    def _read(self, node: Any) -> CohortLabels:
        """Make labels of a node, of the class that descriptions or else its name say, or of the current one.

        Raises
        ------
        UserError
            ``no_volume``, and what `mrk_json.labels_from_mrk` raises.
        """
        placed, volumeNode = self._labels.placedCurrent(), self._labels.state.currentVolume
        classes = self._labels.session.classes
        current = chosenName(classes, self._labels.state.currentClass)
        own = node.GetName() or ""
        called = (own, _NUMBER.sub("", own))
        said = next((name for name in called if read_description(name).class_name in classes.names), current or own)
        data = {"@schema": SCHEMA, "markups": [_asInFile(node, volumeNode, said)]}
        return labels_from_mrk(data, placed, tuple(classes))


def _asInFile(node: Any, volumeNode: Any, name: str) -> dict[str, Any]:
    """Return a node as Markups files have it, in the volume's own RAS: both may be under transforms."""
    toVolume = np.linalg.inv(toWorld(volumeNode))
    controls = [
        {
            "label": node.GetNthControlPointLabel(number) or "",
            "description": node.GetNthControlPointDescription(number) or "",
            "position": (toVolume @ [*node.GetNthControlPointPositionWorld(number), 1.0])[:3].tolist(),
        }
        for number in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(number) == node.PositionDefined
    ]
    entry = {"type": "Fiducial", "name": name, "coordinateSystem": "RAS", "controlPoints": controls}
    if not node.IsA(ROI):
        return entry
    frame = toVolume @ matrixOf(node.GetObjectToWorldMatrix())
    # A transform that scales makes the box larger, not its axes.
    scales = np.maximum(np.linalg.norm(frame[:3, :3], axis=0), 1e-12)
    return {
        **entry,
        "type": "ROI",
        "center": frame[:3, 3].tolist(),
        "orientation": (frame[:3, :3] / scales).ravel().tolist(),
        "size": (np.array(node.GetSize()) * scales).tolist(),
        "insideOut": bool(node.GetInsideOut()),
    }
