"""Modal windows for tests: what would be shown is recorded, and answered from a list that the test has filled.

A message with one button is answered at once. A question that no test has an answer for raises UnansweredQuestion, so
that no test passes by a default that it did not mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .pythonqt import QtCore, QtGui, QtWidgets, standIn


class UnansweredQuestion(AssertionError):
    """A modal window was opened and the test has not said what to answer."""


@dataclass
class Shown:
    """A modal window that would have been shown."""

    kind: str
    text: str = ""
    title: str = ""
    detail: str = ""
    buttons: tuple[int, ...] = ()
    icon: int = 0
    answer: Any = None


@dataclass
class DialogRecord:
    """All modal windows since `clear`, and the answers for those to come."""

    shown: list[Shown] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def clear(self) -> None:
        self.shown.clear()
        self.answers.clear()

    def answer(self, *answers: Any) -> None:
        """Add answers for coming windows, in order: a button, a text, a path, or a function of the window."""
        self.answers.extend(answers)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.shown]

    def show(self, shown: Shown, default: Any = UnansweredQuestion, window: Any = None) -> Any:
        """Record a window and return the answer."""
        self.shown.append(shown)
        if self.answers:
            answer = self.answers.pop(0)
            shown.answer = answer(window or shown) if callable(answer) and not isinstance(answer, int) else answer
        elif default is UnansweredQuestion:
            raise UnansweredQuestion(f"{shown.kind}: {shown.text or shown.title!r}: no answer for it in this test")
        else:
            shown.answer = default
        return shown.answer


RECORD = DialogRecord()
_Standard = QtWidgets.QMessageBox


def _buttonsIn(buttons: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in _Standard.StandardButton if int(one) and int(buttons) & int(one) == int(one)
                 and bin(int(one)).count("1") == 1)  # fmt: skip


def _askMessage(shown: Shown, window: Any = None) -> Any:
    single = len(shown.buttons) <= 1
    default = (shown.buttons or (int(_Standard.Ok),))[0] if single else UnansweredQuestion
    return RECORD.show(shown, default, window)


class RecordedMessageBox(QtWidgets.QMessageBox):
    """QMessageBox that is answered, not shown."""

    def exec(self) -> int:
        shownButtons = [
            one for one in _Standard.buttons(self) if _Standard.buttonRole(self, one) != _Standard.ActionRole
        ]
        buttons = tuple(int(_Standard.standardButton(self, one)) for one in shownButtons)
        text, title = _Standard.text(self), self.windowTitle
        shown = Shown(
            type(self).__name__, text, title, _Standard.detailedText(self), buttons, int(_Standard.icon(self))
        )
        answer = _askMessage(shown, self)
        for button in _Standard.buttons(self):
            if answer in (button, QtWidgets.QAbstractButton.text(button)):
                self._clicked = button
                return int(_Standard.standardButton(self, button))
        self._clicked = _Standard.button(self, _Standard.StandardButton(int(answer)))
        return int(answer)

    exec_ = exec

    def clickedButton(self) -> Any:
        return self.__dict__.get("_clicked")


def _static(kind: str) -> Callable[..., int]:
    def ask(_parent: Any, title: str, text: str, buttons: Any = _Standard.Ok, default: Any = None) -> int:
        del default
        return _askMessage(Shown(kind, text, title, buttons=_buttonsIn(buttons)))

    return staticmethod(ask)


def _askPath(kind: str) -> Callable[..., str]:
    def ask(_parent: Any = None, caption: str = "", directory: str = "", _filter: str = "", *_: Any) -> str:
        return RECORD.show(Shown(kind, directory, caption, _filter))

    return staticmethod(ask)


class RecordedDialog(QtWidgets.QDialog):
    """QDialog whose exec_ is answered by a function of it, or by a result code."""

    def exec(self) -> int:
        return int(RECORD.show(Shown("QDialog", "", self.windowTitle), window=self))

    exec_ = exec


class RecordedFileDialog(QtWidgets.QFileDialog):
    """QFileDialog; PythonQt's static functions return the path alone."""

    getOpenFileName = _askPath("getOpenFileName")
    getSaveFileName = _askPath("getSaveFileName")
    getExistingDirectory = _askPath("getExistingDirectory")
    getOpenFileNames = _askPath("getOpenFileNames")


class RecordedInputDialog(QtWidgets.QInputDialog):
    """QInputDialog; PythonQt's static functions return the value alone, an empty text when cancelled."""

    @staticmethod
    def getText(_parent: Any, title: str, label: str, _echo: Any = None, text: str = "", *_: Any) -> str:
        return RECORD.show(Shown("getText", label, title, text)) or ""

    @staticmethod
    def getItem(_parent: Any, title: str, label: str, items: Any, current: int = 0, *_: Any) -> str:
        """Qt returns the item that was current when the user cancels (answer None), so that one cannot tell."""
        answer = RECORD.show(Shown("getItem", label, title, "\n".join(items)))
        return items[current] if answer is None else answer


class RecordedColorDialog(QtWidgets.QColorDialog):
    """QColorDialog; an invalid colour means cancelled."""

    @staticmethod
    def getColor(initial: Any = None, _parent: Any = None, title: str = "", *_: Any) -> QtGui.QColor:
        name = QtGui.QColor(initial).name() if initial is not None else ""
        return RECORD.show(Shown("getColor", name, title))


class RecordedMenu(QtWidgets.QMenu):
    """QMenu whose exec_ triggers the action that the test names."""

    def exec(self, *_: Any) -> QtGui.QAction | None:
        texts = [action.text for action in QtWidgets.QMenu.actions(self)]
        wanted = RECORD.show(Shown("QMenu", "\n".join(texts), self.title), window=self)
        chosen = next((action for action in QtWidgets.QMenu.actions(self) if action.text == wanted), None)
        if chosen is not None:
            chosen.trigger()
        return chosen

    exec_ = exec


class RecordedDesktopServices:
    """QDesktopServices: addresses are recorded, nothing is opened."""

    @staticmethod
    def openUrl(url: QtCore.QUrl) -> bool:
        return bool(RECORD.show(Shown("openUrl", url.toString()), default=True))


for _name in ("question", "warning", "information", "critical"):
    setattr(RecordedMessageBox, _name, _static(_name))

CLASSES = {
    "QMessageBox": RecordedMessageBox,
    "QDialog": RecordedDialog,
    "QFileDialog": RecordedFileDialog,
    "QInputDialog": RecordedInputDialog,
    "QColorDialog": RecordedColorDialog,
    "QMenu": RecordedMenu,
    "QDesktopServices": RecordedDesktopServices,
}
for _name, _class in CLASSES.items():
    _class.__name__ = _class.__qualname__ = _name
    if _class is not RecordedDesktopServices:
        standIn(_class)
