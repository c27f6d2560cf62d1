"""The button Update, what waits for it, and how far it is."""

from __future__ import annotations

from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setEnabled, setText
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName
from WeakMedSAMLib.frontend.results.correcting.given import UpdateCalls
from WeakMedSAMLib.frontend.running.estimates import timeInWords


class UpdateBox:
    """Button, menu and progress; see `given.UpdateProgress` for what the update tells it.

    Parameters
    ----------
    ui : object
        With `updateButton`, `updateMenuButton`, `updateBar`, `cancelUpdateButton` and `updateLabel`.

    Attributes
    ----------
    calls : UpdateCalls
        Who learns; nobody at first.
    isUnderWay : bool
    changed : Callbacks
        Called without arguments when an update begins or ends.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self.calls: UpdateCalls | None = None
        self.isUnderWay = False
        self._pending = 0
        self._reason = ""
        self.changed = Callbacks()
        menu = self._menu = qt.QMenu(ui.updateMenuButton)
        menu.toolTipsVisible = True
        self._others = menu.addAction(_("And the other volumes..."))
        self._undo = menu.addAction(_("Undo update"))
        ui.updateMenuButton.setMenu(menu)
        menu.connect("aboutToShow()", guarded(self._fillMenu))
        self._others.connect("triggered()", guarded(self._updateAll))
        self._undo.connect("triggered()", guarded(self._undoUpdate))
        ui.updateButton.connect("clicked()", guarded(self.update))
        ui.cancelUpdateButton.connect("clicked()", guarded(self._cancel))
        self._showProgress()

    def show(self, pending: int, reason: str) -> None:
        """Show how many slices wait for an update; and why there can be none now, empty if there can."""
        self._pending, self._reason = pending, reason
        text = _("Update ({count})").format(count=pending) if pending else _("Update")
        if self._ui.updateButton.text != text:
            self._ui.updateButton.text = text
        tip = _("Learn from what you corrected, and draw the other slices anew ({key}); each class of a slice counts")
        setEnabled(self._ui.updateButton, self.problem(), tip.format(key=keyName("Ctrl+U")))

    def problem(self) -> str:
        """Say why the masks of this volume cannot be updated now; empty if they can."""
        if self._reason or self.calls is None:
            return self._reason or _("There is nothing that learns from corrections here.")
        if self.isUnderWay:
            return _("An update is under way.")
        if not self._pending:
            return _("Nothing was corrected since the last update.")
        return self.calls.problem()

    def update(self) -> None:
        """Update the masks of this volume, if that is possible; it is said otherwise."""
        problem = self.problem()
        if problem:
            setText(self._ui.updateLabel, breakable(problem))
        elif self.calls is not None:
            self.calls.onUpdate(False)

    def cleanup(self) -> None:
        """Call nobody any more."""
        self.calls = None
        self.changed.clear()

    # What the update tells

    def start(self, text: str = "") -> None:
        """See `given.UpdateProgress`."""
        self.isUnderWay = True
        self._ui.updateBar.value = 0
        setText(self._ui.updateLabel, breakable(text))
        self._showProgress()

    def progress(self, fraction: float, secondsLeft: float | None = None) -> None:
        """See `given.UpdateProgress`."""
        self._ui.updateBar.value = round(100 * min(max(fraction, 0.0), 1.0))
        text = _("%p %, {time} left").format(time=timeInWords(secondsLeft)) if secondsLeft is not None else "%p %"
        self._ui.updateBar.format = text

    def finished(self, text: str = "") -> None:
        """See `given.UpdateProgress`."""
        self._end(text)

    def failed(self, text: str) -> None:
        """See `given.UpdateProgress`."""
        self._end(_("Not updated: {reason} Your corrections are kept.").format(reason=text))

    def _end(self, text: str) -> None:
        self.isUnderWay = False
        setText(self._ui.updateLabel, breakable(text))
        self._showProgress()

    def _showProgress(self) -> None:
        ui = self._ui
        for widget in (ui.updateBar, ui.cancelUpdateButton):
            widget.visible = self.isUnderWay
        for widget in (ui.updateButton, ui.updateMenuButton):
            widget.visible = not self.isUnderWay
        if not self.isUnderWay:
            ui.updateBar.format = "%p %"
        setText(ui.updateLabel, ui.updateLabel.text)
        self.show(self._pending, self._reason)
        self.changed()

    # The menu

    def _fillMenu(self) -> None:
        calls = self.calls
        cost = calls.cost() if calls is not None else ""
        reason = self._reason or (calls.problem() if calls is not None else _("There is nothing that learns here."))
        if not reason and not cost:
            reason = _("This run has no other volumes.")
        tip = _("The same model draws the masks of the other volumes anew, in the background: {cost}")
        setEnabled(self._others, reason, tip.format(cost=cost))
        undoReason = calls.undoProblem() if calls is not None else _("There was no update.")
        tip = _("Take back what the last update wrote; what you drew since stays")
        setEnabled(self._undo, undoReason, tip)

    def _updateAll(self) -> None:
        calls = self.calls
        if calls is None:
            return
        text = _("Update the other volumes too? That takes: {cost}. You can go on working meanwhile.")
        if slicer.util.confirmYesNoDisplay(text.format(cost=calls.cost()), windowTitle=_("Update")):
            calls.onUpdate(True)

    def _undoUpdate(self) -> None:
        if self.calls is not None and not self.calls.undoProblem():
            self.calls.onUndo()

    def _cancel(self) -> None:
        if self.calls is not None:
            self.calls.onCancel()
