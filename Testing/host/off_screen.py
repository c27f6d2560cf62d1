"""A VTK render window without a screen, and its picture as a QImage."""

from __future__ import annotations

from typing import Any

import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .pythonqt import QtGui


class OffScreenWindow:
    """One renderer, drawn when asked."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.renderer = vtk.vtkRenderer()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.AddRenderer(self.renderer)
        self.window.SetSize(*size)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)

    def addDisplayableManagers(self, factory: Any, viewNode: Any) -> Any:
        """Let MRML's displayable managers draw a view's nodes."""
        group = factory.InstantiateDisplayableManagers(self.renderer)
        group.SetMRMLDisplayableNode(viewNode)
        return group

    def draw(self) -> QtGui.QImage:
        """Render, and return the picture."""
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.SetShouldRerender(False)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        rows = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()
        return QtGui.QImage(rows.data, width, height, 3 * width, QtGui.QImage.Format_RGB888).copy()
