"""Slice view widgets over real MRML: what they show is rendered off-screen by VTK, when somebody looks.

The image actor goes into the renderer before the displayable managers, or the segmentation overlay would lie under it.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from .ctk_module import ctkSliderWidget
from .off_screen import OffScreenWindow
from .pythonqt import QtCore, QtGui, QtWidgets
from .scene_observer import Observations
from .stand_in import qtProperty, stored, widgetClass

_DEFAULT_SIZE = (256, 256)
_PRESSES = {
    QtCore.Qt.LeftButton: vtk.vtkCommand.LeftButtonPressEvent,
    QtCore.Qt.RightButton: vtk.vtkCommand.RightButtonPressEvent,
}
_RELEASES = {
    QtCore.Qt.LeftButton: vtk.vtkCommand.LeftButtonReleaseEvent,
    QtCore.Qt.RightButton: vtk.vtkCommand.RightButtonReleaseEvent,
}


@widgetClass()
class ctkVTKOpenGLNativeWidget(QtWidgets.QWidget):
    """The part of a view that has the pixels, the keyboard and the mouse."""

    def __init__(self, view: Any) -> None:
        super().__init__(view)
        self._view = view
        self._keys: list[int] = []
        self.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.setMouseTracking(True)

    def _image(self) -> QtGui.QImage:
        return self._view._render()

    def paintEvent(self, _event: Any) -> None:
        painter = QtGui.QPainter(self)
        painter.drawImage(QtCore.QPoint(0, 0), self._image())
        painter.end()

    def keyPressEvent(self, event: Any) -> None:
        """Keep the keys that no shortcut took: the view's own interactor would get them."""
        self._keys.append(event.key())

    def wheelEvent(self, event: Any) -> None:
        self._view._scroll(1 if event.angleDelta().y() > 0 else -1)

    def mousePressEvent(self, event: Any) -> None:
        self._pass(event, _PRESSES)

    def mouseReleaseEvent(self, event: Any) -> None:
        self._pass(event, _RELEASES)

    def mouseMoveEvent(self, event: Any) -> None:
        self._view._interact(vtk.vtkCommand.MouseMoveEvent, *self._placeOf(event))

    def _pass(self, event: Any, kinds: dict[Any, int]) -> None:
        if event.button() in kinds:
            self._view._interact(kinds[event.button()], *self._placeOf(event))

    def _placeOf(self, event: Any) -> tuple[int, int]:
        """Where the mouse is as VTK counts, from the lower left corner."""
        return event.x(), max(QtWidgets.QWidget.height(self), 1) - 1 - event.y()

    def resizeEvent(self, _event: Any) -> None:
        self._view._resized(max(QtWidgets.QWidget.width(self), 1), max(QtWidgets.QWidget.height(self), 1))


@widgetClass()
class qMRMLSliceView(QtWidgets.QWidget):
    """The view of one slice: volume layers, segmentations, corner annotation."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._sliceLogic: Any = None
        self._corner = vtk.vtkCornerAnnotation()
        self._corner.SetMaximumLineHeight(0.07)
        self._drawing: Any = None
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._native = ctkVTKOpenGLNativeWidget(self)
        layout.addWidget(self._native)
        self.setFocusProxy(self._native)

    def _setLogic(self, logic: Any) -> None:
        self._sliceLogic = logic
        self._observations = Observations(self)
        for subject in (logic.GetSliceNode(), logic.GetSliceCompositeNode(), logic):
            self._observations.add(subject, 33, "_onModified")
        logic.ResizeSliceNode(*_DEFAULT_SIZE)

    def _onModified(self, _data: Any) -> None:
        self.scheduleRender()

    def _start(self) -> None:
        """Make the render window, at the first look."""
        node = self._sliceLogic.GetSliceNode()
        self._drawing = OffScreenWindow(node.GetDimensions()[:2])
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._actor = vtk.vtkActor2D()
        self._actor.SetMapper(self._mapper)
        self._drawing.renderer.AddViewProp(self._actor)
        self._drawing.renderer.AddViewProp(self._corner)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._group = self._drawing.addDisplayableManagers(factory, node)
        self._observations.add(self._group, vtk.vtkCommand.UpdateEvent, "_onModified")
        # The real one is the style of the view's interactor, which hears of Qt through QVTK; Python may not set it.
        self._style = slicer.vtkMRMLSliceViewInteractorStyle()
        self._style.SetDisplayableManagers(self._group)

    def _interact(self, kind: int, x: int, y: int) -> None:
        """Give what the mouse does to the displayable managers, as the view's interactor style does."""
        if self._drawing is None:
            self._start()
        node, event = self._sliceLogic.GetSliceNode(), slicer.vtkMRMLInteractionEventData()
        event.SetType(kind)
        event.SetViewNode(node)
        event.SetRenderer(self._drawing.renderer)
        event.SetDisplayPosition([x, y])
        event.SetWorldPosition(list(node.GetXYToRAS().MultiplyPoint([x, y, 0, 1])[:3]))
        self._style.DelegateInteractionEventDataToDisplayableManagers(event)

    def _render(self) -> QtGui.QImage:
        if self._drawing is None:
            self._start()
        connection = self._sliceLogic.GetImageDataConnection()
        self._actor.SetVisibility(connection is not None)
        self._mapper.SetInputConnection(connection)
        return self._drawing.draw()

    def _resized(self, width: int, height: int) -> None:
        if self._sliceLogic is not None:
            self._sliceLogic.ResizeSliceNode(width, height)
        if self._drawing is not None:
            self._drawing.window.SetSize(width, height)

    def _scroll(self, steps: int) -> None:
        logic = self._sliceLogic
        logic.StartSliceOffsetInteraction()
        logic.SetSliceOffset(logic.GetSliceOffset() + steps * logic.GetLowestVolumeSliceSpacing()[2])
        logic.EndSliceOffsetInteraction()

    def scheduleRender(self) -> None:
        self._native.update()

    def forceRender(self) -> None:
        self._render()

    def mrmlSliceNode(self) -> Any:
        return self._sliceLogic.GetSliceNode()

    def cornerAnnotation(self) -> Any:
        return self._corner

    def renderWindow(self) -> Any:
        if self._drawing is None:
            self._start()
        return self._drawing.window

    def interactor(self) -> Any:
        self.renderWindow()
        return self._drawing.interactor

    def VTKWidget(self) -> Any:
        return self._native

    def displayableManagerByClassName(self, name: str) -> Any:
        self.renderWindow()
        return self._group.GetDisplayableManagerByClassName(name)

    def _setCornerText(self, text: str) -> None:
        self._corner.ClearAllTexts()
        self._corner.SetText(2, text)

    cornerAnnotationText = qtProperty(str, lambda self: self._corner.GetText(2) or "", _setCornerText)
    renderEnabled = stored(bool, True)


