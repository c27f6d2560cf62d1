"""New class tables from old ones: add, change, remove, with free names, colours, values and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import MAX_LABEL_VALUE, ClassTable, SegmentClass, default_color
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.labels.tag_keys import freeShortcut, requireShortcut

_FIELDS = {
    "name": "name",
    "color": "color",
    "labelValue": "label_value",
    "terminology": "terminology",
    "shortcut": "shortcut",
    "known": "known",
}


def chosenName(table: ClassTable, name: str) -> str:
    """Return the name of the class that was chosen; the first one where it is none of the table, empty without any."""
    names = table.names
    return name if name in names else (names[0] if names else "")


def defaultTable() -> ClassTable:
    """Return the table of a scene that nobody has touched: one class, ready for tags."""
    return ClassTable([newClass(ClassTable(), name=_("Lesion"))])


def newClass(table: ClassTable, /, **given: Any) -> SegmentClass:
    """Return a class that fits into a table; what is not given is chosen free.

    Parameters
    ----------
    table : ClassTable
        Not changed.
    **given
        `name`, `color` (red, green, blue 0..255), `labelValue` (1..65535), `terminology`, `shortcut`, `known` (a
        `Knowledge`); None means free.

    Raises
    ------
    UserError
        What `SegmentClass` raises, ``bad_shortcut`` or ``no_free_label_value``.
    """
    fields = _checkedFields({name: value for name, value in given.items() if value is not None})
    fields.setdefault("name", _freeName(table))
    fields.setdefault("color", _freeColor(table))
    fields.setdefault("label_value", _freeLabelValue(table))
    if not fields.get("shortcut"):
        fields["shortcut"] = freeShortcut(table)
    return SegmentClass(**fields)


def withClass(table: ClassTable, entry: SegmentClass) -> ClassTable:
    """Return the table with one more class at its end."""
    return ClassTable([*table, entry])


def withChanged(table: ClassTable, name: str, /, **given: Any) -> ClassTable:
    """Return the table with fields of one class changed; `UserError` if the class is unknown or the table unfit."""
    position, fields = table.index(name), _checkedFields(given)
    called = {**{each: each for each in table.names}, name: fields.get("name", name)}
    entries = list(table.with_names(called))  # what was inside of it is so under its new name
    entries[position] = replace(entries[position], **fields)
    return ClassTable(entries)


def without(table: ClassTable, name: str) -> ClassTable:
    """Return the table without a class; `UserError` ``unknown_class``."""
    table.index(name)
    return table.with_names({each: each for each in table.names if each != name})


def withKeys(table: ClassTable) -> ClassTable:
    """Return the table with a free key for each class that has none, as long as there are any."""
    for position, entry in enumerate(table):
        if not entry.shortcut:
            entries = list(table)
            entries[position] = replace(entry, shortcut=freeShortcut(table))
            table = ClassTable(entries)
    return table


def _checkedFields(given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise TypeError(f"a class has no {', '.join(unknown)}; it has {', '.join(_FIELDS)}")
    fields = {_FIELDS[name]: value for name, value in given.items()}
    if isinstance(fields.get("name"), str):
        fields["name"] = fields["name"].strip()
    if "shortcut" in fields:
        fields["shortcut"] = requireShortcut(fields["shortcut"])
    if "color" in fields:
        fields["color"] = tuple(fields["color"])
    return fields


def _freeName(table: ClassTable) -> str:
    numbers = range(len(table) + 1, 2 * len(table) + 2)
    names = (_("Class {number}").format(number=number) for number in numbers)
    return next(name for name in names if name not in table.names)


def _freeColor(table: ClassTable) -> tuple[int, int, int]:
    taken = {entry.color for entry in table}
    colors = (default_color(number) for number in range(28))
    return next((color for color in colors if color not in taken), default_color(len(table)))


def _freeLabelValue(table: ClassTable) -> int:
    # Above the largest, so that the number of a removed class is not given to another one of the same cohort.
    highest = max(table.label_values, default=0)
    if highest < MAX_LABEL_VALUE:
        return highest + 1
    free = set(range(1, MAX_LABEL_VALUE + 1)) - set(table.label_values)
    if not free:
        raise UserError("no_free_label_value", _("All label values are in use."), _("Remove a class first."))
    return min(free)
