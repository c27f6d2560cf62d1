"""The `qt` module: Qt's classes in one namespace, as PythonQt offers them, from PySide6.

Modal windows do not wait for anybody here: they are recorded and answered by dialogs.py.
"""

from __future__ import annotations

import types
from typing import Any

from . import dialogs
from .pythonqt import QtCore, QtGui, QtWidgets, standIn
from .pythonqt_signals import raw, reportError
from .refusals import CLASSES
from .ui_loader import UiLoader

_LIBRARIES = (QtCore, QtGui, QtWidgets)


class Refused:
    """A name that PythonQt has and that does not do in Slicer what one may expect of it."""

    def __init__(self, *_args: Any, **_keywords: Any) -> None:
        raise NotImplementedError("Signals, slots and properties of Python classes are not to be relied on in PythonQt")


class Timer(QtCore.QTimer):
    """QTimer, whose singleShot takes a Python callable that may raise without harm."""

    @staticmethod
    def singleShot(milliseconds: int, callback: Any) -> None:
        if not callable(callback):
            raise TypeError(f"{callback!r} is not callable")

        def call() -> None:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - as PythonQt: printed and forgotten
                reportError(error)

        with raw("connect"):
            QtCore.QTimer.singleShot(int(milliseconds), call)


standIn(Timer)
Timer.__name__ = "QTimer"


class QtModule(types.ModuleType):
    """`import qt`."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("Q") or name in CLASSES:
            raise AttributeError(f"module 'qt' has no attribute '{name}'")
        for library in _LIBRARIES:
            if hasattr(library, name):
                found = getattr(library, name)
                setattr(self, name, found)
                return found
        raise AttributeError(f"module 'qt' has no attribute '{name}' (or the stand-in lacks it)")


def make() -> types.ModuleType:
    """Return the module."""
    module = QtModule("qt", __doc__)
    module.Signal = module.Slot = module.Property = Refused
    module.QUiLoader, module.QTimer = UiLoader, Timer
    for name, stand in dialogs.CLASSES.items():
        setattr(module, name, stand)
    return module
