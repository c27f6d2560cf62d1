"""Slices of a volume in the slice views: which one is shown, how to get to one, and a note in the view."""

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
from WeakMedSAMLib.frontend.scene.raw_nrrd import matrixOf
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToWorld

_ALIGNED = 0.9995  # cosine of 1.8 degrees
_FONT_SIZE = 15
# Fonts of the views lack these signs.
_PLAIN_SIGNS = str.maketrans({"●": "+", "○": "-", "–": "-", "✓": "", "⚠": "!"})
_MARGIN = 0.01
# Slicer lists views in an order that changes with the layout; people know these three in this one.
_ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_FIRST_VIEWS = tuple(_ORIENTATIONS)


def sliceViewNames() -> list[str]:
    """Return the slice views of the layout: Red, Yellow, Green, then others by name; none without a window."""
    # The manager has the views of earlier layouts, too.
    shown = [name for name in _allViewNames() if sliceNodeOf(name).IsMappedInLayout()]
    known = [name for name in _FIRST_VIEWS if name in shown]
    return known + sorted(name for name in shown if name not in known)


def sliceNodeOf(viewName: str) -> Any:
    """Return the vtkMRMLSliceNode of a view by its name, or None if no layout has had such a view yet."""
    # By the scene: asking the widgets takes much longer, and this is asked at each step of scrolling.
    return slicer.mrmlScene.GetSingletonNode(viewName, "vtkMRMLSliceNode")


def axisOfView(volumeNode: Any, sliceNode: Any) -> str:
    """Return the IJK axis (``"i"``, ``"j"``, ``"k"``) whose slices lie nearest to the plane of a view."""
    return AXES[int(np.argmax(_cosines(volumeNode, sliceNode)))]


def isAligned(volumeNode: Any, sliceNode: Any) -> bool:
    """Say whether a view shows whole slices of a volume, rather than cutting across them."""
    return float(_cosines(volumeNode, sliceNode).max()) > _ALIGNED


def alignView(volumeNode: Any, sliceNode: Any) -> None:
    """Turn a view so that it shows whole slices of a volume."""
    sliceNode.RotateToVolumePlane(volumeNode)


def showAllDirections() -> None:
    """Turn the views Red, Yellow and Green as Slicer has them at first: each shows slices along another direction."""
    for viewName, orientation in _ORIENTATIONS.items():
        sliceNode = sliceNodeOf(viewName)
        if sliceNode is not None:
            sliceNode.SetOrientation(orientation)


def currentSlice(volumeNode: Any, sliceNode: Any, axis: str) -> int | None:
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


def jumpToSlice(volumeNode: Any, sliceNode: Any, axis: str, index: int) -> None:
    """Move a view along its normal until it shows the middle of a slice; it is neither turned nor zoomed."""
    first, step, _count = _centreLine(volumeNode, axis)
    sliceNode.JumpSliceByOffsetting(*(float(number) for number in first + index * step))


def shownVolume(viewName: str) -> Any:
    """Return the volume that a view shows: its background, whatever lies over that; None if there is none."""
    composite = _compositeOf(viewName)
    nodeId = composite.GetBackgroundVolumeID() if composite is not None else None
    return slicer.mrmlScene.GetNodeByID(nodeId) if nodeId else None


def showVolume(volumeNode: Any, viewName: str) -> None:
    """Show a volume as the background of a view, unless it is already; over itself it lies no longer."""
    composite = _compositeOf(viewName)
    if composite is None or shownVolume(viewName) is volumeNode:
        return
    if composite.GetForegroundVolumeID() == volumeNode.GetID():
        composite.SetForegroundVolumeID(None)
    widget = _sliceWidget(viewName)
    with together():
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        if widget is not None:
            widget.sliceLogic().FitSliceToAll()


def showEverywhere(volumeNode: Any) -> None:
    """Show a volume as the background of all views, whole."""
    with together():
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True)


def showSlice(volumeNode: Any, axis: str, index: int, preferredView: str) -> bool:
    """Show a slice in the view that one works in, or in another one along the axis; say whether there is one."""
    names = sorted(sliceViewNames(), key=lambda name: name != preferredView)
    for name in names:
        sliceNode = sliceNodeOf(name)
        if sliceNode is not None and axisOfView(volumeNode, sliceNode) == axis:
            showVolume(volumeNode, name)
            jumpToSlice(volumeNode, sliceNode, axis, index)
            return True
    return False


