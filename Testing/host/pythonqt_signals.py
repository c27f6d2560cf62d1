"""Signals in PythonQt's manner: by name or signature, with callbacks given only the arguments that they take.

As in src/PythonQtSignalReceiver.cpp: a Python function or method without *args gets at most as many arguments as it has
parameters (those with defaults count); any other callable gets them all. An exception in a callback is
printed and forgotten there; here it is also kept in CALLBACK_ERRORS, so that tests can fail by it.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from typing import Any, ClassVar

import shiboken6
from PySide6 import QtCore

from .refusals import isRefused

CALLBACK_ERRORS: list[BaseException] = []
# Signals that Qt 5.15 overloads, with the first overload there: what `object.signal.connect(f)` means in PythonQt.
FIRST_OVERLOAD_ARGUMENTS = {("QProcess", "finished"): 1}
# Stand-ins' signals, by the signature that the C++ class declares.
CPP_SIGNATURES: dict[tuple[str, str], str] = {}


class Raw:
    """What PySide itself looks up by Python's attributes just now: (id of the object, or None for any; name)."""

    now: ClassVar[set[tuple[int | None, str]]] = set()


class raw:
    """A context that suspends PythonQt's manner for one name while PySide's own code runs."""

    __slots__ = ("_fresh", "_key")

    def __init__(self, name: str, owner: Any = None) -> None:
        self._key = (None if owner is None else id(owner), name)

    def __enter__(self) -> None:
        self._fresh = self._key not in Raw.now
        Raw.now.add(self._key)

    def __exit__(self, *_: object) -> None:
        if self._fresh:
            Raw.now.discard(self._key)


class _Connection:
    def __init__(self, signal: str, target: Callable[..., Any], handle: Any) -> None:
        self.signal = signal
        self.target = target
        self.handle = handle


_connections: dict[int, list[_Connection]] = {}


def reportError(error: BaseException) -> None:
    """Print the error of a callback and keep it."""
    traceback.print_exception(error, file=sys.stderr)
    CALLBACK_ERRORS.append(error)


def argumentCount(target: Callable[..., Any]) -> int | None:
    """Return how many arguments PythonQt would pass at most, or None for all."""
    function = target.__func__ if inspect.ismethod(target) else target
    if not inspect.isfunction(function) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - int(inspect.ismethod(target))


def _receiver(target: Callable[..., Any], limit: int | None = None) -> Callable[..., None]:
    count = argumentCount(target)

    def receive(*args: Any) -> None:
        try:
            target(*args[:limit][:count])
        except Exception as error:  # noqa: BLE001 - as PythonQt: printed, and the emitter goes on
            reportError(error)

    return receive


def _isSignal(sender: QtCore.QObject, signature: str) -> bool:
    known = QtCore.QObject.metaObject(sender).indexOfSignal(signature) >= 0
    return known and not isRefused(type(sender), signature.split("(")[0])


def _normalized(signature: str) -> str:
    if signature and signature[0].isdigit():
        signature = signature[1:]
    text = QtCore.QMetaObject.normalizedSignature(signature)
    return bytes(text.data()).decode() if isinstance(text, QtCore.QByteArray) else str(text)


def _standInSignal(sender: QtCore.QObject, signature: str) -> str | None:
    for cls in type(sender).__mro__:
        name = CPP_SIGNATURES.get((cls.__name__, signature))
        if name is not None:
            return name
    return None


def _firstSignature(sender: QtCore.QObject, name: str) -> str:
    """Return the signature that `object.name` means in PythonQt: the first overload that is declared."""
    for (className, signature), own in CPP_SIGNATURES.items():
        if own == name and any(cls.__name__ == className for cls in type(sender).__mro__):
            return signature
    meta = QtCore.QObject.metaObject(sender)
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.Signal and bytes(method.name().data()).decode() == name:
            return bytes(method.methodSignature().data()).decode()
    return name


def _remember(sender: QtCore.QObject, connection: _Connection) -> None:
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _connections:
        _connections[address] = []
        with raw("connect"):
            QtCore.QObject.connect(sender, "2destroyed()", lambda *_: _connections.pop(address, None))
    _connections[address].append(connection)


def _connectSignature(
    sender: QtCore.QObject, signature: str, target: Callable[..., Any], limit: int | None = None
) -> bool:
    if not callable(target):
        raise TypeError(f"{target!r} is not callable")
    name = _standInSignal(sender, signature)
    if name is not None:
        with raw("connect"):
            handle = BoundSignal.raw(sender, name).connect(_receiver(target))
    elif _isSignal(sender, signature):
        with raw("connect"):
            handle = QtCore.QObject.connect(sender, "2" + signature, _receiver(target, limit))
    else:
        kind = type(sender).__name__
        raise AttributeError(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {kind}")
    _remember(sender, _Connection(signature, target, handle))
    return True


def connect(sender: QtCore.QObject, signal: str, *target: Any) -> bool:
    """Connect a signal, by its C++ signature, to a callable, or to the slot of another object.

    Raises
    ------
    AttributeError
        The object has no such signal. PythonQt prints a warning only.
    """
    if len(target) == 1:
        return _connectSignature(sender, _normalized(signal), target[0])
    receiver, slot = target
    method = _normalized(slot)
    return _connectSignature(sender, _normalized(signal), getattr(receiver, method.split("(")[0]))


def disconnect(sender: QtCore.QObject, signal: str, *target: Any) -> bool:
    """Disconnect a callable from a signal, or all that were connected from Python."""
    return _disconnectSignature(sender, _normalized(signal), *target)


def _disconnectSignature(sender: QtCore.QObject, signature: str, *target: Any) -> bool:
    if len(target) == 2:
        target = (getattr(target[0], _normalized(target[1]).split("(")[0]),)
    known = _connections.get(shiboken6.getCppPointer(sender)[0], [])
    gone = [one for one in known if one.signal == signature and (not target or one.target == target[0])]
    for one in gone:
        with raw("disconnect"):
            QtCore.QObject.disconnect(one.handle)
        known.remove(one)
    return bool(gone)


def emitSignal(sender: QtCore.QObject, name: str, *args: Any) -> None:
    """Emit a signal of an object by its name."""
    BoundSignal.raw(sender, name).emit(*args)


class BoundSignal:
    """The signal of an object, as PythonQt hands it out."""

    rawRead: Callable[..., Any] = QtCore.QObject.__getattribute__

    def __init__(self, sender: QtCore.QObject, name: str, instance: Any) -> None:
        self._sender = sender
        self._name = name
        self._instance = instance

    @classmethod
    def raw(cls, sender: QtCore.QObject, name: str) -> Any:
        """Return PySide's own object for the signal."""
        return cls.rawRead(sender, name)

    def _limit(self) -> int | None:
        for cls in type(self._sender).__mro__:
            if (cls.__name__, self._name) in FIRST_OVERLOAD_ARGUMENTS:
                return FIRST_OVERLOAD_ARGUMENTS[cls.__name__, self._name]
        return None

    def connect(self, target: Callable[..., Any]) -> bool:
        signature = _firstSignature(self._sender, self._name)
        return _connectSignature(self._sender, signature, target, self._limit())

    def disconnect(self, *target: Callable[..., Any]) -> bool:
        return _disconnectSignature(self._sender, _firstSignature(self._sender, self._name), *target)

    def emit(self, *args: Any) -> None:
        self._instance.emit(*args)

    __call__ = emit
