"""Whether a widget is in sight: not while its section is folded or another module is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from WeakMedSAMLib.frontend.base.callbacks import guarded


class Sight(qt.QObject):
    """Says when a widget comes into sight or out of it, and when its colours are others; to be its event filter.

    Parameters
    ----------
    changed : callable
        Called without arguments when it is seen, or not any more.
    restyled : callable
        Called without arguments when light became dark, for instance.
    """

    def __init__(self, changed: Callable[[], Any], restyled: Callable[[], Any]) -> None:
        qt.QObject.__init__(self)
        self._calls = {
            qt.QEvent.Show: guarded(changed),
            qt.QEvent.Hide: guarded(changed),
            qt.QEvent.PaletteChange: guarded(restyled),
        }

    def eventFilter(self, _watched: Any, event: Any) -> bool:
        """Let every event pass."""
        call = self._calls.get(event.type())
        if call is not None:
            call()
        return False
