"""Helpers to write stand-ins for C++ widget classes: properties and signals as the real headers declare them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .pythonqt import ACCESSORS, QtCore, standIn
from .pythonqt_signals import CPP_SIGNATURES
from .ui_loader import register


def qtProperty(
    kind: Any, read: Callable[[Any], Any], write: Callable[[Any, Any], None] | None = None
) -> QtCore.Property:
    """Return a Qt property, known to .ui files too, that calls these functions."""
    made = QtCore.Property(kind, read, write) if write is not None else QtCore.Property(kind, read)
    ACCESSORS[id(made)] = (read, write)
    return made


def stored(kind: Any, default: Any, changed: Callable[[Any], None] | None = None) -> QtCore.Property:
    """Return a Qt property that keeps its value in the object and calls `changed(self)` after it was set."""
    key = f"_property_{stored.count}"
    stored.count += 1

    def read(self: Any) -> Any:
        return self.__dict__.get(key, default)

    def write(self: Any, value: Any) -> None:
        value = list(value) if kind == "QStringList" else value
        self.__dict__[key] = value
        if changed is not None:
            changed(self)

    return qtProperty(kind, read, write)


stored.count = 0


def widgetClass(**signatures: str) -> Callable[[type], type]:
    """Make a class pass for the C++ class of its name; `name="name(type)"` gives its signals' C++ signatures."""

    def mark(cls: type) -> type:
        for name, signature in signatures.items():
            CPP_SIGNATURES[cls.__name__, signature] = name.rstrip("_")
        return register(standIn(cls))

    return mark
