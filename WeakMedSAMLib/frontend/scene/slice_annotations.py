"""Notes in the slice views."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from WeakMedSAMLib.frontend.scene.slice_views import sliceWidgetOf

_FONT_SIZE = 15
# Fonts of the views lack these signs.
_PLAIN_SIGNS = str.maketrans({"●": "+", "○": "-", "–": "-", "✓": "", "⚠": "!"})
_MARGIN = 0.01


class SliceAnnotations:
    """Notes of our own in slice views: Slicer rewrites its corner texts at every movement."""

    def __init__(self) -> None:
        self._actors: dict[str, tuple[Any, Any]] = {}

    def show(self, viewName: str, text: str, color: tuple[float, float, float] = (1, 1, 1)) -> None:
        """Show a text at the left edge of a view, red, green and blue 0..1; empty removes it."""
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
        widget = sliceWidgetOf(viewName)
        if widget is not None:
            widget.sliceView().scheduleRender()
