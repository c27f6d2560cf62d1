"""PythonQt's manner of attributes, laid over PySide6's objects.

What PythonQt does (src/PythonQtInstanceWrapper.cpp, PythonQtClassInfo.cpp) is done here to every QObject that Python
sees, also to those that C++ made: a property is an attribute, so that calling it is a TypeError; an unknown attribute
of a plain Qt object can neither be read nor written; slots and signals cannot be overwritten; lists come back as
tuples. Classes that stand in for C++ ones (`@standIn`) obey the same rules.
"""

from __future__ import annotations

import functools
import os
import types
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# PythonQt's enums are ints. PySide reads this once, when it is imported.
os.environ["PYSIDE6_OPTION_PYTHON_ENUM"] = "2"

import numpy as np
import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from .pythonqt_signals import BoundSignal, Raw, connect, disconnect, emitSignal, raw
from .refusals import RefusedMember, isRefused, refuseOnValues

STAND_INS: list[type] = []
# The Python functions behind the properties that stand-ins declare, by the Property object's id.
ACCESSORS: dict[int, tuple[Any, Any]] = {}
# Classes with a name that is both a static and an instance method (QFile.exists) look attributes up in their own way.
_RAW_READERS: dict[type, Any] = {}
_MISSING = object()
_PROPERTIES: dict[tuple[type, str], QtCore.QMetaProperty | None] = {}  # what propertyOf found


def standIn(cls: type) -> type:
    """Let a Python class pass for the C++ class of its name, strict like one."""
    STAND_INS.append(cls)
    return cls


def isNative(cls: type) -> bool:
    """Whether a class is C++ (or passes for it), so that PythonQt would not let it have attributes of its own."""
    return cls.__module__.split(".")[0] in ("PySide6", "Shiboken", "builtins", "shiboken6") or cls in STAND_INS


@functools.cache
def _rawReader(cls: type) -> Any:
    return next(_RAW_READERS[base] for base in cls.__mro__ if base in _RAW_READERS)


def _readRaw(self: QtCore.QObject, name: str) -> Any:
    """Look an attribute up as PySide does."""
    return _rawReader(type(self))(self, name)


def _dictionaryOf(self: QtCore.QObject) -> dict[str, Any]:
    return object.__getattribute__(self, "__dict__")  # type: ignore[no-any-return]


class Method:
    """A bound slot or method of a Qt object."""

    __slots__ = ("_function", "_name")

    def __init__(self, function: Any, name: str) -> None:
        self._function = function
        self._name = name

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords:
            raise TypeError(f"PythonQt methods take no keyword arguments: {self._name}({', '.join(keywords)}=...)")
        for value in args:
            refuseForeign(value, self._name)
        return toPython(self._function(*args))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self._function == other._function

    def __hash__(self) -> int:
        return hash((self._name, id(getattr(self._function, "__self__", None))))

    def __repr__(self) -> str:
        return f"<qt slot {self._name}>"


@functools.cache
def _isForeign(cls: type) -> bool:
    return issubclass(cls, np.generic | np.ndarray | os.PathLike) and not issubclass(cls, int | float | str | bytes)


def refuseForeign(value: Any, where: str) -> None:
    """Raise TypeError for numpy's scalars and paths, which PythonQt does not know."""
    if _isForeign(type(value)):
        raise TypeError(f"PythonQt cannot convert {type(value).__name__} for {where}: use int(), float() or str()")


def toPython(value: Any) -> Any:
    """Return what PythonQt would hand out for a value that PySide returned: lists are tuples there."""
    return tuple(value) if type(value) is list else value


@functools.cache
def firstNative(cls: type) -> type:
    """Return the C++ class (or stand-in) that a class derives from, or the class itself."""
    return next(base for base in cls.__mro__ if isNative(base))


@functools.cache
def definedInPython(cls: type, name: str) -> bool:
    """Whether a Python subclass, above its first C++ class, defines the attribute."""
    for base in cls.__mro__:
        if isNative(base):
            return False
        if name in base.__dict__:
            return True
    return False


def propertyOf(self: QtCore.QObject, cls: type, name: str) -> QtCore.QMetaProperty | None:
    """Return the Qt property of that name; a timer's `singleShot` is not one in PythonQt."""
    if (cls, name) not in _PROPERTIES:
        meta = _metaObjectOf(self, cls)
        index = -1 if name == "singleShot" and issubclass(cls, QtCore.QTimer) else meta.indexOfProperty(name)
        _PROPERTIES[cls, name] = meta.property(index) if index >= 0 else None
    return _PROPERTIES[cls, name]


def _metaObjectOf(self: QtCore.QObject, cls: type) -> QtCore.QMetaObject:
    """Return what Qt knows of a class. PySide may take that of the class for deleted; its objects still have it."""
    meta: QtCore.QMetaObject = cls.staticMetaObject  # type: ignore[attr-defined]
    if shiboken6.isValid(meta):
        return meta
    if not shiboken6.isValid(self):
        raise ValueError(f"Trying to use a destroyed {cls.__name__} object")
    return QtCore.QObject.metaObject(self)


