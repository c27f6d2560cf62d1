"""Many calls become one, made when Qt is next idle."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import qt

from WeakMedSAMLib.frontend.base.callbacks import guarded


class Coalesced:
    """Calls a function once after any number of calls, a moment later.

    Parameters
    ----------
    function : callable
        Called without arguments.
    milliseconds : int
        How much later, from the first call on.
    """

    def __init__(self, function: Callable[[], Any], milliseconds: int = 30) -> None:
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(milliseconds)
        # By a weak reference: Qt would keep this object, and the panel behind it, for ever.
        itself = weakref.ref(self)
        self._timer.connect("timeout()", guarded(lambda: _callIfThere(itself)))
        self._function = function
        self._isWaiting = False

    @property
    def isWaiting(self) -> bool:
        """Whether the function is still to be called."""
        return self._isWaiting

    def __call__(self, *_arguments: Any) -> None:
        """Ask for the function to be called."""
        if not self._isWaiting:
            self._isWaiting = True
            self._timer.start()

    def cancel(self) -> None:
        """Forget what was asked for."""
        self._isWaiting = False
        self._timer.stop()

    def _call(self) -> None:
        self._isWaiting = False
        self._function()


def _callIfThere(reference: weakref.ref[Coalesced]) -> None:
    found = reference()
    if found is not None:
        found._call()
