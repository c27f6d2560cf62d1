"""Labels as JSON; ``schemas/tags.schema.json`` describes the file.

Slice tags are fields of a volume, and a file with nothing else is what earlier versions read and wrote. What other
kinds say lies in the field ``labels`` of the volume, under the name of the kind. Painted pixels are text here; files
name another one that holds them (`painted_files` exchanges the two).
"""

from __future__ import annotations

from typing import Any

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.slice_tags import FIELDS
from WeakMedSAMLib.contract.labels.slice_tags import KIND as SLICE_TAGS
from WeakMedSAMLib.contract.labels.spans import count_tags, require_few
from WeakMedSAMLib.contract.labels.volume_labels import UnknownKind, VolumeLabels, label_kinds

LABELS_SCHEMA = "weakmedsam-tags"
# Version 1 did not say how slices are counted, version 2 knew of no labels within a slice, and nothing of classes.
LABELS_VERSION = 3
_KEYS = {
    "name": str,
    "sha256": str | None,
    "axis": str,
    "slices": int | None,
    "numbering": Numbering | None,
    "size": tuple[int, int, int] | None,
}
_FURTHER = "labels"


def labels_to_json(cohort: CohortLabels) -> dict[str, Any]:
    """Return the labels of a cohort as plain data."""
    return {
        "schema": LABELS_SCHEMA,
        "version": LABELS_VERSION,
        "classes": cohort.classes.to_json(),
        # The last key: whoever keeps the text of each volume puts the others before it.
        "volumes": [volume_to_json(volume) for volume in cohort.volumes],
    }


def volume_to_json(volume: VolumeLabels) -> dict[str, Any]:
    """Return the labels of one volume as plain data."""
    record: dict[str, Any] = {"name": volume.name, "axis": volume.axis, "numbering": volume.numbering}
    if volume.sha256 is not None:
        record["sha256"] = volume.sha256
    if volume.n_slices is not None:
        record["slices"] = volume.n_slices
    if volume.size is not None:
        record["size"] = list(volume.size)
    said = {kind.name: kind.to_json(volume) for kind in volume.kinds() if kind is SLICE_TAGS or kind.said(volume)}
    record |= said.pop(SLICE_TAGS.name)
    return {**record, _FURTHER: said} if said else record


def labels_from_json(data: Any) -> CohortLabels:
    """Make the labels of a cohort from plain data.

    A volume may come without ``sha256``, ``axis`` (then k), ``numbering`` (then not said), ``slices``,
    ``rest_is_absent`` (then false) and ``labels``. Labels of a kind that this version does not know are kept as they
    are; `checks.check` says so.

    Raises
    ------
    UserError
        ``bad_tags``, ``tags_too_new``, ``bad_field``, ``unknown_class``, ``tags_conflict``, ``tag_beyond_last_slice``,
        ``duplicate_volume`` and what `ClassTable` raises.
    """
    data = whole_numbers(data)
    _require_version(data)
    data = require_object(data, "the tag file", ("schema", "version", "classes", "volumes"))
    require_fit(data.get("volumes"), list[Any], "'volumes' of the tag file")
    classes = ClassTable.from_json(data.get("classes"))
    records = [_checked_record(entry, f"volume {number}") for number, entry in enumerate(data["volumes"])]
    require_few(sum(map(_claimed, records)))
    return CohortLabels(classes, map(_volume_from_json, records))


def whole_numbers(data: Any, depth: int = 10) -> Any:
    """Return the data with 4 for 4.0, as JavaScript and pandas write it; every number of a slice is a whole one.

    None of them lies deeper than `depth`. To other kinds of label the two are the same number.
    """
    if isinstance(data, float) and data.is_integer():
        return int(data)
    if depth and isinstance(data, dict):
        return {key: whole_numbers(value, depth - 1) for key, value in data.items()}
    return [whole_numbers(value, depth - 1) for value in data] if depth and isinstance(data, list) else data


def _checked_record(entry: Any, what: str) -> dict[str, Any]:
    """Return the record of a volume with every key, those that are left out with what they stand for."""
    entry = require_object(entry, what, (*_KEYS, *FIELDS, _FURTHER))
    require_fit(entry.get("name"), str, f"'name' of {what}")
    record = {"sha256": None, "axis": "k", "slices": None, "numbering": None, "size": None, _FURTHER: {}, **entry}
    for key, hint in {**_KEYS, _FURTHER: dict[str, Any]}.items():
        require_fit(record[key], hint, f"{key!r} of volume {record['name']!r}")
    if SLICE_TAGS.name in record[_FURTHER]:
        message = f"'labels' of volume {record['name']!r} has the key {SLICE_TAGS.name!r}."
        raise UserError("bad_field", message, f"Slice tags are in the keys {' and '.join(FIELDS)}.")
    return {**record, SLICE_TAGS.name: {key: entry[key] for key in FIELDS if key in entry}}


def _claimed(record: dict[str, Any]) -> int:
    spans, rest = SLICE_TAGS.spans_from_json(record[SLICE_TAGS.name], record["name"])
    confirmed = CONFIRMED.spans_from_json(record[_FURTHER].get(CONFIRMED.name, {}), record["name"])
    return count_tags(spans, record["slices"], rest) + count_tags(confirmed, record["slices"], {})


def _volume_from_json(record: dict[str, Any]) -> VolumeLabels:
    labels = VolumeLabels(record["name"], record["sha256"], record["axis"], numbering=record["numbering"])
    known = label_kinds()
    for name, data in {SLICE_TAGS.name: record[SLICE_TAGS.name], **record[_FURTHER]}.items():
        known.get(name, UnknownKind(name)).from_json(data, labels)
    size = None if record["size"] is None else tuple(record["size"])
    if size is not None:
        labels.require_size(size)
    slices = record["slices"] if size is None or record["slices"] is not None else size[labels.axis_index]
    return labels if slices is None else labels.settled(slices, size)


def _require_version(data: Any) -> None:
    if not isinstance(data, dict) or data.get("schema") != LABELS_SCHEMA:
        message = f"It is not a slice tag file (its 'schema' is not {LABELS_SCHEMA!r})."
        hint = f'A tag file starts with {{"schema": "{LABELS_SCHEMA}", "version": {LABELS_VERSION}}}.'
        raise UserError("bad_tags", message, hint)
    require_fit(data.get("version"), int, "'version' of the tag file")
    if data["version"] > LABELS_VERSION:
        message = f"The tags were written by a newer version ({data['version']}, known is {LABELS_VERSION})."
        hint, values = "Update WeakMedSAM, or export them as CSV.", {"version": data["version"]}
        raise UserError("tags_too_new", message, hint, values)
    if data["version"] < 1:
        raise UserError(
            "bad_tags", f"The version of the tag file is {data['version']}.", f"It is 1 to {LABELS_VERSION}."
        )
