"""Settings of methods: some replaced by others, and whether a value suits; every method lists what its own may be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from WeakMedSAMLib.contract.errors import UserError

S = TypeVar("S")

_OTHER_NAMES = {"subclasses": "sub_classes"}  # as the command line, and run folders, call it


@dataclass(frozen=True)
class Limits:
    """What the settings of a method may be, beside the kind that their defaults have.

    Attributes
    ----------
    choices : mapping
        Name -> the words that it may be.
    least, most : mapping
        Name -> the smallest and the greatest number; 0 and none where they say nothing.
    odd : sequence of str
        Settings that are 0 or an odd number.
    """

    choices: Mapping[str, Sequence[str]]
    least: Mapping[str, float]
    most: Mapping[str, float] = field(default_factory=dict)
    odd: Sequence[str] = ()

    def check(self, settings: Any) -> None:
        """Refuse settings, a dataclass, with a value of the wrong kind or out of range.

        Only words, numbers and switches are looked at.

        Raises
        ------
        UserError
            ``bad_setting``.
        """
        for one in fields(settings):
            if isinstance(one.default, (str, bool, int, float)):
                self._check(one.name, getattr(settings, one.name), one.default)

    def _check(self, name: str, value: Any, default: Any) -> None:
        if name in self.choices:
            if value not in self.choices[name]:
                raise bad_setting(name, value, " or ".join(self.choices[name]))
        elif isinstance(default, bool):
            if not isinstance(value, bool):
                raise bad_setting(name, value, "true or false")
        else:
            self._check_number(name, value, whole=isinstance(default, int))

    def _check_number(self, name: str, value: Any, whole: bool) -> None:
        least, most = self.least.get(name, 0), self.most.get(name, math.inf)
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not (number and least <= value <= most and value < math.inf):
            kind = "a whole number" if whole else "a number"
            limit = f" and {most:g} or less" if most < math.inf else ""
            raise bad_setting(name, value, f"{kind} of {least} or more{limit}")
        if name in self.odd and value and value % 2 == 0:
            raise bad_setting(name, value, "0 or an odd whole number")


def override(settings: S, overrides: Mapping[str, Any]) -> S:
    """Settings, a dataclass that checks itself, with some replaced.

    Raises
    ------
    UserError
        ``unknown_setting``, ``bad_setting``.
    """
    before: Any = settings
    known = {one.name for one in fields(before)}
    renamed = {_OTHER_NAMES.get(name, name): value for name, value in overrides.items()}
    for name in renamed:
        if name not in known:
            hint = f"Known are: {', '.join(sorted(known))}."
            raise UserError("unknown_setting", f"There is no setting {name!r}.", hint, {"name": name})
    changed: S = replace(before, **{name: as_kind_of(getattr(before, name), v) for name, v in renamed.items()})
    return changed


def as_kind_of(default: Any, value: Any) -> Any:
    """A number as the kind of number that the default is, where that changes nothing: 3.0 as 3, and 3 as 3.0."""
    if type(default) is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return float(value) if type(default) is float and type(value) is int else value


def bad_setting(name: str, value: Any, takes: str) -> UserError:
    """The error that says what a setting takes."""
    return UserError(
        "bad_setting",
        f"The setting {name} cannot be {value!r}.",
        f"It takes {takes}.",
        values={"name": name, "value": value},
    )
