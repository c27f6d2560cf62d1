"""slicer.app.layoutManager(): the views of the four-up layout, three slices and one 3D view."""

from __future__ import annotations

from typing import Any

import slicer

from .pythonqt import QtCore, QtWidgets
from .slice_widgets import qMRMLSliceWidget
from .stand_in import qtProperty, widgetClass
from .three_d_view import qMRMLThreeDView

_FOUR_UP = 3
# Layouts that show one of the slice views, or none beside the 3D view; all others here show all.
_ONE_UP = {4: "", 6: "Red", 7: "Yellow", 8: "Green"}


@widgetClass()
class qMRMLThreeDWidget(QtWidgets.QWidget):
    """The 3D view with its controller."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._view = qMRMLThreeDView()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    def threeDView(self) -> Any:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()


@widgetClass(layoutChanged="layoutChanged(int)")
class qSlicerLayoutManager(QtCore.QObject):
    """The manager of the views."""

    layoutChanged = QtCore.Signal(int)

    def __init__(self, mrml: Any, viewport: Any) -> None:
        super().__init__(viewport)
        self._mrml = mrml
        self._viewport = viewport
        self._layout = _FOUR_UP
        self._changes = 0
        self._widgets = {name: qMRMLSliceWidget(logic, viewport) for name, logic in mrml.sliceLogics.items()}
        self._threeD = qMRMLThreeDWidget(viewport)
        grid = QtWidgets.QGridLayout(viewport)
        grid.setContentsMargins(0, 0, 0, 0)
        for widget, place in zip(
            [*self._widgets.values(), self._threeD], [(0, 0), (1, 1), (1, 0), (0, 1)], strict=True
        ):
            grid.addWidget(widget, *place)

    def sliceViewNames(self) -> tuple[str, ...]:
        # Slicer lists them as a hash has them: in another order after another layout.
        return tuple(reversed(self._widgets)) if self._changes % 2 else tuple(self._widgets)

    def sliceWidget(self, name: str) -> Any:
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        return self._mrml.sliceLogicCollection

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def layoutLogic(self) -> Any:
        return self._mrml.layoutLogic

    def threeDWidget(self, which: int | str) -> Any:
        return self._threeD if which in (0, "1", "View1") else None

    def viewport(self) -> Any:
        return self._viewport

    def setLayout(self, layout: int) -> None:
        isOther, self._layout = layout != self._layout, int(layout)
        # Also for the layout that there is: a scene that was read may have said otherwise of its views.
        for name, widget in self._widgets.items():
            isShown = _ONE_UP.get(self._layout, name) == name
            widget.mrmlSliceNode().SetMappedInLayout(isShown)
            widget.setVisible(isShown)
        if isOther:
            self._changes += 1
            self.layoutChanged.emit(self._layout)

    def resetSliceViews(self) -> None:
        for widget in self._widgets.values():
            widget.sliceController().fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        self._threeD.threeDView().resetFocalPoint()

    def pauseRender(self) -> None:
        """Nothing renders by itself here."""

    def resumeRender(self) -> None:
        """Nothing renders by itself here."""

    layout = qtProperty(int, lambda self: self._layout, setLayout)
    threeDViewCount = qtProperty(int, lambda self: 1)


EXPORTED = (qMRMLThreeDView, qMRMLThreeDWidget, qSlicerLayoutManager)