class SliceAnnotations:
    """Notes of our own in slice views: Slicer rewrites its corner texts at every movement."""

    def __init__(self) -> None:
        self._actors: dict[str, tuple[Any, Any]] = {}

    def show(self, viewName: str, text: str, color: tuple[float, float, float] = (1, 1, 1)) -> None:
        """Show a text at the left edge of a view, red, green and blue 0..1; empty removes it."""
        if not text:
            self._remove(viewName)
            return
        widget = _sliceWidget(viewName)
        if widget is None:
            return
        if viewName not in self._actors:
            self._add(viewName, widget)
        actor, text = self._actors[viewName][0], text.translate(_PLAIN_SIGNS)
        if actor.GetInput() != text or actor.GetTextProperty().GetColor() != tuple(color):
            actor.SetInput(text)
            actor.GetTextProperty().SetColor(*color)
            widget.sliceView().scheduleRender()

    def clear(self) -> None:
        """Remove all notes."""
        for viewName in list(self._actors):
            self._remove(viewName)

    def _add(self, viewName: str, widget: Any) -> None:
        actor = vtk.vtkTextActor()
        actor.GetTextProperty().SetFontSize(_FONT_SIZE)
        actor.GetTextProperty().SetBold(True)
        actor.GetTextProperty().SetShadow(True)
        actor.GetTextProperty().SetVerticalJustificationToCentered()
        # Slicer's own fonts have the letters of more languages.
        slicer.app.applicationLogic().UseCustomFontFile(actor.GetTextProperty())
        position = actor.GetPositionCoordinate()
        position.SetCoordinateSystemToNormalizedViewport()
        # In the middle of the left edge: Slicer's own notes are in the corners.
        position.SetValue(_MARGIN, 0.5)
        renderer = widget.sliceView().renderWindow().GetRenderers().GetItemAsObject(0)
        renderer.AddViewProp(actor)
        self._actors[viewName] = (actor, renderer)

    def _remove(self, viewName: str) -> None:
        if viewName not in self._actors:
            return
        actor, renderer = self._actors.pop(viewName)
        renderer.RemoveViewProp(actor)
        widget = _sliceWidget(viewName)
        if widget is not None:
            widget.sliceView().scheduleRender()


annotations = SliceAnnotations()


def setSliceAnnotation(viewName: str, text: str, color: tuple[float, float, float] = (1, 1, 1)) -> None:
    """Show a text in a slice view, red, green and blue 0..1; empty removes it."""
    annotations.show(viewName, text, color)


def clearSliceAnnotations() -> None:
    """Remove the notes of `setSliceAnnotation` from all views."""
    annotations.clear()


@contextmanager
def together() -> Iterator[None]:
    """Let observers hear once, at the end, of whatever the views do meanwhile."""
    global _waiting
    if _waiting is not None:
        yield
        return
    _waiting = {}
    try:
        yield
    finally:
        calls, _waiting = _waiting, None
        for call in calls.values():
            call()


# What observers are to be told at the end of `together`, by observer; None outside of it.
_waiting: dict[int, Callable[[], Any]] | None = None


class SliceObserver:
    """Calls a function with the name of a slice view whenever that view moves, turns or shows another volume.

    Parameters
    ----------
    callback : callable
        Gets the name of the view; after `together` that of the last one of several.
    """

    def __init__(self, callback: Callable[[str], Any]) -> None:
        self._callback = callback
        self._observations: list[tuple[Any, int]] = []

    def start(self) -> None:
        """Observe all slice views that there are now, shown or not; again after the layout got new ones."""
        self.stop()
        for viewName in _allViewNames():
            sliceNode = sliceNodeOf(viewName)
            if sliceNode is not None:
                call = guarded(self._namedCall(viewName))
                for node in (sliceNode, _compositeOf(viewName)):
                    self._observations.append((node, node.AddObserver(vtk.vtkCommand.ModifiedEvent, call)))

    def stop(self) -> None:
        """Observe nothing any more."""
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        self._observations = []

    def _namedCall(self, viewName: str) -> Callable[[], Any]:
        def call() -> None:
            if _waiting is None:
                self._callback(viewName)
            else:
                _waiting[id(self)] = guarded(lambda: self._callback(viewName))

        return call


def _allViewNames() -> list[str]:
    manager = slicer.app.layoutManager()
    return [name for name in manager.sliceViewNames() if sliceNodeOf(name) is not None] if manager else []


def _sliceWidget(viewName: str) -> Any:
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(viewName) if manager else None


def _compositeOf(viewName: str) -> Any:
    return slicer.mrmlScene.GetSingletonNode(viewName, "vtkMRMLSliceCompositeNode")


def _plane(sliceNode: Any) -> np.ndarray:
    """Return the 4 x 4 matrix of a view's plane: third column its unit normal, fourth a point of it, RAS in mm."""
    matrix = matrixOf(sliceNode.GetSliceToRAS())
    matrix[:3, 2] /= np.linalg.norm(matrix[:3, 2])
    return matrix


def _cosines(volumeNode: Any, sliceNode: Any) -> np.ndarray:
    """Return how nearly the slices along i, j and k are parallel to a view, 1 for exactly."""
    # The gradient of an index is normal to its slices, in sheared volumes too.
    gradients = np.linalg.inv(ijkToWorld(volumeNode))[:3, :3]
    return np.abs(gradients @ _plane(sliceNode)[:3, 2]) / np.linalg.norm(gradients, axis=1)


def _centreLine(volumeNode: Any, axis: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the middle of slice 0, the step to the next one (RAS in mm), and the number of slices."""
    number = AXES.index(axis)
    dimensions = np.array(volumeNode.GetImageData().GetDimensions() if volumeNode.GetImageData() else (0, 0, 0))
    matrix = ijkToWorld(volumeNode)
    middle = (dimensions - 1) / 2
    middle[number] = 0
    return matrix[:3, :3] @ middle + matrix[:3, 3], matrix[:3, number], int(dimensions[number])
