"""What the panels of the module's sections have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import slicer.util

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, Connections, guarded, showError
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.base.turns import Coalesced


class History(Protocol):
    """Takes back what was done, and does it again."""

    @property
    def undoText(self) -> str:
        """What `undo` takes back; empty if there is nothing."""

    def undo(self) -> str:
        """Take back what was done last; returns it in words, empty if there was nothing."""

    def redo(self) -> str:
        """Do again what was taken back last; returns it in words, empty if there was nothing."""


class Panel:
    """A panel made from a ``.ui`` file. It lets go, in `cleanup`, of all that it listens to by `follow` and `soon`.

    Parameters
    ----------
    uiFile : str
        Name of the file in ``Resources/UI``; its root is a qMRMLWidget.

    Attributes
    ----------
    widget : qMRMLWidget
        To be placed into the section.
    ui : object
        Its widgets by name.
    """

    def __init__(self, uiFile: str) -> None:
        self.widget = slicer.util.loadUI(resource("UI", uiFile))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._isFilling = False
        self._connections: list[Connections] = []
        self._turns: list[Coalesced] = []

    # What the module calls

    def setScene(self, scene: Any) -> None:
        """Follow another scene, or the same one with other content; None to let go."""
        self.widget.setMRMLScene(scene)

    def enter(self) -> None:
        """The module is shown; `refresh` is called next."""

    def exit(self) -> None:
        """Another module is shown."""

    def refresh(self) -> None:
        """Show everything as it is."""

    def begin(self, gesture: str) -> None:
        """Begin what was proposed, out of `contract.proposals.GESTURES`, where it is one that a panel is for."""

    def useHistory(self, history: History) -> None:
        """Take back and do again by this, where keys of a panel do so."""

    def useModel(self, ask: Callable[..., object]) -> None:
        """Ask this for the mask that marks on a slice stand for, where a panel places such: `ResidentClient.ask`."""

    def useEmptying(self, empty: Callable[[str, int], object]) -> None:
        """Empty a slice of a class by this, where a panel says that a slice shows none of it: `Corrections.empty`."""

    def stateInWords(self) -> str:
        """Say in a few words how things stand, for the header of the folded section; may be empty."""
        return ""

    def cleanup(self) -> None:
        """Observe nothing and hold nothing of the scene any more; the widget stays until Slicer deletes it."""
        for turn in self._turns:
            turn.cancel()
        for connections in self._connections:
            connections.disconnect()

    # What panels are made with

    def connect(self, widget: Any, signal: str, function: Callable[..., Any]) -> None:
        """Have a signal of a widget call a function, which may raise: a `UserError` goes to `showError`."""
        widget.connect(signal, guarded(function, self.showError))

    def follow(self, *pairs: tuple[Callbacks, Callable[..., Any]]) -> None:
        """Listen to others until `cleanup`."""
        self._connections.append(Connections(*pairs))

    def soon(self, function: Callable[[], Any], milliseconds: int = 30) -> Coalesced:
        """Return what calls a function once after many calls, see `Coalesced`, until `cleanup`."""
        self._turns.append(Coalesced(function, milliseconds))
        return self._turns[-1]

    @contextmanager
    def filling(self) -> Iterator[None]:
        """What widgets say meanwhile is not the user's doing: see `_isFilling`."""
        before, self._isFilling = self._isFilling, True
        try:
            yield
        finally:
            self._isFilling = before

    def showError(self, error: UserError) -> None:
        """Show what a user can put right; in a message box, unless a panel has a place for it."""
        showError(error)
