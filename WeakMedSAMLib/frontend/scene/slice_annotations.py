"""Notes in the slice views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
import vtk

from WeakMedSAMLib.frontend.scene.slice_views import sliceWidgetOf

_FONT_SIZE = 14
# Fonts of the views lack these signs.
_PLAIN_SIGNS = str.maketrans({"●": "+", "○": "-", "–": "-", "✓": "", "⚠": "!", "…": "..."})
_MARGIN = 0.01
# Corners by their numbers in vtkCornerAnnotation, where a note begins. The anatomy seldom reaches them; Slicer itself
# writes into the lower left one, and patient and study of DICOM files into the upper ones.
_UPPER_LEFT, _UPPER_RIGHT, _LOWER_RIGHT = 2, 3, 1
_SHADE = 0.6  # of the black behind a note: it is read on bone and on masks, too


class SliceAnnotations:
    """Notes of our own in slice views: Slicer rewrites its corner texts at every movement."""

    def __init__(self) -> None:
        self._actors: dict[str, tuple[Any, Any]] = {}

    def show(self, viewName: str, text: str, color: tuple[float, float, float] = (1, 1, 1)) -> None:
        """Show a text in a free corner of a view, over all else, red, green and blue 0..1; empty removes it."""
        if not text:
            self._remove(viewName)
            return
        widget = sliceWidgetOf(viewName)
        if widget is None:
            return
        if viewName not in self._actors:
            self._add(viewName, widget)
        actor, text = self._actors[viewName][0], text.translate(_PLAIN_SIGNS)
        if actor.GetInput() != text or actor.GetTextProperty().GetColor() != tuple(color):
            actor.SetInput(text)
            actor.GetTextProperty().SetColor(*color)
            _place(actor, _freeCorner(widget.sliceView().renderWindow()))
            widget.sliceView().scheduleRender()

    def clear(self) -> None:
        """Remove all notes."""
        for viewName in list(self._actors):
            self._remove(viewName)

    def _add(self, viewName: str, widget: Any) -> None:
        actor = vtk.vtkTextActor()
        words = actor.GetTextProperty()
        words.SetFontSize(_FONT_SIZE)
        words.SetBold(True)
        words.SetShadow(True)
        words.SetBackgroundColor(0, 0, 0)
        words.SetBackgroundOpacity(_SHADE)
        # Slicer's own fonts have the letters of more languages.
        slicer.app.applicationLogic().UseCustomFontFile(words)
        actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        renderer = addLayer(widget.sliceView().renderWindow())
        renderer.AddViewProp(actor)
        self._actors[viewName] = (actor, renderer)

    def _remove(self, viewName: str) -> None:
        if viewName not in self._actors:
            return
        actor, renderer = self._actors.pop(viewName)
        renderer.RemoveViewProp(actor)
        widget = sliceWidgetOf(viewName)
        if widget is not None:
            widget.sliceView().renderWindow().RemoveRenderer(renderer)
            widget.sliceView().scheduleRender()


def addLayer(window: Any) -> Any:
    """Return a new renderer on a layer above all others of a window.

    Masks are 2D actors that Slicer adds to the view's own renderer whenever they appear, and within one renderer VTK
    draws what was added later over what was there (`vtkActor2D.SetLayerNumber` changes nothing). Only a layer of its
    own keeps a note above masks of later runs; Slicer's orientation marker is drawn in the same way.
    """
    layer = 1 + max((renderer.GetLayer() for renderer in _renderers(window)), default=-1)
    renderer = vtk.vtkRenderer()
    renderer.SetLayer(layer)
    # The mouse stays with the slice below.
    renderer.InteractiveOff()
    window.SetNumberOfLayers(max(window.GetNumberOfLayers(), layer + 1))
    window.AddRenderer(renderer)
    return renderer


def _freeCorner(window: Any) -> int:
    """Return the first corner of a view into which nobody else writes; the lower right one if all are taken."""
    props = [prop for renderer in _renderers(window) for prop in _items(renderer.GetViewProps())]
    others = [prop for prop in props if prop.IsA("vtkCornerAnnotation") and prop.GetVisibility()]
    free = (corner for corner in (_UPPER_LEFT, _UPPER_RIGHT) if not any(each.GetText(corner) for each in others))
    return next(free, _LOWER_RIGHT)


def _place(actor: Any, corner: int) -> None:
    """Put a text into a corner, towards which its lines are set flush."""
    words, isRight, isUpper = actor.GetTextProperty(), corner != _UPPER_LEFT, corner != _LOWER_RIGHT
    words.SetJustificationToRight() if isRight else words.SetJustificationToLeft()
    words.SetVerticalJustificationToTop() if isUpper else words.SetVerticalJustificationToBottom()
    actor.SetPosition(1 - _MARGIN if isRight else _MARGIN, 1 - _MARGIN if isUpper else _MARGIN)


def _renderers(window: Any) -> Iterator[Any]:
    return _items(window.GetRenderers())


def _items(collection: Any) -> Iterator[Any]:
    return (collection.GetItemAsObject(number) for number in range(collection.GetNumberOfItems()))
