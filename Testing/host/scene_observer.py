"""VTK observations of Qt widgets: they neither keep the widget alive nor outlive it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
import vtk

from .pythonqt_signals import reportError


class Observations:
    """The VTK events that one widget observes."""

    def __init__(self, owner: Any) -> None:
        self._owner = weakref.ref(owner)
        self._tags: list[tuple[Any, int]] = []

    def add(self, subject: Any, event: int, method: str) -> None:
        """Call `owner.method(callData)` when the event comes; call data of node events is the node."""
        owner = self._owner

        def called(_caller: Any, _event: str, data: Any = None) -> None:
            self._call(owner, method, data)

        called.CallDataType = vtk.VTK_OBJECT
        self._tags.append((subject, subject.AddObserver(event, called)))

    @staticmethod
    def _call(owner: Callable[[], Any], method: str, data: Any) -> None:
        alive = owner()
        if alive is None or not shiboken6.isValid(alive):
            return
        try:
            getattr(alive, method)(data)
        except Exception as error:  # noqa: BLE001 - VTK would print it and go on
            reportError(error)

    def clear(self) -> None:
        """Stop observing."""
        for subject, tag in self._tags:
            subject.RemoveObserver(tag)
        self._tags.clear()

    def __del__(self) -> None:
        self.clear()
