"""The foldable sections of the panel: one is open at a time, and a folded one says how it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import qt
import slicer

from WeakMedSAMLib.frontend.base.callbacks import guarded

_KEEP_OPEN = "WeakMedSAM/keepSectionsOpen"
# Of the words in a header, which would make the panel wider.
_MOST_LETTERS = 34


class Sections:
    """Opening a section folds the others, unless they are to stay open or the keyboard is in one.

    Parameters
    ----------
    buttons : mapping of str to ctkCollapsibleButton
        By name, in the order of the panel; each has its title as text.
    words : callable
        Gets a name; returns how that section stands, in a few words, or an empty text.
    """

    def __init__(self, buttons: Mapping[str, Any], words: Callable[[str], str]) -> None:
        self._buttons = dict(buttons)
        self._words = words
        self._titles = {name: button.text for name, button in self._buttons.items()}
        for name, button in self._buttons.items():
            button.connect("contentsCollapsed(bool)", guarded(partial(self._onFolded, name)))

    @property
    def stayOpen(self) -> bool:
        """Whether several sections may be open at once; kept for this user."""
        return str(slicer.app.userSettings().value(_KEEP_OPEN) or "").lower() == "true"

    @stayOpen.setter
    def stayOpen(self, value: bool) -> None:
        slicer.app.userSettings().setValue(_KEEP_OPEN, "true" if value else "false")

    def open(self, name: str) -> None:
        """Open a section, and fold the others as if the user had."""
        self._buttons[name].collapsed = False
        self._foldOthers(name)

    def isOpen(self, name: str) -> bool:
        """Say whether a section is open."""
        return not self._buttons[name].collapsed

    def showStates(self) -> None:
        """Say in the header of each folded section how it stands."""
        for name in self._buttons:
            self._showState(name)

    def _foldOthers(self, name: str) -> None:
        if self.stayOpen:
            return
        focus = qt.QApplication.focusWidget()
        for other, button in self._buttons.items():
            hasKeyboard = focus is not None and button.isAncestorOf(focus)
            if other != name and not button.collapsed and not hasKeyboard:
                button.collapsed = True

    def _onFolded(self, name: str, isFolded: bool) -> None:
        if not isFolded:
            self._foldOthers(name)
        self._showState(name)

    def _showState(self, name: str) -> None:
        button, title = self._buttons[name], self._titles[name]
        words = self._words(name) if button.collapsed else ""
        if len(words) > _MOST_LETTERS:
            words = words[: _MOST_LETTERS - 1] + "…"
        text = f"{title}: {words}" if words else title
        if button.text != text:
            button.text = text
