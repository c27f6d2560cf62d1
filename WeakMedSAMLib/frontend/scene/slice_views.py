"""Slices of a volume in the slice views: which one is shown, and how to get to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import slicer
import slicer.util
import vtk

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import SliceNode, VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToWorld, matrixOf
from WeakMedSAMLib.frontend.scene.view_use import ViewUse

_ALIGNED = 0.9995  # cosine of 1.8 degrees
# Slicer lists views in an order that changes with the layout; people know these three in this one.
_ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_FIRST_VIEWS = tuple(_ORIENTATIONS)


def sliceViewNames() -> list[str]:
    """Return the slice views of the layout: Red, Yellow, Green, then others by name; none without a window."""
    # The manager has the views of earlier layouts, too.
    nodes = {name: sliceNodeOf(name) for name in _allViewNames()}
    shown = [name for name, node in nodes.items() if node is not None and node.IsMappedInLayout()]
    known = [name for name in _FIRST_VIEWS if name in shown]
    return known + sorted(name for name in shown if name not in known)


def sliceNodeOf(viewName: str) -> SliceNode | None:
    """Return the vtkMRMLSliceNode of a view by its name, or None if no layout has had such a view yet."""
    # By the scene: asking the widgets takes much longer, and this is asked at each step of scrolling.
    return slicer.mrmlScene.GetSingletonNode(viewName, "vtkMRMLSliceNode")


def axisOfView(volumeNode: VolumeNode, sliceNode: SliceNode) -> str:
    """Return the IJK axis (``"i"``, ``"j"``, ``"k"``) whose slices lie nearest to the plane of a view."""
    return AXES[int(np.argmax(_cosines(volumeNode, sliceNode)))]


def isAligned(volumeNode: VolumeNode, sliceNode: SliceNode) -> bool:
    """Say whether a view shows whole slices of a volume, rather than cutting across them."""
    return float(_cosines(volumeNode, sliceNode).max()) > _ALIGNED


def alignView(volumeNode: VolumeNode, sliceNode: SliceNode) -> None:
    """Turn a view so that it shows whole slices of a volume."""
    sliceNode.RotateToVolumePlane(volumeNode)


def showAllDirections() -> None:
    """Turn the views Red, Yellow and Green as Slicer has them at first: each shows slices along another direction."""
    for viewName, orientation in _ORIENTATIONS.items():
        sliceNode = sliceNodeOf(viewName)
        if sliceNode is not None:
            sliceNode.SetOrientation(orientation)


def currentSlice(volumeNode: VolumeNode, sliceNode: SliceNode, axis: str) -> int | None:
    """Return the slice that a view shows.

    Parameters
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
    sliceNode : vtkMRMLSliceNode
    axis : {"i", "j", "k"}
        Axis along which slices are counted.

    Returns
    -------
    int or None
        0-based index of the slice nearest to the view's plane in the middle of the volume; None if the plane passes
        beside the volume, or along its slices.
    """
    first, step, count = _centreLine(volumeNode, axis)
    plane = _plane(sliceNode)
    slope = float(plane[:3, 2] @ step)
    if count < 1 or abs(slope) < 1e-6 * float(np.linalg.norm(step)):
        return None
    position = float(plane[:3, 2] @ (plane[:3, 3] - first)) / slope
    # Half of a slice belongs to it on either side; a hair more for rounding.
    if not -0.5 - 1e-4 <= position <= count - 0.5 + 1e-4:
        return None
    return int(min(max(np.floor(position + 0.5 + 1e-4), 0), count - 1))


def jumpToSlice(volumeNode: VolumeNode, sliceNode: SliceNode, axis: str, index: int) -> None:
    """Move a view along its normal until it shows the middle of a slice; it is neither turned nor zoomed."""
    first, step, _count = _centreLine(volumeNode, axis)
    sliceNode.JumpSliceByOffsetting(*(float(number) for number in first + index * step))


def shownVolume(viewName: str) -> VolumeNode | None:
    """Return the volume that a view shows: its background, whatever lies over that; None if there is none."""
    composite = _compositeOf(viewName)
    nodeId = composite.GetBackgroundVolumeID() if composite is not None else None
    return slicer.mrmlScene.GetNodeByID(nodeId) if nodeId else None


def shownSlice(volumeNode: VolumeNode, axis: str, preferredView: str) -> int | None:
    """Return the slice that is shown in the view one works in, or in another one along the axis; None if none is."""
    for name in sorted(sliceViewNames(), key=lambda name: name != preferredView):
        node = sliceNodeOf(name)
        if node is None or shownVolume(name) is not volumeNode:
            continue
        if axisOfView(volumeNode, node) == axis:
            return currentSlice(volumeNode, node, axis)
    return None


class SliceViews:
    """The slice views as a whole: several of them are made to show something, and whoever observes them hears it once.

    One object for all who change or observe them.

    Attributes
    ----------
    use : ViewUse
        What the views are used for besides tagging.
    """

    def __init__(self) -> None:
        self.use = ViewUse()
        # What observers are to be told at the end of `together`, by observer; None outside of it.
        self._waiting: dict[int, Callable[[], Any]] | None = None

    def observer(self, callback: Callable[[str], Any]) -> SliceObserver:
        """Return an observer that calls a function with the name of a view; begin with its `start`."""
        return SliceObserver(callback, self._tell)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let observers hear once, at the end, of whatever the views do meanwhile."""
        if self._waiting is not None:
            yield
            return
        self._waiting = {}
        try:
            yield
        finally:
            calls, self._waiting = self._waiting, None
            for call in calls.values():
                call()

    def showVolume(self, volumeNode: VolumeNode, viewName: str) -> None:
        """Show a volume as the background of a view, unless it is already; over itself it lies no longer."""
        composite = _compositeOf(viewName)
        if composite is None or shownVolume(viewName) is volumeNode:
            return
        if composite.GetForegroundVolumeID() == volumeNode.GetID():
            composite.SetForegroundVolumeID(None)
        widget = sliceWidgetOf(viewName)
        with self.together():
            composite.SetBackgroundVolumeID(volumeNode.GetID())
            if widget is not None:
                widget.sliceLogic().FitSliceToAll()

    def showEverywhere(self, volumeNode: VolumeNode) -> None:
        """Show a volume as the background of all views, whole."""
        with self.together():
            slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)

    def makeCurrent(self, state: ModuleState, volumeNode: VolumeNode | None) -> None:
        """Make a volume the current one, and show it in all views if there is something to see; None for none."""
        state.currentVolume = volumeNode
        if volumeNode is not None and volumeNode.GetImageData() is not None:
            self.showEverywhere(volumeNode)

    def showSlice(self, volumeNode: VolumeNode, axis: str, index: int, preferredView: str) -> bool:
        """Show a slice in the view that one works in, or in another one along the axis; say whether there is one."""
        names = sorted(sliceViewNames(), key=lambda name: name != preferredView)
        for name in names:
            sliceNode = sliceNodeOf(name)
            if sliceNode is not None and axisOfView(volumeNode, sliceNode) == axis:
                self.showVolume(volumeNode, name)
                jumpToSlice(volumeNode, sliceNode, axis, index)
                return True
        return False

    def _tell(self, observer: SliceObserver, call: Callable[[], Any]) -> None:
        if self._waiting is None:
            call()
        else:
            self._waiting[id(observer)] = guarded(call)


