"""The `ctk` module: the widgets of CTK that a panel needs, with the properties, slots and signals of CTK's headers.

Only what PythonQt would show of them is public: properties, slots, invokable methods. `ctkSliderWidget.setRange`, for
one, is a plain C++ method there, so it does not exist here either.
"""

from __future__ import annotations

import types
from typing import Any

from .dialogs import CLASSES
from .pythonqt import QtCore, QtGui, QtWidgets
from .stand_in import qtProperty, stored, widgetClass

_Signal = QtCore.Signal
_BUTTON_HEIGHT = 26
_NO_LIMIT = 16777215  # QWIDGETSIZE_MAX


@widgetClass(contentsCollapsed="contentsCollapsed(bool)")
class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A button with contents below it that can be folded away."""

    contentsCollapsed = _Signal(bool)

    def __init__(self, text: Any = None, parent: Any = None) -> None:
        if isinstance(text, QtWidgets.QWidget):
            text, parent = None, text
        super().__init__(parent)
        self._hiddenHere: list[Any] = []
        if text:
            self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, _BUTTON_HEIGHT, 0, 0)
        # As CTK: without a policy of its own, a section is never narrower than what is in it would like to be.
        self.setSizePolicy(QtWidgets.QSizePolicy.Minimum, QtWidgets.QSizePolicy.Preferred)
        QtCore.QObject.connect(self, "2toggled(bool)", self._onToggled)

    def _collapsedNow(self) -> bool:
        return not self.checked

    def _setCollapsed(self, value: bool) -> None:
        self.setChecked(not value)

    collapsed = qtProperty(bool, _collapsedNow, _setCollapsed)
    collapsedHeight = stored(int, 10)
    flat = stored(bool, False)
    contentsFrameShape = stored(int, 0)
    contentsFrameShadow = stored(int, 0)
    contentsLineWidth = stored(int, 1)
    contentsMidLineWidth = stored(int, 0)

    def _onToggled(self, shown: bool) -> None:
        # As CTK: else a layout would leave room for the margins of the contents, too.
        self.maximumHeight = _NO_LIMIT if shown else _BUTTON_HEIGHT + self.collapsedHeight
        for child in [one for one in self.children() if isinstance(one, QtWidgets.QWidget)]:
            if not shown and not child.isHidden():
                self._hiddenHere.append(child)
                child.hide()
            elif shown and child in self._hiddenHere:
                child.show()
        if shown:
            self._hiddenHere.clear()
        self.updateGeometry()
        self.contentsCollapsed.emit(not shown)

    def sizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if self.collapsed:
            return QtCore.QSize(100, _BUTTON_HEIGHT + self.collapsedHeight)
        size = layout.totalSizeHint() if layout is not None else QtCore.QSize(100, 0)
        return QtCore.QSize(size.width(), max(size.height(), _BUTTON_HEIGHT))

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if self.collapsed:
            return QtCore.QSize(100, _BUTTON_HEIGHT + self.collapsedHeight)
        size = layout.totalMinimumSize() if layout is not None else QtCore.QSize(100, 0)
        return QtCore.QSize(size.width(), max(size.height(), _BUTTON_HEIGHT))

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() < _BUTTON_HEIGHT

    def paintEvent(self, _event: Any) -> None:
        painter = QtGui.QPainter(self)
        box = QtCore.QRect(0, 0, QtWidgets.QWidget.width(self), _BUTTON_HEIGHT)
        painter.fillRect(box, self.palette.color(QtGui.QPalette.Button).darker(108))
        painter.setPen(self.palette.color(QtGui.QPalette.WindowText))
        arrow = "\u25b8" if self.collapsed else "\u25be"
        painter.drawText(box.adjusted(8, 0, 0, 0), int(QtCore.Qt.AlignVCenter), f"{arrow}  {self.text}")
        if self.focus:
            painter.drawRect(box.adjusted(1, 1, -2, -2))
        painter.end()


@widgetClass(
    valueChanged="valueChanged(double)",
    valueIsChanging="valueIsChanging(double)",
    decimalsChanged="decimalsChanged(int)",
)
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box beside it; with `tracking` off, valueChanged comes at the end of a drag."""

    valueChanged = _Signal(float)
    valueIsChanging = _Signal(float)
    decimalsChanged = _Signal(int)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._low, self._high, self._now, self._step = 0.0, 99.0, 0.0, 1.0
        self._busy = False
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self._spinBox = QtWidgets.QDoubleSpinBox()
        row.addWidget(self._slider, 1)
        row.addWidget(self._spinBox)
        self.setFocusProxy(self._slider)
        self._slider.connect("valueChanged(int)", self._onSlider)
        self._slider.connect("sliderReleased()", self._onReleased)
        self._spinBox.connect("valueChanged(double)", self.setValue)
        self._arrange()

    def _arrange(self) -> None:
        if self._busy:
            return
        self._busy = True
        self._slider.minimum = round(self._low / self._step)
        self._slider.maximum = round(self._high / self._step)
        self._slider.value = round(self._now / self._step)
        self._spinBox.setRange(self._low, self._high)
        self._spinBox.singleStep = self._step
        self._spinBox.value = self._now
        self._busy = False

    def _onSlider(self, position: int) -> None:
        if self._busy:
            return
        value = min(max(position * self._step, self._low), self._high)
        if self._slider.sliderDown and not self.tracking:
            self.valueIsChanging.emit(value)
        else:
            self.setValue(value)

    def _onReleased(self) -> None:
        if not self.tracking:
            self.setValue(self._slider.value * self._step)

    def setValue(self, value: float) -> None:
        value = min(max(float(value), self._low), self._high)
        value = round(value, self.decimals)
        if value == self._now:
            return
        self._now = value
        self._arrange()
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def _setMinimum(self, value: float) -> None:
        self._low, self._high = float(value), max(float(value), self._high)
        self._arrange()
        self.setValue(self._now)

    def _setMaximum(self, value: float) -> None:
        self._low, self._high = min(float(value), self._low), float(value)
        self._arrange()
        self.setValue(self._now)

    def _setStep(self, value: float) -> None:
        self._step = float(value)
        self._arrange()

    def _onDecimals(self) -> None:
        self._spinBox.decimals = self.decimals
        self.decimalsChanged.emit(self.decimals)

    value = qtProperty(float, lambda self: self._now, setValue)
    minimum = qtProperty(float, lambda self: self._low, _setMinimum)
    maximum = qtProperty(float, lambda self: self._high, _setMaximum)
    singleStep = qtProperty(float, lambda self: self._step, _setStep)
    decimals = stored(int, 2, _onDecimals)
    pageStep = stored(float, 10.0)
    prefix = stored(str, "", lambda self: self._spinBox.setPrefix(self.prefix))
    suffix = stored(str, "", lambda self: self._spinBox.setSuffix(self.suffix))
    tickInterval = stored(float, 0.0)
    tracking = stored(bool, True)
    spinBoxVisible = stored(bool, True, lambda self: self._spinBox.setVisible(self.spinBoxVisible))
    popupSlider = stored(bool, False)
    invertedAppearance = stored(bool, False)
    invertedControls = stored(bool, False)

    def reset(self) -> None:
        self.setValue(0.0)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self.spinBoxVisible = visible

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals


