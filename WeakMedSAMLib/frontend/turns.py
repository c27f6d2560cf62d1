"""Many calls become one, made when Qt is next idle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from WeakMedSAMLib.frontend.callbacks import guarded


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
        self._timer.connect("timeout()", guarded(self._call))
        self._function = function
        self._isWaiting = False

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
