"""What PySide6 has and PythonQt 5.15 has not.

not_in_pythonqt.json holds the methods and classes for which PythonQt's own bindings (generated_cpp_515 of
MeVisLab/pythonqt) have no wrapper and Qt no slot, signal or property; MORE what Qt 6 has added to those.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_DATA = json.loads(Path(__file__).with_name("not_in_pythonqt.json").read_text(encoding="utf-8"))
CLASSES = frozenset(_DATA["classes"])
MORE = {
    "QCheckBox": ["checkStateChanged"],
    "QObject": ["bindableObjectName", "emit"],
    "QAction": ["enabledChanged", "visibleChanged", "checkableChanged", "resetEnabled"],
    "QStyleHints": ["colorScheme", "setColorScheme", "colorSchemeChanged", "unsetColorScheme"],
    "QProgressDialog": ["exec"],
    "QGuiApplication": ["highDpiScaleFactorRoundingPolicy"],
}
MEMBERS = {
    name: frozenset(_DATA["members"].get(name, [])) | frozenset(MORE.get(name, []))
    for name in {*_DATA["members"], *MORE}
}


@functools.cache
def isRefused(cls: type, name: str) -> bool:
    """Whether objects of a class have no such member in PythonQt."""
    return any(name in MEMBERS.get(base.__name__, ()) for base in cls.__mro__)


class RefusedMember:
    """Stands for a member that PythonQt lacks: raises when it is used.

    PySide itself looks virtual functions up by name before each call of them, so looking alone must not raise.
    """

    def __init__(self, className: str, name: str) -> None:
        self._words = f"{className} has no attribute named '{name}' in PythonQt 5.15"

    def __call__(self, *_: Any) -> None:
        raise AttributeError(self._words)

    def __getattr__(self, name: str) -> None:
        raise AttributeError(self._words)


def refuseOnValues(classes: list[type]) -> None:
    """Take the members away from classes that are no QObjects (those are asked at each look-up)."""
    for cls in classes:
        for name in MEMBERS.get(cls.__name__, ()):
            setattr(cls, name, property(functools.partial(_refuse, cls.__name__, name)))


def _refuse(className: str, name: str, _self: Any) -> None:
    raise AttributeError(f"{className} has no attribute named '{name}' in PythonQt 5.15")
