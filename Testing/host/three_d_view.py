"""The 3D view: models and closed surfaces of segmentations, rendered off-screen when somebody looks."""

from __future__ import annotations

from typing import Any

import slicer

from .off_screen import OffScreenWindow
from .pythonqt import QtCore, QtGui, QtWidgets
from .scene_observer import Observations
from .stand_in import widgetClass

_MANAGERS = (
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)


@widgetClass()
class qMRMLThreeDView(QtWidgets.QWidget):
    """The 3D view; `_calls` keeps what was asked of it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._calls: list[str] = []
        self._drawing: Any = None
        self._observations = Observations(self)

    def _start(self) -> None:
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for name in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self._drawing = OffScreenWindow((256, 256))
        self._group = self._drawing.addDisplayableManagers(factory, self.mrmlViewNode())
        self._observations.add(self._group, 78, "_onUpdate")

    def _onUpdate(self, _data: Any) -> None:
        self.update()

    def _render(self) -> QtGui.QImage:
        if self._drawing is None:
            self._start()
        size = QtWidgets.QWidget.size(self)
        self._drawing.window.SetSize(max(size.width(), 1), max(size.height(), 1))
        return self._drawing.draw()

    def paintEvent(self, _event: Any) -> None:
        painter = QtGui.QPainter(self)
        painter.drawImage(QtCore.QPoint(0, 0), self._render())
        painter.end()

    def resetFocalPoint(self) -> None:
        self._calls.append("resetFocalPoint")
        if self._drawing is not None:
            self._drawing.renderer.ResetCamera()
            self.update()

    def resetCamera(self, *_: Any) -> None:
        self._calls.append("resetCamera")
        self.resetFocalPoint()

    def scheduleRender(self) -> None:
        self._calls.append("scheduleRender")
        self.update()

    def forceRender(self) -> None:
        self._calls.append("forceRender")

    def mrmlViewNode(self) -> Any:
        return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLViewNode")


EXPORTED = (qMRMLThreeDView,)
