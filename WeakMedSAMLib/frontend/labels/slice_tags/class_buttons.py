"""One button a class: which one is being tagged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.labels.classes_panel import colorIcon
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName

_COLUMNS = 3
_MAX_LETTERS = 18


class ClassButtons:
    """Buttons in a grid. With a single class there is nothing to choose, and nothing is shown.

    Parameters
    ----------
    frame : QWidget
        With a QGridLayout.
    choose : callable
        Gets the name of the class whose button was pressed.
    """

    def __init__(self, frame: Any, choose: Callable[[str], Any]) -> None:
        self._frame = frame
        self._choose = choose
        self._classes: ClassTable | None = None
        self._buttons: dict[str, Any] = {}
        for column in range(_COLUMNS):
            frame.layout().setColumnStretch(column, 1)

    def show(self, classes: ClassTable, current: str) -> None:
        """Show the classes, with the current one down."""
        if classes != self._classes:
            self._classes = classes
            self._rebuild(classes)
        self._mark(current)

    def button(self, name: str) -> Any:
        """Return the button of a class."""
        return self._buttons[name]

    def _rebuild(self, classes: ClassTable) -> None:
        for button in self._buttons.values():
            button.setParent(None)
            button.deleteLater()
        self._buttons = {}
        self._frame.visible = len(classes) > 1
        for position, entry in enumerate(classes if len(classes) > 1 else ()):
            button = self._makeButton(entry)
            self._frame.layout().addWidget(button, position // _COLUMNS, position % _COLUMNS)
            self._buttons[entry.name] = button

    def _makeButton(self, entry: SegmentClass) -> Any:
        name = entry.name if len(entry.name) <= _MAX_LETTERS else entry.name[: _MAX_LETTERS - 1] + "…"
        # An ampersand would make the next letter a shortcut.
        name = name.replace("&", "&&")
        button = qt.QPushButton(self._frame)
        button.setProperty("label", f"{entry.shortcut}  {name}".strip())
        button.checkable = True
        button.icon = colorIcon(entry.color, button.fontMetrics().height())
        tip = _("Tag '{name}' from now on.").format(name=entry.name)
        if entry.shortcut:
            keys = _("Key {present} in a slice view: present; {absent}: absent.")
            tip += " " + keys.format(present=entry.shortcut, absent=keyName(f"Shift+{entry.shortcut}"))
        button.toolTip = tip
        button.connect("clicked()", guarded(partial(self._press, entry.name)))
        return button

    def _press(self, name: str) -> None:
        self._choose(name)
        # Pressing the current one again must not release it.
        self._mark(name)

    def _mark(self, current: str) -> None:
        for name, button in self._buttons.items():
            button.checked = name == current
            # As in the tag strip: not every style shows clearly which button is down.
            label = button.property("label")
            button.text = f"▸ {label}" if name == current else label