class SliceObserver:
    """Calls a function with the name of a slice view whenever that view moves, turns or shows another volume.

    Parameters
    ----------
    callback : callable
        Gets the name of the view; after `SliceViews.together` that of the last one of several.
    tell : callable
        Gets this observer and a call, which it makes now or later.
    """

    def __init__(
        self, callback: Callable[[str], Any], tell: Callable[[SliceObserver, Callable[[], Any]], None]
    ) -> None:
        self._callback = callback
        self._tell = tell
        self._observations: list[tuple[Any, int]] = []

    def start(self) -> None:
        """Observe all slice views that there are now, shown or not; again after the layout got new ones."""
        self.stop()
        for viewName in _allViewNames():
            sliceNode = sliceNodeOf(viewName)
            if sliceNode is not None:
                call = guarded(self._callFor(viewName))
                for node in (sliceNode, _compositeOf(viewName)):
                    self._observations.append((node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, call)))

    def stop(self) -> None:
        """Observe nothing any more."""
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        self._observations = []

    def _callFor(self, viewName: str) -> Callable[[], None]:
        return lambda: self._tell(self, lambda: self._callback(viewName))


def _allViewNames() -> list[str]:
    manager = slicer.app.layoutManager()
    return [name for name in manager.sliceViewNames() if sliceNodeOf(name) is not None] if manager else []


def sliceWidgetOf(viewName: str) -> Any:
    """Return the qMRMLSliceWidget of a view, or None without a window."""
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(viewName) if manager else None


def _compositeOf(viewName: str) -> Any:
    return slicer.mrmlScene.GetSingletonNode(viewName, "vtkMRMLSliceCompositeNode")


def _plane(sliceNode: SliceNode) -> np.ndarray:
    """Return the 4 x 4 matrix of a view's plane: third column its unit normal, fourth a point of it, RAS in mm."""
    matrix = matrixOf(sliceNode.GetSliceToRAS())
    matrix[:3, 2] /= np.linalg.norm(matrix[:3, 2])
    return matrix


def _cosines(volumeNode: VolumeNode, sliceNode: SliceNode) -> np.ndarray:
    """Return how nearly the slices along i, j and k are parallel to a view, 1 for exactly."""
    # The gradient of an index is normal to its slices, in sheared volumes too.
    gradients = np.linalg.inv(ijkToWorld(volumeNode))[:3, :3]
    return np.abs(gradients @ _plane(sliceNode)[:3, 2]) / np.linalg.norm(gradients, axis=1)


def _centreLine(volumeNode: VolumeNode, axis: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the middle of slice 0, the step to the next one (RAS in mm), and the number of slices."""
    number = AXES.index(axis)
    dimensions = np.array(volumeNode.GetImageData().GetDimensions() if volumeNode.GetImageData() else (0, 0, 0))
    matrix = ijkToWorld(volumeNode)
    middle = (dimensions - 1) / 2
    middle[number] = 0
    return matrix[:3, :3] @ middle + matrix[:3, 3], matrix[:3, number], int(dimensions[number])