@functools.cache
def ownProperty(cls: type, name: str) -> QtCore.Property | None:
    """Return the property that a stand-in declares, if it is one."""
    found = next((base.__dict__[name] for base in cls.__mro__ if name in base.__dict__), None)
    return found if isinstance(found, QtCore.Property) else None


def readProperty(self: QtCore.QObject, cls: type, name: str) -> Any:
    """Return a property's value."""
    if not shiboken6.isValid(self):
        raise ValueError(f"Trying to read property '{name}' from a destroyed {cls.__name__} object")
    own = ownProperty(cls, name)
    if own is not None:
        return toPython(ACCESSORS[id(own)][0](self))
    with raw(name, self):
        value = propertyOf(self, cls, name).read(self)
    if value is None:
        getter = getattr(cls, name, None) or getattr(cls, "is" + name[0].upper() + name[1:], None)
        value = getter(self) if callable(getter) else None
    return toPython(value)


def writeProperty(self: QtCore.QObject, cls: type, name: str, value: Any) -> None:
    """Set a property, by its setter where there is one, so that PySide converts the value."""
    meta = propertyOf(self, cls, name)
    if not shiboken6.isValid(self):
        raise ValueError(f"Trying to set property '{name}' on a destroyed {cls.__name__} object")
    if not meta.isWritable():
        raise AttributeError(f"Property '{name}' is not writable.")
    refuseForeign(value, f"property '{name}'")
    own = ownProperty(cls, name)
    setter = ACCESSORS[id(own)][1] if own is not None else getattr(cls, "set" + name[0].upper() + name[1:], None)
    try:
        if setter is not None:
            setter(self, value)
        else:
            _writeMeta(meta, self, value)
    except TypeError as error:
        raise AttributeError(
            f"Property '{name}' of type '{meta.typeName()}' does not accept an object of type {type(value).__name__}"
        ) from error


def _writeMeta(meta: QtCore.QMetaProperty, self: QtCore.QObject, value: Any) -> None:
    with raw(meta.name(), self):
        if not meta.write(self, value):
            raise TypeError


def writeOwn(self: Any, name: str, value: Any) -> None:
    """Set an attribute of a Python subclass."""
    descriptor = getattr(type(self), name, None)
    if isinstance(descriptor, property):
        descriptor.__set__(self, value)
    else:
        _dictionaryOf(self)[name] = value


def dynamicProperty(self: QtCore.QObject, name: str) -> Any:
    """Return what QObject::property gives."""
    if propertyOf(self, firstNative(type(self)), name) is not None:
        return readProperty(self, firstNative(type(self)), name)
    with raw(name, self):
        return toPython(QtCore.QObject.property(self, name))


def memberOf(self: QtCore.QObject, cls: type, name: str) -> Any:
    """Return a slot, signal or enum value of the C++ class, or _MISSING."""
    if isRefused(cls, name):
        return RefusedMember(firstNative(cls).__name__, name)
    try:
        found = _readRaw(self, name)
    except AttributeError:
        if name.endswith("_") and not name.endswith("__"):
            return memberOf(self, cls, name[:-1])
        return _MISSING
    if isinstance(found, QtCore.SignalInstance):
        return BoundSignal(self, name, found)
    # A stand-in's Python method stays what it is, since PySide looks overridden virtual functions up this way.
    if name.startswith("_") or isinstance(found, types.MethodType):
        return found
    return Method(found, name) if callable(found) and not isinstance(found, type) else found


def missingMember(self: QtCore.QObject, cls: type, name: str) -> Any:
    """Look where PythonQt looks last: dynamic properties, its own methods, children by name."""
    if shiboken6.isValid(self):
        if name in [bytes(key.data()).decode() for key in QtCore.QObject.dynamicPropertyNames(self)]:
            return dynamicProperty(self, name)
        for child in QtCore.QObject.children(self):
            if QtCore.QObject.objectName(child) == name:
                return child
    raise AttributeError(f"{firstNative(cls).__name__} has no attribute named '{name}'")


def _aliased(self: QtCore.QObject, cls: type, name: str) -> str:
    return "objectName" if name == "name" and propertyOf(self, cls, "name") is None else name


def _isOwn(self: QtCore.QObject, name: str) -> bool:
    """Whether the instance's dictionary has an attribute that Python code put there (PySide keeps signals in it)."""
    value = _dictionaryOf(self).get(name, _MISSING)
    return value is not _MISSING and not isinstance(value, QtCore.SignalInstance)