@widgetClass(currentPathChanged="currentPathChanged(QString)", validInputChanged="validInputChanged(bool)")
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path with a button to browse."""

    Files, Dirs, Readable, Writable, Executable = 0x2, 0x1, 0x10, 0x20, 0x40
    currentPathChanged = _Signal(str)
    validInputChanged = _Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._line = QtWidgets.QLineEdit()
        self._button = QtWidgets.QToolButton()
        self._button.text = "..."
        row.addWidget(self._line)
        row.addWidget(self._button)
        self.setFocusProxy(self._line)
        self._line.connect("textChanged(QString)", lambda text: self.currentPathChanged.emit(text))
        self._button.connect("clicked()", self.browse)

    def setCurrentPath(self, path: str) -> None:
        self._line.text = path

    def browse(self) -> None:
        files = CLASSES["QFileDialog"]
        path = files.getExistingDirectory(self, "", self.currentPath) if self.filters & self.Dirs else (
            files.getOpenFileName(self, "", self.currentPath))  # fmt: skip
        if path:
            self.setCurrentPath(path)

    def addCurrentPathToHistory(self) -> None:
        """Nothing is kept here."""

    def retrieveHistory(self) -> None:
        """Nothing is kept here."""

    currentPath = qtProperty(str, lambda self: self._line.text, setCurrentPath)
    label = stored(str, "")
    filters = stored(int, Files)
    settingKey = stored(str, "")
    showBrowseButton = stored(bool, True, lambda self: self._button.setVisible(self.showBrowseButton))
    showHistoryButton = stored(bool, True)
    minimumContentsLength = stored(int, 0)
    nameFilters = stored("QStringList", [])


@widgetClass(colorChanged="colorChanged(QColor)", colorNameChanged="colorNameChanged(QString)")
class ctkColorPickerButton(QtWidgets.QPushButton):
    """A button that shows a colour and lets one choose another."""

    colorChanged = _Signal(QtGui.QColor)
    colorNameChanged = _Signal(str)

    def __init__(self, *args: Any) -> None:
        color = next((one for one in args if isinstance(one, QtGui.QColor)), QtGui.QColor())
        super().__init__(*[one for one in args if not isinstance(one, QtGui.QColor)])
        self._color = color
        self.setCheckable(True)
        self.connect("toggled(bool)", lambda on: self.changeColor() if on else None)

    def setColor(self, color: QtGui.QColor) -> None:
        color = QtGui.QColor(color)
        if color == self._color:
            return
        self._color = color
        self.update()
        self.colorChanged.emit(color)
        self.colorNameChanged.emit(color.name())

    def changeColor(self) -> None:
        chosen = CLASSES["QColorDialog"].getColor(self._color, self, "")
        if QtGui.QColor(chosen).isValid():
            self.setColor(chosen)
        self.setChecked(False)

    def setDisplayColorName(self, shown: bool) -> None:
        self.displayColorName = shown

    color = qtProperty(QtGui.QColor, lambda self: self._color, setColor)
    colorName = qtProperty(str, lambda self: self._color.name(), lambda self, name: self.setColor(QtGui.QColor(name)))
    displayColorName = stored(bool, True, lambda self: self.update())

    def paintEvent(self, event: Any) -> None:
        QtWidgets.QPushButton.paintEvent(self, event)
        painter = QtGui.QPainter(self)
        painter.fillRect(QtCore.QRect(6, 6, 14, QtWidgets.QWidget.height(self) - 12), self._color)
        painter.end()


@widgetClass()
class ctkMessageBox(CLASSES["QMessageBox"]):
    """QMessageBox with "don't show again"."""

    dontShowAgain = stored(bool, False)
    dontShowAgainSettingsKey = stored(str, "")
    dontShowAgainVisible = stored(bool, False)

    def setDontShowAgain(self, value: bool) -> None:
        self.dontShowAgain = value


@widgetClass()
class ctkComboBox(QtWidgets.QComboBox):
    """QComboBox with a text for "nothing chosen"."""

    defaultText = stored(str, "")
    forceDefault = stored(bool, False)
    elideMode = stored(int, 3)
    scrollWheelEffect = stored(int, 1)


@widgetClass()
class ctkExpandableWidget(QtWidgets.QFrame):
    """A frame that can be made larger by dragging its edge."""

    orientations = stored(int, 2)
    sizeGripInside = stored(bool, True)
    sizeGripMargins = stored(QtCore.QSize, QtCore.QSize(0, 0))

    def updateSizeHint(self) -> None:
        self.updateGeometry()


class ctkWidgetsUtils:
    """CTK's helper to take pictures of widgets."""

    @staticmethod
    def grabWidget(widget: QtWidgets.QWidget) -> QtGui.QImage:
        return widget.grab().toImage()


EXPORTED = (
    ctkCollapsibleButton, ctkSliderWidget, ctkPathLineEdit, ctkColorPickerButton, ctkMessageBox, ctkComboBox,
    ctkExpandableWidget, ctkWidgetsUtils,
)  # fmt: skip


def make() -> types.ModuleType:
    """Return the module."""
    module = types.ModuleType("ctk", __doc__)
    for cls in EXPORTED:
        setattr(module, cls.__name__, cls)
    return module