@widgetClass()
class qMRMLSliceControllerWidget(QtWidgets.QWidget):
    """The bar above a slice view: its letter, and a slider for the offset."""

    def __init__(self, logic: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._sliceLogic = logic
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        letter = QtWidgets.QLabel(f"  {logic.GetSliceNode().GetLayoutLabel()}  ")
        color = QtGui.QColor.fromRgbF(*logic.GetSliceNode().GetLayoutColor())
        letter.styleSheet = f"background: {color.name()}; color: black; font-weight: bold"
        self._slider = ctkSliderWidget()
        self._slider.suffix = " mm"
        row.addWidget(letter)
        row.addWidget(self._slider, 1)
        self._observations = Observations(self)
        for subject in (logic, logic.GetSliceNode()):
            self._observations.add(subject, vtk.vtkCommand.ModifiedEvent, "_onModified")
        self._updating = False
        self._shown: tuple[float, float, float] | None = None
        self._slider.connect("valueChanged(double)", self._onSlider)

    def _onModified(self, _data: Any) -> None:
        bounds = [0.0] * 6
        self._sliceLogic.GetLowestVolumeSliceBounds(bounds)
        shown = (bounds[4], bounds[5], self._sliceLogic.GetSliceOffset())
        if shown == self._shown:
            return
        self._shown = shown
        self._updating = True
        self._slider.minimum, self._slider.maximum, self._slider.value = shown
        self._updating = False

    def _onSlider(self, value: float) -> None:
        if not self._updating:
            self._shown = None
            self.setSliceOffsetValue(value)

    def sliceLogic(self) -> Any:
        return self._sliceLogic

    def mrmlSliceNode(self) -> Any:
        return self._sliceLogic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._sliceLogic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._sliceLogic.FitSliceToBackground()
        self._sliceLogic.SnapSliceOffsetToIJK()

    def setSliceOffsetValue(self, offset: float) -> None:
        self._sliceLogic.StartSliceOffsetInteraction()
        self._sliceLogic.SetSliceOffset(offset)
        self._sliceLogic.EndSliceOffsetInteraction()

    def setSliceVisible(self, visible: bool) -> None:
        self._sliceLogic.GetSliceNode().SetSliceVisible(visible)


@widgetClass()
class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view with its controller bar."""

    def __init__(self, logic: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._sliceLogic = logic
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._controller = qMRMLSliceControllerWidget(logic)
        self._view = qMRMLSliceView()
        self._view._setLogic(logic)
        layout.addWidget(self._controller)
        layout.addWidget(self._view, 1)
        self.setFocusProxy(self._view)

    def sliceView(self) -> Any:
        return self._view

    def sliceController(self) -> Any:
        return self._controller

    def sliceLogic(self) -> Any:
        return self._sliceLogic

    def mrmlSliceNode(self) -> Any:
        return self._sliceLogic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._sliceLogic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        self._controller.fitSliceToBackground()

    def setSliceOrientation(self, orientation: str) -> None:
        self._sliceLogic.GetSliceNode().SetOrientation(orientation)

    sliceViewName = qtProperty(str, lambda self: self.mrmlSliceNode().GetLayoutName())
    sliceOrientation = qtProperty(str, lambda self: self.mrmlSliceNode().GetOrientation(), setSliceOrientation)


EXPORTED = (qMRMLSliceWidget, qMRMLSliceView, qMRMLSliceControllerWidget)