def _readAttribute(self: QtCore.QObject, name: str) -> Any:
    if name.startswith("__") or (Raw.now and ((None, name) in Raw.now or (id(self), name) in Raw.now)):
        return _readRaw(self, name)
    cls = type(self)
    if definedInPython(cls, name) or _isOwn(self, name):
        return _readRaw(self, name)
    own = OBJECT_METHODS.get(name)
    if own is not None:
        return functools.partial(own, self)
    native = firstNative(cls)
    name = _aliased(self, native, name)
    if propertyOf(self, native, name) is not None:
        return readProperty(self, native, name)
    found = memberOf(self, cls, name)
    return found if found is not _MISSING else missingMember(self, cls, name)


def _writeAttribute(self: QtCore.QObject, name: str, value: Any) -> None:
    cls = type(self)
    native = firstNative(cls)
    own = name.startswith("__") or (name.startswith("_") and native in STAND_INS)
    if own or isinstance(value, QtCore.SignalInstance):  # PySide keeps a signal in the object when it is first used
        writeOwn(self, name, value)
        return
    name = _aliased(self, native, name)
    if propertyOf(self, native, name) is not None:
        writeProperty(self, native, name, value)
    elif hasattr(native, name):
        raise AttributeError(f"Slot, signal or enum value '{name}' can not be overwritten on {native.__name__}")
    elif shiboken6.isValid(self) and dynamicProperty(self, name) is not None:
        QtCore.QObject.setProperty(self, name, value)
    elif native is cls:
        raise AttributeError(f"'{name}' does not exist on {native.__name__} and creating new attributes is not allowed")
    else:
        writeOwn(self, name, value)


def _classNameOf(self: QtCore.QObject) -> str:
    return type(self).__name__


def _delete(self: QtCore.QObject) -> None:
    shiboken6.delete(self)


def _findChildren(self: QtCore.QObject, kind: Any, name: str | None = None) -> tuple[QtCore.QObject, ...]:
    found = QtCore.QObject.findChildren(self, QtCore.QObject)
    ofKind = [
        one for one in found if (QtCore.QObject.inherits(one, kind) if isinstance(kind, str) else isinstance(one, kind))
    ]
    return tuple(one for one in ofKind if not name or QtCore.QObject.objectName(one) == name)


def _findChild(self: QtCore.QObject, kind: Any, name: str | None = None) -> QtCore.QObject | None:
    return next(iter(_findChildren(self, kind, name)), None)


OBJECT_METHODS = {
    "className": _classNameOf,
    "delete": _delete,
    "property": dynamicProperty,
    "connect": connect,
    "disconnect": disconnect,
    "findChild": _findChild,
    "findChildren": _findChildren,
}


def _writeValueAttribute(self: Any, name: str, value: Any) -> None:
    """Refuse attributes on plain Qt values, as PythonQt does; a Python subclass may have them."""
    cls = type(self)
    if not isNative(cls) or name.startswith("__"):
        object.__setattr__(self, name, value)
        return
    raise AttributeError(f"'{name}' does not exist on {cls.__name__} and creating new attributes is not allowed")


def _strictInit(cls: type) -> None:
    """Let a class's constructor refuse what PythonQt does not pass on: keywords, paths, numpy's scalars."""
    construct = cls.__init__

    def strict(self: Any, *args: Any, **keywords: Any) -> None:
        if keywords:
            raise TypeError(f"PythonQt passes no keyword arguments to {cls.__name__}: {', '.join(keywords)}")
        for value in args:
            refuseForeign(value, cls.__name__)
        construct(self, *args)

    cls.__init__ = strict


def _classes() -> list[type]:
    """Return every class of PySide that `qt` offers."""
    found = [getattr(library, name) for library in (QtCore, QtGui, QtWidgets, QtUiTools) for name in dir(library)]
    return [cls for cls in found if isinstance(cls, type) and cls.__name__.startswith("Q") and not _isEnum(cls)]


def _isEnum(cls: type) -> bool:
    return hasattr(cls, "__members__")


def install() -> None:
    """Lay PythonQt's manner over PySide6, once, for the whole process."""
    if _RAW_READERS:
        return
    BoundSignal.rawRead = staticmethod(_readRaw)
    classes = _classes()
    for cls in classes:
        if issubclass(cls, QtCore.QObject):
            _installOn(cls)
        elif "__init__" in cls.__dict__:
            cls.__setattr__ = _writeValueAttribute
        if "__init__" in cls.__dict__:
            _strictInit(cls)
    refuseOnValues([cls for cls in classes if not issubclass(cls, QtCore.QObject)])


def _installOn(cls: type) -> None:
    """Most QObject classes have a __setattr__, some a __getattribute__ of their own."""
    if "__getattribute__" in cls.__dict__:
        _RAW_READERS[cls] = cls.__getattribute__
        cls.__getattribute__ = _readAttribute
    if "__setattr__" in cls.__dict__:
        cls.__setattr__ = _writeAttribute


__all__ = ["BoundSignal", "Method", "emitSignal", "install", "standIn"]
