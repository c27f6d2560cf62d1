"""Lines over slices of a volume, in the slice views that show these slices; nothing of them is in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import vtk

from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToWorld, matrixOf
from WeakMedSAMLib.frontend.scene.slice_annotations import addLayer

# Seen on bright and on dark: a line of its colour within a black one.
_WIDTHS = (4.0, 2.0)


@dataclass(frozen=True, eq=False)
class Outline:
    """Lines on one slice.

    Attributes
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
    axis : str
        ``"i"``, ``"j"`` or ``"k"``: along which `index` counts.
    index : int
    lines : numpy.ndarray
        N x 2 x 3: from where to where, in voxels with fractions.
    color : tuple of float
        Red, green, blue 0..1.
    """

    volumeNode: VolumeNode
    axis: str
    index: int
    lines: np.ndarray
    color: tuple[float, float, float]


class SliceOutlines:
    """Outlines by name; whoever has them calls `draw` whenever views moved."""

    def __init__(self) -> None:
        self._outlines: dict[str, Outline] = {}
        # View -> its layer, and by the name of the outline what is drawn into it.
        self._layers: dict[str, Any] = {}
        self._actors: dict[tuple[str, str], list[tuple[Any, Any]]] = {}

    def show(self, name: str, outline: Outline | None) -> None:
        """Show an outline in the place of that of its name; None removes it."""
        if outline is None and name not in self._outlines:
            return
        if outline is None:
            del self._outlines[name]
        else:
            self._outlines[name] = outline
        self.draw()

    def shown(self, name: str) -> Outline | None:
        """Return an outline, or None."""
        return self._outlines.get(name)

    def viewsOf(self, name: str) -> list[str]:
        """Return the views in which an outline is seen now."""
        return sorted(view for view, drawn in self._actors if drawn == name)

    def clear(self) -> None:
        """Remove all."""
        self._outlines.clear()
        self.draw()

    def draw(self) -> None:
        """Bring all views up to date."""
        if not self._outlines and not self._actors:
            return
        changed = set()
        for viewName in slice_views.sliceViewNames():
            for name, outline in self._outlines.items():
                if _shows(viewName, outline):
                    self._draw(viewName, name, outline)
                    changed.add(viewName)
        wanted = {(view, name) for view in changed for name, each in self._outlines.items() if _shows(view, each)}
        for viewName, name in set(self._actors) - wanted:
            self._remove(viewName, name)
            changed.add(viewName)
        for viewName in changed:
            widget = slice_views.sliceWidgetOf(viewName)
            if widget is not None:
                widget.sliceView().scheduleRender()

    def _draw(self, viewName: str, name: str, outline: Outline) -> None:
        widget, sliceNode = slice_views.sliceWidgetOf(viewName), slice_views.sliceNodeOf(viewName)
        if widget is None or sliceNode is None:
            return
        if viewName not in self._layers:
            self._layers[viewName] = addLayer(widget.sliceView().renderWindow())
        if (viewName, name) not in self._actors:
            self._actors[viewName, name] = [self._add(viewName, width) for width in _WIDTHS]
        toView = np.linalg.inv(matrixOf(sliceNode.GetXYToRAS())) @ ijkToWorld(outline.volumeNode)
        places = outline.lines.reshape(-1, 3) @ toView[:3, :3].T + toView[:3, 3]
        for (actor, data), color in zip(self._actors[viewName, name], ((0.0, 0.0, 0.0), outline.color), strict=True):
            _fill(data, places)
            actor.GetProperty().SetColor(*color)

    def _add(self, viewName: str, width: float) -> tuple[Any, Any]:
        data, mapper, actor = vtk.vtkPolyData(), vtk.vtkPolyDataMapper2D(), vtk.vtkActor2D()
        mapper.SetInputData(data)
        actor.SetMapper(mapper)
        actor.GetProperty().SetLineWidth(width)
        self._layers[viewName].AddViewProp(actor)
        return actor, data

    def _remove(self, viewName: str, name: str) -> None:
        layer = self._layers[viewName]
        for actor, _data in self._actors.pop((viewName, name)):
            layer.RemoveViewProp(actor)
        if not any(view == viewName for view, _name in self._actors):
            widget = slice_views.sliceWidgetOf(viewName)
            if widget is not None:
                widget.sliceView().renderWindow().RemoveRenderer(layer)
            del self._layers[viewName]


def edgesOf(mask: np.ndarray) -> np.ndarray:
    """Return the borders of a mask, rows x columns, as lines N x 2 x (row, column); pixels reach half to each side."""
    padded = np.pad(np.asarray(mask, bool), 1)
    rows, columns = np.nonzero(padded[1:, :] != padded[:-1, :])
    level = np.stack([np.stack([rows, columns - 1], 1), np.stack([rows, columns], 1)], 1) - 0.5
    rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
    upright = np.stack([np.stack([rows - 1, columns], 1), np.stack([rows, columns], 1)], 1) - 0.5
    return np.concatenate([level, upright])


def _shows(viewName: str, outline: Outline) -> bool:
    node, sliceNode = outline.volumeNode, slice_views.sliceNodeOf(viewName)
    if sliceNode is None or node.GetImageData() is None or slice_views.shownVolume(viewName) is not node:
        return False
    isAlong = slice_views.axisOfView(node, sliceNode) == outline.axis and slice_views.isAligned(node, sliceNode)
    return isAlong and slice_views.currentSlice(node, sliceNode, outline.axis) == outline.index


def _fill(data: Any, places: np.ndarray) -> None:
    points, lines = vtk.vtkPoints(), vtk.vtkCellArray()
    for number, place in enumerate(places):
        points.InsertNextPoint(float(place[0]), float(place[1]), 0.0)
        if number % 2:
            lines.InsertNextCell(2)
            lines.InsertCellPoint(number - 1)
            lines.InsertCellPoint(number)
    data.SetPoints(points)
    data.SetLines(lines)
    data.Modified()
