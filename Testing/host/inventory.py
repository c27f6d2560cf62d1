"""The list of what is stood in, so that an addition is noticed: `library: name`, and below a class its public members.

Every member of a ctk, qMRML or qSlicer class named here is a property, slot, signal, invokable method or PythonQt
decorator of the class of that name (or an overridden event handler); nothing else would exist in Slicer.
"""

from __future__ import annotations

import types
from typing import Any

from .pythonqt import STAND_INS


def names() -> list[str]:
    """Return every class, function and module that is not the real one, with the classes' members."""
    import ctk
    import qt
    import slicer

    found = [("qt", name, value) for name, value in vars(qt).items() if not _isPySide(value)]
    found += [("ctk", name, value) for name, value in vars(ctk).items() if isinstance(value, type)]
    found += [("slicer", name, value) for name, value in vars(slicer).items() if value in STAND_INS]
    found += [("slicer", name, None) for name in ("app", "mrmlScene", "modules", "moduleNames")]
    for module in ("i18n", "packaging", "ScriptedLoadableModule"):
        found += [(f"slicer.{module}", name, value) for name, value in vars(getattr(slicer, module)).items()]
    lines = [
        line for library, name, value in found if not name.startswith("_") for line in _lines(library, name, value)
    ]
    return sorted(lines)


def _lines(library: str, name: str, value: Any) -> list[str]:
    members = _members(value) if isinstance(value, type) else []
    return [f"{library}: {name}", *(f"{library}: {name}.{member}" for member in members)]


def _members(cls: type) -> list[str]:
    return [name for name in vars(cls) if not name.startswith("_") and name != "staticMetaObject"]


def _isPySide(value: Any) -> bool:
    module = getattr(value, "__module__", "") or ""
    return module.startswith(("PySide6", "shiboken6")) or not isinstance(value, type | types.FunctionType)
