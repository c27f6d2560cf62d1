"""Masks in the views: each is seen only where its volume is shown, and nowhere where somebody hid it by hand."""

from __future__ import annotations

import json
from typing import Any

import slicer
import slicer.util
import vtk

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.results.segment_tags import isOwn

_MEMORY_ATTRIBUTE = "WeakMedSAM.Views"
# In place of no view at all, which Slicer takes for all of them.
_NOWHERE = "vtkMRMLViewNodeNowhere"
_COMPOSITE = "vtkMRMLSliceCompositeNode"


def showWithVolume(segmentationNode: Any) -> None:
    """Show a segmentation in the 3D views and in those slice views that show its volume.

    Views that anybody else took from its display node, or gave to it, stay so; whether it is visible at all is not
    touched. One whose volume is not in the scene stays where it is.
    """
    scene = segmentationNode.GetScene()
    volumeNode = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
    if scene is None or volumeNode is None:
        return
    wanted, known = _viewsOf(scene, volumeNode)
    for number in range(segmentationNode.GetNumberOfDisplayNodes()):
        _show(segmentationNode.GetNthDisplayNode(number), wanted, known)


class SegmentViews:
    """Keeps the masks of all volumes where their volumes are shown, whichever the views come to show.

    Parameters
    ----------
    scene : vtkMRMLScene
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._composites: list[tuple[Any, int]] = []
        self._shown: list[tuple[str, ...]] = []
        self._added = scene.AddObserver(scene.NodeAddedEvent, guarded(self._onNodeAdded))
        self.update()

    def cleanup(self) -> None:
        """Observe nothing any more."""
        self._scene.RemoveObserver(self._added)
        self._stop()

    def update(self) -> None:
        """Look at all views and masks anew, as after a scene was loaded."""
        self._stop()
        modified = vtk.vtkCommand.ModifiedEvent
        for node in _composites(self._scene):
            self._composites.append((node, node.AddObserver(modified, guarded(self._onViewsChanged))))
        self._shown = [_layers(node) for node, _tag in self._composites]
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode", self._scene):
            if isOwn(node):
                showWithVolume(node)

    def _stop(self) -> None:
        for node, tag in self._composites:
            node.RemoveObserver(tag)
        self._composites = []

    def _onNodeAdded(self) -> None:
        # A layout that Slicer shows for the first time brings views of its own.
        if not self._isBusy() and len(_composites(self._scene)) != len(self._composites):
            self.update()

    def _onViewsChanged(self) -> None:
        if not self._isBusy() and [_layers(node) for node, _tag in self._composites] != self._shown:
            self.update()

    def _isBusy(self) -> bool:
        return bool(self._scene.IsBatchProcessing() or self._scene.IsClosing())


def _composites(scene: Any) -> list[Any]:
    return list(slicer.util.getNodesByClass(_COMPOSITE, scene))


def _layers(compositeNode: Any) -> tuple[str, ...]:
    """Return the ids of the volumes that one sees in a slice view."""
    ids = [compositeNode.GetBackgroundVolumeID()]
    if compositeNode.GetForegroundOpacity() > 0:
        ids.append(compositeNode.GetForegroundVolumeID())
    return tuple(nodeId for nodeId in ids if nodeId)


def _viewsOf(scene: Any, volumeNode: Any) -> tuple[set[str], set[str]]:
    """Return the ids of the views in which masks of a volume are seen, and of all views."""
    known = {node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode", scene)}
    wanted = set(known)
    for composite in _composites(scene):
        sliceNode = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
        if sliceNode is None:
            continue
        known.add(sliceNode.GetID())
        if volumeNode.GetID() in _layers(composite):
            wanted.add(sliceNode.GetID())
    return wanted, known


def _show(displayNode: Any, wanted: set[str], known: set[str]) -> None:
    """Restrict a display node to the wanted views, but as changed by hand; note on it what was left, to see that."""
    # All views is an empty list.
    current = (set(displayNode.GetViewNodeIDs()) or known) - {_NOWHERE}
    left, hidden, added = _memory(displayNode, known)
    taken, given = left - current, current - left
    hidden, added = (hidden | (taken - added)) - given, (added | (given - hidden)) - taken
    views = (wanted | added) - hidden
    _setViews(displayNode, views or {_NOWHERE})
    text = json.dumps([sorted(part) for part in (views, hidden, added)])
    if displayNode.GetAttribute(_MEMORY_ATTRIBUTE) != text:
        displayNode.SetAttribute(_MEMORY_ATTRIBUTE, text)


def _memory(displayNode: Any, known: set[str]) -> tuple[set[str], set[str], set[str]]:
    """Return the views that were left to a display node, those hidden by hand, and those added by hand."""
    try:
        left, hidden, added = (set(part) for part in json.loads(displayNode.GetAttribute(_MEMORY_ATTRIBUTE) or ""))
    except (ValueError, TypeError):
        return known, set(), set()
    return left, hidden, added


def _setViews(displayNode: Any, views: set[str]) -> None:
    current = set(displayNode.GetViewNodeIDs())
    # Added first: an empty list would flash everywhere.
    for nodeId in sorted(views - current):
        displayNode.AddViewNodeID(nodeId)
    for nodeId in sorted(current - views):
        displayNode.RemoveViewNodeID(nodeId)
