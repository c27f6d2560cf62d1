"""Class tables to begin with, from the JSON files in the module's resources."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.labels.class_edits import newClass
from WeakMedSAMLib.frontend.labels.terminology import isTerminology, terminologyText

PRESET_SCHEMA = "weakmedsam-class-preset"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClassPreset:
    """A named class table."""

    name: str
    classes: ClassTable


def readPreset(path: Path | str) -> ClassPreset:
    """Read a preset from a JSON file.

    Raises
    ------
    UserError
        ``bad_preset``, what `files.read_json` raises and what `ClassTable.from_json` raises.
    """
    data = require_object(read_json(path), str(path), ("schema", "version", "name", "classes"))
    if data.get("schema") != PRESET_SCHEMA or data.get("version") != 1:
        raise UserError("bad_preset", f"{path} is not a class preset of version 1.", "Update WeakMedSAM.")
    require_fit(data.get("name"), str, f"'name' of {path}")
    table = ClassTable.from_json(data.get("classes"))
    for entry in table:
        if entry.terminology and not isTerminology(entry.terminology):
            raise UserError("bad_preset", f"{path}: the terminology of '{entry.name}' is not in Slicer's form.")
    return ClassPreset(data["name"], table)


def presets(folder: Path | str | None = None) -> list[ClassPreset]:
    """Return the presets of a folder in the order of the file names; a bad file is logged and left out.

    Parameters
    ----------
    folder : path, optional
        ``Resources/ClassPresets`` if left out.
    """
    folder = Path(folder if folder is not None else resource("ClassPresets"))
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(readPreset(path))
        except UserError as error:
            _logger.warning("A class preset was left out: %s", error)
    return found


def withPreset(table: ClassTable, preset: ClassPreset, replaceAll: bool) -> ClassTable:
    """Return a class table with the classes of a preset.

    Parameters
    ----------
    table : ClassTable
        What there is.
    preset : ClassPreset
        Its classes keep their label values where these are free; those whose name is there already are left out.
    replaceAll : bool
        Whether the preset takes the place of the table.
    """
    entries: list[SegmentClass] = [] if replaceAll else list(table)
    for entry in preset.classes:
        known = ClassTable(entries)
        if entry.name not in known.names:
            entries.append(_fitIn(known, entry))
    return ClassTable(entries)


def terms(found: Iterable[ClassPreset]) -> dict[str, str]:
    """Return the terminology entries of presets: in words -> as Slicer stores them."""
    entries = [entry.terminology for preset in found for entry in preset.classes if entry.terminology]
    return {terminologyText(text): text for text in entries}


def _fitIn(table: ClassTable, entry: SegmentClass) -> SegmentClass:
    given: dict[str, Any] = {"name": entry.name, "terminology": entry.terminology, "known": entry.known}
    if entry.label_value not in table.label_values:
        given["labelValue"] = entry.label_value
    return newClass(table, **given)
