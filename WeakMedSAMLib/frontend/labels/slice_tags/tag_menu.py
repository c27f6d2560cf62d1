"""The menu "More" of the tags: what one does once a volume, or less often."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _


class TagMenu:
    """Actions by name, in the menu of a button.

    Parameters
    ----------
    button : QToolButton

    Attributes
    ----------
    actions : dict
        ``"notHere"``, ``"here"``, ``"rest"``, ``"clear"``, ``"clearClass"``, ``"extreme"``, ``"boxed"``, ``"join"``,
        ``"clearMarks"``, ``"import"``, ``"export"``, ``"keys"`` -> QAction; notHere, here, extreme, boxed and keys are
        checkable. Their property `usualToolTip` is that of an action that can be chosen.
    menu, markups : QMenu
        All of it, and the one for Markups of the scene.
    """

    def __init__(self, button: Any) -> None:
        self.menu = qt.QMenu(button)
        self.menu.toolTipsVisible = True
        self.actions: dict[str, Any] = {}
        self._add("notHere", _("Not in this volume"), _notHereTip())
        self._add("here", _("In this volume, slices not known"), _hereTip())
        self._add("rest", _("Tag the rest as absent"), _restTip())
        self._add("clear", _("Clear this slice"), _("This slice becomes untagged for the current class"))
        self._add("clearClass", _("Clear the class in this volume"), _clearTip())
        self.menu.addSeparator()
        self._add("extreme", _("Boxes by four clicks"), _extremeTip())
        self._add("boxed", _("All of it is boxed here"), _boxedTip())
        self._add("join", _("Join to a 3-D box"), _joinTip())
        self._add("clearMarks", _("Remove boxes and points of the class"), _clearMarksTip())
        self.menu.addSeparator()
        self._add("import", _("Import labels..."), _importTip())
        self._add("export", _("Export labels..."), _("Export labels to a file: .json, .csv, or .mrk.json of Markups"))
        self.markups = self.menu.addMenu(_("Take over Markups"))
        self.menu.addSeparator()
        self._add("keys", _("Show the keys"), _("Show the keys that work in the slice views"))
        for name in ("keys", "extreme", "boxed", "notHere", "here"):
            self.actions[name].checkable = True
        button.setMenu(self.menu)

    def _add(self, name: str, text: str, tip: str) -> None:
        action = self.menu.addAction(text)
        action.objectName = f"{name}Action"
        action.setProperty("usualToolTip", tip)
        action.toolTip = tip
        self.actions[name] = action


def _notHereTip() -> str:
    return _(
        "The current class is on no slice of this volume: its segment stays empty, and the volume teaches what the "
        "class is not. A volume that nobody has looked at is something else: leave it untagged"
    )


def _hereTip() -> str:
    return _(
        "The current class is on some slices of this volume, such as a report says; the method finds on which. It is "
        "worth less than the range of its slices, and teaches little unless slices of other volumes are tagged"
    )


def _restTip() -> str:
    return _("Every slice that is still untagged becomes absent for the current class, in this volume")


def _clearTip() -> str:
    return _("Every slice becomes untagged for the current class, in this volume; Undo restores the tags")


def _extremeTip() -> str:
    return _("Box takes the outermost points of the class, four of them, rather than two corners")


def _boxedTip() -> str:
    return _("Nothing of the current class is outside of its boxes on this slice")


def _joinTip() -> str:
    return _("The box on this slice and the nearest one of the current class on another slice become one in 3-D")


def _importTip() -> str:
    return _(
        "Import labels from a file: .json, .csv, or .mrk.json of Markups; or what was drawn of this volume, a "
        "segmentation or a label map"
    )


def _clearMarksTip() -> str:
    return _("All boxes and points of the current class in this volume are removed; Undo restores them")
