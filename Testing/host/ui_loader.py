"""qt.QUiLoader: reads .ui files and makes ctk and qMRML widgets as the Python classes that stand in for them.

Stricter than Qt: a property that the real class would not know, or a class that is not stood in, raises here, where Qt
would quietly keep a dynamic property or leave the widget out.
"""

from __future__ import annotations

import functools
import xml.etree.ElementTree as ElementTree
from typing import Any

from PySide6 import QtUiTools

from .pythonqt import QtCore, QtWidgets
from .pythonqt_signals import raw

WIDGETS: dict[str, type] = {}
_PROPERTIES: dict[str, set[str]] = {}  # name of a class -> those that it has
_made: list[QtCore.QObject] = []


def register(cls: type) -> type:
    """Let .ui files name a class."""
    WIDGETS[cls.__name__] = cls
    # Asked now: Qt may have deleted what describes a class once its instances are gone.
    known = cls.staticMetaObject
    _PROPERTIES[cls.__name__] = {known.property(index).name() for index in range(known.propertyCount())}
    return cls


def _keep(widget: QtCore.QObject) -> None:
    """Hold a widget made in Python for as long as Qt holds it, or its Python part would be lost."""
    _made.append(widget)
    identity = id(widget)

    def forget(*_: Any) -> None:
        _made[:] = [one for one in _made if id(one) != identity]

    with raw("connect"):
        QtCore.QObject.connect(widget, "2destroyed()", forget)


class UiLoader(QtUiTools.QUiLoader):
    """QUiLoader for strict .ui files."""

    def createWidget(self, className: str, parent: Any = None, name: str = "") -> Any:
        cls = WIDGETS.get(className)
        if cls is None:
            return super().createWidget(className, parent, name)
        widget = cls(parent) if parent is not None else cls()
        QtCore.QObject.setObjectName(widget, name)
        _keep(widget)
        return widget

    def load(self, device: Any, parent: Any = None) -> Any:
        content, connections = _readUi(bytes(device.readAll().data()))
        buffer = QtCore.QBuffer()
        QtCore.QBuffer.setData(buffer, content)
        QtCore.QBuffer.open(buffer, QtCore.QIODevice.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise RuntimeError(super().errorString())
        for connection in connections:
            _connect(widget, *connection)
        return widget


@functools.cache
def _readUi(content: bytes) -> tuple[bytes, list[tuple[str, str, str, str]]]:
    """Return a .ui file without its connections, and these: sender, signal, receiver and slot."""
    root = ElementTree.fromstring(content)
    _check(root)
    connections = _takeConnections(root)
    return ElementTree.tostring(root), connections


def _check(root: ElementTree.Element) -> None:
    """Raise for what a real .ui loader would pass over in silence."""
    for element in root.iter("widget"):
        className = element.get("class", "")
        cls = WIDGETS.get(className)
        if cls is None and className.startswith(("ctk", "qMRML", "qSlicer")):
            raise NotImplementedError(f"The stand-in has no {className}")
        if cls is None:
            continue
        for prop in element.findall("property"):
            name = prop.get("name", "")
            if name not in _PROPERTIES[className] and prop.get("stdset") != "0":
                raise AttributeError(f"{cls.__name__} '{element.get('name')}': no property '{name}' (or not stood in)")


def _takeConnections(root: ElementTree.Element) -> list[tuple[str, str, str, str]]:
    found = []
    for parent in root.findall("connections"):
        for one in parent.findall("connection"):
            sender, signal, receiver, slot = (one.findtext(key, "") for key in ("sender", "signal", "receiver", "slot"))
            found.append((sender, signal, receiver, slot))
        root.remove(parent)
    return found


def _named(root: QtWidgets.QWidget, name: str) -> Any:
    if QtCore.QObject.objectName(root) == name:
        return root
    found = [one for one in QtCore.QObject.findChildren(root, QtCore.QObject) if QtCore.QObject.objectName(one) == name]
    if not found:
        raise AttributeError(f"A connection of the .ui file names '{name}', which is not in it")
    return found[0]


def _connect(root: QtWidgets.QWidget, sender: str, signal: str, receiver: str, slot: str) -> None:
    _named(root, sender).connect(signal, _named(root, receiver), slot)
