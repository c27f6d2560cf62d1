"""Boxes and points in the section of the tags: buttons, what to do while placing, gaps, list."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import slices_of
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setEnabled, setText
from WeakMedSAMLib.frontend.labels.marks.mark_actions import MarkActions
from WeakMedSAMLib.frontend.labels.marks.mark_contradictions import Wrong, byMark, contradictionsOf
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX, NOT, POINT, Mark
from WeakMedSAMLib.frontend.labels.marks.mark_list import MarkList
from WeakMedSAMLib.frontend.labels.marks.mark_words import gapsInWords
from WeakMedSAMLib.frontend.labels.marks.model_answers import Asks
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.scene.slice_outlines import SliceOutlines

BUTTONS = {"boxButton": BOX, "pointButton": POINT, "notButton": NOT}
# Buttons and entries of the menu that need a slice to act on.
ENTRIES = ("boxed", "join", "clearMarks")


class MarkPart:
    """The part of the panel that is about boxes and points; the panel connects its buttons.

    Parameters
    ----------
    ui : object
        Of the panel.
    menu : dict
        Name -> QAction, of the panel's menu.
    labels : SceneLabels
    navigator : SceneSliceNavigator

    Attributes
    ----------
    actions : MarkActions
    wrong : list of Wrong
        What contradicts in the volume, of labels of all kinds.
    """

    def __init__(self, ui: Any, menu: dict[str, Any], labels: SceneLabels, navigator: SceneSliceNavigator) -> None:
        self._ui, self._menu = ui, menu
        self._labels, self._navigator = labels, navigator
        self._outlines = SliceOutlines()
        self.actions = MarkActions(labels, navigator, self._outlines)
        self._list = MarkList(ui, self._goTo, self._remove)
        self._shownReason = ""
        # What was found when labels changed last: scrolling asks for it, too.
        self.wrong: list[Wrong] = []

    def useModel(self, ask: Asks | None) -> None:
        """Ask this for the outline of what is placed."""
        self.actions.answers.ask = ask

    def connect(self, onError: Callable[[UserError], Any]) -> None:
        """Listen to the list."""
        self._list.connect(onError)

    def functions(self) -> dict[str, Callable[[], None]]:
        """Return what buttons do, by name."""
        toggles: dict[str, Callable[[], None]] = {
            name: partial(self.actions.toggle, kind) for name, kind in BUTTONS.items()
        }
        ends = {
            "takeButton": self.actions.take,
            "joinButton": self.actions.joinPlaced,
            "leaveButton": self.actions.leave,
        }
        return {**toggles, **ends}

    def entries(self) -> dict[str, Callable[[], None]]:
        """Return what entries of the menu do, by name."""
        return {
            "extreme": self._setExtreme,
            "boxed": lambda: self.actions.setComplete(self._menu["boxed"].checked),
            "join": self.actions.join,
            "clearMarks": self.actions.clearClass,
        }

    def runKey(self, action: str, viewName: str) -> bool:
        """Do what a key stands for, and say whether it is one of marks."""
        if action == "forgetStart" and self.actions.canLeave:
            self.actions.leave()
            return True
        function = self.actions.functions().get(action)
        if function is None:
            return False
        if viewName and action not in ("take", "join") and not self.actions.kind:
            self._navigator.workIn(viewName)
        function()
        return True

    def cleanup(self) -> None:
        """Leave nothing behind."""
        self.actions.cleanup()
        self._outlines.clear()

    # Showing

    def show(self, className: str) -> None:
        """Show what marks the volume has, what contradicts, and where the current class has no box."""
        labels, node = self._labels.ofCurrent(), self._labels.state.currentVolume
        self.wrong = contradictionsOf(labels, self._labels.session.classes, node) if labels is not None else []
        self._list.show(labels, byMark(self.wrong))
        gaps = gapsInWords(labels, className)
        setText(self._ui.gapsLabel, breakable(_("No box yet: {slices}").format(slices=gaps)) if gaps else "")

    def showGesture(self, problem: str) -> None:
        """Show what is being placed, and what that needs; `problem` says why nothing can be placed."""
        ui, actions = self._ui, self.actions
        if problem != self._shownReason or not ui.boxButton.toolTip:
            self._shownReason = problem
            for control in (*(getattr(ui, name) for name in BUTTONS), *(self._menu[name] for name in ENTRIES)):
                setEnabled(control, problem, control.property("usualToolTip"))
        for name, kind in BUTTONS.items():
            if getattr(ui, name).checked != (actions.kind == kind):
                getattr(ui, name).checked = actions.kind == kind
        self._menu["boxed"].checked = actions.isComplete()
        hint = actions.hint()
        if ui.hintLabel.text != breakable(hint):
            ui.hintLabel.text = breakable(hint)
        ui.placingFrame.visible = bool(hint)
        ui.joinButton.visible = actions.canJoin
        setEnabled(ui.takeButton, "" if actions.canTake else hint, ui.takeButton.property("usualToolTip"))

    def draw(self) -> None:
        """Bring outlines up to date after views moved."""
        self._outlines.draw()

    # What happens

    def _setExtreme(self) -> None:
        self.actions.extremePoints = self._menu["extreme"].checked

    def _goTo(self, mark: Mark) -> None:
        labels, key = self._labels.ofCurrent(), self._labels.currentKey()
        if labels is None or key is None:
            return
        if mark.class_name in self._labels.session.classes.names:
            self._labels.state.currentClass = mark.class_name
        first, last = slices_of(mark, labels)
        self._navigator.jump((first + last) // 2)
        self._labels.markNodes.select(key, mark if isinstance(mark, Box) else None)

    def _remove(self, marks: list[Mark]) -> None:
        key = self._labels.currentKey()
        if key is not None:
            self._labels.marks.removeMark(key, *marks)
