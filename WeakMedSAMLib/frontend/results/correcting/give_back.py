"""Give back to the machine: the menu for a slice, a range, and all of a volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled
from WeakMedSAMLib.frontend.results.correcting.given import Corrections

Shown = Callable[[], tuple[Corrections | None, str, int | None]]


class GiveBackMenu:
    """The menu of a button.

    Parameters
    ----------
    button : QPushButton
    shown : callable
        Returns the corrections, the class that is chosen and the slice that is shown, as far as there are any.
    onError : callable
        Gets a `UserError`.
    """

    def __init__(self, button: Any, shown: Shown, onError: Callable[[UserError], Any]) -> None:
        self._button, self._shown = button, shown
        menu = self._menu = qt.QMenu(button)
        menu.toolTipsVisible = True
        self.actions: dict[str, Any] = {}
        for name, text, function in (
            ("slice", _("This slice"), self.giveSlice),
            ("range", _("Some slices..."), self._giveRange),
            ("class", _("All slices of this class"), self._giveClass),
            ("all", _("All slices of all classes"), self._giveAll),
        ):
            self.actions[name] = menu.addAction(text)
            self.actions[name].connect("triggered()", guarded(function, onError))
        menu.connect("aboutToShow()", guarded(self.fill))
        button.setMenu(menu)

    def fill(self) -> None:
        """Show what can be given back now."""
        corrections, className, index = self._shown()
        names = [className] if className else []
        ofClass = len(corrections.states(className)) if corrections is not None and className else 0
        texts = {
            "slice": _("Slice {index}").format(index=index) if index is not None else _("This slice"),
            "class": _("All slices of {name} ({count})").format(name=className, count=ofClass),
        }
        for name, text in texts.items():
            self.actions[name].text = text
        noSlice = _("No view shows a slice.") if index is None else ""
        none = _("Nothing of this class was corrected.") if names and not ofClass else ""
        tip = _("The machine's mask is put in place of yours, which teaches nothing any more; Undo takes that back")
        for name, reason in (("slice", noSlice), ("range", none), ("class", none), ("all", "")):
            setEnabled(self.actions[name], reason, tip)

    def giveSlice(self) -> None:
        """Give the slice that is shown back, of all classes."""
        corrections, _name, index = self._shown()
        if corrections is not None and index is not None:
            corrections.giveBack(index, index)

    def _giveRange(self) -> None:
        corrections, className, index = self._shown()
        if corrections is None or not className:
            return
        label = _("Slices of {name} to give back, such as 12-20:").format(name=className)
        proposed = _around(set(corrections.states(className)), index)
        text = qt.QInputDialog.getText(self._button, _("Give back"), label, qt.QLineEdit.Normal, proposed)
        if text and text.strip():
            corrections.giveBack(*_rangeOf(text), [className])

    def _giveClass(self) -> None:
        corrections, className, _index = self._shown()
        found = corrections.states(className) if corrections is not None and className else {}
        if corrections is not None and found:
            corrections.giveBack(min(found), max(found), [className])

    def _giveAll(self) -> None:
        corrections, _name, _index = self._shown()
        if corrections is not None:
            corrections.giveBack(0, (corrections.labels().n_slices or 1) - 1)


def _around(indices: set[int], index: int | None) -> str:
    """Return the run of slices around one, as "12-20"; of all slices without."""
    if not indices:
        return ""
    if index not in indices or index is None:
        return f"{min(indices)}-{max(indices)}"
    first = last = index
    while first - 1 in indices:
        first -= 1
    while last + 1 in indices:
        last += 1
    return f"{first}-{last}"


def _rangeOf(text: str) -> tuple[int, int]:
    """Return first and last slice of "12-20" or "12"; `UserError` ``bad_slices``."""
    parts = [part.strip() for part in text.replace("–", "-").split("-")]
    if not 1 <= len(parts) <= 2 or not all(part.isdigit() for part in parts):
        message = _("'{text}' is no range of slices.").format(text=text.strip())
        raise UserError("bad_slices", message, _("Write it as 12-20, or as 12."), {"text": text.strip()})
    first, last = int(parts[0]), int(parts[-1])
    return min(first, last), max(first, last)
