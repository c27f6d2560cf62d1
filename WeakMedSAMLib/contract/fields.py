"""Plain data (as JSON has it) against the type hints of dataclasses: one check for all files and event lines."""

from __future__ import annotations

import sys
import types
import typing
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from .errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LONGEST_NAME = 1000

Built = TypeVar("Built", bound="DataclassInstance")
_MOST_SHOWN = 9  # values of a list in a message
_LARGEST = sys.float_info.max


def build(kind: type[Built], data: Any, what: str) -> Built:
    """Make a dataclass from a JSON object.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have plain type hints (`fits` says which).
    data : object
        What the JSON file holds in its place.
    what : str
        How to call it in an error message, such as ``"class 2"``.

    Raises
    ------
    UserError
        ``bad_field`` if it is no object, a key is unknown or missing, or a value has the wrong type. An unknown key is
        an error and not passed over, because it is mostly a misspelt one.
    """
    values = require_object(data, what, tuple(field.name for field in fields(kind)))
    for field in fields(kind):
        if field.name in values:
            require_fit(values[field.name], type_hints(kind)[field.name], f"{field.name!r} of {what}")
        elif is_required(field):
            raise UserError("bad_field", f"{what} has no {field.name!r}.", "Add it.")
    return kind(**values)


def require_object(data: Any, what: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Return `data` as a dictionary; `UserError` ``bad_field`` if it is no JSON object or has a key not `known`."""
    if not isinstance(data, Mapping):
        raise UserError("bad_field", f"{what} must be an object, not {_shown(data)}.", f"Its keys: {', '.join(known)}.")
    for key in data:
        if key not in known:
            raise UserError("bad_field", f"{what} has an unknown key {key!r}.", f"Known keys: {', '.join(known)}.")
    return dict(data)


def require_fit(value: Any, hint: Any, what: str) -> None:
    """Raise `UserError` ``bad_field`` unless `value` fits the type `hint`."""
    if not fits(value, hint):
        raise UserError("bad_field", f"{what} must be {_described(hint)}, not {_shown(value)}.", "Correct the value.")


def fits(value: Any, hint: Any) -> bool:
    """Say whether a JSON value fits a type hint.

    Known are ``Any``, ``str``, ``int``, ``float``, ``bool``, ``None``, ``list``, ``tuple``, ``dict`` (with or without
    the types inside), ``Literal`` and unions of them. A whole number fits ``float``, a truth value no number, a JSON
    array a tuple; NaN, infinity and what a float cannot hold fit nothing.
    """
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, choice) for choice in inside)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in inside)
    if origin is not None:
        return _fits_container(value, origin, inside)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return value is None if hint in (None, type(None)) else isinstance(value, hint)


def type_hints(kind: type) -> dict[str, Any]:
    """Return the resolved type hints of a dataclass by field name."""
    return _cached_hints(kind)


_cached_hints = cache(typing.get_type_hints)


def is_required(field: Field[Any]) -> bool:
    """Say whether a dataclass field has no default."""
    return field.default is MISSING and field.default_factory is MISSING


def require_name(value: Any, what: str) -> None:
    """Raise `UserError` ``bad_name`` unless `value` is text to show and to store.

    Control characters and halves of surrogate pairs break CSV files, NRRD headers and log lines.
    """
    if not isinstance(value, str) or not value.strip():
        raise UserError("bad_name", f"{what} must be text and not empty, not {_shown(value)}.", "Give it a name.")
    if len(value) > LONGEST_NAME:
        message = f"{what} has {len(value)} letters: {_shown(value)}."
        raise UserError("bad_name", message, f"Use {LONGEST_NAME} at most.")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise UserError("bad_name", f"{what} {value!a} has a control character in it.", "Rename it.")


def _fits_container(value: Any, origin: Any, inside: tuple[Any, ...]) -> bool:
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(key, inside[0]) and fits(item, inside[1]) for key, item in value.items()
        )
    if not isinstance(value, (list, tuple)):
        return False
    if origin is list or inside[-1] is Ellipsis:
        return all(fits(item, inside[0]) for item in value)
    return len(value) == len(inside) and all(map(fits, value, inside))


def _described(hint: Any) -> str:
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
    if hint in words:
        return words[hint]
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_described(choice) for choice in inside)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in inside)
    if origin is dict:
        return "an object"
    if origin is tuple and inside[-1] is not Ellipsis:
        return f"a list of {len(inside)} values"
    return f"a list, each {_described(inside[0])}" if inside else str(hint)


def _shown(value: Any) -> str:
    plain = (str, int, float, bool, type(None))
    is_short = isinstance(value, list) and len(value) <= _MOST_SHOWN and all(isinstance(each, plain) for each in value)
    text = ascii(value) if is_short or isinstance(value, plain) else f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
