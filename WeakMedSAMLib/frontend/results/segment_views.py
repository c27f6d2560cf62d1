"""Masks in the views: each is seen only where its volume is shown, and nowhere where somebody hid it by hand."""

from __future__ import annotations

import json
from typing import Any

import slicer
import slicer.util
import vtk

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.results.segment_tags import RUN_TAG, isOwn, segmentIdsIn, tagOf
from WeakMedSAMLib.frontend.scene.module_state import ModuleState, chosenIn

_MEMORY_ATTRIBUTE = "WeakMedSAM.Views"
# In place of no view at all, which Slicer takes for all of them.
_NOWHERE = "vtkMRMLViewNodeNowhere"
_COMPOSITE = "vtkMRMLSliceCompositeNode"


def showWithVolume(segmentationNode: Any) -> None:
    """Show a segmentation in those views that show its volume; in 3D views that is the current one.

    Where two volumes lie over each other, the masks of the lower one are seen; those of the upper one if that has none.
    Of several runs on a volume, the masks of the one under review are seen (see `under_review`). Masks whose volume is
    gone are seen where no volume is. Views that anybody else took from a display node, or gave to it, stay so; whether
    it is visible at all is not touched.
    """
    if segmentationNode.GetScene() is not None:
        _Seen(segmentationNode.GetScene()).show(segmentationNode)


class SegmentViews:
    """Keeps the masks of all volumes where their volumes are shown, whichever the views come to show.

    Parameters
    ----------
    state : ModuleState
        With the current volume and the run under review.
    """

    def __init__(self, state: ModuleState) -> None:
        self._state = state
        scene = self._scene = state.scene
        self._composites: list[tuple[Any, int]] = []
        self._seen: _Seen | None = None
        call = guarded(self._onChanged)
        # A layout that Slicer shows for the first time brings views of its own. What views do in a batch is seen to
        # at its end.
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent)
        self._tags = [scene.AddObserver(event, call) for event in events]
        state.changed.connect(self._onChanged)
        self.update()

    def cleanup(self) -> None:
        """Observe nothing any more."""
        self._state.changed.disconnect(self._onChanged)
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._stop()

    def update(self) -> None:
        """Look at all views and masks anew, as after a scene was loaded."""
        self._stop()
        modified = vtk.vtkCommand.ModifiedEvent
        for node in _composites(self._scene):
            self._composites.append((node, node.AddObserver(modified, guarded(self._onChanged))))
        self._seen = _Seen(self._scene)
        for node in _ownSegmentations(self._scene):
            self._seen.show(node)

    def _stop(self) -> None:
        for node, tag in self._composites:
            node.RemoveObserver(tag)
        self._composites = []

    def _onChanged(self) -> None:
        isBusy = self._scene.IsBatchProcessing() or self._scene.IsClosing()
        if not isBusy and (self._seen is None or not self._seen.isSame(_Seen(self._scene))):
            self.update()


class _Seen:
    """What the views of a scene show, looked at once for all masks.

    Parameters
    ----------
    scene : vtkMRMLScene
    """

    def __init__(self, scene: Any) -> None:
        current, chosen, ofChosen = chosenIn(scene)
        self._currentId = current.GetID() if current is not None else ""
        self._inSpace = frozenset(node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode", scene))
        self._layers = _layersByView(scene)
        own = [(_volumeIdOf(node), runId) for node in _ownSegmentations(scene) for runId in _runIdsOf(node) or ("",)]
        # Volume -> the run whose masks are seen, as `UnderReview` has it: the chosen one if it has the volume, even if
        # its masks of it were removed, else the latest that made masks.
        self._runs = {volumeId: runId for volumeId, runId in own if runId}
        self._runs |= {volumeId: runId for volumeId, runId in own if runId and runId == chosen}
        self._runs |= dict.fromkeys(ofChosen, chosen)
        self._withMasks = frozenset(volumeId for volumeId, _runId in own)

    def isSame(self, other: _Seen) -> bool:
        """Say whether all masks are seen in the same views as by another look."""
        return vars(self) == vars(other)

    def show(self, segmentationNode: Any) -> None:
        """Show a segmentation where its volume is seen."""
        wanted, known = self._viewsOf(segmentationNode), set(self._inSpace) | set(self._layers)
        for number in range(segmentationNode.GetNumberOfDisplayNodes()):
            _show(segmentationNode.GetNthDisplayNode(number), wanted, known)

    def _viewsOf(self, segmentationNode: Any) -> set[str]:
        volumeId = _volumeIdOf(segmentationNode)
        if volumeId and self._runs.get(volumeId) not in (None, *_runIdsOf(segmentationNode)):
            return set()
        views = {viewId for viewId, layers in self._layers.items() if self._volumeIn(layers) == volumeId}
        isCurrent = volumeId == (self._currentId or volumeId)
        return views | set(self._inSpace) if isCurrent else views

    def _volumeIn(self, layers: tuple[str, ...]) -> str:
        """Return the id of the volume whose masks are seen in a view; empty where it shows none."""
        return next((each for each in layers if each in self._withMasks), layers[0] if layers else "")


def _ownSegmentations(scene: Any) -> list[Any]:
    return [node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene) if isOwn(node)]


def _runIdsOf(segmentationNode: Any) -> list[str]:
    """Return the ids of the runs that made masks in a segmentation, each once: it itself notes the last one alone."""
    segmentation = segmentationNode.GetSegmentation()
    segments = (segmentation.GetSegment(each) for each in segmentIdsIn(segmentationNode))
    found = dict.fromkeys(runId for segment in segments if (runId := tagOf(segment, RUN_TAG)))
    return list(found) or [runId for runId in [segmentationNode.GetAttribute(RUN_TAG)] if runId]


def _volumeIdOf(segmentationNode: Any) -> str:
    """Return the id of the volume that a segmentation belongs to; empty if that is not in the scene."""
    volumeNode = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
    return volumeNode.GetID() if volumeNode is not None else ""


def _composites(scene: Any) -> list[Any]:
    return list(slicer.util.getNodesByClass(_COMPOSITE, scene))


def _layersByView(scene: Any) -> dict[str, tuple[str, ...]]:
    """Return the ids of the volumes that one sees in each slice view, the lowest first, by the id of its node."""
    found = {}
    for composite in _composites(scene):
        sliceNode = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
        if sliceNode is not None:
            found[sliceNode.GetID()] = _layers(composite)
    return found


def _layers(compositeNode: Any) -> tuple[str, ...]:
    ids = [compositeNode.GetBackgroundVolumeID()]
    if compositeNode.GetForegroundOpacity() > 0:
        ids.append(compositeNode.GetForegroundVolumeID())
    return tuple(nodeId for nodeId in ids if nodeId)


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
