"""A user: mouse and keyboard as Qt events.

Keys go by QTest, through Qt's own shortcut map, so that a shortcut steals a key here if it would there (sendEvent would
pass the map by). The widget's window must be shown and active; that is done here.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtTest

from .pythonqt import QtCore, QtGui, QtWidgets

_Qt = QtCore.Qt


class User:
    """Hands for a test."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def show(self, widget: Any) -> None:
        """Show the widget's window and make it the active one."""
        window = QtWidgets.QWidget.window(widget)
        if not window.isVisible():
            window.show()
        window.activateWindow()
        self._host.settle()
        if QtWidgets.QApplication.activeWindow() is not window:
            # The platform without a screen does not tell Qt when a window is shown for the second time.
            QtWidgets.QApplication.setActiveWindow(window)
            self._host.settle()

    def click(self, widget: Any, x: int | None = None, y: int | None = None, button: Any = _Qt.LeftButton) -> None:
        """Click a widget."""
        self.show(widget)
        position = self._position(widget, x, y)
        self._mouse(widget, QtCore.QEvent.MouseButtonPress, position, button, button)
        self._mouse(widget, QtCore.QEvent.MouseButtonRelease, position, button, _Qt.NoButton)
        self._host.settle()

    def push(self, widget: Any) -> None:
        """Press the left button of the mouse on a widget, and keep it down."""
        self.show(widget)
        self._mouse(widget, QtCore.QEvent.MouseButtonPress, self._position(widget, None, None), *2 * (_Qt.LeftButton,))
        self._host.settle()

    def unpush(self, widget: Any) -> None:
        """Let the left button of the mouse go."""
        position = self._position(widget, None, None)
        self._mouse(widget, QtCore.QEvent.MouseButtonRelease, position, _Qt.LeftButton, _Qt.NoButton)
        self._host.settle()

    def hover(self, widget: Any, x: int, y: int) -> None:
        """Move the mouse to a place, without a button."""
        self.show(widget)
        self._mouse(widget, QtCore.QEvent.MouseMove, self._position(widget, x, y), _Qt.NoButton, _Qt.NoButton)
        self._host.settle()

    def drag(self, widget: Any, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Press, move, release."""
        self.show(widget)
        left = _Qt.LeftButton
        self._mouse(widget, QtCore.QEvent.MouseButtonPress, QtCore.QPointF(*start), left, left)
        for step in range(1, steps + 1):
            part = step / steps
            point = QtCore.QPointF(*(round(a + part * (b - a)) for a, b in zip(start, end, strict=True)))
            self._mouse(widget, QtCore.QEvent.MouseMove, point, _Qt.NoButton, left)
        self._mouse(widget, QtCore.QEvent.MouseButtonRelease, QtCore.QPointF(*end), left, _Qt.NoButton)
        self._host.settle()

    def scroll(self, widget: Any, steps: int = 1) -> None:
        """Turn the wheel, forward for positive steps."""
        self.show(widget)
        position = self._position(widget, None, None)
        for _ in range(abs(steps)):
            event = QtGui.QWheelEvent(
                position, self._global(widget, position), QtCore.QPoint(), QtCore.QPoint(0, 120 if steps > 0 else -120),
                _Qt.NoButton, _Qt.NoModifier, _Qt.NoScrollPhase, False,
            )  # fmt: skip
            QtCore.QCoreApplication.sendEvent(widget, event)
        self._host.settle()

    def press(self, widget: Any, keys: str) -> None:
        """Press a key such as "P", "Ctrl+Z", "Return", with the focus on the widget."""
        self._focus(widget)
        combination = QtGui.QKeySequence(keys)[0]
        QtTest.QTest.keyClick(self._focused(), combination.key(), combination.keyboardModifiers())
        self._host.settle()

    def hold(self, widget: Any, keys: str) -> None:
        """Press a key and keep it down."""
        self._focus(widget)
        combination = QtGui.QKeySequence(keys)[0]
        QtTest.QTest.keyPress(self._focused(), combination.key(), combination.keyboardModifiers())
        self._host.settle()

    def letGo(self, widget: Any, keys: str) -> None:
        """Let a key go that is held."""
        combination = QtGui.QKeySequence(keys)[0]
        QtTest.QTest.keyRelease(widget, combination.key(), combination.keyboardModifiers())
        self._host.settle()

    def typeText(self, widget: Any, text: str) -> None:
        """Type a text into a widget."""
        self._focus(widget)
        for letter in text:
            QtTest.QTest.keyClicks(self._focused(), letter)
        self._host.settle()

    def _focus(self, widget: Any) -> None:
        self.show(widget)
        widget.setFocus()
        self._host.settle()

    @staticmethod
    def _focused() -> Any:
        target = QtWidgets.QApplication.focusWidget()
        if target is None:
            raise AssertionError("no widget has the keyboard focus")
        return target

    def _mouse(self, widget: Any, kind: Any, position: Any, button: Any, buttons: Any) -> None:
        event = QtGui.QMouseEvent(kind, position, self._global(widget, position), button, buttons, _Qt.NoModifier)
        QtCore.QCoreApplication.sendEvent(widget, event)

    @staticmethod
    def _position(widget: Any, x: int | None, y: int | None) -> QtCore.QPointF:
        width, height = QtWidgets.QWidget.width(widget), QtWidgets.QWidget.height(widget)
        return QtCore.QPointF(width // 2 if x is None else x, height // 2 if y is None else y)

    @staticmethod
    def _global(widget: Any, position: QtCore.QPointF) -> QtCore.QPointF:
        return QtCore.QPointF(QtWidgets.QWidget.mapToGlobal(widget, position.toPoint()))
