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
        ``"rest"``, ``"clear"``, ``"clearClass"``, ``"import"``, ``"export"``, ``"keys"`` -> QAction; the last one is
        checkable. Their property `usualToolTip` is that of an action that can be chosen.
    """

    def __init__(self, button: Any) -> None:
        self._menu = qt.QMenu(button)
        self._menu.toolTipsVisible = True
        self.actions: dict[str, Any] = {}
        self._add("rest", _("Tag the rest as absent"), _restTip())
        self._add("clear", _("Clear this slice"), _("This slice becomes untagged for the current class"))
        self._add("clearClass", _("Clear the class in this volume"), _clearTip())
        self._menu.addSeparator()
        self._add("import", _("Import tags..."), _("Import tags from a JSON or CSV file"))
        self._add("export", _("Export tags..."), _("Export the tags of all volumes to a JSON or CSV file"))
        self._menu.addSeparator()
        self._add("keys", _("Show the keys"), _("Show the keys that work in the slice views"))
        self.actions["keys"].checkable = True
        button.setMenu(self._menu)

    def _add(self, name: str, text: str, tip: str) -> None:
        action = self._menu.addAction(text)
        action.objectName = f"{name}Action"
        action.setProperty("usualToolTip", tip)
        action.toolTip = tip
        self.actions[name] = action


def _restTip() -> str:
    return _("Every slice that is still untagged becomes absent for the current class, in this volume")


def _clearTip() -> str:
    return _("Every slice becomes untagged for the current class, in this volume; Undo restores the tags")
